/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading the SQLite log beside its writer, over read-only connections of the reader's own. A page
 * of rows is copied and the statement reset before any row is handed out: a slow caller keeps no
 * place in a -wal, so it holds up no checkpoint.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "daemon/log/batch_check.h"
#include "daemon/log/log_db.h"
#include "daemon/log/log_sqlite.h"

#define PAGE_ROWS_MAX 256
#define ACTION_QUERIES 16 /* one for each set of the filter's conditions */
#define SQL_SIZE 512

enum condition {
    CONDITION_POOL = 1,
    CONDITION_ACCOUNT = 2,
    CONDITION_TYPE = 4,
    CONDITION_SETTLEMENT = 8
};

/* An open file and the statements prepared on it so far. */
struct reader_file {
    uint32_t number; /* 0 = none */
    sqlite3 *db;
    sqlite3_stmt *actions[ACTION_QUERIES];
    sqlite3_stmt *settlements_of_pool;
    sqlite3_stmt *settlements;
    sqlite3_stmt *pool_start;
    sqlite3_stmt *batch;
};

struct page_row {
    struct log_action_row action;
    struct log_settlement_row settlement;
    uint8_t hash[LOG_HASH_SIZE];
    size_t offset; /* of the row's bytes in the page's */
};

struct sqlite_reader {
    struct log_reader base;
    struct log_sqlite *log;
    struct reader_file newest; /* the file written when it was opened */
    struct reader_file older;  /* any other one */
    uint32_t count;            /* rows of the page */
    struct page_row rows[PAGE_ROWS_MAX];
    struct buffer bytes;
};

static void close_file(struct reader_file *file)
{
    for (size_t i = 0; i < ACTION_QUERIES; i++) {
        (void)sqlite3_finalize(file->actions[i]);
    }
    (void)sqlite3_finalize(file->settlements_of_pool);
    (void)sqlite3_finalize(file->settlements);
    (void)sqlite3_finalize(file->pool_start);
    (void)sqlite3_finalize(file->batch);
    int code = sqlite3_close(file->db);
    assert(code == SQLITE_OK);
    memset(file, 0, sizeof(*file));
}

/* A file that cannot be read may have been cut in the meantime. One that is open stays readable. */
static bool is_cut(const struct sqlite_reader *reader, uint32_t number)
{
    return number < file_index_first(&reader->log->index);
}

static int open_file(struct sqlite_reader *reader, uint32_t number, struct reader_file **ret_file,
                     char *error)
{
    bool is_newest = number == file_index_last(&reader->log->index);
    struct reader_file *file = is_newest ? &reader->newest : &reader->older;
    *ret_file = file;
    if (file->number == number) {
        return 0;
    }
    close_file(file);
    int result = log_db_open_to_read(&file->db, &reader->log->place, number, error);
    file->number = result == 0 ? number : 0;
    return result;
}

/* Room for a row's bytes after those of the page; they move when the page grows. NULL: no memory. */
static char *add_bytes(struct sqlite_reader *reader, struct page_row *row, size_t size)
{
    row->offset = reader->bytes.size;
    if (!buffer_reserve(&reader->bytes, size)) {
        return NULL;
    }
    char *at = reader->bytes.bytes + row->offset;
    reader->bytes.size += size;
    return at;
}

static void copy(char **at, const void *bytes, size_t size)
{
    if (size > 0) {
        memcpy(*at, bytes, size);
    }
    *at += size;
}

static int damaged(const struct reader_file *file, const char *what, uint64_t ordinal, char *error)
{
    return log_error(error, -EBADMSG, "%s is damaged: %s %" PRIu64 " is not readable",
                     sqlite3_db_filename(file->db, "main"), what, ordinal);
}

/* ---- actions ---- */

static unsigned conditions_of(const struct log_filter *filter)
{
    return (filter->pool.size > 0 ? CONDITION_POOL : 0u) |
           (filter->account.size > 0 ? CONDITION_ACCOUNT : 0u) |
           (filter->type != UINT8_MAX ? CONDITION_TYPE : 0u) |
           (filter->settlement > 0 ? CONDITION_SETTLEMENT : 0u);
}

/* The index is named, most selective first: what is planned does not depend on statistics. */
static int prepare_actions(struct reader_file *file, unsigned conditions, char *error)
{
    const char *index = (conditions & CONDITION_ACCOUNT) != 0      ? "INDEXED BY action_account"
                        : (conditions & CONDITION_SETTLEMENT) != 0 ? "INDEXED BY action_settlement"
                        : (conditions & CONDITION_POOL) != 0       ? "INDEXED BY action_pool"
                        : (conditions & CONDITION_TYPE) != 0       ? "INDEXED BY action_type"
                                                                   : "NOT INDEXED";
    char sql[SQL_SIZE];
    int size = snprintf(
        sql, sizeof(sql),
        "SELECT ordinal, id, settlement, type, pool, account, hash, record FROM action %s"
        " WHERE ordinal > ?1 AND ordinal <= ?7%s%s%s%s ORDER BY ordinal LIMIT ?2",
        index, (conditions & CONDITION_POOL) != 0 ? " AND pool = ?3" : "",
        (conditions & CONDITION_ACCOUNT) != 0 ? " AND account = ?4" : "",
        (conditions & CONDITION_TYPE) != 0 ? " AND type = ?5" : "",
        (conditions & CONDITION_SETTLEMENT) != 0 ? " AND settlement = ?6 AND settlement > 0" : "");
    assert(size < SQL_SIZE);
    return db_prepare(&file->actions[conditions], file->db, sql, error);
}

static int read_action(struct sqlite_reader *reader, const struct reader_file *file,
                       sqlite3_stmt *statement, char *error)
{
    struct page_row *row = &reader->rows[reader->count];
    struct log_action_row *action = &row->action;
    action->ordinal = db_u64(statement, 0);
    action->id = db_u64(statement, 1);
    action->settlement = db_u64(statement, 2);
    action->type = (uint8_t)db_u64(statement, 3);
    action->pool = db_text(statement, 4);
    action->account = db_text(statement, 5);
    const void *record = sqlite3_column_blob(statement, 7);
    action->record_size = (uint32_t)sqlite3_column_bytes(statement, 7);
    if (!db_hash(statement, 6, row->hash) || action->record_size == 0 ||
        action->record_size > BS_ACTION_RECORD_SIZE_MAX) {
        return damaged(file, "action", action->ordinal, error);
    }
    char *at = add_bytes(reader, row,
                         (size_t)action->pool.size + action->account.size + action->record_size);
    if (at == NULL) {
        return log_error(error, -ENOMEM, "out of memory for a page of actions");
    }
    copy(&at, action->pool.bytes, action->pool.size);
    copy(&at, action->account.bytes, action->account.size);
    copy(&at, record, action->record_size);
    reader->count++;
    return 0;
}

/* Reads a page of actions of one file: at most filter->limit, which is at most PAGE_ROWS_MAX. */
static int read_actions(struct sqlite_reader *reader, uint32_t number,
                        const struct log_filter *filter, char *error)
{
    struct reader_file *file;
    unsigned conditions = conditions_of(filter);
    int result = open_file(reader, number, &file, error);
    if (result == 0 && file->actions[conditions] == NULL) {
        result = prepare_actions(file, conditions, error);
    }
    if (result != 0) {
        return result;
    }
    sqlite3_stmt *statement = file->actions[conditions];
    db_bind_u64(statement, 1, filter->after);
    db_bind_u64(statement, 2, filter->limit);
    db_bind_text(statement, 3, filter->pool);
    db_bind_text(statement, 4, filter->account);
    db_bind_u64(statement, 5, filter->type);
    db_bind_u64(statement, 6, filter->settlement);
    db_bind_u64(statement, 7, filter->last > 0 ? filter->last : INT64_MAX);
    reader->count = 0;
    buffer_clear(&reader->bytes);
    while ((result = db_step(statement, error)) == 1) {
        result = read_action(reader, file, statement, error);
        if (result != 0) {
            break;
        }
    }
    return db_end(statement, result);
}

/* Points the texts and records of the page at its bytes, which move no more. */
static const struct log_action_row *action_at(struct sqlite_reader *reader, uint32_t i)
{
    struct page_row *row = &reader->rows[i];
    const char *at = reader->bytes.bytes + row->offset;
    row->action.pool.bytes = at;
    row->action.account.bytes = at + row->action.pool.size;
    row->action.record = (const uint8_t *)at + row->action.pool.size + row->action.account.size;
    return &row->action;
}

static int on_actions(struct log_reader *base, const struct log_filter *filter, log_action_fn fn,
                      void *user, char *error)
{
    struct sqlite_reader *reader = (struct sqlite_reader *)base;
    struct file_index *index = &reader->log->index;
    uint32_t files = filter->last > 0 ? file_index_find(index, FILE_KEY_ORDINAL, filter->last - 1)
                                      : file_index_last(index);
    uint32_t number = file_index_find(index, FILE_KEY_ORDINAL, filter->after);
    struct log_filter page = *filter;
    uint32_t left = filter->limit;
    if (reader->log->place.read_only) { /* a daemon may go on writing */
        uint64_t end = reader->log->base.end.ordinal;
        page.last = page.last > 0 && page.last < end ? page.last : end;
        left = end > 0 ? left : 0;
    }
    while (left > 0 && number <= files) {
        page.limit = left < PAGE_ROWS_MAX ? left : PAGE_ROWS_MAX;
        int result = read_actions(reader, number, &page, error);
        if (result != 0 && is_cut(reader, number)) {
            number++;
            continue;
        }
        if (result != 0) {
            return result;
        }
        for (uint32_t i = 0; i < reader->count && left > 0; i++, left--) {
            page.after = reader->rows[i].action.ordinal;
            if (!fn(user, action_at(reader, i), reader->rows[i].hash)) {
                return 0;
            }
        }
        number += reader->count < page.limit;
    }
    return 0;
}

/* ---- settlements ---- */

#define SETTLEMENT_COLUMNS "SELECT ordinal, pool, number, record FROM settlement"

static int settlements_statement(struct reader_file *file, struct bs_text pool,
                                 sqlite3_stmt **ret_statement, char *error)
{
    sqlite3_stmt **statement = pool.size > 0 ? &file->settlements_of_pool : &file->settlements;
    int result = 0;
    if (*statement == NULL) {
        result = db_prepare(statement, file->db,
                            pool.size > 0 ? SETTLEMENT_COLUMNS
                                " WHERE pool = ?3 AND number > ?1 ORDER BY number, ordinal LIMIT ?2"
                                          : SETTLEMENT_COLUMNS
                                " WHERE ordinal > ?1 ORDER BY ordinal LIMIT ?2",
                            error);
    }
    *ret_statement = *statement;
    return result;
}

static int read_settlement(struct sqlite_reader *reader, const struct reader_file *file,
                           sqlite3_stmt *statement, char *error)
{
    struct page_row *row = &reader->rows[reader->count];
    struct log_settlement_row *settlement = &row->settlement;
    settlement->ordinal = db_u64(statement, 0);
    settlement->pool = db_text(statement, 1);
    settlement->number = db_u64(statement, 2);
    const void *record = sqlite3_column_blob(statement, 3);
    settlement->record_size = (uint32_t)sqlite3_column_bytes(statement, 3);
    if (settlement->record_size == 0 || settlement->record_size > BS_SETTLEMENT_RECORD_SIZE_MAX) {
        return damaged(file, "settlement", settlement->ordinal, error);
    }
    char *at = add_bytes(reader, row, (size_t)settlement->pool.size + settlement->record_size);
    if (at == NULL) {
        return log_error(error, -ENOMEM, "out of memory for a page of settlements");
    }
    copy(&at, settlement->pool.bytes, settlement->pool.size);
    copy(&at, record, settlement->record_size);
    reader->count++;
    return 0;
}

/* Reads a page of settlements of one file: at most filter->limit, which is at most PAGE_ROWS_MAX. */
static int read_settlements(struct sqlite_reader *reader, uint32_t number,
                            const struct log_settlement_filter *filter, char *error)
{
    struct reader_file *file;
    sqlite3_stmt *statement = NULL;
    int result = open_file(reader, number, &file, error);
    if (result == 0) {
        result = settlements_statement(file, filter->pool, &statement, error);
    }
    if (result != 0) {
        return result;
    }
    db_bind_u64(statement, 1, filter->after);
    db_bind_u64(statement, 2, filter->limit);
    if (filter->pool.size > 0) {
        db_bind_text(statement, 3, filter->pool);
    }
    reader->count = 0;
    buffer_clear(&reader->bytes);
    while ((result = db_step(statement, error)) == 1) {
        result = read_settlement(reader, file, statement, error);
        if (result != 0) {
            break;
        }
    }
    return db_end(statement, result);
}

/* The number of the pool's last settlement before a file; 0 when there was none. */
static int read_pool_start(struct sqlite_reader *reader, uint32_t number, struct bs_text pool,
                           uint64_t *ret_settlement, char *error)
{
    struct reader_file *file;
    int result = open_file(reader, number, &file, error);
    if (result == 0 && file->pool_start == NULL) {
        result = db_prepare(&file->pool_start, file->db,
                            "SELECT settlement FROM pool WHERE pool = ?1", error);
    }
    if (result != 0) {
        return result;
    }
    db_bind_text(file->pool_start, 1, pool);
    result = db_step(file->pool_start, error);
    *ret_settlement = result == 1 ? db_u64(file->pool_start, 0) : 0;
    return db_end(file->pool_start, result);
}

/* The last file that starts at or before a settlement of the pool. */
static int find_settlement(struct sqlite_reader *reader, struct bs_text pool, uint64_t after,
                           uint32_t *ret_number, char *error)
{
    uint32_t low = file_index_first(&reader->log->index);
    uint32_t high = file_index_last(&reader->log->index) + 1;
    while (high - low > 1) {
        uint32_t middle = low + (high - low) / 2;
        uint64_t before;
        int result = read_pool_start(reader, middle, pool, &before, error);
        if (result != 0 && is_cut(reader, middle)) {
            low = middle;
            continue;
        }
        if (result != 0) {
            return result;
        }
        if (before <= after) {
            low = middle;
        } else {
            high = middle;
        }
    }
    *ret_number = low;
    return 0;
}

static const struct log_settlement_row *settlement_at(struct sqlite_reader *reader, uint32_t i)
{
    struct page_row *row = &reader->rows[i];
    row->settlement.pool.bytes = reader->bytes.bytes + row->offset;
    row->settlement.record =
        (const uint8_t *)row->settlement.pool.bytes + row->settlement.pool.size;
    return &row->settlement;
}

static int on_settlements(struct log_reader *base, const struct log_settlement_filter *filter,
                          log_settlement_fn fn, void *user, char *error)
{
    struct sqlite_reader *reader = (struct sqlite_reader *)base;
    struct file_index *index = &reader->log->index;
    uint32_t files = file_index_last(index);
    uint32_t number = file_index_find(index, FILE_KEY_SETTLEMENT, filter->after);
    struct log_settlement_filter page = *filter;
    uint32_t left = filter->limit;
    if (page.pool.size > 0) {
        int result = find_settlement(reader, page.pool, page.after, &number, error);
        if (result != 0) {
            return result;
        }
    }
    while (left > 0 && number <= files) {
        page.limit = left < PAGE_ROWS_MAX ? left : PAGE_ROWS_MAX;
        int result = read_settlements(reader, number, &page, error);
        if (result != 0 && is_cut(reader, number)) {
            number++;
            continue;
        }
        if (result != 0) {
            return result;
        }
        for (uint32_t i = 0; i < reader->count && left > 0; i++, left--) {
            const struct log_settlement_row *row = settlement_at(reader, i);
            if (reader->log->place.read_only && row->ordinal > reader->log->base.end.settlement) {
                return 0; /* a daemon has gone on writing */
            }
            page.after = page.pool.size > 0 ? row->number : row->ordinal;
            if (!fn(user, row)) {
                return 0;
            }
        }
        number += reader->count < page.limit;
    }
    return 0;
}

/* ---- batches ---- */

/* Copies the first batch past a sequence; *ret_row stays empty when the file holds none. */
static int read_batch(struct sqlite_reader *reader, uint32_t number, uint64_t after,
                      struct batch_row *ret_row, char *error)
{
    struct reader_file *file;
    int result = open_file(reader, number, &file, error);
    if (result == 0 && file->batch == NULL) {
        result = db_prepare(&file->batch, file->db,
                            "SELECT first_seq, count, link, records FROM batch"
                            " WHERE first_seq > ?1 ORDER BY first_seq LIMIT 1",
                            error);
    }
    if (result != 0) {
        return result;
    }
    db_bind_u64(file->batch, 1, after);
    result = db_step(file->batch, error);
    if (result == 1) {
        const void *records = sqlite3_column_blob(file->batch, 3);
        ret_row->first_seq = db_u64(file->batch, 0);
        ret_row->count = (uint32_t)db_u64(file->batch, 1);
        ret_row->size = (size_t)sqlite3_column_bytes(file->batch, 3);
        buffer_clear(&reader->bytes);
        buffer_append(&reader->bytes, records, ret_row->size);
        if (!db_hash(file->batch, 2, reader->rows[0].hash)) {
            result = damaged(file, "the batch at", ret_row->first_seq, error);
        }
        ret_row->where = sqlite3_db_filename(file->db, "main");
        ret_row->link = reader->rows[0].hash;
        ret_row->records = (const uint8_t *)reader->bytes.bytes;
    }
    return db_end(file->batch, result);
}

static int on_next_batch(struct log_reader *base, struct batch_check *check, char *error)
{
    struct sqlite_reader *reader = (struct sqlite_reader *)base;
    struct file_index *index = &reader->log->index;
    struct batch_row row = {0};
    uint32_t number = file_index_find(index, FILE_KEY_SEQ, check->seq);
    int result = 0;
    for (; result == 0 && row.count == 0 && number <= file_index_last(index); number++) {
        result = read_batch(reader, number, check->seq, &row, error);
    }
    return result == 0 && row.count > 0 ? batch_check_row(check, &row, error) : result;
}

static void on_close(struct log_reader *base)
{
    struct sqlite_reader *reader = (struct sqlite_reader *)base;
    close_file(&reader->newest);
    close_file(&reader->older);
    buffer_fini(&reader->bytes);
    free(reader);
}

int log_sqlite_reader_open(struct log_reader **ret_reader, struct command_log *log, char *error)
{
    struct sqlite_reader *reader = calloc(1, sizeof(*reader));
    if (reader == NULL) {
        return log_error(error, -ENOMEM, "out of memory for a reader of the log");
    }
    reader->base.actions = on_actions;
    reader->base.settlements = on_settlements;
    reader->base.next_batch = on_next_batch;
    reader->base.close = on_close;
    reader->log = (struct log_sqlite *)log; /* base is its first member */
    *ret_reader = &reader->base;
    return 0;
}
