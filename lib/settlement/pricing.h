/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The price of a close, checked: of every close exactly one amount passes (rules/exact_price.h).
 * The account's legs are walked in their closing order, close by close.
 */
#ifndef BS_PRICING_H
#define BS_PRICING_H

#include "lib/settlement/plan.h"

/* Whether a close is for the one right amount. Asked of every close in its order, before it is
 * carried out. */
BS_MUST_USE bool bs_pricing_is_exact(struct bs_plan *plan, const struct bs_step *step);

/* The part of its account's debt that a leg carries: the difference of ceil(amount * sum / total),
 * the sum of the weights without and with its own. */
struct bs_leg_share {
    bs_i128 amount, total, prefix, weight;
};
/* Of the leg that a close is of; asked as above, in a walk begun with check.pricing.debtor 0. */
struct bs_leg_share bs_pricing_share(struct bs_plan *plan, const struct bs_step *step);

#endif
