/* SPDX-License-Identifier: Apache-2.0 */
/* The insolvent accounts of a settlement. */
#ifndef BS_DEBTOR_H
#define BS_DEBTOR_H

#include "lib/money/money.h"

/* How far a walk over its legs, by market, has come. */
struct bs_leg_walk {
    uint32_t next;  /* place among its positions */
    bs_i128 prefix; /* weights of the legs passed */
};

/* What the reason of its actions says, and what is still to be done. Quanta. */
struct bs_debtor {
    uint32_t account;
    bs_i128 deficit; /* as detected, > 0 */
    bs_i128 fund_paid;
    bs_i128 owed;        /* still to be resolved while the waterfall runs */
    bool solvent;        /* after netting, by the rounding of inverse values: it keeps the rest */
    uint32_t kept;       /* positions that stay with it, as the check has counted them */
    bs_i128 over_budget; /* of `owed`: what the markets' budgets kept the fund from paying */
    uint32_t legs_first, legs_count; /* its rows of plan->weights: the legs held at detection */
    /* Where sides are pooled, when the adl layer began: */
    uint8_t basis;         /* enum bs_leg_basis */
    bs_i128 debt, weights; /* divided among its legs; the sum of their weights */
    struct bs_leg_walk planned, checked;
};

/* A leg's weight when a debt is shared among legs: see bs_leg_weights. */
struct bs_leg_weight {
    uint32_t market;
    uint8_t side; /* of the leg: 0 long, 1 short */
    bs_i128 weight;
};

#endif
