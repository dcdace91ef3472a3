/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/log/db.h"

#include <errno.h>

#include "daemon/log/log.h"

#define BUSY_TIMEOUT_MS 2000

/* `system_code` is an errno, or 0 when the error is not the system's. */
static int code_of(int sqlite_code, int system_code)
{
    switch (sqlite_code & 0xff) {
    case SQLITE_FULL:
        return -ENOSPC;
    case SQLITE_NOMEM:
        return -ENOMEM;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
        return -EBADMSG;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return -EBUSY;
    case SQLITE_READONLY:
        return -EROFS;
    default:
        return system_code > 0 ? -system_code : -EIO;
    }
}

int db_error(sqlite3 *db, char *error)
{
    if (db == NULL) {
        return log_error(error, -ENOMEM, "out of memory opening a database");
    }
    int sqlite_code = sqlite3_extended_errcode(db);
    bool of_system =
        (sqlite_code & 0xff) == SQLITE_IOERR || (sqlite_code & 0xff) == SQLITE_CANTOPEN;
    int system_code = of_system ? sqlite3_system_errno(db) : 0;
    const char *path = sqlite3_db_filename(db, "main");
    return log_error(error, code_of(sqlite_code, system_code), "%s: %s%s%s (SQLite error %d)",
                     path == NULL ? "the log" : path, sqlite3_errmsg(db),
                     system_code > 0 ? ": " : "", system_code > 0 ? strerror(system_code) : "",
                     sqlite_code);
}

int db_open(sqlite3 **ret_db, const char *path, int flags, char *error)
{
    sqlite3 *db;
    int code =
        sqlite3_open_v2(path, &db, flags | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE, NULL);
    if (code != SQLITE_OK) {
        int result = db_error(db, error);
        (void)sqlite3_close(db);
        return result;
    }
    (void)sqlite3_busy_timeout(db, BUSY_TIMEOUT_MS);
    *ret_db = db;
    return 0;
}

int db_exec(sqlite3 *db, const char *sql, char *error)
{
    return sqlite3_exec(db, sql, NULL, NULL, NULL) == SQLITE_OK ? 0 : db_error(db, error);
}

int db_prepare(sqlite3_stmt **ret_statement, sqlite3 *db, const char *sql, char *error)
{
    return sqlite3_prepare_v3(db, sql, -1, SQLITE_PREPARE_PERSISTENT, ret_statement, NULL) ==
                   SQLITE_OK
               ? 0
               : db_error(db, error);
}

int db_step(sqlite3_stmt *statement, char *error)
{
    switch (sqlite3_step(statement)) {
    case SQLITE_ROW:
        return 1;
    case SQLITE_DONE:
        return 0;
    default:
        return db_error(sqlite3_db_handle(statement), error);
    }
}

int db_end(sqlite3_stmt *statement, int result)
{
    (void)sqlite3_reset(statement);
    return result < 0 ? result : 0;
}

int db_run(sqlite3_stmt *statement, char *error)
{
    return db_end(statement, db_step(statement, error));
}

/* The answer is a row; the change is committed, or fails, in the step after it. */
int db_set_wal(sqlite3 *db, char *error)
{
    sqlite3_stmt *statement;
    bool is_wal = false;
    int result = db_prepare(&statement, db, "PRAGMA journal_mode=WAL", error);
    if (result != 0) {
        return result;
    }
    while ((result = db_step(statement, error)) == 1) {
        is_wal = bs_text_equal(db_text(statement, 0), (struct bs_text){"wal", 3});
    }
    (void)sqlite3_finalize(statement);
    return result < 0 || is_wal
               ? result
               : log_error(error, -ENOTSUP, "%s: this filesystem does not take SQLite's WAL mode",
                           sqlite3_db_filename(db, "main"));
}

bool db_hash(sqlite3_stmt *statement, int column, uint8_t *ret_hash)
{
    const void *bytes = sqlite3_column_blob(statement, column);
    if (bytes == NULL || sqlite3_column_bytes(statement, column) != LOG_HASH_SIZE) {
        return false;
    }
    memcpy(ret_hash, bytes, LOG_HASH_SIZE);
    return true;
}
