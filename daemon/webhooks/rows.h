/* SPDX-License-Identifier: Apache-2.0 */
/* Statements of webhooks.db, and values that its rows hold. */
#ifndef WEBHOOKS_ROWS_H
#define WEBHOOKS_ROWS_H

#include "daemon/log/db.h"
#include "daemon/log/log.h"

/* Zeroed before; rows_finalize in any case. */
BS_MUST_USE static inline int rows_prepare(sqlite3_stmt **statements, sqlite3 *db,
                                           const char *const *sql, uint32_t count, char *error)
{
    int code = 0;
    for (uint32_t i = 0; code == 0 && i < count; i++) {
        assert(statements[i] == NULL);
        code = db_prepare(&statements[i], db, sql[i], error);
    }
    return code;
}

static inline void rows_finalize(sqlite3_stmt **statements, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        (void)sqlite3_finalize(statements[i]);
        statements[i] = NULL;
    }
}

/* The text must live until the statement is bound again or finalized. */
static inline void rows_bind_string(sqlite3_stmt *statement, int index, const char *text)
{
    db_bind_text(statement, index, (struct bs_text){text, (uint32_t)strlen(text)});
}

static inline void rows_bind_i64(sqlite3_stmt *statement, int index, int64_t value)
{
    (void)sqlite3_bind_int64(statement, index, value);
}

static inline int64_t rows_i64(sqlite3_stmt *statement, int column)
{
    return sqlite3_column_int64(statement, column);
}

/* Cuts what does not fit. */
static inline void rows_copy(sqlite3_stmt *statement, int column, char *target, size_t capacity)
{
    struct bs_text text = db_text(statement, column);
    size_t size = text.size < capacity ? text.size : capacity - 1;
    assert(capacity > 0);
    if (size > 0) {
        memcpy(target, text.bytes, size);
    }
    target[size] = '\0';
}

/* Runs a deletion whose first parameter is the endpoint's id. */
BS_MUST_USE static inline int rows_delete(sqlite3_stmt *statement, const char *id, char *error)
{
    rows_bind_string(statement, 1, id);
    return db_run(statement, error);
}

#endif
