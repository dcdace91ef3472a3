/* SPDX-License-Identifier: Apache-2.0 */
/*
 * GET /v1/pools/{pool}/snapshot: everything of a pool at one sequence, line by line. The follower's
 * thread makes a copy of the second block, and the lines are made from it as the client takes them.
 * A copy is as large as the book, so there is one at a time.
 */
#include "daemon/http/pool_snapshot.h"

#include <inttypes.h>
#include <stdlib.h>

#include "api/action_cursor.h"
#include "api/json_state.h"
#include "daemon/answer/answer.h"
#include "daemon/follower/follower.h"
#include "daemon/http/handlers.h"
#include "daemon/http/pool_rows.h"
#include "daemon/http/send.h"
#include "daemon/log/identity.h"

#define BLOCK_SIZE ((size_t)64 << 10)
#define MS_PER_ACCOUNT 1 /* for a client to take it: about a megabyte a second */

struct pool_snapshot {
    struct http_server *server;
    struct view view;
    struct pool_rows rows; /* of the copy */
    uint32_t accounts_count;
    struct buffer text;
    size_t taken; /* of the text */
    bool has_ended;
};

static void snapshot_free(void *user)
{
    struct pool_snapshot *snapshot = user;
    assert(snapshot->server->has_snapshot);
    snapshot->server->has_snapshot = false;
    view_close(&snapshot->view);
    buffer_fini(&snapshot->text);
    free(snapshot);
}

/* On the follower's thread. Without a status there is a copy. */
static void on_follower(struct request *request, struct core *core, struct bs_engine *engine)
{
    struct connection *connection = request->user;
    struct pool_snapshot *snapshot = connection->job;
    struct bs_text name = query_name(&connection->query, NAME_PATH);
    char error[LOG_ERROR_SIZE];
    uint32_t pool = bs_pool_find(engine, name);
    (void)core;
    if (pool == 0) {
        answer_refused(request, BS_UNKNOWN_POOL, "pool");
        return;
    }
    (void)bs_account_after(engine, 0, name); /* brings the order up to date, and the copy's */
    struct view *view = &snapshot->view;
    if (follower_copy(connection->server->options.follower, view, error) != 0) {
        answer_problem(request, BS_INTERNAL, error);
        return;
    }
    snapshot->rows = pool_rows_begin(view->engine, pool);
    snapshot->accounts_count = bs_engine_usage(view->engine).accounts;
}

enum outcome pool_snapshot_begin(struct connection *connection)
{
    struct http_server *server = connection->server;
    if (server->has_snapshot) {
        connection->retry_after_s = 1;
        answer_problem(&connection->request, BS_OVERLOADED,
                       "another snapshot is on its way to a client: they go one at a time");
        return OUTCOME_ANSWER;
    }
    struct pool_snapshot *snapshot = calloc(1, sizeof *snapshot);
    if (snapshot == NULL) {
        answer_problem(&connection->request, BS_INTERNAL, NULL);
        return OUTCOME_ANSWER;
    }
    snapshot->server = server;
    server->has_snapshot = true;
    connection->job = snapshot;
    connection->free_job = snapshot_free;
    return read_from_follower(connection, on_follower);
}

/* The line that says which moment this is. */
static void put_head(struct pool_snapshot *snapshot)
{
    const struct bs_engine *engine = snapshot->view.engine;
    const char *log = log_reader_identity(snapshot->server->reader);
    struct buffer *out = &snapshot->text;
    buffer_printf(out, "{\"snapshot\":{\"log\":\"%s\",\"seq\":%" PRIu64 ",\"time\":", log,
                  bs_engine_seq(engine));
    api_time(out, bs_engine_time_ms(engine));
    buffer_text(out, ",\"cursor\":\"");
    api_cursor_print(out, log, bs_engine_actions(engine));
    buffer_text(out, "\"}}\n");
}

static void put_rows(struct pool_snapshot *snapshot, size_t size)
{
    buffer_clear(&snapshot->text);
    snapshot->taken = 0;
    while (snapshot->text.size < size && !snapshot->text.failed && !snapshot->has_ended) {
        if (!pool_rows_next(&snapshot->rows, &snapshot->text)) {
            buffer_printf(&snapshot->text, "{\"end\":{\"rows\":%" PRIu64 "}}\n",
                          snapshot->rows.count);
            snapshot->has_ended = true;
        }
    }
}

static ssize_t on_room(void *user, uint64_t position, char *room, size_t size)
{
    struct pool_snapshot *snapshot = user;
    (void)position;
    if (atomic_load(&snapshot->server->quiesced)) {
        return MHD_CONTENT_READER_END_WITH_ERROR;
    }
    if (snapshot->taken == snapshot->text.size && !snapshot->text.failed) {
        put_rows(snapshot, size);
    }
    if (snapshot->text.failed) { /* no memory */
        return MHD_CONTENT_READER_END_WITH_ERROR;
    }
    size_t left = snapshot->text.size - snapshot->taken;
    size_t count = left < size ? left : size;
    memcpy(room, snapshot->text.bytes + snapshot->taken, count);
    snapshot->taken += count;
    return count > 0 ? (ssize_t)count : MHD_CONTENT_READER_END_OF_STREAM;
}

enum outcome pool_snapshot_end(struct connection *connection)
{
    struct pool_snapshot *snapshot = connection->job;
    if (connection->request.status != 0) {
        return OUTCOME_ANSWER;
    }
    put_head(snapshot);
    return OUTCOME_STREAM;
}

bool pool_snapshot_send(struct connection *connection)
{
    struct pool_snapshot *snapshot = connection->job;
    int64_t timeout_ms = connection->server->options.answer_deadline_ms +
                         (int64_t)snapshot->accounts_count * MS_PER_ACCOUNT;
    connection->job = NULL; /* the response has it */
    connection->free_job = NULL;
    sweep_stage(&connection->sweep, STAGE_SENDING, timeout_ms);
    return send_chunked(connection, &(struct chunked){.content_type = "application/x-ndjson",
                                                      .block_size = BLOCK_SIZE,
                                                      .fill = on_room,
                                                      .release = snapshot_free,
                                                      .user = snapshot});
}
