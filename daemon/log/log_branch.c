/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/log/log_branch.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#include "daemon/log/begin_note.h"
#include "daemon/log/log_db.h"

#define STATEMENT_SIZE 160

struct branching {
    const struct log_branch *branch;
    struct log_place place;
    uint8_t link[LOG_HASH_SIZE]; /* up to the last batch written again */
    uint64_t seq;                /* of its last record */
    struct buffer records;
    sqlite3 *db;
    sqlite3_stmt *next, *put;
};

/* The identity in the first record of the log; its size stays. */
static int put_identity(struct branching *branching, char *error)
{
    uint8_t *record = (uint8_t *)branching->records.bytes;
    uint32_t size = bs_record_size(record);
    struct bs_command command;
    bool is_one = bs_command_decode(record, size, &command) == BS_OK &&
                  command.type == BS_COMMAND_IDENTITY &&
                  command.as.name.name.size == LOG_IDENTITY_DIGITS;
    if (!is_one) {
        return log_error(error, -EBADMSG, "the first record of the log is not its identity");
    }
    int64_t time_ms = command.time_ms;
    command.as.name.name = (struct bs_text){branching->branch->identity, LOG_IDENTITY_DIGITS};
    uint8_t changed[128];
    size_t changed_size = bs_command_encode(&command, changed, sizeof(changed));
    if (changed_size != size) {
        return log_error(error, -EBADMSG, "the first record of the log has another size");
    }
    bs_record_stamp(changed, 1, time_ms);
    memcpy(record, changed, size);
    return 0;
}

/* Takes the next batch up to the end: 1, 0 when there is none, or the error. */
static int next_batch(struct branching *branching, uint64_t *ret_first, uint32_t *ret_count,
                      char *error)
{
    sqlite3_stmt *next = branching->next;
    db_bind_u64(next, 1, branching->seq);
    db_bind_u64(next, 2, branching->branch->seq);
    int result = db_step(next, error);
    if (result == 1) {
        *ret_first = db_u64(next, 0);
        *ret_count = (uint32_t)db_u64(next, 1);
        buffer_clear(&branching->records);
        buffer_append(&branching->records, sqlite3_column_blob(next, 2),
                      (size_t)sqlite3_column_bytes(next, 2));
        if (branching->records.failed) {
            result = log_error(error, -ENOMEM, "out of memory for a batch of the log");
        }
    }
    (void)sqlite3_reset(next);
    return result;
}

/* Drops the records of a batch past the end. */
static void shorten(struct branching *branching, uint64_t first, uint32_t *count)
{
    uint64_t kept = branching->branch->seq - first + 1;
    size_t size = 0;
    if (kept >= *count) {
        return;
    }
    for (uint64_t i = 0; i < kept; i++) {
        size += bs_record_size((const uint8_t *)branching->records.bytes + size);
    }
    assert(size <= branching->records.size);
    branching->records.size = size;
    *count = (uint32_t)kept;
}

static int put_batch(struct branching *branching, uint64_t first, uint32_t count, char *error)
{
    shorten(branching, first, &count);
    int result = first == 1 ? put_identity(branching, error) : 0;
    if (result != 0) {
        return result;
    }
    result = chain_link(branching->link, branching->link, branching->records.bytes,
                        branching->records.size);
    if (result != 0) {
        return log_error(error, result, "%s", chain_error_text(result));
    }
    db_bind_u64(branching->put, 1, count);
    db_bind_blob(branching->put, 2, branching->link, LOG_HASH_SIZE);
    db_bind_blob(branching->put, 3, branching->records.bytes, branching->records.size);
    db_bind_u64(branching->put, 4, first);
    branching->seq = first + count - 1;
    return db_run(branching->put, error);
}

/* Binds the current link to a statement about an edge. */
static int put_link(struct branching *branching, const char *sql, char *error)
{
    sqlite3_stmt *statement = NULL;
    int result = db_prepare(&statement, branching->db, sql, error);
    if (result == 0) {
        db_bind_blob(statement, 1, branching->link, LOG_HASH_SIZE);
        result = db_run(statement, error);
    }
    (void)sqlite3_finalize(statement);
    return result;
}

static int delete_past(struct branching *branching, const char *table, const char *column,
                       uint64_t last, char *error)
{
    char sql[STATEMENT_SIZE];
    (void)snprintf(sql, sizeof(sql), "DELETE FROM %s WHERE %s > %" PRIu64, table, column, last);
    return db_exec(branching->db, sql, error);
}

static int delete_rest(struct branching *branching, char *error)
{
    const struct log_branch *branch = branching->branch;
    int result = delete_past(branching, "batch", "first_seq", branch->seq, error);
    result =
        result == 0 ? delete_past(branching, "action", "ordinal", branch->ordinal, error) : result;
    result = result == 0
                 ? delete_past(branching, "settlement", "ordinal", branch->settlement, error)
                 : result;
    return result == 0 ? delete_past(branching, "digest", "seq", branch->seq, error) : result;
}

static int rewrite(struct branching *branching, char *error)
{
    uint64_t first;
    uint32_t count;
    int result = db_exec(branching->db, "BEGIN IMMEDIATE", error);
    if (result == 0) {
        result = put_link(branching, "UPDATE edge SET link = ?1 WHERE name = 'start'", error);
    }
    while (result == 0 && (result = next_batch(branching, &first, &count, error)) == 1) {
        result = put_batch(branching, first, count, error);
    }
    if (result == 0) {
        result = delete_rest(branching, error);
    }
    if (result == 0 && branching->seq == branching->branch->seq) { /* no file follows */
        result = db_exec(branching->db, "DELETE FROM edge WHERE name IN ('finish', 'open')", error);
    } else if (result == 0) {
        result = put_link(branching, "UPDATE edge SET link = ?1 WHERE name = 'finish'", error);
    }
    return result == 0 ? db_exec(branching->db, "COMMIT", error) : result;
}

static int rewrite_file(struct branching *branching, uint32_t number, char *error)
{
    int result = log_db_open(&branching->db, &branching->place, number, error);
    if (result == 0) {
        result = db_prepare(&branching->next, branching->db,
                            "SELECT first_seq, count, records FROM batch WHERE first_seq > ?1 AND"
                            " first_seq <= ?2 ORDER BY first_seq LIMIT 1",
                            error);
    }
    if (result == 0) {
        result = db_prepare(&branching->put, branching->db,
                            "UPDATE batch SET count = ?1, link = ?2, records = ?3"
                            " WHERE first_seq = ?4",
                            error);
    }
    if (result == 0) {
        result = rewrite(branching, error);
    }
    (void)sqlite3_finalize(branching->next);
    (void)sqlite3_finalize(branching->put);
    (void)sqlite3_close(branching->db);
    branching->next = NULL;
    branching->put = NULL;
    branching->db = NULL;
    return result;
}

/* Of a log that was cut: it begins where it did, and the note of that names the identity. */
static int begin(struct branching *branching, struct begin_note *ret_note, char *error)
{
    int result = begin_note_read(ret_note, branching->place.fd, error);
    if (result != 0 || ret_note->number == 1) {
        return result;
    }
    branching->seq = ret_note->position.seq;
    memcpy(branching->link, ret_note->position.link, LOG_HASH_SIZE);
    memcpy(ret_note->identity, branching->branch->identity, LOG_IDENTITY_DIGITS);
    return begin_note_write(ret_note, branching->place.fd, error);
}

int log_branch(const char *directory, const struct log_branch *branch, char *error)
{
    struct branching branching = {.branch = branch};
    struct begin_note note;
    uint32_t last = 0;
    assert(strlen(branch->identity) == LOG_IDENTITY_DIGITS);
    int result = log_place_open(&branching.place, directory, false, error);
    if (result != 0) {
        return result;
    }
    result = begin(&branching, &note, error);
    if (result == 0) {
        result = log_place_last(&branching.place, note.number, &last, error);
    }
    for (uint32_t number = note.number; result == 0 && number <= last; number++) {
        result = branching.seq < branch->seq ? rewrite_file(&branching, number, error)
                                             : log_place_remove(&branching.place, number, error);
    }
    if (result == 0 && branching.seq != branch->seq) {
        result = log_error(error, -EBADMSG, "the log ends at sequence %" PRIu64 ", not at %" PRIu64,
                           branching.seq, branch->seq);
    }
    buffer_fini(&branching.records);
    log_place_close(&branching.place);
    return result;
}
