/* SPDX-License-Identifier: Apache-2.0 */
/* The interface of the haircut rules: what a payer's share is measured by, and its most. */
#ifndef BS_HAIRCUT_H
#define BS_HAIRCUT_H

#include "lib/settlement/plan.h"

/* Of a solvent account, in quanta. */
struct bs_payer_input {
    bs_i128 gain;     /* > 0 */
    bs_i128 equity;   /* >= 0 */
    bs_i128 notional; /* sum of |value at mark|; only for a rule that asks for it */
    uint32_t cap_ppm; /* the account's own haircut_cap_ppm, of its gain */
};

/* Sets weight and cap. Who has no weight pays last, by caps. docs/policies.md has the formulas. */
void bs_payer_terms(uint8_t rule, const struct bs_payer_input *input, struct bs_payer *payer);
bool bs_rule_needs_notional(uint8_t rule);

/* Lists the payers of a round, in account-id order, in the scratch; returns how many. */
uint32_t bs_payers_list(struct bs_plan *plan, uint8_t rule, const struct bs_round *round);
/* Adds the haircut of a payer who has its share. */
void bs_charge(struct bs_plan *plan, const struct bs_payer *payer, bs_i128 amount);
/* Divides a loss among the listed; returns what they cannot bear. `like` is the round but for its
 * amounts. A share is charged at once, but for a window's: it stays with the payer. */
bs_i128 bs_payers_divide(struct bs_plan *plan, const struct bs_round *like, uint32_t count,
                         bs_i128 loss);

#endif
