/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The course of a request. libmicrohttpd calls connection_on_request once when the head is there,
 * once for each piece of the body, once when the body is whole, and once after each suspension:
 *
 *     begin      guard, route, access, query; a refusal is answered here, before the body is read
 *     collect    the body, in one buffer of exactly Content-Length + API_BODY_PADDING bytes
 *     run        the route's begin: an answer, a stream, or a suspension; then its end
 *     send       the answer; its buffer is the connection's, so nothing is copied
 *
 * Then NOTIFY_COMPLETED makes the connection ready for its next request.
 */
#include "daemon/http/connection.h"

#include <stdio.h>
#include <stdlib.h>

#include "daemon/answer/answer.h"
#include "daemon/http/access_check.h"
#include "daemon/http/send.h"
#include "daemon/http/trail.h"
#include "daemon/http/unread.h"
#include "daemon/logger/logger.h"

#define MIB ((size_t)1 << 20)
#define BODIES_SIZE_MAX (512 * MIB) /* of all connections together; one alone is taken */
#define FULL_LOG_INTERVAL_MS 10000
#define KEPT_SIZE_MAX ((size_t)1 << 18) /* buffers up to this size serve the next request too */

#define REJECTIONS_KEPT_MAX 64

/*
 * The answer is given before the body is read, and the rest of the body must not be taken for the
 * next request. Without a body it is given at the next call, because the library closes every
 * connection that is answered at the first call.
 */
static enum MHD_Result refuse(struct connection *connection, enum bs_status status,
                              const char *detail)
{
    const struct guard *guard = &connection->guard;
    bool has_body = guard->length > 0 || status == BS_LENGTH_REQUIRED;
    connection->closes = has_body || guard->status != BS_OK;
    connection->lingers = has_body;
    connection->refused = true;
    answer_problem(&connection->request, status, detail);
    return connection->closes ? send_answer(connection) : MHD_YES;
}

static enum MHD_Result on_header(void *user, enum MHD_ValueKind kind, const char *name,
                                 size_t name_size, const char *value, size_t value_size)
{
    (void)kind;
    guard_header(user, (struct bs_text){name, (uint32_t)name_size},
                 (struct bs_text){value == NULL ? "" : value, (uint32_t)value_size});
    return MHD_YES;
}

static enum MHD_Result on_parameter(void *user, enum MHD_ValueKind kind, const char *key,
                                    size_t key_size, const char *value, size_t value_size)
{
    (void)kind;
    query_parameter(user, (struct bs_text){key, (uint32_t)key_size},
                    (struct bs_text){value == NULL ? "" : value, (uint32_t)value_size});
    return MHD_YES;
}

static enum bs_status read_query(struct connection *connection)
{
    const struct route *route = connection->route;
    struct read_query *query = &connection->query;
    query->limit = route->limit_max < 100 ? route->limit_max : 100;
    query->allowed = route->parameters;
    query->limit_max = route->limit_max;
    (void)snprintf(query->list, sizeof query->list, "%s", strrchr(route->pattern, '/') + 1);
    (void)MHD_get_connection_values_n(connection->mhd, MHD_GET_ARGUMENT_KIND, on_parameter, query);
    if (route->needs_side) {
        query_needs_side(query);
    }
    if (route->needs_pool) {
        query_needs_pool(query);
    }
    query_bind_cursor(query);
    return query->status;
}

static enum bs_status reserve_body(struct connection *connection, size_t size)
{
    struct http_server *server = connection->server;
    if (server->bodies_size > 0 && server->bodies_size + size > BODIES_SIZE_MAX) {
        return BS_OVERLOADED;
    }
    size_t needed = size + API_BODY_PADDING;
    if (connection->body_capacity < needed) {
        free(connection->body);
        connection->body = malloc(needed);
        connection->body_capacity = connection->body == NULL ? 0 : needed;
        if (connection->body == NULL) {
            return BS_OUT_OF_MEMORY;
        }
    }
    memset(connection->body + size, 0, API_BODY_PADDING);
    connection->body_promised = size;
    server->bodies_size += size;
    return BS_OK;
}

static void check_head(struct connection *connection, const char *method, const char *version)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection->mhd, MHD_CONNECTION_INFO_REQUEST_HEADER_SIZE);
    struct guard_line line = {.method = method, .version = version, .head_size = info->header_size};
    struct guard *guard = &connection->guard;
    if (connection->server->checks_layout) {
        guard_layout(guard, &line);
    }
    (void)MHD_get_connection_values_n(connection->mhd, MHD_HEADER_KIND, on_header, guard);
    guard_finish(guard, &line);
}

static enum MHD_Result begin(struct connection *connection, const char *method, const char *url,
                             const char *version)
{
    struct http_server *server = connection->server;
    struct guard *guard = &connection->guard;
    connection->begun = true;
    connection->is_head = strcmp(method, "HEAD") == 0;
    server->exchanges++;
    sweep_stage(&connection->sweep, STAGE_WORKING, 0);
    memset(&connection->query, 0, sizeof(connection->query)); /* padding, too: reads are compared */
    connection->query.type = UINT8_MAX;
    check_head(connection, method, version);
    if (guard->status == BS_OK) {
        enum bs_status status = route_find(connection, method, url);
        enum bs_status access = access_check_route(connection);
        if (access != BS_OK) { /* first: a refused caller does not learn what exists */
            connection->allow[0] = '\0';
            return refuse(connection, access, connection->access_detail);
        }
        if (status != BS_OK) {
            return refuse(connection, status, NULL);
        }
        guard_body(guard, connection->route->takes_body, server->options.body_size_max);
    }
    if (guard->status != BS_OK) {
        server->refusals++;
        return refuse(connection, guard->status, guard->detail);
    }
    if (read_query(connection) != BS_OK) {
        return refuse(connection, connection->query.status, connection->query.detail);
    }
    enum bs_status access = access_check_parameters(connection);
    if (access != BS_OK) {
        return refuse(connection, access, connection->access_detail);
    }
    if (guard->length == 0) {
        return MHD_YES;
    }
    enum bs_status room = reserve_body(connection, guard->length);
    if (room != BS_OK) {
        connection->retry_after_s = 1;
        return refuse(connection, room,
                      room == BS_OVERLOADED ? "too many bytes of request bodies are being received"
                                            : NULL);
    }
    int64_t timeout_ms = server->options.body_deadline_ms + (int64_t)(guard->length / MIB) * 1000;
    sweep_stage(&connection->sweep, STAGE_BODY, timeout_ms);
    return MHD_YES;
}

static enum MHD_Result collect(struct connection *connection, const char *upload, size_t *size)
{
    if (*size > connection->body_promised - connection->body_size) {
        return MHD_NO;
    }
    memcpy(connection->body + connection->body_size, upload, *size);
    connection->body_size += *size;
    *size = 0;
    return MHD_YES;
}

/* The request is back from the thread it was submitted to. */
static enum outcome end(struct connection *connection)
{
    if (connection->course == COURSE_NOT_TAKEN) {
        bool stopping = atomic_load(&connection->server->quiesced);
        connection->retry_after_s = 1;
        answer_problem(&connection->request, stopping ? BS_NOT_READY : BS_OVERLOADED, NULL);
    } else if (connection->request.asks != NULL && connection->request.status == 503) {
        connection->retry_after_s = 1;
    } else if (connection->route->end != NULL) {
        return connection->route->end(connection);
    }
    return OUTCOME_ANSWER;
}

static enum MHD_Result run(struct connection *connection)
{
    const struct http_options *options = &connection->server->options;
    sweep_stage(&connection->sweep, STAGE_WORKING, options->answer_deadline_ms);
    if (connection->refused) {
        return send_answer(connection);
    }
    if (trail_wants_path(connection) && !trail_asked(connection)) {
        answer_problem(&connection->request, BS_AUDIT_FAILED, NULL);
        return send_answer(connection);
    }
    bool is_back = connection->course != COURSE_BEGUN;
    switch (is_back ? end(connection) : connection->route->begin(connection)) {
    case OUTCOME_ANSWER:
        break;
    case OUTCOME_SUBMITTED:
    case OUTCOME_WAITS:
        return MHD_YES;
    case OUTCOME_STREAM:
        return connection->route->send(connection) ? MHD_YES : MHD_NO;
    }
    return send_answer(connection);
}

static struct connection *connection_of(struct MHD_Connection *mhd)
{
    return MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_SOCKET_CONTEXT)->socket_context;
}

void *connection_on_target(void *user, const char *target, struct MHD_Connection *mhd)
{
    (void)user;
    struct connection *connection = connection_of(mhd);
    if (connection != NULL) {
        guard_target(&connection->guard, target);
    }
    return NULL;
}

enum MHD_Result connection_on_request(void *user, struct MHD_Connection *mhd, const char *url,
                                      const char *method, const char *version, const char *upload,
                                      size_t *upload_size, void **exchange)
{
    (void)user;
    struct connection *connection = *exchange;
    if (connection == NULL) {
        connection = connection_of(mhd);
        if (connection == NULL) {
            return MHD_NO;
        }
        *exchange = connection;
        return begin(connection, method, url, version);
    }
    if (*upload_size > 0) {
        return collect(connection, upload, upload_size);
    }
    return run(connection);
}

void connection_resume(struct sweep_entry *entry)
{
    struct connection *connection = (struct connection *)entry;
    if (connection->stream != NULL) {
        connection->server->streams.waiting--;
    }
    MHD_resume_connection(connection->mhd);
}

bool connection_concerns(struct sweep_entry *entry)
{
    struct connection *connection = (struct connection *)entry;
    return connection->stream == NULL || connection->server->waits_ended ||
           stream_has_news(connection);
}

static void trim_buffer(struct buffer *buffer)
{
    if (buffer->capacity > KEPT_SIZE_MAX) {
        buffer_fini(buffer);
        *buffer = (struct buffer){0};
    }
    buffer_clear(buffer);
}

/* Ready for the next request; memory of usual sizes is kept. */
static void reset(struct connection *connection)
{
    struct request *request = &connection->request;
    stream_free(connection);
    unread_remove(connection);
    connection->server->bodies_size -= connection->body_promised;
    if (connection->body_capacity > KEPT_SIZE_MAX) {
        free(connection->body);
        connection->body = NULL;
        connection->body_capacity = 0;
    }
    trim_buffer(&request->body);
    api_batch_clear(&request->batch);
    if (request->batch.records.capacity > KEPT_SIZE_MAX ||
        request->batch.rejections_capacity > REJECTIONS_KEPT_MAX) {
        api_batch_fini(&request->batch);
        request->batch = (struct api_batch){0};
    }
    trim_buffer(&request->key_record);
    struct buffer body = request->body;
    struct api_batch batch = request->batch;
    struct buffer key_record = request->key_record;
    *request = (struct request){.body = body, .batch = batch, .key_record = key_record};
    (connection->free_job != NULL ? connection->free_job : free)(connection->job);
    connection->job = NULL;
    connection->free_job = NULL;
    connection->route = NULL;
    connection->guard = (struct guard){0};
    connection->allow[0] = '\0';
    connection->etag = NULL;
    connection->body_size = 0;
    connection->body_promised = 0;
    connection->begun = false;
    connection->refused = false;
    connection->retry_after_s = 0;
    connection->caller = (struct caller){0};
    connection->course = COURSE_BEGUN;
    connection->wait_until_ms = 0;
}

void connection_on_completed(void *user, struct MHD_Connection *mhd, void **exchange,
                             enum MHD_RequestTerminationCode code)
{
    (void)user;
    (void)mhd;
    (void)code;
    struct connection *connection = *exchange;
    if (connection == NULL) {
        return;
    }
    assert(connection->begun);
    *exchange = NULL;
    struct http_server *server = connection->server;
    trail_done(connection, false); /* unless it was sent */
    reset(connection);
    sweep_stage(&connection->sweep, STAGE_IDLE, 0);
    server->exchanges--;
}

/* Called when the handshake is over: a request begins, with its own deadlines. */
static int on_handshake(gnutls_session_t session, unsigned type, unsigned post, unsigned incoming,
                        const gnutls_datum_t *message)
{
    (void)type;
    (void)post;
    (void)message;
    struct connection *connection = gnutls_db_get_ptr(session);
    if (incoming != 0 && connection->sweep.stage == STAGE_HEAD) {
        sweep_idle(&connection->sweep);
        handshake_end(connection);
    }
    return 0;
}

static gnutls_session_t session_of(struct MHD_Connection *mhd)
{
    return MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_GNUTLS_SESSION)->tls_session;
}

/* The handshake has the deadline of a head: a client that does not begin it is not idle. */
static void begin_tls(struct connection *connection)
{
    struct http_server *server = connection->server;
    gnutls_session_t session = session_of(connection->mhd);
    tls_join(server->tls, NULL, session);
    connection->tls = server->tls;
    gnutls_db_set_ptr(session, connection); /* nothing else uses it: there is no session cache */
    gnutls_handshake_set_hook_function(session, GNUTLS_HANDSHAKE_FINISHED, GNUTLS_HOOK_POST,
                                       on_handshake);
    sweep_stage(&connection->sweep, STAGE_HEAD, server->options.header_deadline_ms);
    handshake_begin(connection);
}

/* Past the last few places somebody else has to go: there is always room for a health check. */
static void make_room(struct http_server *server, const struct connection *newcomer)
{
    int64_t now_ms = sweep_now_ms();
    if (!sweep_is_crowded(&server->sweep)) {
        return;
    }
    bool made = sweep_make_room(&server->sweep, &newcomer->sweep);
    server->turns_at_once = made ? 3 : 0;
    if (server->full_logged_ms == 0 || now_ms - server->full_logged_ms >= FULL_LOG_INTERVAL_MS) {
        server->full_logged_ms = now_ms;
        logger_write(LOGGER_WARN, "http", "connections are at their limit",
                     LOGGER_FIELDS(logger_uint("connections_max", server->options.connections_max),
                                   logger_string("closed", made ? "one without a key" : "none")));
    }
}

static struct connection *connection_new(struct http_server *server, struct MHD_Connection *mhd)
{
    struct connection *connection = calloc(1, sizeof *connection);
    if (connection == NULL) {
        logger_write(LOGGER_ERROR, "http", "no memory for a connection", NULL);
        return NULL;
    }
    connection->server = server;
    connection->mhd = mhd;
    int fd = MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd;
    sweep_add(&server->sweep, &connection->sweep, fd);
    make_room(server, connection);
    if (server->tls != NULL) {
        begin_tls(connection);
    }
    return connection;
}

void connection_on_notify(void *user, struct MHD_Connection *mhd, void **socket_context,
                          enum MHD_ConnectionNotificationCode code)
{
    if (code == MHD_CONNECTION_NOTIFY_STARTED) {
        *socket_context = connection_new(user, mhd);
        return;
    }
    struct connection *connection = *socket_context;
    if (connection == NULL) {
        return;
    }
    assert(!connection->begun);
    sweep_remove(&connection->server->sweep, &connection->sweep, connection->lingers);
    handshake_end(connection);
    tls_leave(connection->tls);
    api_batch_fini(&connection->request.batch);
    buffer_fini(&connection->request.body);
    buffer_fini(&connection->request.key_record);
    free(connection->body);
    free(connection);
    *socket_context = NULL;
}
