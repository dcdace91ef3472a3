/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Old files of a log: which there are, and cutting them off. For one thread at a time, beside the
 * log's thread and its readers. Only of a log in SQLite.
 *
 * A cut first notes where the log begins (begin_note.h) and makes that durable; then readers see the
 * new beginning; then the files go, the oldest first; then the directory is synced. A crash before
 * the note leaves the log as it was, a crash after it is finished by the next start.
 */
#ifndef LOG_CUT_H
#define LOG_CUT_H

#include "daemon/log/log.h"

/* A file that is written no more. */
struct log_old_file {
    uint32_t number;
    uint64_t size;
    int64_t written_s; /* wall clock: when it was last written */
    uint64_t last_seq; /* with it and everything before it the log would begin after these */
    uint64_t last_ordinal;
    uint64_t last_settlement;
};

/* The oldest files that may be cut, the oldest first: never the newest file, nor one whose -wal is
 * still moved into it. Returns how many were put, at most `max`. */
uint32_t log_old_files(struct command_log *log, struct log_old_file *ret_files, uint32_t max);

/* Cuts the files that hold nothing past a sequence; files of actions alone that follow it stay, as
 * somebody may need those. *ret_count is how many went. After a failure the log is as it was or is
 * cut; what is left of the files goes at the next start. */
BS_MUST_USE int log_cut(struct command_log *log, uint64_t up_to_seq, uint32_t *ret_count,
                        char error[LOG_ERROR_SIZE]);

#endif
