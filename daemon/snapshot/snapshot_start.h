/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The start of an executor from a snapshot that fits its log: of the daemon from the newest one. A
 * snapshot that is damaged, or of another log, is passed over with an error line, and the one before
 * it is tried. Who only reads names the one to start from.
 */
#ifndef SNAPSHOT_START_H
#define SNAPSHOT_START_H

#include "daemon/core/replay.h"
#include "daemon/log/chain.h"
#include "daemon/snapshot/snapshot_format.h"

struct snapshot_start {
    struct replay_start replay;    /* where the replay begins; for as long as this lives */
    struct snapshot_header header; /* seq 0: no snapshot was used, the replay begins with the log */
    uint64_t passed_over_count;
    uint64_t load_ns;
    /* its own */
    int directory;
    struct executor *executor;
    const struct bs_config *config; /* of the engine that is made */
    struct first_answers *answers;
    struct pool_chains chains;
};

/*
 * `executor` is fresh and stays so when no snapshot can be used; `answers` is optional. The log is
 * identified and not started. 0, or negative with a message when not even a fresh engine could be
 * made. A directory of NULL has no snapshots. Removes what a crash left of a snapshot.
 */
BS_MUST_USE int snapshot_start_init(struct snapshot_start *start, const char *directory,
                                    struct executor *executor, struct first_answers *answers,
                                    struct command_log *log, char error[LOG_ERROR_SIZE]);
/*
 * From this one, and no file is changed. -ENOENT: it is gone; -ERANGE: it is past what the log holds;
 * -EBADMSG: it is damaged, or of another log. Then the executor must begin again.
 */
BS_MUST_USE int snapshot_start_at(struct snapshot_start *start, const char *directory, uint64_t seq,
                                  struct executor *executor, struct command_log *log,
                                  char error[LOG_ERROR_SIZE]);
void snapshot_start_fini(struct snapshot_start *start); /* zeroed is fine */

#endif
