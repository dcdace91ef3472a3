/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/webhooks/lane_store.h"

#include "daemon/webhooks/clock.h"
#include "daemon/webhooks/rows.h"

enum statement { PUT_LANE, PUT_MESSAGE, DELETE_LANES, DELETE_MESSAGES, GET_LANES, GET_MESSAGES };

static const char *const statements[LANE_STORE_STATEMENTS] = {
    [PUT_LANE] = "INSERT OR REPLACE INTO lane VALUES(?1,?2,?3,?4,?5,?6,?7)",
    [PUT_MESSAGE] = "INSERT INTO message VALUES(?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11,?12,?13,?14)",
    [DELETE_LANES] = "DELETE FROM lane WHERE endpoint = ?1",
    [DELETE_MESSAGES] = "DELETE FROM message WHERE endpoint = ?1",
    [GET_LANES] = "SELECT kind, is_open, start, position, until, previous FROM lane"
                  " WHERE endpoint = ?1 ORDER BY kind",
    [GET_MESSAGES] =
        "SELECT kind, first, last, previous, failures, due_ms, id, event, time_ms, body,"
        " spared, wait_ms FROM message WHERE endpoint = ?1 ORDER BY kind, place",
};

int lane_store_open(struct lane_store *store, sqlite3 *db, char error[LOG_ERROR_SIZE])
{
    return rows_prepare(store->statements, db, statements, LANE_STORE_STATEMENTS, error);
}

void lane_store_close(struct lane_store *store)
{
    rows_finalize(store->statements, LANE_STORE_STATEMENTS);
}

/* ---- saving ---- */

/* How long to wait still. */
static int64_t wait_of(int64_t due_ms)
{
    int64_t wait_ms = due_ms - clock_monotonic_ms();
    return due_ms == 0 || wait_ms < 0 ? 0 : wait_ms;
}

/* The wall clock tells how long the daemon was down. It may have jumped, so nothing waits for longer
 * than it had to when it was saved. */
static int64_t due_of(int64_t wall_ms, int64_t wait_ms)
{
    int64_t left_ms = wall_ms - clock_wall_ms();
    left_ms = left_ms < wait_ms ? left_ms : wait_ms;
    return wall_ms == 0 || left_ms <= 0 ? 0 : clock_monotonic_ms() + left_ms;
}

static int put_message(struct lane_store *store, const struct message *message, uint32_t place,
                       char *error)
{
    sqlite3_stmt *statement = store->statements[PUT_MESSAGE];
    bool is_of_log = message->first != 0;
    rows_bind_string(statement, 1, message->lane->endpoint->id);
    db_bind_u64(statement, 2, message->lane->kind);
    db_bind_u64(statement, 3, place);
    db_bind_u64(statement, 4, message->first);
    db_bind_u64(statement, 5, message->last);
    db_bind_u64(statement, 6, message->previous);
    db_bind_u64(statement, 7, message->failures);
    int64_t wait_ms = wait_of(message->due_ms);
    rows_bind_i64(statement, 8, message->due_ms == 0 ? 0 : clock_wall_ms() + wait_ms);
    rows_bind_string(statement, 9, message->id);
    db_bind_u64(statement, 10, message->event);
    rows_bind_i64(statement, 11, message->time_ms);
    db_bind_blob(statement, 12, message->body.bytes, is_of_log ? 0 : message->body.size);
    db_bind_u64(statement, 13, message->spared);
    rows_bind_i64(statement, 14, wait_ms);
    return db_run(statement, error);
}

static int put_lane(struct lane_store *store, const struct lane *lane, char *error)
{
    sqlite3_stmt *statement = store->statements[PUT_LANE];
    uint64_t position = 0;
    uint64_t previous = 0;
    lane_place(lane, &position, &previous);
    assert(previous <= position);
    assert(position <= lane->position);
    rows_bind_string(statement, 1, lane->endpoint->id);
    db_bind_u64(statement, 2, lane->kind);
    db_bind_u64(statement, 3, lane->is_open);
    db_bind_u64(statement, 4, lane->start);
    db_bind_u64(statement, 5, position);
    db_bind_u64(statement, 6, lane->until);
    db_bind_u64(statement, 7, previous);
    int code = db_run(statement, error);
    uint32_t place = 0;
    for (const struct message *message = lane->first; code == 0 && message != NULL;
         message = message->next) {
        bool is_kept = lane->kind == LANE_OTHER
                           ? message->job == NULL && message->event != API_EVENT_TEST
                           : lane_saves(lane, message);
        if (is_kept) {
            code = put_message(store, message, place++, error);
        }
    }
    return code;
}

int lane_store_save(struct lane_store *store, const struct endpoint *endpoint,
                    char error[LOG_ERROR_SIZE])
{
    int code = rows_delete(store->statements[DELETE_MESSAGES], endpoint->id, error);
    for (uint32_t kind = 0; code == 0 && kind < LANE_COUNT; kind++) {
        code = put_lane(store, &endpoint->lanes[kind], error);
    }
    return code;
}

int lane_store_remove(struct lane_store *store, const char *id, char error[LOG_ERROR_SIZE])
{
    int code = rows_delete(store->statements[DELETE_LANES], id, error);
    return code == 0 ? rows_delete(store->statements[DELETE_MESSAGES], id, error) : code;
}

/* ---- loading ---- */

int lane_store_load(struct lane_store *store, struct endpoint *endpoint, char error[LOG_ERROR_SIZE])
{
    sqlite3_stmt *statement = store->statements[GET_LANES];
    int code;
    rows_bind_string(statement, 1, endpoint->id);
    while ((code = db_step(statement, error)) == 1) {
        uint64_t kind = db_u64(statement, 0);
        if (kind >= LANE_COUNT) {
            continue;
        }
        struct lane *lane = &endpoint->lanes[kind];
        lane->is_open = db_u64(statement, 1) != 0;
        lane->start = db_u64(statement, 2);
        lane->position = db_u64(statement, 3);
        lane->until = db_u64(statement, 4);
        lane->previous = db_u64(statement, 5);
    }
    return db_end(statement, code);
}

int lane_store_load_messages(struct lane_store *store, struct endpoint *endpoint,
                             lane_store_message_fn fn, char error[LOG_ERROR_SIZE])
{
    sqlite3_stmt *statement = store->statements[GET_MESSAGES];
    int code;
    rows_bind_string(statement, 1, endpoint->id);
    while ((code = db_step(statement, error)) == 1) {
        enum lane_kind kind = (enum lane_kind)db_u64(statement, 0);
        const void *body = sqlite3_column_blob(statement, 9);
        struct message message = {
            .first = db_u64(statement, 1),
            .last = db_u64(statement, 2),
            .previous = db_u64(statement, 3),
            .failures = (uint32_t)db_u64(statement, 4),
            .due_ms = due_of(rows_i64(statement, 5), rows_i64(statement, 11)),
            .event = (uint8_t)db_u64(statement, 7),
            .time_ms = rows_i64(statement, 8),
            .spared = (uint32_t)db_u64(statement, 10),
        };
        rows_copy(statement, 6, message.id, sizeof(message.id));
        if (body != NULL) {
            buffer_append(&message.body, body, (size_t)sqlite3_column_bytes(statement, 9));
        }
        code = kind < LANE_COUNT ? fn(endpoint, kind, &message, error) : 0;
        buffer_fini(&message.body);
        if (code != 0) {
            break;
        }
    }
    return db_end(statement, code);
}
