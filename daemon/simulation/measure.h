/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How a loss was shared, as numbers. Pure: arrays in, whole parts per million out, every quotient
 * rounded down. docs/policies.md has the formulas with their sources.
 */
#ifndef SIM_MEASURE_H
#define SIM_MEASURE_H

#include "lib/what_if.h"

/* What a settlement took from one account that could pay, and what the account had before. */
struct measure_loss {
    uint32_t account;
    bs_i128 loss; /* quanta; below 0 when it gained by being closed */
    bs_i128 equity, gain;
};

/* floor(10^6 * part / whole); false when whole is not positive. */
BS_MUST_USE bool measure_ppm(bs_i128 part, bs_i128 whole, bs_i128 *ret_ppm);

/* Gini of the losses x over all n accounts, below 0 counted as 0, x(1) <= ... <= x(n):
 *     floor(10^6 * sum (2i - n - 1) x(i) / (n * sum x(i)))
 * 0: all lost the same; (n-1)/n: one lost all. False when nothing was lost. Reorders the losses. */
BS_MUST_USE bool measure_gini(struct measure_loss *losses, uint32_t count, bs_i128 *ret_ppm);

struct measure_worst {
    bool has_equity, has_gain;
    bs_i128 of_equity_ppm, of_gain_ppm; /* the largest loss as a share of the loser's own */
    uint32_t equity_account, gain_account;
    uint32_t without_gain; /* accounts that lost and had no gain to lose */
};

/* Ties go to the account that comes first. */
void measure_worst(const struct measure_loss *losses, uint32_t count,
                   struct measure_worst *ret_worst);

/* The largest gain that is left to any solvent account: max over rows of max(0, gain - loss).
 * places[row] is 1 + the index of the row's loss, or 0. */
bs_i128 measure_top_left(const struct bs_what_if_account *rows, uint32_t rows_count,
                         const uint32_t *places, const struct measure_loss *losses);

#endif
