/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/http/access_check.h"

#include <stdio.h>
#include <strings.h>

#include "daemon/http/trail.h"
#include "daemon/logger/logger.h"

#define ROLES_ALL (ROLE_FEED | ROLE_OPS | ROLE_READ)
#define KEY_TEXT_SIZE_MAX 512

static uint8_t roles_of(const struct route *route)
{
    return route->roles == 0 ? ROLE_OPS : route->roles;
}

static enum bs_status refuse(struct connection *connection, enum bs_status status,
                             const char *detail)
{
    char peer[TRAIL_PEER_SIZE];
    trail_peer(connection, peer);
    (void)snprintf(connection->access_detail, sizeof(connection->access_detail), "%s", detail);
    logger_write(
        LOGGER_WARN, "access", "a request was refused",
        LOGGER_FIELDS(
            logger_string("code", bs_status_name(status)),
            logger_string("key", connection->caller.name), logger_string("peer", peer),
            logger_string("route", connection->route != NULL ? connection->route->pattern : "?")));
    if (status == BS_FORBIDDEN) {
        trail_refused(connection, status);
    }
    return status;
}

/* "Bearer KEY" -> KEY; empty if it has another form. */
static struct bs_text bearer_of(struct bs_text value)
{
    static const char scheme[] = "Bearer ";
    uint32_t size = sizeof(scheme) - 1;
    if (value.size <= size || strncasecmp(value.bytes, scheme, size) != 0) {
        return (struct bs_text){"", 0};
    }
    struct bs_text key = {value.bytes + size, value.size - size};
    while (key.size > 0 && key.bytes[0] == ' ') {
        key.bytes++;
        key.size--;
    }
    bool bad = key.size > KEY_TEXT_SIZE_MAX || memchr(key.bytes, ' ', key.size) != NULL;
    return bad ? (struct bs_text){"", 0} : key;
}

#define CERTIFICATE_CHECK_MS 60000 /* a connection may outlive the certificate it came with */

struct name_search {
    struct connection *connection;
    struct keys *keys;
};

static bool on_name(void *user, const char *name)
{
    const struct name_search *search = user;
    const struct access_key *key = keys_find_subject(search->keys, name);
    if (key != NULL) {
        memcpy(search->connection->certificate.name, key->line.name, sizeof(key->line.name));
    }
    return key != NULL;
}

/* By the current authorities and keys file, even if the connection is older than they are. */
static void check_certificate(struct connection *connection)
{
    struct http_server *server = connection->server;
    struct client_certificate *certificate = &connection->certificate;
    int64_t now_ms = sweep_now_ms();
    if (certificate->generation == server->generation &&
        now_ms - certificate->checked_ms < CERTIFICATE_CHECK_MS) {
        return;
    }
    gnutls_session_t session =
        MHD_get_connection_info(connection->mhd, MHD_CONNECTION_INFO_GNUTLS_SESSION)->tls_session;
    if (connection->tls != server->tls) {
        tls_join(server->tls, connection->tls, session);
        connection->tls = server->tls;
    }
    *certificate = (struct client_certificate){
        .peer = tls_check_peer(session), .generation = server->generation, .checked_ms = now_ms};
    if (certificate->peer == TLS_PEER_GOOD) {
        struct name_search search = {connection, server->keys};
        (void)tls_peer_names(session, on_name, &search);
    }
}

/* A client need not send one: without it a key is needed, as on every other connection. */
static enum bs_status identify_certificate(struct connection *connection,
                                           struct access_key **ret_key)
{
    const struct client_certificate *certificate = &connection->certificate;
    if (connection->tls == NULL || !connection->server->tls->asks_for_certificate) {
        return BS_KEY_REQUIRED;
    }
    check_certificate(connection);
    if (certificate->peer == TLS_PEER_NONE) {
        return BS_KEY_REQUIRED;
    }
    struct access_key *key = keys_find_name(connection->server->keys, certificate->name);
    if (certificate->peer == TLS_PEER_BAD || key == NULL) {
        return BS_CERTIFICATE_REFUSED;
    }
    *ret_key = key;
    return BS_OK;
}

static enum bs_status identify(struct connection *connection, struct access_key **ret_key)
{
    const struct guard *guard = &connection->guard;
    if (guard->authorizations == 0) {
        return identify_certificate(connection, ret_key);
    }
    struct bs_text text = bearer_of(guard->authorization);
    struct access_key *key = text.size > 0 ? keys_find(connection->server->keys, text) : NULL;
    if (key == NULL) {
        return BS_UNKNOWN_KEY;
    }
    *ret_key = key;
    return BS_OK;
}

static void take_caller(struct connection *connection, const struct access_key *key)
{
    struct caller *caller = &connection->caller;
    memcpy(caller->name, key->line.name, sizeof(caller->name));
    caller->roles = key->line.roles;
    caller->is_limited = key->requests.rate > 0 || key->items.rate > 0;
}

/* A debt of items holds back writes only: a feed that is too fast can still read its state. */
static enum bs_status charge_request(struct connection *connection, struct access_key *key)
{
    int64_t now_ms = sweep_now_ms();
    bool writes = connection->route != NULL && route_is_write(connection->route);
    bucket_fill(&key->requests, now_ms);
    bucket_fill(&key->items, now_ms);
    int64_t wait_ms = bucket_wait_ms(&key->requests);
    int64_t items_ms = writes ? bucket_wait_ms(&key->items) : 0;
    int64_t longest_ms = wait_ms > items_ms ? wait_ms : items_ms;
    if (longest_ms > 0) {
        char detail[sizeof(connection->access_detail)];
        connection->retry_after_s = (uint32_t)((longest_ms + 999) / 1000);
        (void)snprintf(detail, sizeof(detail), "the limit of %s, %u %s a second, is reached",
                       connection->caller.name,
                       items_ms > wait_ms ? key->items.rate : key->requests.rate,
                       items_ms > wait_ms ? "items" : "requests");
        return refuse(connection, BS_RATE_LIMITED, detail);
    }
    bucket_take(&key->requests, 1);
    return BS_OK;
}

enum bs_status access_check_route(struct connection *connection)
{
    struct caller *caller = &connection->caller;
    const struct route *route = connection->route;
    if (connection->server->keys == NULL) {
        caller->roles = ROLES_ALL;
        return BS_OK;
    }
    struct access_key *key = NULL;
    enum bs_status status = identify(connection, &key);
    if (status == BS_OK) {
        take_caller(connection, key);
    }
    if (route != NULL && (roles_of(route) & ROLE_ANYBODY) != 0) {
        return BS_OK; /* even with a wrong key: a health check needs none */
    }
    if (status != BS_OK) {
        return refuse(connection, status, bs_status_sentence(status));
    }
    status = charge_request(connection, key);
    if (status != BS_OK) {
        return status;
    }
    if (route != NULL && (roles_of(route) & caller->roles) == 0) {
        struct buffer names = {0};
        char detail[sizeof(connection->access_detail)];
        key_roles_print(&names, roles_of(route));
        (void)snprintf(detail, sizeof(detail), "%s lacks the role for this path: %s", caller->name,
                       buffer_string(&names));
        buffer_fini(&names);
        return refuse(connection, BS_FORBIDDEN, detail);
    }
    return BS_OK;
}

enum bs_status access_check_parameters(struct connection *connection)
{
    bool shows_figures = (connection->query.given & QUERY_VERBOSE) != 0;
    if (!shows_figures || (connection->caller.roles & ROLE_READ) != 0) {
        return BS_OK;
    }
    const char *name = connection->caller.name;
    char detail[sizeof(connection->access_detail)];
    (void)snprintf(detail, sizeof(detail), "verbose: %s%sthe role read is needed", name,
                   name[0] == '\0' ? "" : " lacks it: ");
    return refuse(connection, name[0] == '\0' ? BS_KEY_REQUIRED : BS_FORBIDDEN, detail);
}

/* The names of the types, as far as they fit. */
static void print_types(uint32_t types, char *text, size_t size)
{
    size_t used = 0;
    text[0] = '\0';
    for (unsigned type = 1; type < BS_COMMAND_COUNT && used < size; type++) {
        if ((types >> type & 1) != 0) {
            used += (size_t)snprintf(text + used, size - used, "%s%s", used == 0 ? "" : ", ",
                                     bs_command_type_name((uint8_t)type));
        }
    }
}

static enum bs_status check_items(struct connection *connection)
{
    const struct api_needs *needs = &connection->request.batch.needs;
    uint8_t roles = connection->caller.roles;
    bool lacks_ops = needs->ops != 0 && (roles & ROLE_OPS) == 0;
    bool lacks_feed = needs->feed != 0 && (roles & ROLE_FEED) == 0;
    if (!lacks_ops && !lacks_feed) {
        return BS_OK;
    }
    char types[100];
    char detail[sizeof(connection->access_detail)];
    print_types(lacks_ops ? needs->ops : needs->feed, types, sizeof(types));
    bool confirms = lacks_ops && (needs->ops >> BS_COMMAND_MARK & 1) != 0;
    (void)snprintf(detail, sizeof(detail), "%s lacks the role %s, which items need: %s%s",
                   connection->caller.name, lacks_ops ? "ops" : "feed", types,
                   confirms ? " (a mark with confirm)" : "");
    return refuse(connection, BS_FORBIDDEN, detail);
}

enum bs_status access_check_items(struct connection *connection)
{
    struct keys *keys = connection->server->keys;
    if (keys == NULL) {
        return BS_OK;
    }
    struct access_key *key = keys_find_name(keys, connection->caller.name);
    if (key == NULL) { /* removed while the body arrived */
        return refuse(connection, BS_UNKNOWN_KEY, bs_status_sentence(BS_UNKNOWN_KEY));
    }
    connection->caller.roles = key->line.roles;
    bucket_take(&key->items, connection->request.batch.items_count);
    return check_items(connection);
}

static enum MHD_Result add_rates(const struct access_key *key, struct MHD_Response *response)
{
    const struct {
        const char *name;
        const struct bucket *bucket;
    } rows[] = {{"requests", &key->requests}, {"items", &key->items}};

    char policy[96] = "";
    char state[96] = "";
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const struct bucket *bucket = rows[i].bucket;
        if (bucket->rate == 0) {
            continue;
        }
        size_t policy_size = strlen(policy);
        size_t state_size = strlen(state);
        const char *comma = policy_size == 0 ? "" : ", ";
        (void)snprintf(policy + policy_size, sizeof(policy) - policy_size, "%s\"%s\";q=%u;w=1",
                       comma, rows[i].name, bucket->rate);
        (void)snprintf(state + state_size, sizeof(state) - state_size, "%s\"%s\";r=%u;t=%lld",
                       comma, rows[i].name, bucket_left(bucket), (long long)bucket_full_s(bucket));
    }
    if (policy[0] == '\0') {
        return MHD_YES;
    }
    return MHD_add_response_header(response, "RateLimit-Policy", policy) &
           MHD_add_response_header(response, "RateLimit", state);
}

enum MHD_Result access_add_headers(struct connection *connection, struct MHD_Response *response)
{
    enum MHD_Result added = MHD_YES;
    struct keys *keys = connection->server->keys;
    if (connection->request.status == 401) {
        added &=
            MHD_add_response_header(response, "WWW-Authenticate",
                                    connection->guard.authorizations == 0
                                        ? "Bearer realm=\"backstop\""
                                        : "Bearer realm=\"backstop\", error=\"invalid_token\"");
    }
    if (connection->caller.is_limited && keys != NULL) {
        const struct access_key *key = keys_find_name(keys, connection->caller.name);
        added &= key == NULL ? MHD_YES : add_rates(key, response);
    }
    return added;
}
