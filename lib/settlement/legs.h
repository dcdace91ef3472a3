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

/* Weights: maintenance; when all are zero, value at mark; when all are zero, lots. Rows in
 * market-name order; returns how many. */
uint32_t bs_leg_weights(const struct bs_plan *plan, uint32_t account, struct bs_leg_weight *rows);
/* The account's legs in closing order (own profit, highest first; then market id) and the sum of
 * their weights. Returns how many. */
uint32_t bs_closing_legs(const struct bs_plan *plan, uint32_t account, struct bs_closing_leg *legs,
                         bs_i128 *ret_total);

#endif
