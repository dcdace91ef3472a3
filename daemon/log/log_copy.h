/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A copy of the log beside its writer. A finished file whose -wal is empty never changes again: it is
 * read where it is. Of the newest, and of one that is still being finished, a copy is made. For one
 * thread at a time; only of a log in SQLite.
 */
#ifndef LOG_COPY_H
#define LOG_COPY_H

#include "daemon/log/db_copy.h"
#include "daemon/log/log_backend.h"
#include "daemon/log/log_place.h"

#define LOG_COPY_PREFIX "backup-" /* of the name of a copy, in the log's directory */

struct log_copy_file {
    uint32_t number;
    bool is_copy; /* it has the prefix */
    uint64_t size;
};

/* Called for each file, the newest first. */
typedef void (*log_copy_fn)(void *user, const struct log_copy_file *file);

/* Where the log is, for as long as it is open. */
const char *log_copy_directory(const struct command_log *log);
/* *ret_end: where the copied log ends. After a failure the caller removes the copies made. */
BS_MUST_USE int log_copy_make(struct command_log *log, const struct db_copy_options *options,
                              log_copy_fn fn, struct log_position *ret_end, char *error);
/* Where a finished file begins and ends. -EAGAIN: it may still change. */
BS_MUST_USE int log_copy_edges(struct command_log *log, uint32_t number,
                               struct log_position *ret_start, struct log_position *ret_end,
                               char *error);
/* Reads a finished file. -ENOENT: the log no longer has it. */
BS_MUST_USE int log_copy_read(struct command_log *log, uint32_t number, uint64_t offset,
                              struct buffer *out, size_t size, char *error);

#endif
