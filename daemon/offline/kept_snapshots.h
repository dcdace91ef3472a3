/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The snapshots beside a log, for those who read it: the oldest one is where a replay begins when the
 * log's older files were cut; each of them is checked against a replay that comes past it.
 */
#ifndef KEPT_SNAPSHOTS_H
#define KEPT_SNAPSHOTS_H

#include "daemon/snapshot/snapshot_directory.h"
#include "daemon/snapshot/snapshot_start.h"

struct kept_snapshot {
    struct snapshot_header header;
    struct pool_chains chains;
};

struct kept_snapshots {
    struct kept_snapshot items[SNAPSHOTS_MAX]; /* the oldest first */
    uint32_t count;
    uint32_t next; /* to be checked */
    uint32_t checked_count;
};

/*
 * Loads the oldest one that fits the log and the moment; one that does not is passed over with an
 * error line. -EBADMSG: there is none. snapshot_start_fini either way.
 */
BS_MUST_USE int kept_snapshots_begin(struct snapshot_start *start, const char *directory,
                                     struct executor *executor, struct command_log *log,
                                     char error[LOG_ERROR_SIZE]);

/* Loads each one in turn, whole, to be checked. Then the executor has stepped nothing. -EBADMSG: one
 * is damaged, or does not fit the log. */
BS_MUST_USE int kept_snapshots_load(struct kept_snapshots *kept, const char *directory,
                                    struct executor *executor, struct command_log *log,
                                    char error[LOG_ERROR_SIZE]);
void kept_snapshots_fini(struct kept_snapshots *kept); /* zeroed is fine */

/* A replay has come to a sequence. -EBADMSG: the snapshot taken there is of another state. */
BS_MUST_USE int kept_snapshots_check(struct kept_snapshots *kept, struct bs_engine *engine,
                                     uint64_t settlements_count, char error[LOG_ERROR_SIZE]);
/* The ends of the chains, when the log's actions were found right. */
BS_MUST_USE int kept_snapshots_check_chains(struct kept_snapshots *kept, struct command_log *log,
                                            char error[LOG_ERROR_SIZE]);

#endif
