/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lots split among all candidates of a tier instead of taken in an order. A round gives each its
 * share of what is left of the sizes; a candidate that is refused lots by a clamp is out of the
 * following rounds. Nothing is closed meanwhile: equities are those before the side.
 *
 * pro_rata: X lots by size, prefix differences in account-id order.
 *
 * leverage_water_fill (after Campbell, Hey, Moallemi and Nutz: it makes the highest leverage as low
 * as it can be): with q_i lots and equity E_i the sizes that stay are min(q_i, level * E_i), and
 * the level is such that X lots go. Over the k candidates above it, level = (sum q - X) / sum E: so
 * what stays, T = sum q - X lots, is split by equity among them (prefix differences, rounded up).
 * At mark nothing is taken from any account, so those not in profit are levelled with the others: else
 * closing and reopening a position would be a way out of the first tier.
 */
#ifndef BS_SPLIT_H
#define BS_SPLIT_H

#include "lib/settlement/closing.h"

/* The debtors that a side is closed for: rows of plan->debtors. */
struct bs_split_for {
    uint32_t first, end;
};

/*
 * Places the lots of closing->price among the candidates, tier by tier; but leverage_water_fill at
 * mark levels those in profit and those not in profit together. Writes a step for each that gets
 * lots, in account-id order, without its amount, to `steps`, which has room for `room`. Returns how
 * many; with more than `room` the plan overflows.
 */
uint32_t bs_split_place(struct bs_closing *closing, struct bs_split_for debtors,
                        struct bs_step *steps, uint32_t room);

#endif
