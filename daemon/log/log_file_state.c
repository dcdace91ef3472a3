/* SPDX-License-Identifier: Apache-2.0 */
/* What a database file records about itself: where it starts and ends, its pools, the digest. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#include "daemon/log/log_file_private.h"

#define SQL_SIZE 512

int log_file_query(sqlite3_stmt **ret_statement, struct log_file *file, const char *sql,
                   bool *ret_found, char *error)
{
    *ret_statement = NULL;
    int result = db_prepare(ret_statement, file->db, sql, error);
    if (result == 0) {
        result = db_step(*ret_statement, error);
    }
    *ret_found = result == 1;
    return result < 0 ? result : 0;
}

int log_file_query_u64(struct log_file *file, const char *sql, uint64_t *ret_value, char *error)
{
    sqlite3_stmt *statement;
    bool found;
    int result = log_file_query(&statement, file, sql, &found, error);
    *ret_value = found ? db_u64(statement, 0) : 0;
    (void)sqlite3_finalize(statement);
    return result;
}

int log_file_damaged(struct log_file *file, const char *what, char *error)
{
    return log_error(error, -EBADMSG, "%s is damaged: %s", sqlite3_db_filename(file->db, "main"),
                     what);
}

int log_file_put_edge(struct log_file *file, const char *name, const struct log_position *position,
                      char *error)
{
    sqlite3_stmt *statement;
    int result = db_prepare(&statement, file->db,
                            "INSERT OR REPLACE INTO edge VALUES(?, ?, ?, ?, ?)", error);
    if (result != 0) {
        return result;
    }
    db_bind_text(statement, 1, (struct bs_text){name, (uint32_t)strlen(name)});
    db_bind_u64(statement, 2, position->seq);
    db_bind_u64(statement, 3, position->ordinal);
    db_bind_u64(statement, 4, position->settlement);
    db_bind_blob(statement, 5, position->link, LOG_HASH_SIZE);
    result = db_run(statement, error);
    (void)sqlite3_finalize(statement);
    return result;
}

static int get_edge(struct log_file *file, const char *sql, bool *ret_found,
                    struct log_position *ret_position, char *error)
{
    sqlite3_stmt *statement;
    int result = log_file_query(&statement, file, sql, ret_found, error);
    if (*ret_found) {
        ret_position->seq = db_u64(statement, 0);
        ret_position->ordinal = db_u64(statement, 1);
        ret_position->settlement = db_u64(statement, 2);
        if (!db_hash(statement, 3, ret_position->link)) {
            result = log_file_damaged(file, "its table edge holds no link", error);
        }
    }
    (void)sqlite3_finalize(statement);
    return result;
}

#define EDGE_COLUMNS "SELECT seq, ordinal, settlement, link FROM edge WHERE name = "

int log_file_start(struct log_file *file, struct log_position *ret_start, char *error)
{
    bool found;
    int result = get_edge(file, EDGE_COLUMNS "'start'", &found, ret_start, error);
    return result == 0 && !found ? log_file_damaged(file, "its table edge has no start", error)
                                 : result;
}

/* Without rows of a kind the file ends, for that kind, where it starts. */
int log_file_end(struct log_file *file, struct log_position *ret_end, char *error)
{
    bool found;
    int result = get_edge(
        file,
        "SELECT ifnull((SELECT first_seq + count - 1 FROM batch ORDER BY first_seq DESC LIMIT 1),"
        " seq), ifnull((SELECT max(ordinal) FROM action), ordinal),"
        " ifnull((SELECT max(ordinal) FROM settlement), settlement),"
        " ifnull((SELECT link FROM batch ORDER BY first_seq DESC LIMIT 1), link)"
        " FROM edge WHERE name = 'start'",
        &found, ret_end, error);
    return result == 0 && !found ? log_file_damaged(file, "its table edge has no start", error)
                                 : result;
}

int log_file_link(struct log_file *file, uint64_t seq, bool *ret_found,
                  uint8_t ret_link[LOG_HASH_SIZE], char *error)
{
    sqlite3_stmt *statement;
    *ret_found = false;
    int result = db_prepare(&statement, file->db,
                            "SELECT * FROM (SELECT first_seq + count - 1, link FROM batch"
                            " WHERE first_seq <= ?1 ORDER BY first_seq DESC LIMIT 1)"
                            " UNION ALL SELECT seq, link FROM edge WHERE name = 'start'"
                            " ORDER BY 1 DESC LIMIT 1",
                            error);
    if (result != 0) {
        return result;
    }
    db_bind_u64(statement, 1, seq);
    result = db_step(statement, error);
    *ret_found = result == 1 && db_u64(statement, 0) == seq && db_hash(statement, 1, ret_link);
    (void)sqlite3_finalize(statement);
    return result < 0 ? result : 0;
}

int log_file_finished(struct log_file *file, bool *ret_finished, char *error)
{
    struct log_position finish;
    struct log_position end;
    int result = get_edge(file, EDGE_COLUMNS "'finish'", ret_finished, &finish, error);
    if (result != 0 || !*ret_finished) {
        return result;
    }
    result = log_file_end(file, &end, error);
    bool same = result == 0 && finish.seq == end.seq && finish.ordinal == end.ordinal &&
                finish.settlement == end.settlement &&
                memcmp(finish.link, end.link, LOG_HASH_SIZE) == 0;
    return result == 0 && !same
               ? log_file_damaged(file, "it does not end as its table edge says", error)
               : result;
}

int log_file_check_closed(struct log_file *file, char *error)
{
    bool open;
    struct log_position since;
    int result = get_edge(file, EDGE_COLUMNS "'open'", &open, &since, error);
    return result == 0 && open
               ? log_file_damaged(file,
                                  "its -wal is missing, with what was written since it was "
                                  "opened; restore both together",
                                  error)
               : result;
}

/* Takes pools from rows (pool, settlement, hash); a NULL of the latter two changes nothing. */
static int read_pools(struct log_file *file, const char *sql, struct pool_chains *chains,
                      char *error)
{
    sqlite3_stmt *statement;
    bool found;
    int result = log_file_query(&statement, file, sql, &found, error);
    while (found && result == 0) {
        struct bs_text name = db_text(statement, 0);
        if (name.size > BS_ID_SIZE_MAX) {
            result = log_file_damaged(file, "the name of a pool is too long", error);
            break;
        }
        struct pool_chain *chain = pool_chains_get(chains, name);
        if (chain == NULL) {
            result = log_error(error, -ENOMEM, "out of memory for the pools of the log");
            break;
        }
        if (sqlite3_column_type(statement, 1) != SQLITE_NULL &&
            db_u64(statement, 1) > chain->settlement) {
            chain->settlement = db_u64(statement, 1);
        }
        if (sqlite3_column_type(statement, 2) != SQLITE_NULL &&
            !db_hash(statement, 2, chain->hash)) {
            result = log_file_damaged(file, "an action has no hash", error);
            break;
        }
        result = db_step(statement, error);
        found = result == 1;
        result = result < 0 ? result : 0;
    }
    (void)sqlite3_finalize(statement);
    return result;
}

/* The pools that a table has rows of, found by one search of its index each. */
#define POOLS_OF(table)                                                                            \
    "WITH RECURSIVE found(pool) AS (SELECT min(pool) FROM " table                                  \
    " UNION ALL SELECT (SELECT min(pool) FROM " table " WHERE pool > found.pool) FROM found"       \
    " WHERE found.pool IS NOT NULL) SELECT pool, "

int log_file_chains_at(struct log_file *file, uint64_t ordinal, struct pool_chains *chains,
                       char *error)
{
    char sql[SQL_SIZE];
    int size =
        snprintf(sql, sizeof(sql),
                 POOLS_OF("action") "NULL, (SELECT hash FROM action WHERE pool = found.pool"
                                    " AND ordinal <= %" PRIu64 " ORDER BY ordinal DESC LIMIT 1)"
                                    " FROM found WHERE pool IS NOT NULL",
                 ordinal);
    assert(size < SQL_SIZE);
    int result = read_pools(file, "SELECT pool, settlement, hash FROM pool", chains, error);
    return result == 0 ? read_pools(file, sql, chains, error) : result;
}

int log_file_chains(struct log_file *file, struct pool_chains *chains, char *error)
{
    int result = log_file_chains_at(file, INT64_MAX, chains, error);
    if (result == 0) {
        result = read_pools(file,
                            POOLS_OF("settlement") "(SELECT max(number) FROM settlement WHERE"
                                                   " pool = found.pool), NULL"
                                                   " FROM found WHERE pool IS NOT NULL",
                            chains, error);
    }
    return result;
}

int log_file_get_digest(struct log_file *file, struct log_digest *ret_digest, char *error)
{
    sqlite3_stmt *statement;
    memset(ret_digest, 0, sizeof(*ret_digest));
    int result = log_file_query(&statement, file, "SELECT seq, word0, word1 FROM digest",
                                &ret_digest->known, error);
    if (ret_digest->known) {
        ret_digest->seq = db_u64(statement, 0);
        ret_digest->digest.words[0] = db_u64(statement, 1);
        ret_digest->digest.words[1] = db_u64(statement, 2);
    }
    (void)sqlite3_finalize(statement);
    return result;
}

int log_file_put_digest(struct log_file *file, const struct log_digest *digest, char *error)
{
    sqlite3_stmt *statement;
    int result =
        db_prepare(&statement, file->db, "INSERT OR REPLACE INTO digest VALUES(1, ?, ?, ?)", error);
    if (result != 0) {
        return result;
    }
    db_bind_u64(statement, 1, digest->seq);
    db_bind_u64(statement, 2, digest->digest.words[0]);
    db_bind_u64(statement, 3, digest->digest.words[1]);
    result = db_run(statement, error);
    (void)sqlite3_finalize(statement);
    return result;
}
