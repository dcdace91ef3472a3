/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What one waterfall did, gathered from its actions and from what every account had before. Amounts
 * are quanta of the pool's asset.
 */
#ifndef SIM_OUTCOME_H
#define SIM_OUTCOME_H

#include "daemon/simulation/measure.h"

/* Rows by account handle, reused from one simulation to the next. */
struct outcome_rows {
    struct bs_what_if_account *before;
    uint32_t *places; /* 1 + the place among the losses of the current outcome; 0 = untouched */
    uint32_t count, capacity;
};

/* False: out of memory. All rows are empty then. */
BS_MUST_USE bool outcome_rows_reset(struct outcome_rows *rows, uint32_t count);
void outcome_rows_fini(struct outcome_rows *rows);

enum outcome_state { OUTCOME_NOTHING, OUTCOME_SETTLED, OUTCOME_HALTED };

/* A figure that may not exist: the denominator is 0. */
struct outcome_ppm {
    bool is_known;
    bs_i128 ppm;
};

struct outcome {
    uint8_t state; /* enum outcome_state */
    struct bs_what_if_totals before, after;
    struct bs_settlement settlement; /* its texts are gone */
    uint64_t actions_count;
    bs_i128 deficit, largest_deficit; /* accounts below 0, when the settlement began */
    bs_i128 closed_notional;          /* at mark, of the winners' side */
    bs_i128 deleveraged, haircuts;    /* what closes cost winners against mark, and haircuts */
    bs_i128 need, overshoot;          /* spreads of assignments are needed as deficits are */
    struct measure_loss *losses;      /* of the accounts touched, by handle once it is finished */
    uint32_t losses_count, losses_capacity;
    bool failed;              /* a loss had no memory: there is no report */
    struct measure_loss lost; /* where such a loss is written */
    struct measure_worst worst;
    struct outcome_ppm gini, ptsr, pmr;
};

/* `view` is the engine the settlement runs on, already changed. */
void outcome_begin(struct outcome *outcome, const struct bs_engine *view, uint32_t pool);
/* The actions and the end of one step or continuation. */
void outcome_take(struct outcome *outcome, struct outcome_rows *rows, const struct bs_engine *view,
                  const struct bs_effects *effects);
/* Also clears the places in the rows. */
void outcome_finish(struct outcome *outcome, struct outcome_rows *rows,
                    const struct bs_engine *view, uint32_t pool);
void outcome_fini(struct outcome *outcome);

/* What winners paid in all. */
bs_i128 outcome_taken(const struct outcome *outcome);

#endif
