/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/log/log_file.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "daemon/log/log_db.h"
#include "daemon/log/log_file_private.h"

#define APPLICATION_ID 0x42534c47 /* "BSLG" */
#define FORMAT_VERSION 2
#define SQL_SIZE 100

/* In a batch the link precedes the records, so it is read without their many pages. */
static const char schema[] =
    "CREATE TABLE edge(name TEXT PRIMARY KEY, seq INTEGER NOT NULL, ordinal INTEGER NOT NULL,"
    " settlement INTEGER NOT NULL, link BLOB NOT NULL) WITHOUT ROWID;"
    "CREATE TABLE pool(pool TEXT PRIMARY KEY, settlement INTEGER NOT NULL, hash BLOB NOT NULL)"
    " WITHOUT ROWID;"
    "CREATE TABLE batch(first_seq INTEGER PRIMARY KEY, count INTEGER NOT NULL, link BLOB NOT NULL,"
    " records BLOB NOT NULL);"
    "CREATE TABLE action(ordinal INTEGER PRIMARY KEY, id INTEGER NOT NULL,"
    " settlement INTEGER NOT NULL, type INTEGER NOT NULL, pool TEXT NOT NULL,"
    " account TEXT NOT NULL, hash BLOB NOT NULL, record BLOB NOT NULL);"
    "CREATE INDEX action_account ON action(account);"
    "CREATE INDEX action_settlement ON action(settlement, pool) WHERE settlement > 0;"
    "CREATE INDEX action_pool ON action(pool, ordinal, type);"
    "CREATE INDEX action_type ON action(type);"
    "CREATE TABLE settlement(ordinal INTEGER PRIMARY KEY, pool TEXT NOT NULL,"
    " number INTEGER NOT NULL, record BLOB NOT NULL);"
    "CREATE INDEX settlement_pool ON settlement(pool, number);"
    "CREATE TABLE digest(one INTEGER PRIMARY KEY CHECK(one = 1), seq INTEGER NOT NULL,"
    " word0 INTEGER NOT NULL, word1 INTEGER NOT NULL);";

/* Every commit is synced; checkpoints happen when this daemon says so, not inside a commit. */
static const char settings[] = "PRAGMA synchronous=FULL;"
                               "PRAGMA wal_autocheckpoint=0;"
                               "PRAGMA cache_spill=OFF;"
                               "PRAGMA temp_store=MEMORY;";

static int on_wal(void *user, sqlite3 *db, const char *name, int frames)
{
    (void)db;
    (void)name;
    struct log_file *file = user;
    file->wal_frames = (uint32_t)frames;
    return SQLITE_OK;
}

static int open_database(struct log_file **ret_file, const struct log_place *place, uint32_t number,
                         char *error)
{
    struct log_file *file = calloc(1, sizeof(*file));
    if (file == NULL) {
        return log_error(error, -ENOMEM, "out of memory opening a file of the log");
    }
    int result = log_db_open(&file->db, place, number, error);
    if (result == 0) {
        result = db_exec(file->db, settings, error);
    }
    if (result != 0) {
        log_file_abandon(file);
        return result;
    }
    (void)sqlite3_wal_hook(file->db, on_wal, file);
    *ret_file = file;
    return 0;
}

static int prepare(struct log_file *file, char *error)
{
    const struct {
        sqlite3_stmt **statement;
        const char *sql;
    } statements[] = {
        {&file->begin, "BEGIN IMMEDIATE"},
        {&file->put_batch, "INSERT INTO batch VALUES(?, ?, ?, ?)"},
        {&file->put_action, "INSERT INTO action VALUES(?, ?, ?, ?, ?, ?, ?, ?)"},
        {&file->put_settlement, "INSERT INTO settlement VALUES(?, ?, ?, ?)"},
        {&file->commit, "COMMIT"},
        {&file->page_count, "PRAGMA page_count"},
    };

    for (size_t i = 0; i < sizeof(statements) / sizeof(statements[0]); i++) {
        int result = db_prepare(statements[i].statement, file->db, statements[i].sql, error);
        if (result != 0) {
            return result;
        }
    }
    return 0;
}

void log_file_abandon(struct log_file *file)
{
    if (file != NULL) {
        if (file->db != NULL) {
            (void)sqlite3_db_config(file->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
        }
        log_file_close(file);
    }
}

void log_file_close(struct log_file *file)
{
    if (file == NULL) {
        return;
    }
    (void)sqlite3_finalize(file->begin);
    (void)sqlite3_finalize(file->put_batch);
    (void)sqlite3_finalize(file->put_action);
    (void)sqlite3_finalize(file->put_settlement);
    (void)sqlite3_finalize(file->commit);
    (void)sqlite3_finalize(file->page_count);
    int code = sqlite3_close(file->db);
    assert(code == SQLITE_OK); /* no statement is left open */
    free(file);
}

static int put_pools(struct log_file *file, const struct pool_chains *chains, char *error)
{
    sqlite3_stmt *statement;
    int result = db_prepare(&statement, file->db, "INSERT INTO pool VALUES(?, ?, ?)", error);
    if (result != 0) {
        return result;
    }
    for (uint32_t i = 0; i < chains->count && result == 0; i++) {
        const struct pool_chain *chain = &chains->items[i];
        db_bind_text(statement, 1, (struct bs_text){chain->name, chain->name_size});
        db_bind_u64(statement, 2, chain->settlement);
        db_bind_blob(statement, 3, chain->hash, LOG_HASH_SIZE);
        result = db_run(statement, error);
    }
    (void)sqlite3_finalize(statement);
    return result;
}

/* All in one commit: a file has a start or it has nothing. */
static int create_tables(struct log_file *file, const struct log_position *start,
                         const struct pool_chains *chains, char *error)
{
    char format[SQL_SIZE];
    (void)snprintf(format, sizeof(format), "PRAGMA application_id=%d;PRAGMA user_version=%d",
                   APPLICATION_ID, FORMAT_VERSION);
    int result = db_exec(file->db, "BEGIN IMMEDIATE", error);
    if (result == 0) {
        result = db_exec(file->db, format, error);
    }
    if (result == 0) {
        result = db_exec(file->db, schema, error);
    }
    if (result == 0) {
        result = log_file_put_edge(file, "start", start, error);
    }
    if (result == 0) {
        result = log_file_put_edge(file, "open", start, error);
    }
    if (result == 0) {
        result = put_pools(file, chains, error);
    }
    if (result == 0) {
        result = db_exec(file->db, "COMMIT", error);
    }
    return result;
}

int log_file_empty_wal(struct log_file *file, char *error)
{
    int code = sqlite3_wal_checkpoint_v2(file->db, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL);
    if (code != SQLITE_OK) {
        return db_error(file->db, error);
    }
    file->wal_frames = 0;
    return 0;
}

/* A new file is empty: it takes the page size with its first page. */
static int set_wal_mode(struct log_file *file, char *error)
{
    char page_size[SQL_SIZE];
    (void)snprintf(page_size, sizeof(page_size), "PRAGMA page_size=%d", LOG_PAGE_SIZE);
    int result = db_exec(file->db, page_size, error);
    return result == 0 ? db_set_wal(file->db, error) : result;
}

int log_file_create(struct log_file **ret_file, const struct log_place *place, uint32_t number,
                    const struct log_position *start, const struct pool_chains *chains, char *error)
{
    int result = log_place_create(place, number, error);
    if (result != 0) {
        return result;
    }
    struct log_file *file;
    result = open_database(&file, place, number, error);
    if (result != 0) {
        return result;
    }
    result = set_wal_mode(file, error);
    if (result == 0) {
        result = create_tables(file, start, chains, error);
    }
    if (result == 0) {
        result = log_file_empty_wal(file, error);
    }
    if (result == 0) {
        result = log_place_sync(place, error);
    }
    if (result == 0) {
        result = prepare(file, error);
    }
    if (result != 0) {
        log_file_abandon(file);
        return result;
    }
    *ret_file = file;
    return 0;
}

static int check_format(struct log_file *file, bool *ret_empty, char *error)
{
    uint64_t tables;
    uint64_t application;
    uint64_t version;
    int result = log_file_query_u64(file, "SELECT count(*) FROM sqlite_schema", &tables, error);
    if (result == 0) {
        result = log_file_query_u64(file, "PRAGMA application_id", &application, error);
    }
    if (result == 0) {
        result = log_file_query_u64(file, "PRAGMA user_version", &version, error);
    }
    if (result != 0) {
        return result;
    }
    *ret_empty = tables == 0;
    if (tables > 0 && application != APPLICATION_ID) {
        return log_error(error, -EBADMSG, "%s is not a file of this log",
                         sqlite3_db_filename(file->db, "main"));
    }
    if (tables > 0 && version != FORMAT_VERSION) {
        return log_error(error, -EBADMSG,
                         "%s has format version %" PRIu64 "; this backstopd reads version %d."
                         " Read it with the backstopd that wrote it, or start with an empty data"
                         " directory",
                         sqlite3_db_filename(file->db, "main"), version, FORMAT_VERSION);
    }
    return 0;
}

/* Its tables and indexes, by what made them: SQLite checks no more than that it can read them. */
static int check_schema(struct log_file *file, char *error)
{
    sqlite3_stmt *statement;
    bool is_found;
    int result = log_file_query(&statement, file,
                                "SELECT group_concat(sql || ';', '') FROM"
                                " (SELECT sql FROM sqlite_schema ORDER BY rowid)",
                                &is_found, error);
    if (is_found &&
        !bs_text_equal(db_text(statement, 0), (struct bs_text){schema, sizeof(schema) - 1})) {
        result = log_file_damaged(file, "its tables are not those of a log", error);
    }
    (void)sqlite3_finalize(statement);
    return result;
}

int log_file_open(struct log_file **ret_file, const struct log_place *place, uint32_t number,
                  char *error)
{
    *ret_file = NULL;
    if (log_place_size(place, number, "") == 0) {
        return 0; /* SQLite would remove its -wal */
    }
    struct log_file *file;
    bool had_wal = log_place_has(place, number, "-wal"); /* opening may make one */
    int result = open_database(&file, place, number, error);
    if (result != 0) {
        return result;
    }
    bool empty = false;
    result = check_format(file, &empty, error);
    if (result == 0 && !empty) {
        result = check_schema(file, error);
    }
    if (result == 0 && !empty && !had_wal) {
        result = log_file_check_closed(file, error);
    }
    if (result == 0 && !empty) {
        result = prepare(file, error);
    }
    if (result != 0 || empty) {
        log_file_abandon(file);
        file = NULL;
        if (!had_wal && !place->read_only) {
            log_place_remove_wal(place, number); /* else the next start would find one */
        }
    }
    *ret_file = file;
    return result;
}

int log_file_mark_open(struct log_file *file, char *error)
{
    struct log_position end;
    int result = log_file_end(file, &end, error);
    if (result == 0) {
        result = log_file_put_edge(file, "open", &end, error);
    }
    return result == 0 ? log_file_empty_wal(file, error) : result;
}

int log_file_mark_closed(struct log_file *file, char *error)
{
    return db_exec(file->db, "DELETE FROM edge WHERE name = 'open'", error);
}

int log_file_open_beside(struct log_file **ret_file, const struct log_place *place, uint32_t number,
                         char *error)
{
    return open_database(ret_file, place, number, error);
}

static int put_batch(struct log_file *file, const struct log_commit *commit, char *error)
{
    const struct log_batch *batch = commit->batch;
    if (batch->records_count == 0) {
        return 0;
    }
    db_bind_u64(file->put_batch, 1, batch->first_seq);
    db_bind_u64(file->put_batch, 2, batch->records_count);
    db_bind_blob(file->put_batch, 3, commit->end.link, LOG_HASH_SIZE);
    db_bind_blob(file->put_batch, 4, batch->records, batch->records_size);
    return db_run(file->put_batch, error);
}

static int put_actions(struct log_file *file, const struct log_commit *commit, char *error)
{
    sqlite3_stmt *statement = file->put_action;
    for (uint32_t i = 0; i < commit->batch->actions_count; i++) {
        const struct log_action_row *row = &commit->batch->actions[i];
        db_bind_u64(statement, 1, row->ordinal);
        db_bind_u64(statement, 2, row->id);
        db_bind_u64(statement, 3, row->settlement);
        db_bind_u64(statement, 4, row->type);
        db_bind_text(statement, 5, row->pool);
        db_bind_text(statement, 6, row->account);
        db_bind_blob(statement, 7, commit->hashes + (size_t)i * LOG_HASH_SIZE, LOG_HASH_SIZE);
        db_bind_blob(statement, 8, row->record, row->record_size);
        int result = db_run(statement, error);
        if (result != 0) {
            return result;
        }
    }
    return 0;
}

static int put_settlements(struct log_file *file, const struct log_commit *commit, char *error)
{
    uint64_t before = commit->end.settlement - commit->batch->settlements_count;
    for (uint32_t i = 0; i < commit->batch->settlements_count; i++) {
        const struct log_settlement_row *row = &commit->batch->settlements[i];
        db_bind_u64(file->put_settlement, 1, before + 1 + i);
        db_bind_text(file->put_settlement, 2, row->pool);
        db_bind_u64(file->put_settlement, 3, row->number);
        db_bind_blob(file->put_settlement, 4, row->record, row->record_size);
        int result = db_run(file->put_settlement, error);
        if (result != 0) {
            return result;
        }
    }
    return 0;
}

/* A failure may leave the transaction open: nothing is written to this file after it. */
int log_file_commit(struct log_file *file, const struct log_commit *commit, char *error)
{
    int result = db_run(file->begin, error);
    if (result == 0) {
        result = put_batch(file, commit, error);
    }
    if (result == 0) {
        result = put_actions(file, commit, error);
    }
    if (result == 0) {
        result = put_settlements(file, commit, error);
    }
    if (result == 0) {
        result = db_run(file->commit, error);
    }
    return result;
}

int log_file_size(struct log_file *file, uint64_t *ret_size, char *error)
{
    int result = db_step(file->page_count, error);
    if (result == 1) {
        *ret_size = db_u64(file->page_count, 0) * LOG_PAGE_SIZE;
    }
    return db_end(file->page_count, result);
}

uint64_t log_file_wal_size(const struct log_file *file)
{
    return (uint64_t)file->wal_frames * LOG_PAGE_SIZE;
}

int log_file_checkpoint(struct log_file *file, char *error)
{
    int code = sqlite3_wal_checkpoint_v2(file->db, NULL, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);
    return code == SQLITE_OK || (code & 0xff) == SQLITE_BUSY ? 0 : db_error(file->db, error);
}

/* Both or neither: a file with a `finish` row is not open. */
static int note_finish(struct log_file *file, char *error)
{
    struct log_position end;
    int result = log_file_end(file, &end, error);
    if (result == 0) {
        result = db_run(file->begin, error);
    }
    if (result == 0) {
        result = log_file_put_edge(file, "finish", &end, error);
    }
    if (result == 0) {
        result = log_file_mark_closed(file, error);
    }
    if (result == 0) {
        result = db_run(file->commit, error);
    }
    return result;
}

int log_file_finish(struct log_file *file, char *error)
{
    int result = note_finish(file, error);
    if (result != 0) {
        return result;
    }
    result = log_file_empty_wal(file, error);
    /* A reader that kept its place for all of the busy timeout keeps the -wal from shrinking. */
    return result == -EBUSY ? 0 : result;
}

/* SQLite removes both when the last connection, if it may write, closes. */
int log_file_tidy(const struct log_place *place, uint32_t number, char *error)
{
    if (!log_place_has(place, number, "-shm") && !log_place_has(place, number, "-wal")) {
        return 0;
    }
    struct log_file *file;
    int result = open_database(&file, place, number, error);
    if (result != 0) {
        return result;
    }
    uint64_t version;
    result = log_file_query_u64(file, "PRAGMA user_version", &version, error);
    log_file_close(file);
    return result;
}
