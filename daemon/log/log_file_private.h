/* SPDX-License-Identifier: Apache-2.0 */
/* Shared by log_file.c and log_file_state.c. */
#ifndef LOG_FILE_PRIVATE_H
#define LOG_FILE_PRIVATE_H

#include "daemon/log/db.h"
#include "daemon/log/log_file.h"

struct log_file {
    sqlite3 *db;
    uint32_t wal_frames;
    sqlite3_stmt *begin;
    sqlite3_stmt *put_batch;
    sqlite3_stmt *put_action;
    sqlite3_stmt *put_settlement;
    sqlite3_stmt *commit;
    sqlite3_stmt *page_count;
};

/* The first row of a query; without one *ret_found is false. The caller finalizes. */
int log_file_query(sqlite3_stmt **ret_statement, struct log_file *file, const char *sql,
                   bool *ret_found, char *error);
/* The value of a query that gives one row. */
int log_file_query_u64(struct log_file *file, const char *sql, uint64_t *ret_value, char *error);
/* The error that the file is damaged: -EBADMSG. */
int log_file_damaged(struct log_file *file, const char *what, char *error);
/* -EBADMSG when the file is marked open. */
int log_file_check_closed(struct log_file *file, char *error);
/* Stores a place in the log under a name: "start", "open" or "finish". */
int log_file_put_edge(struct log_file *file, const char *name, const struct log_position *position,
                      char *error);

#endif
