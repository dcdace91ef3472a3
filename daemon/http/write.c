/* SPDX-License-Identifier: Apache-2.0 */
/* Writes: the body becomes command records here, the core makes them durable and steps them. */
#include "daemon/answer/answer.h"
#include "daemon/http/access_check.h"
#include "daemon/http/handlers.h"
#include "daemon/http/idempotency.h"
#include "daemon/http/submit.h"
#include "daemon/http/trail.h"

#define ITEMS_KEPT_SIZE_MAX ((size_t)1 << 18) /* of a body; the memory of more items is freed */

#define STATUS_DISK_LOW 507 /* an answer as a whole has this status for no other reason */
#define DISK_LOW_RETRY_S 5
#define STATUS_OUT_OF_MEMORY 503 /* likewise */

/* Makes the command that the path alone describes: settle, resume, the deletes. */
static void add_named(struct connection *connection)
{
    struct bs_command command = {.type = connection->route->command};
    command.as.name.name = query_name(&connection->query, NAME_PATH);
    api_batch_add(&connection->request.batch, &command);
}

/* False: the answer is there, and nothing of the body is applied. */
static bool read_body(struct connection *connection)
{
    const struct route *route = connection->route;
    struct request *request = &connection->request;
    if (connection->body_size == 0 && route->body_optional) {
        add_named(connection);
        return true;
    }
    const struct api_route meaning = {.type = route->command,
                                      .path_name = query_name(&connection->query, NAME_PATH),
                                      .path_number = connection->path_number};
    struct api_error error;
    bool good = api_parse(&request->batch, &meaning, connection->body, connection->body_size,
                          connection->guard.media == MEDIA_NDJSON, &error);
    if (!good) {
        answer_problem(request, error.status, error.detail);
    }
    return good;
}

static bool check_access(struct connection *connection)
{
    enum bs_status status = access_check_items(connection);
    if (status != BS_OK) {
        answer_problem(&connection->request, status, connection->access_detail);
        return false;
    }
    if (connection->request.batch.needs.ops != 0 && !trail_asked(connection)) {
        answer_problem(&connection->request, BS_AUDIT_FAILED, NULL);
        return false;
    }
    return true;
}

enum outcome write_begin(struct connection *connection)
{
    bool good = read_body(connection) && check_access(connection) && idempotency_begin(connection);
    return good ? submit_to_core(connection) : OUTCOME_ANSWER;
}

/* Once the answer is made, its items need not be kept while the client reads it. */
static void drop_items(struct connection *connection)
{
    if (connection->body_capacity > ITEMS_KEPT_SIZE_MAX) {
        api_batch_trim(&connection->request.batch);
    }
}

enum outcome write_end(struct connection *connection)
{
    drop_items(connection);
    bool is_short = connection->request.status == STATUS_OUT_OF_MEMORY;
    if (connection->request.repeat == REPEAT_TOO_EARLY || is_short) {
        connection->retry_after_s = 1;
    }
    if (connection->request.status == STATUS_DISK_LOW) {
        connection->retry_after_s = DISK_LOW_RETRY_S;
    }
    return OUTCOME_ANSWER;
}
