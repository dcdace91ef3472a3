/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Simulations on a thread of their own, beside the core loop: it owns the second engine block,
 * reads the log through its own reader, and runs one simulation at a time; a few more may wait. It
 * also checks itself: every check_interval_s the core loop gives the digest of a window of accounts
 * at its sequence, and the block that followed the log to the same sequence must have the same;
 * window after window, over the whole book.
 */
#ifndef SIMULATOR_H
#define SIMULATOR_H

#include "api/json_simulation.h"
#include "daemon/core/core.h"

enum simulator_mode { SIMULATOR_OFF, SIMULATOR_ON_DEMAND, SIMULATOR_ALWAYS };

struct simulator_options {
    uint8_t mode;           /* enum simulator_mode; on demand: the block is made when first used */
    uint32_t time_limit_ms; /* of one simulation */
    uint32_t queue_max;     /* that wait beside the one that runs */
    uint32_t check_interval_s; /* 0 = no checks */
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

BS_MUST_USE int simulator_new(struct simulator **ret_simulator, struct core *core,
                              struct command_log *log, const struct simulator_options *options,
                              char error[LOG_ERROR_SIZE]);
bool simulator_is_off(const struct simulator *simulator);
/* Any thread. False: too many wait, or it stops; nothing was taken. */
BS_MUST_USE bool simulator_submit(struct simulator *simulator, struct simulator_job *job);
/* Answers what waits with 503 and ends the thread: before the core is freed. Nothing is taken any
 * more. Twice, and NULL, is fine. */
void simulator_stop(struct simulator *simulator);
void simulator_free(struct simulator *simulator); /* when nothing can submit; stops it too */

struct simulator_stats { /* since the start; any thread */
    uint64_t answered, refused, timed_out, overloaded;
    uint64_t run_ns_total, run_ns_max;
    uint64_t shadow_seq, checks, mismatches;
};
struct simulator_stats simulator_stats_get(const struct simulator *simulator);

#endif
