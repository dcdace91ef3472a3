/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/webhooks/store_guard.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/log/chain.h"
#include "daemon/log/wal_scan.h"
#include "daemon/logger/logger.h"
#include "daemon/webhooks/rows.h"

#define DB_NAME "webhooks.db"
#define WAL_NAME DB_NAME "-wal"
#define END_NAME "webhooks-end"
#define TABLES_COUNT 4
#define SQL_SIZE 80

enum statement {
    ROWS_OF_ENDPOINT,
    ROWS_OF_SECRETS,
    ROWS_OF_LANES,
    ROWS_OF_MESSAGES,
    PUT_SUM,
    GET_SUM,
    DELETE_SUM,
    GET_IDS,
    GET_GUARD,
    COUNT_SAVE,
    MARK_OPEN,
    MARK_CLOSED
};

static const char *const statements[STORE_GUARD_STATEMENTS] = {
    [ROWS_OF_ENDPOINT] = "SELECT * FROM endpoint WHERE id = ?1",
    [ROWS_OF_SECRETS] = "SELECT * FROM secret WHERE endpoint = ?1 ORDER BY place",
    [ROWS_OF_LANES] = "SELECT * FROM lane WHERE endpoint = ?1 ORDER BY kind",
    [ROWS_OF_MESSAGES] = "SELECT * FROM message WHERE endpoint = ?1 ORDER BY kind, place",
    [PUT_SUM] = "INSERT OR REPLACE INTO sum VALUES(?1, ?2)",
    [GET_SUM] = "SELECT bytes FROM sum WHERE endpoint = ?1",
    [DELETE_SUM] = "DELETE FROM sum WHERE endpoint = ?1",
    [GET_IDS] = "SELECT id FROM endpoint ORDER BY id",
    [GET_GUARD] = "SELECT saves, endpoints, is_open, (SELECT count(*) FROM endpoint) FROM guard",
    [COUNT_SAVE] = "UPDATE guard SET saves = saves + 1, endpoints = (SELECT count(*) FROM sum)",
    [MARK_OPEN] = "UPDATE guard SET saves = saves + 1, is_open = 1",
    [MARK_CLOSED] = "UPDATE guard SET saves = saves + 1, is_open = 0",
};

struct guard_row {
    uint64_t saves;
    uint32_t endpoints;
    bool is_open;
    uint32_t endpoints_found;
};

static int read_guard(struct store_guard *guard, struct guard_row *ret_row, char *error)
{
    sqlite3_stmt *statement = guard->statements[GET_GUARD];
    int code = db_step(statement, error);
    *ret_row = (struct guard_row){0};
    if (code == 1) {
        ret_row->saves = db_u64(statement, 0);
        ret_row->endpoints = (uint32_t)db_u64(statement, 1);
        ret_row->is_open = db_u64(statement, 2) != 0;
        ret_row->endpoints_found = (uint32_t)db_u64(statement, 3);
    } else if (code == 0) {
        code = log_error(error, -EBADMSG, DB_NAME " is damaged: its table guard is empty");
    }
    return db_end(statement, code);
}

/* ---- opening ---- */

static int check_sizes(struct store_guard *guard, uint64_t commits, char *error)
{
    const struct end_note *note = &guard->end_file.last;
    struct stat status;
    if (fstatat(guard->directory, DB_NAME, &status, 0) == 0 && status.st_size > 0) {
        return 0;
    }
    if (commits > 0) {
        return log_error(error, -EBADMSG,
                         DB_NAME " is missing or empty, but " WAL_NAME " holds %" PRIu64
                                 " commits: restore both from one copy",
                         commits);
    }
    return note->number == 0
               ? 0
               : log_error(error, -EBADMSG,
                           DB_NAME " is missing or empty, but " END_NAME " notes %" PRIu32
                                   " endpoints in it: restore it, with its -wal, from a copy. To "
                                   "begin without endpoints, remove " END_NAME,
                           note->number);
}

int store_guard_inspect(struct store_guard *guard, const char *directory, char *error)
{
    uint64_t commits = 0;
    *guard = (struct store_guard){.end_file.fd = -1};
    guard->directory = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (guard->directory < 0) {
        return log_error(error, -errno, "cannot open the directory %s: %s", directory,
                         strerror(errno));
    }
    int code = end_file_open(&guard->end_file, guard->directory, END_NAME, error);
    /* Most saves are not synced: after a loss of power any of them may be torn. */
    code = code == 0 ? wal_scan(guard->directory, WAL_NAME, false, &commits, error) : code;
    guard->has_wal = faccessat(guard->directory, WAL_NAME, F_OK, 0) == 0;
    return code == 0 ? check_sizes(guard, commits, error) : code;
}

static int check_pages(sqlite3 *db, char *error)
{
    sqlite3_stmt *statement = NULL;
    int code = db_prepare(&statement, db, "PRAGMA quick_check(1)", error);
    code = code == 0 ? db_step(statement, error) : code;
    if (code == 1) {
        struct bs_text found = db_text(statement, 0);
        code = bs_text_equal(found, (struct bs_text){"ok", 2})
                   ? 0
                   : log_error(error, -EBADMSG, DB_NAME " is damaged: %.*s; restore it from a copy",
                               (int)(found.size < 120 ? found.size : 120), found.bytes);
    }
    (void)sqlite3_finalize(statement);
    return code;
}

static int check_counts(struct store_guard *guard, char *error)
{
    const struct end_note *note = &guard->end_file.last;
    struct guard_row row;
    int code = read_guard(guard, &row, error);
    if (code != 0) {
        return code;
    }
    if (row.is_open && !guard->has_wal) {
        return log_error(error, -EBADMSG,
                         DB_NAME " is damaged: its -wal is missing, with what was saved since it "
                                 "was opened; restore both together");
    }
    if (note->seq > row.saves) {
        return log_error(error, -EBADMSG,
                         DB_NAME " ends at save %" PRIu64 " with %" PRIu32
                                 " endpoints, but " END_NAME " notes save %" PRIu64 " with %" PRIu32
                                 ": restore both, with " WAL_NAME ", from one copy. To go on with "
                                 "what is there, remove " END_NAME,
                         row.saves, row.endpoints_found, note->seq, note->number);
    }
    return row.endpoints == row.endpoints_found
               ? 0
               : log_error(error, -EBADMSG,
                           DB_NAME " is damaged: it holds %" PRIu32 " endpoints instead of %" PRIu32
                                   "; restore it from a copy",
                           row.endpoints_found, row.endpoints);
}

/* ---- sums ---- */

static void add_value(struct buffer *rows, sqlite3_stmt *statement, int column)
{
    struct bs_text bytes = {sqlite3_column_blob(statement, column),
                            (uint32_t)sqlite3_column_bytes(statement, column)};
    int type = sqlite3_column_type(statement, column);
    int64_t number = type == SQLITE_INTEGER ? rows_i64(statement, column) : (int64_t)bytes.size;
    buffer_append(rows, &type, sizeof(type));
    buffer_append(rows, &number, sizeof(number));
    if (type != SQLITE_INTEGER && bytes.size > 0) {
        buffer_append(rows, bytes.bytes, bytes.size);
    }
}

/* Over all values of the endpoint's rows, with their types and sizes. */
static int sum_of(struct store_guard *guard, const char *id, uint8_t ret_sum[LOG_HASH_SIZE],
                  char *error)
{
    static const uint8_t zeros[LOG_HASH_SIZE];
    buffer_clear(&guard->rows);
    for (uint32_t i = 0; i < TABLES_COUNT; i++) {
        sqlite3_stmt *statement = guard->statements[ROWS_OF_ENDPOINT + i];
        int code;
        rows_bind_string(statement, 1, id);
        buffer_append(&guard->rows, &i, sizeof(i));
        while ((code = db_step(statement, error)) == 1) {
            for (int column = 0; column < sqlite3_column_count(statement); column++) {
                add_value(&guard->rows, statement, column);
            }
        }
        code = db_end(statement, code);
        if (code != 0) {
            return code;
        }
    }
    int code = guard->rows.failed ? -ENOMEM
                                  : chain_link(ret_sum, zeros, guard->rows.bytes, guard->rows.size);
    return code == 0 ? 0 : log_error(error, code, "%s", chain_error_text(code));
}

static int check_sum(struct store_guard *guard, const char *id, char *error)
{
    sqlite3_stmt *statement = guard->statements[GET_SUM];
    uint8_t stored[LOG_HASH_SIZE];
    uint8_t found[LOG_HASH_SIZE];
    rows_bind_string(statement, 1, id);
    int code = db_step(statement, error);
    bool is_stored = code == 1 && db_hash(statement, 0, stored);
    code = db_end(statement, code);
    code = code == 0 ? sum_of(guard, id, found, error) : code;
    if (code == 0 && (!is_stored || memcmp(stored, found, LOG_HASH_SIZE) != 0)) {
        code = log_error(error, -EBADMSG,
                         DB_NAME " is damaged: the endpoint %.80s is not as it was saved; restore "
                                 "the file, with its -wal, from a copy",
                         id);
    }
    return code;
}

/* Calls it for every endpoint, until it fails. */
static int for_all(struct store_guard *guard,
                   int (*call)(struct store_guard *guard, const char *id, char *error), char *error)
{
    sqlite3_stmt *statement = guard->statements[GET_IDS];
    int code;
    while ((code = db_step(statement, error)) == 1) {
        char id[BS_ID_SIZE_MAX + 1];
        rows_copy(statement, 0, id, sizeof(id));
        code = call(guard, id, error);
        if (code != 0) {
            break;
        }
    }
    return db_end(statement, code);
}

int store_guard_create(struct store_guard *guard, sqlite3 *db, char *error)
{
    const struct end_note *note = &guard->end_file.last;
    char insert[SQL_SIZE];
    assert(sqlite3_get_autocommit(db) == 0);
    if (note->number > 0) {
        return log_error(error, -EBADMSG,
                         DB_NAME " holds no tables, but " END_NAME " notes %" PRIu32
                                 " endpoints in it: restore it, with its -wal, from a copy",
                         note->number);
    }
    (void)snprintf(insert, sizeof(insert), "INSERT INTO guard VALUES(1, %" PRIu64 ", 0, 0)",
                   note->seq);
    return db_exec(db, insert, error);
}

int store_guard_check(struct store_guard *guard, sqlite3 *db, char *error)
{
    guard->db = db;
    int code = check_pages(db, error);
    code = code == 0
               ? rows_prepare(guard->statements, db, statements, STORE_GUARD_STATEMENTS, error)
               : code;
    code = code == 0 ? check_counts(guard, error) : code;
    return code == 0 ? for_all(guard, check_sum, error) : code;
}

/* ---- open and closed ---- */

int store_guard_open(struct store_guard *guard, char *error)
{
    int code = db_exec(guard->db, "PRAGMA synchronous=FULL", error);
    guard->is_written = true;
    code = code == 0 ? db_run(guard->statements[MARK_OPEN], error) : code;
    if (code == 0 && sqlite3_wal_checkpoint_v2(guard->db, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL,
                                               NULL) != SQLITE_OK) {
        code = db_error(guard->db, error);
    }
    guard->is_open = code == 0;
    return code == 0 ? store_guard_note(guard, error) : code;
}

/* False: it could not, and the log says why. */
static bool mark_closed(struct store_guard *guard)
{
    char error[LOG_ERROR_SIZE];
    int code = db_exec(guard->db, "PRAGMA synchronous=FULL", error);
    code = code == 0 ? db_run(guard->statements[MARK_CLOSED], error) : code;
    code = code == 0 ? store_guard_note(guard, error) : code;
    if (code != 0) {
        logger_write(LOGGER_ERROR, "webhooks", DB_NAME " was not closed",
                     LOGGER_FIELDS(logger_string("error", error)));
    }
    return code == 0;
}

/*
 * As a crash would leave it. Opening has made an empty -wal where there was none: it would look as
 * if it had been there. One that was written to stays: the database is not whole without it.
 */
static void leave_as_it_is(struct store_guard *guard, sqlite3 *db)
{
    (void)sqlite3_db_config(db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
    (void)sqlite3_close(db);
    if (!guard->has_wal && !guard->is_written) {
        (void)unlinkat(guard->directory, WAL_NAME, 0);
    }
}

void store_guard_close(struct store_guard *guard, sqlite3 *db)
{
    bool is_closed = guard->is_open && mark_closed(guard);
    rows_finalize(guard->statements, STORE_GUARD_STATEMENTS);
    if (is_closed) {
        (void)sqlite3_close(db);
    } else if (db != NULL) {
        leave_as_it_is(guard, db);
    }
    end_file_close(&guard->end_file);
    if (guard->directory >= 0) {
        (void)close(guard->directory);
    }
    buffer_fini(&guard->rows);
    *guard = (struct store_guard){.directory = -1, .end_file.fd = -1};
}

/* ---- saving ---- */

int store_guard_put(struct store_guard *guard, const char *id, char *error)
{
    sqlite3_stmt *statement = guard->statements[PUT_SUM];
    uint8_t sum[LOG_HASH_SIZE];
    assert(sqlite3_get_autocommit(guard->db) == 0);
    int code = sum_of(guard, id, sum, error);
    if (code != 0) {
        return code;
    }
    rows_bind_string(statement, 1, id);
    db_bind_blob(statement, 2, sum, sizeof(sum));
    return db_run(statement, error);
}

int store_guard_put_all(struct store_guard *guard, char *error)
{
    return for_all(guard, store_guard_put, error);
}

int store_guard_remove(struct store_guard *guard, const char *id, char *error)
{
    assert(sqlite3_get_autocommit(guard->db) == 0);
    return rows_delete(guard->statements[DELETE_SUM], id, error);
}

int store_guard_count(struct store_guard *guard, char *error)
{
    assert(sqlite3_get_autocommit(guard->db) == 0);
    return db_run(guard->statements[COUNT_SAVE], error);
}

int store_guard_note(struct store_guard *guard, char *error)
{
    struct guard_row row;
    int code = read_guard(guard, &row, error);
    if (code != 0) {
        return code;
    }
    struct end_note note = {.seq = row.saves, .number = row.endpoints};
    return end_file_write(&guard->end_file, &note, error);
}
