/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Takes snapshots on the thread of the second block, by its hooks (follower.h): follows what the
 * block has beside its engine, says when a snapshot is due, and writes it once the block was found
 * equal to the live one. A failure is logged and counted, and the next try comes a minute later:
 * the log alone is enough.
 *
 * A snapshot is due when the log has so many more commands since the last one. It is taken at the end of a batch, between requests, when the actions of all commands up to
 * there are durable; until then each check tries again.
 */
#ifndef SNAPSHOT_KEEPER_H
#define SNAPSHOT_KEEPER_H

#include "daemon/follower/follower.h"

struct snapshot_keeper;

struct snapshot_keeper_options {
    const char *directory;   /* of the log */
    uint64_t every_commands; /* 0: no snapshots are taken */
    /* Optional, on the follower's thread: a snapshot was taken and the one before it at older_seq is
     * kept, so that no start needs the log before that. */
    void (*on_two_kept)(void *user, uint64_t older_seq);
    void *user;
};

BS_MUST_USE int snapshot_keeper_new(struct snapshot_keeper **ret_keeper, struct core *core,
                                    struct command_log *log,
                                    const struct snapshot_keeper_options *options,
                                    char error[LOG_ERROR_SIZE]);
/* For follower_new. The keeper outlives the follower. */
struct follower_hooks snapshot_keeper_hooks(struct snapshot_keeper *keeper);
void snapshot_keeper_free(struct snapshot_keeper *keeper); /* NULL is fine */

struct snapshot_stats { /* since the start; any thread */
    uint64_t seq;       /* of the newest snapshot; 0: there is none */
    uint64_t age_s;     /* since it was written; since the start if before it */
    uint64_t taken, failures;
    uint64_t write_ns_last, write_ns_total, size;
    uint64_t passed_over; /* by the start and by the second block */
};
struct snapshot_stats snapshot_stats_get(const struct snapshot_keeper *keeper);

#endif
