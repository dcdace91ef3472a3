/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Payers of a loss. A loss L is divided by the weights of the rule, by prefix differences in
 * account-id order. A payer whose exact share reaches its cap pays the cap, and the rest is divided
 * again over the others. What they cannot bear goes to the payers without a weight, by their caps.
 */
#ifndef BS_PAYERS_H
#define BS_PAYERS_H

#include "lib/settlement/plan.h"

/* Lists the payers of a round in plan->payers, in account-id order; returns how many. */
uint32_t bs_payers_list(struct bs_plan *plan, uint8_t rule, const struct bs_round *round);
/* Adds the haircut of a payer who has its share. */
void bs_payer_charge(struct bs_plan *plan, const struct bs_payer *payer, bs_i128 amount);
/* Divides a loss among the listed payers; returns what they cannot bear. `like` is the round
 * without its amounts. A share is charged at once, except under window_gain: there it is kept in
 * the payer. */
bs_i128 bs_payers_divide(struct bs_plan *plan, const struct bs_round *like, uint32_t count,
                         bs_i128 loss);
/* A row for a round; false: there is none left, and the plan overflows. */
BS_MUST_USE bool bs_round_add(struct bs_plan *plan, const struct bs_round *round);

#endif
