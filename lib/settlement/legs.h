/* SPDX-License-Identifier: Apache-2.0 */
/* The legs of one account: their weights when a debt is shared among them, and the order in which
 * they are closed. */
#ifndef BS_LEGS_H
#define BS_LEGS_H

#include "lib/settlement/plan.h"

/* A leg of an account that is being deleveraged. */
struct bs_closing_leg {
    uint32_t market;
    uint32_t order; /* by market name */
    int64_t size;
    bs_i128 profit;
    bs_i128 weight;
};

/* What legs weigh by: maintenance; when all are zero, value at mark; when all are zero, lots. */
enum bs_leg_basis { BS_LEG_MAINTENANCE, BS_LEG_VALUE, BS_LEG_LOTS, BS_LEG_BASES };

bs_i128 bs_leg_weight(const struct bs_plan *plan, const struct bs_working_position *position,
                      enum bs_leg_basis basis);
/* The basis of an account's legs and the sum of their weights; 0 without a leg. */
enum bs_leg_basis bs_legs_basis(const struct bs_plan *plan, uint32_t account, bs_i128 *ret_total);
/* The weights of its legs. Rows in market-name order; returns how many. */
uint32_t bs_leg_weights(const struct bs_plan *plan, uint32_t account, struct bs_leg_weight *rows);
/* The account's legs in closing order (own profit, highest first; then market id; by market id alone
 * where sides are pooled) and the sum of their weights. Returns how many. */
uint32_t bs_closing_legs(const struct bs_plan *plan, uint32_t account, struct bs_closing_leg *legs,
                         bs_i128 *ret_total);

#endif
