/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lots split among all candidates of a tier instead of taken in an order. A round gives each its
 * share; a candidate that refuses lots by a clamp is out of the following rounds of the leg.
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

/* Places the leg's lots, tier by tier; but leverage_water_fill at mark levels those in profit and
 * those not in profit together. */
void bs_closing_split(struct bs_closing *closing);

#endif
