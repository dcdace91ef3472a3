/* SPDX-License-Identifier: Apache-2.0 */
/* What `backstopd log verify` and a start of the daemon make of a data directory, in this process and
 * without its threads. */
#ifndef FLIP_RECOVERY_H
#define FLIP_RECOVERY_H

#include "daemon/log/log.h"

struct recovery {
    int code; /* 0, or why it was refused: `error` says it */
    char error[LOG_ERROR_SIZE];
    uint64_t passed_over; /* snapshots */
    /* Hashes, of a start that was not refused. */
    uint64_t state;     /* the engine, row by row, with first answers and the log's end */
    uint64_t published; /* actions by every filter, settlements, records, as readers get them */
    int published_code; /* of that read; `error` says it */
    uint64_t endpoints; /* what clients said of them */
    uint64_t places;    /* how far they are */
    uint64_t history;   /* attempts, and answers kept for repeats */
};

/* Changes nothing. Only code and error are set. */
void recovery_verify(const char *directory, struct recovery *ret_recovery);
/* A start up to the endpoints, and what readers get then. Leaves the directory as a kill does. */
void recovery_start(const char *directory, struct recovery *ret_recovery);

/* A log that is whole, for what is compared with it. NULL with a message on standard error. */
struct command_log *recovery_log_open(const char *directory);
/* The state from the snapshots of a directory and the log after them. */
void recovery_state(struct command_log *log, const char *directory, struct recovery *ret_recovery);
/* The endpoints of a directory. */
void recovery_webhooks(struct command_log *log, const char *directory,
                       struct recovery *ret_recovery);

#endif
