/* SPDX-License-Identifier: Apache-2.0 */
/* SQLite with this daemon's errors: 0 or a negative errno-like code and a message. */
#ifndef DB_H
#define DB_H

#include <sqlite3.h>

#include "lib/base/base.h"

/* Opens for one thread at a time, with extended error codes and a busy timeout. */
BS_MUST_USE int db_open(sqlite3 **ret_db, const char *path, int flags, char *error);
BS_MUST_USE int db_exec(sqlite3 *db, const char *sql, char *error);
BS_MUST_USE int db_prepare(sqlite3_stmt **ret_statement, sqlite3 *db, const char *sql, char *error);
/* The next row: 1, 0 when there is none, or the error. */
BS_MUST_USE int db_step(sqlite3_stmt *statement, char *error);
/* Runs a statement that gives no rows, and resets it. */
BS_MUST_USE int db_run(sqlite3_stmt *statement, char *error);
/* Resets it after the last step that is wanted: 0, or the error that a step gave. */
BS_MUST_USE int db_end(sqlite3_stmt *statement, int result);
/*
 * Puts the file into WAL mode, which a later connection finds there. It is an error if SQLite keeps
 * another mode, and if the change could not be written: SQLite then answers "wal" first.
 */
BS_MUST_USE int db_set_wal(sqlite3 *db, char *error);
/* The code and message of the error that `db` just gave. */
int db_error(sqlite3 *db, char *error);

static inline void db_bind_u64(sqlite3_stmt *statement, int index, uint64_t value)
{
    (void)sqlite3_bind_int64(statement, index, (sqlite3_int64)value);
}

/* The bytes must live until the statement is bound again or finalized. */
static inline void db_bind_text(sqlite3_stmt *statement, int index, struct bs_text text)
{
    (void)sqlite3_bind_text(statement, index, text.size == 0 ? "" : text.bytes, (int)text.size,
                            SQLITE_STATIC);
}

static inline void db_bind_blob(sqlite3_stmt *statement, int index, const void *bytes, size_t size)
{
    (void)sqlite3_bind_blob64(statement, index, bytes, size, SQLITE_STATIC);
}

static inline uint64_t db_u64(sqlite3_stmt *statement, int column)
{
    return (uint64_t)sqlite3_column_int64(statement, column);
}

static inline struct bs_text db_text(sqlite3_stmt *statement, int column)
{
    const void *bytes = sqlite3_column_text(statement, column);
    return (struct bs_text){bytes, (uint32_t)sqlite3_column_bytes(statement, column)};
}

/* Copies a hash; false when the column does not hold one. */
BS_MUST_USE bool db_hash(sqlite3_stmt *statement, int column, uint8_t *ret_hash);

#endif
