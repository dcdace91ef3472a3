/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The thread that owns the second block: an engine that follows the durable log beside the live
 * one. What looks at many accounts, or takes long, is done here or on a copy made here, so the core
 * loop does commands, settlements and single rows.
 *
 * - It follows: a durable commit wakes it, and it steps the log to its end; without commits it
 *   sleeps. It never sees half a settlement.
 * - Reads (reads.h) are answered from the block at the sequence that they ask for, or a later one,
 *   never at an earlier one: a block that is too late has them refused.
 * - A copy of the block is lent for work that takes long (follower_lend).
 * - It checks itself: every check_interval_s the core loop gives the digest of a window of accounts
 *   at its sequence, and the block must have the same at that sequence; window after window, over
 *   the whole book. A block that differs is dropped and made again from the log; meanwhile reads
 *   and lends are refused by name.
 * - The writer of snapshots has hooks (struct follower_hooks).
 */
#ifndef FOLLOWER_H
#define FOLLOWER_H

#include "daemon/core/core.h"
#include "daemon/follower/view.h"

struct follower;

/*
 * For snapshots. All optional, all called on the follower's thread, with `user`.
 *
 * How a snapshot is made: wants_sweep says true once it is due. Then checks follow each other at
 * once, until windows in a row have been over all accounts and each was equal. From then on, until
 * wants_sweep says false, each further window that is equal is told to on_equal, which gets the
 * block, still at the sequence of that check. It may take its time, in slices: between two of them
 * it calls follower_breathe, which answers reads that need no later sequence; those that do wait
 * until it returns.
 */
struct follower_hooks {
    void *user;
    /* A block that was just made, before its first step. It may be filled from a snapshot: engine,
     * place, settlements_count and on_stepped. 0, or negative with a message: it steps the log from
     * the beginning, and the message is logged. */
    int (*on_open)(void *user, struct block *block, char error[LOG_ERROR_SIZE]);
    void (*on_close)(void *user); /* the block is gone */
    bool (*wants_sweep)(void *user);
    /* block->place is after the last command executed. */
    void (*on_equal)(void *user, struct follower *follower, struct block *block);
};

struct follower_options {
    uint32_t check_interval_s; /* 0 = no checks */
    struct follower_hooks hooks;
};

BS_MUST_USE int follower_new(struct follower **ret_follower, struct core *core,
                             struct command_log *log, const struct follower_options *options,
                             char error[LOG_ERROR_SIZE]);
/* Ends the thread; what waits is refused with `not_ready`. When the core loop does not run, and
 * before the core is freed. Twice, and NULL, is fine. */
void follower_stop(struct follower *follower);
void follower_free(struct follower *follower); /* when nothing uses it; stops it too */

/*
 * Any thread: request->query runs on the follower's thread with its block, at request->min_seq or
 * later, or the request is refused when that takes until request->until_ms. False: the follower
 * ends; nothing was taken.
 */
BS_MUST_USE bool follower_read(struct follower *follower, struct request *request);
/* On its thread, from such a query: opens the view with a copy of the block as it is. 0 or negative
 * with a message. */
BS_MUST_USE int follower_copy(struct follower *follower, struct view *view,
                              char error[LOG_ERROR_SIZE]);
/* Any thread but its own: fills the view with a copy of the block at `seq`, which is durable, or
 * later. 0; -ETIMEDOUT: the block had not come that far in time; -ECANCELED: the limit's stop was
 * set, or the follower ends; -EIO: there is no block, which was logged. */
BS_MUST_USE int follower_lend(struct follower *follower, uint64_t seq,
                              const struct block_limit *limit, struct view *view);
/* What an engine is made with that takes the log whole, for view_open. */
const struct bs_config *follower_config(const struct follower *follower);
/* A reader of the log that it follows; the caller's. */
BS_MUST_USE int follower_reader_open(struct follower *follower, struct log_reader **ret_reader,
                                     char error[LOG_ERROR_SIZE]);
/* What a client may have seen so far. Any thread. */
uint64_t follower_executed_seq(const struct follower *follower);
/* On its thread, from a hook. False: the follower ends. */
BS_MUST_USE bool follower_breathe(struct follower *follower);

struct follower_stats { /* since the start; any thread */
    uint64_t seq;       /* of the block; 0: there is none */
    uint64_t checks, mismatches;
    uint64_t reads_refused, reads_shared, reads_behind;
};
struct follower_stats follower_stats_get(const struct follower *follower);

#endif
