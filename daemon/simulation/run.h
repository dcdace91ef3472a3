/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One simulation: the same state, settled by each of the waterfalls in turn on a copy of it, and
 * the figures beside each other. On the simulator's thread.
 */
#ifndef SIM_RUN_H
#define SIM_RUN_H

#include "api/json_simulation.h"
#include "daemon/answer/request.h"
#include "daemon/follower/view.h"
#include "daemon/simulation/exposure.h"
#include "daemon/simulation/outcome.h"

#define RUN_RESULTS_MAX (API_WATERFALLS_MAX + 1) /* a comparison also has the real outcome */

struct run_result {
    struct bs_text name;
    struct outcome outcome;
    struct buffer actions;  /* JSON, comma separated */
    struct buffer exposure; /* JSON; empty: not asked for */
    uint32_t actions_listed;
};

struct run_shock {
    struct bs_wide before, after;
    bool had_mark;
};

struct run {
    /* the caller's */
    const struct view *base;    /* the state that each waterfall begins with */
    struct view *work;          /* the copy of it that is settled */
    struct bs_effects *effects; /* room for those of a step */
    struct outcome_rows *rows;
    const struct block_limit *limit;
    const struct api_simulation *asked;
    const char *log;         /* the identity of the log */
    struct request *request; /* gets the answer */
    /* filled while it runs */
    uint32_t pool;
    uint32_t account;         /* account whose exposure is asked for; 0 = none */
    struct bs_pool_view view; /* before */
    bool is_comparison;
    uint64_t settlement; /* of a comparison */
    struct bs_command command;
    struct run_shock shocks[API_SHOCKS_MAX];
    struct run_result results[RUN_RESULTS_MAX];
    uint32_t results_count;
};

/* Answers the request, with a problem document if need be. `run` is zeroed but for the caller's
 * part. False: the time was up, or the daemon stops. */
void run_simulation(struct run *run);
/*
 * The base is the state before the command that made the settlement. *ret_actual is what the run of
 * the settlement itself gave; the caller compares it with what is stored.
 */
void run_comparison(struct run *run, const struct bs_command *command, uint64_t settlement,
                    struct bs_settlement *ret_actual);
void run_fini(struct run *run);

/* report.c: the answer of a run that is done. */
void run_report(const struct run *run, struct buffer *out);

#endif
