/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tells when webhooks.db is not as it was saved: endpoints must not vanish or change without a word.
 * Each endpoint has a checksum of its rows; a row counts the saves and says whether the database is
 * open; the file webhooks-end notes the last synced save (end_note.h). docs/log.md has the formats.
 */
#ifndef WEBHOOKS_STORE_GUARD_H
#define WEBHOOKS_STORE_GUARD_H

#include "api/buffer.h"
#include "daemon/log/db.h"
#include "daemon/log/end_note.h"

#define STORE_GUARD_STATEMENTS 12
/* Of the tables that the guard needs. */
#define STORE_GUARD_SCHEMA                                                                         \
    "CREATE TABLE sum(endpoint TEXT PRIMARY KEY, bytes BLOB NOT NULL) WITHOUT ROWID;"              \
    "CREATE TABLE guard(one INTEGER PRIMARY KEY CHECK(one = 1), saves INTEGER NOT NULL,"           \
    " endpoints INTEGER NOT NULL, is_open INTEGER NOT NULL);"

struct store_guard {
    sqlite3 *db;
    sqlite3_stmt *statements[STORE_GUARD_STATEMENTS];
    int directory;
    struct end_file end_file;
    bool has_wal;    /* before SQLite opened the database */
    bool is_open;    /* marked open by this process */
    bool is_written; /* by this process: the -wal is part of the database now */
    struct buffer rows;
};

/* Before SQLite opens the database, and may remove its -wal. store_guard_close in any case. */
BS_MUST_USE int store_guard_inspect(struct store_guard *guard, const char *directory, char *error);
/* Within the transaction that makes the tables: a database has a guard or it has nothing. */
BS_MUST_USE int store_guard_create(struct store_guard *guard, sqlite3 *db, char *error);
/* When the tables are there. */
BS_MUST_USE int store_guard_check(struct store_guard *guard, sqlite3 *db, char *error);
/* Marks the database open, when nothing is left that could refuse it. */
BS_MUST_USE int store_guard_open(struct store_guard *guard, char *error);

/* Within a transaction that has changed the columns: all endpoints get their sums again. */
BS_MUST_USE int store_guard_put_all(struct store_guard *guard, char *error);
/* Within a transaction: the rows of the endpoint were written, or removed. */
BS_MUST_USE int store_guard_put(struct store_guard *guard, const char *id, char *error);
BS_MUST_USE int store_guard_remove(struct store_guard *guard, const char *id, char *error);
/* Last in a transaction. */
BS_MUST_USE int store_guard_count(struct store_guard *guard, char *error);
/* After a transaction that was synced. */
BS_MUST_USE int store_guard_note(struct store_guard *guard, char *error);

/* Closes the database, which may be NULL. If it was marked open, it is marked closed; else, and where
 * that fails, it is left as a crash would leave it. */
void store_guard_close(struct store_guard *guard, sqlite3 *db);

#endif
