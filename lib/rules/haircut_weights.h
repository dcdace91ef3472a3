/* SPDX-License-Identifier: Apache-2.0 */
/* The haircut rules: what a payer's share is in proportion to, and its cap. docs/policies.md has
 * the formulas. */
#ifndef BS_HAIRCUT_WEIGHTS_H
#define BS_HAIRCUT_WEIGHTS_H

#include "lib/money/money.h"
#include "lib/record/command.h"

/* Of a solvent account, in quanta. */
struct bs_payer_input {
    bs_i128 gain;     /* > 0 */
    bs_i128 equity;   /* >= 0 */
    bs_i128 notional; /* sum of |value at mark|; only for a rule that asks for it */
    uint32_t cap_ppm; /* the account's own haircut_cap_ppm, of its gain */
};

/* A payer without a weight pays last, by its cap. */
struct bs_payer_terms {
    bs_i128 weight, cap; /* both >= 0 */
};

struct bs_payer_terms bs_payer_terms_of(uint8_t rule, const struct bs_payer_input *input);
bool bs_rule_needs_notional(uint8_t rule);

#endif
