/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/http/pool_filter.h"

#include <stdlib.h>

#include "daemon/answer/answer.h"
#include "daemon/http/actions.h"
#include "daemon/http/submit.h"

static bool see_action(void *user, const struct log_action_row *row,
                       const uint8_t hash[LOG_HASH_SIZE])
{
    (void)row;
    (void)hash;
    *(bool *)user = true;
    return false;
}

static bool see_settlement(void *user, const struct log_settlement_row *row)
{
    (void)row;
    *(bool *)user = true;
    return false;
}

int pool_filter_look(struct log_read *read, struct log_reader *reader, struct bs_text pool,
                     char error[LOG_ERROR_SIZE])
{
    const struct log_filter actions = {.pool = pool, .type = UINT8_MAX, .limit = 1};
    const struct log_settlement_filter settlements = {.pool = pool, .limit = 1};
    bool is_seen = false;
    assert(pool.size > 0);
    int code = log_reader_actions(reader, &actions, see_action, &is_seen, error);
    if (code == 0 && !is_seen) {
        code = log_reader_settlements(reader, &settlements, see_settlement, &is_seen, error);
    }
    read->is_pool_unseen = code == 0 && !is_seen;
    return code;
}

static void run_look(struct log_read *read, struct log_reader *reader)
{
    const struct connection *connection = read->request->user;
    char error[LOG_ERROR_SIZE];
    int code = pool_filter_look(read, reader, query_name(&connection->query, NAME_POOL), error);
    if (code != 0) {
        actions_answer_unreadable(read->request, code, error);
    }
}

static bool take_look(struct connection *connection)
{
    return log_reads_submit(connection->server->log_reads, connection->job);
}

enum outcome pool_filter_begin(struct connection *connection)
{
    struct log_read *read = calloc(1, sizeof *read);
    free(connection->job);
    connection->job = read;
    if (read == NULL) {
        answer_problem(&connection->request, BS_OUT_OF_MEMORY, NULL);
        return OUTCOME_ANSWER;
    }
    *read = (struct log_read){.request = &connection->request, .run = run_look, .is_quick = true};
    return submit(connection, take_look);
}

static void on_core(struct request *request, struct core *core, struct bs_engine *engine)
{
    const struct connection *connection = request->user;
    (void)core;
    if (bs_pool_find(engine, query_name(&connection->query, NAME_POOL)) == 0) {
        answer_refused(request, BS_UNKNOWN_POOL, "pool");
    }
}

enum outcome pool_filter_end(struct connection *connection)
{
    struct log_read *read = connection->job;
    if (!read->is_run) {
        connection->retry_after_s = 1;
        answer_problem(&connection->request, BS_NOT_READY, NULL);
    } else if (read->is_pool_unseen) {
        read->is_pool_unseen = false;
        connection->request.query = on_core;
        connection->course = COURSE_BEGUN;
        return submit_to_core(connection);
    }
    return OUTCOME_ANSWER;
}
