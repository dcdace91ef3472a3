/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/webhooks/history.h"

#include "daemon/webhooks/rows.h"

enum statement { PUT_ATTEMPT, DELETE_ATTEMPTS, GET_ATTEMPTS };

static const char *const statements[HISTORY_STATEMENTS] = {
    [PUT_ATTEMPT] = "INSERT INTO attempt VALUES(?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11,?12,?13)",
    [DELETE_ATTEMPTS] = "DELETE FROM attempt WHERE endpoint = ?1 AND number <= ?2",
    [GET_ATTEMPTS] = "SELECT number, id, first, last, event, try, time_ms, duration_us, latency_ms,"
                     " status, next_ms, error FROM attempt WHERE endpoint = ?1 AND number > ?2"
                     " ORDER BY number",
};

int history_open(struct history *history, sqlite3 *db, uint32_t attempts_max,
                 char error[LOG_ERROR_SIZE])
{
    history->attempts_max = attempts_max;
    return rows_prepare(history->statements, db, statements, HISTORY_STATEMENTS, error);
}

void history_close(struct history *history)
{
    rows_finalize(history->statements, HISTORY_STATEMENTS);
}

static int delete_until(struct history *history, const char *id, uint64_t number, char *error)
{
    db_bind_u64(history->statements[DELETE_ATTEMPTS], 2, number);
    return rows_delete(history->statements[DELETE_ATTEMPTS], id, error);
}

static int put_attempt(struct history *history, const char *id, const struct attempt *attempt,
                       char *error)
{
    sqlite3_stmt *statement = history->statements[PUT_ATTEMPT];
    rows_bind_string(statement, 1, id);
    db_bind_u64(statement, 2, attempt->number);
    rows_bind_string(statement, 3, attempt->id);
    db_bind_u64(statement, 4, attempt->first);
    db_bind_u64(statement, 5, attempt->last);
    db_bind_u64(statement, 6, attempt->event);
    db_bind_u64(statement, 7, attempt->try_number);
    rows_bind_i64(statement, 8, attempt->time_ms);
    db_bind_u64(statement, 9, attempt->duration_us);
    rows_bind_i64(statement, 10, attempt->latency_ms);
    rows_bind_i64(statement, 11, attempt->status);
    rows_bind_i64(statement, 12, attempt->next_ms);
    rows_bind_string(statement, 13, attempt->error);
    return db_run(statement, error);
}

int history_save(struct history *history, const struct endpoint *endpoint,
                 char error[LOG_ERROR_SIZE])
{
    int code = 0;
    for (const struct attempt *attempt = endpoint->unsaved; code == 0 && attempt != NULL;
         attempt = attempt->next) {
        assert(attempt->number <= endpoint->attempts_count);
        code = put_attempt(history, endpoint->id, attempt, error);
    }
    if (code == 0 && endpoint->attempts_count > history->attempts_max) {
        code = delete_until(history, endpoint->id, endpoint->attempts_count - history->attempts_max,
                            error);
    }
    return code;
}

int history_remove(struct history *history, const char *id, char error[LOG_ERROR_SIZE])
{
    return delete_until(history, id, INT64_MAX, error);
}

int history_list(struct history *history, const char *id, uint64_t after,
                 const struct history_reader *reader, char error[LOG_ERROR_SIZE])
{
    sqlite3_stmt *statement = history->statements[GET_ATTEMPTS];
    int code;
    rows_bind_string(statement, 1, id);
    db_bind_u64(statement, 2, after);
    while ((code = db_step(statement, error)) == 1) {
        struct attempt attempt = {
            .number = db_u64(statement, 0),
            .first = db_u64(statement, 2),
            .last = db_u64(statement, 3),
            .event = (uint8_t)db_u64(statement, 4),
            .try_number = (uint32_t)db_u64(statement, 5),
            .time_ms = rows_i64(statement, 6),
            .duration_us = db_u64(statement, 7),
            .latency_ms = rows_i64(statement, 8),
            .status = (int)db_u64(statement, 9),
            .next_ms = rows_i64(statement, 10),
        };
        rows_copy(statement, 1, attempt.id, sizeof(attempt.id));
        rows_copy(statement, 11, attempt.error, sizeof(attempt.error));
        if (!reader->on_attempt(reader->user, &attempt)) {
            break;
        }
    }
    return db_end(statement, code);
}
