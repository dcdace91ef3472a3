/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Simulations on a thread of their own, beside the core loop and the follower: each works on a copy
 * of the second block that the follower lends (follower.h), so however long it takes it holds up no
 * read. One runs at a time; a few more may wait. Their memory is given back after each.
 */
#ifndef SIMULATOR_H
#define SIMULATOR_H

#include "api/json_simulation.h"
#include "daemon/follower/follower.h"

struct simulator_options {
    struct command_log *log;
    const char *snapshots; /* the directory of snapshots; NULL: there are none */
    bool is_off;
    uint32_t time_limit_ms; /* of one simulation */
    uint32_t queue_max;     /* that wait beside the one that runs */
};

struct simulator;

/* Lives with the request; the HTTP thread does not touch it until request->done was called, on the
 * simulator's thread. */
struct simulator_job {
    struct simulator_job *next;
    struct request *request;
    bool is_comparison;
    struct bs_text pool; /* of a comparison; the caller's bytes */
    uint64_t settlement; /* of a comparison */
    uint64_t last_seq;   /* durable when it was submitted */
    struct api_simulation asked;
};

BS_MUST_USE int simulator_new(struct simulator **ret_simulator, struct follower *follower,
                              const struct simulator_options *options, char error[LOG_ERROR_SIZE]);
bool simulator_is_off(const struct simulator *simulator);
/* Any thread. False: too many wait, or it stops; nothing was taken. */
BS_MUST_USE bool simulator_submit(struct simulator *simulator, struct simulator_job *job);
/* Answers what waits with 503 and ends the thread: before the follower is stopped. Nothing is taken
 * any more. Twice, and NULL, is fine. */
void simulator_stop(struct simulator *simulator);
void simulator_free(struct simulator *simulator); /* when nothing can submit; stops it too */

struct simulator_stats { /* since the start; any thread */
    uint64_t answered, refused, timed_out, overloaded;
    uint64_t run_ns_total, run_ns_max;
    uint64_t mismatches; /* settlements that were run again and differed */
};
struct simulator_stats simulator_stats_get(const struct simulator *simulator);

#endif
