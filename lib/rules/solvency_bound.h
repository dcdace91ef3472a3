/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The solvency bound: how far marks may move before an account can be insolvent, so that detection
 * costs the accounts near insolvency, not all accounts.
 *
 * Each market has a reference price p0. With E0 an account's equity at the references and G the sum
 * of its |value| there, its equity at the marks p is at least E0 - R * G, where R is the largest
 * relative move |p - p0| / p0 of all markets of the pool. So an account with E0 / G >= R is solvent
 * and need not be looked at. (Inverse: |p - p0| / min(p, p0), and one quantum a leg for the
 * rounding of its value, taken off E0 and added to G.)
 *
 * E0 / G is rounded down to a level of one byte; ratios are in units of 2^-32.
 */
#ifndef BS_SOLVENCY_BOUND_H
#define BS_SOLVENCY_BOUND_H

#include "lib/money/money.h"

#define BS_BOUND_NEVER UINT8_MAX /* no position that could lose */

/* The level of an account with this equity and gross value at the references. Accounts at level 0
 * are always looked at: they have next to nothing. */
uint8_t bs_bound_level(bs_i128 equity, bs_i128 gross);
/* The relative move between two prices in ticks, rounded up. */
uint64_t bs_bound_move(int64_t from, int64_t to, bool is_inverse);
/* Accounts at this level or above survive the move. */
uint8_t bs_bound_reach(uint64_t move);

#endif
