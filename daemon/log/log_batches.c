/* SPDX-License-Identifier: Apache-2.0 */
/* Reading the batches of the SQLite log back, before the log thread runs, and what links them. */
#include <errno.h>
#include <inttypes.h>

#include "daemon/log/batch_check.h"
#include "daemon/log/log_db.h"
#include "daemon/log/log_sqlite.h"

/* The place before the batch that holds `after` + 1: where the check begins. */
static int begin_check(sqlite3 *db, uint64_t after, struct batch_check *check, char *error)
{
    sqlite3_stmt *statement;
    int result = db_prepare(
        &statement, db,
        "SELECT * FROM (SELECT first_seq + count - 1, link FROM batch WHERE first_seq <"
        " (SELECT first_seq FROM batch WHERE first_seq <= ?1 ORDER BY first_seq DESC LIMIT 1)"
        " ORDER BY first_seq DESC LIMIT 1)"
        " UNION ALL SELECT seq, link FROM edge WHERE name = 'start' ORDER BY 1 DESC LIMIT 1",
        error);
    if (result != 0) {
        return result;
    }
    db_bind_u64(statement, 1, after + 1);
    result = db_step(statement, error);
    if (result == 1) {
        check->seq = db_u64(statement, 0);
        result = db_hash(statement, 1, check->link)
                     ? 0
                     : log_error(error, -EBADMSG, "%s is damaged: a batch has no link",
                                 sqlite3_db_filename(db, "main"));
    }
    (void)sqlite3_finalize(statement);
    return result;
}

static int read_rows(sqlite3 *db, const char *name, struct batch_check *check, char *error)
{
    sqlite3_stmt *statement;
    int result = db_prepare(&statement, db,
                            "SELECT first_seq, count, link, records FROM batch"
                            " WHERE first_seq > ? ORDER BY first_seq",
                            error);
    if (result != 0) {
        return result;
    }
    db_bind_u64(statement, 1, check->seq);
    while (!check->stopped && (result = db_step(statement, error)) == 1) {
        uint8_t link[LOG_HASH_SIZE];
        struct batch_row row = {
            .where = name,
            .first_seq = db_u64(statement, 0),
            .count = (uint32_t)db_u64(statement, 1),
            .link = link,
            .records = sqlite3_column_blob(statement, 3),
            .size = (size_t)sqlite3_column_bytes(statement, 3),
        };
        result = db_hash(statement, 2, link)
                     ? batch_check_row(check, &row, error)
                     : log_error(error, -EBADMSG, "%s is damaged: a batch has no link", name);
        if (result != 0) {
            break;
        }
    }
    (void)sqlite3_finalize(statement);
    return result;
}

/* Beside a daemon: a batch at a time, so that no statement keeps a place in a -wal meanwhile. */
static int read_beside(struct log_sqlite *sqlite, uint64_t after, struct batch_check *check,
                       char *error)
{
    struct log_reader *reader;
    sqlite3 *db;
    uint32_t first = file_index_find(&sqlite->index, FILE_KEY_SEQ, after);
    int result = log_db_open_to_read(&db, &sqlite->place, first, error);
    if (result == 0) {
        result = begin_check(db, after, check, error);
        (void)sqlite3_close(db);
    }
    if (result == 0) {
        result = log_sqlite_reader_open(&reader, &sqlite->base, error);
    }
    if (result != 0) {
        return result;
    }
    uint64_t before;
    do {
        before = check->seq;
        result = before < sqlite->base.end.seq ? reader->next_batch(reader, check, error) : 0;
    } while (result == 0 && !check->stopped && check->seq > before);
    reader->close(reader);
    return result;
}

int log_sqlite_read_batches(struct command_log *log, uint64_t after, struct batch_check *check,
                            char *error)
{
    struct log_sqlite *sqlite = (struct log_sqlite *)log; /* base is its first member */
    if (sqlite->place.read_only) {
        return read_beside(sqlite, after, check, error);
    }
    uint32_t files = file_index_last(&sqlite->index);
    uint32_t first = file_index_find(&sqlite->index, FILE_KEY_SEQ, after);
    int result = 0;
    for (uint32_t number = first; number <= files && result == 0 && !check->stopped; number++) {
        char name[LOG_NAME_SIZE];
        log_place_name(number, "", name);
        sqlite3 *db;
        result = log_db_open_to_read(&db, &sqlite->place, number, error);
        if (result != 0) {
            return result;
        }
        if (number == first) {
            result = begin_check(db, after, check, error);
        }
        if (result == 0) {
            result = read_rows(db, name, check, error);
        }
        (void)sqlite3_close(db);
    }
    return result;
}

int log_sqlite_link(struct command_log *log, uint64_t seq, bool *ret_found,
                    uint8_t ret_link[LOG_HASH_SIZE], char *error)
{
    struct log_sqlite *sqlite = (struct log_sqlite *)log; /* base is its first member */
    uint32_t number = file_index_find(&sqlite->index, FILE_KEY_SEQ, seq);
    if (number == sqlite->file_number) {
        return log_file_link(sqlite->file, seq, ret_found, ret_link, error);
    }
    struct log_file *file;
    int result = log_file_open_beside(&file, &sqlite->place, number, error);
    if (result == 0) {
        result = log_file_link(file, seq, ret_found, ret_link, error);
        log_file_abandon(file);
    }
    return result;
}

int log_sqlite_chains(struct command_log *log, uint64_t ordinal, struct pool_chains *chains,
                      char *error)
{
    struct log_sqlite *sqlite = (struct log_sqlite *)log; /* base is its first member */
    struct log_file *file;
    uint32_t number = file_index_find(&sqlite->index, FILE_KEY_ORDINAL, ordinal);
    int result = log_file_open_beside(&file, &sqlite->place, number, error);
    if (result == 0) {
        result = log_file_chains_at(file, ordinal, chains, error);
        log_file_abandon(file);
    }
    return result;
}
