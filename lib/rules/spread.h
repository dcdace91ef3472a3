/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What assignments cost an insolvent account on top of its debt:
 *
 *     cost = floor(|value released| * spread_ppm / 10^6)      of each assignment, and
 *     sum of costs <= floor(debt * max_cost_ppm / 10^6)       of all of one account
 */
#ifndef BS_SPREAD_H
#define BS_SPREAD_H

#include "lib/base/limits.h"
#include "lib/money/money.h"

static inline bs_i128 bs_spread_on(bs_i128 value, uint32_t spread_ppm)
{
    return bs_muldiv_floor(bs_abs(value), spread_ppm, BS_PPM);
}

/* `debt` <= 0: nothing is owed, and nothing may be spent. */
static inline bs_i128 bs_spread_limit(bs_i128 debt, uint32_t max_cost_ppm)
{
    return bs_muldiv_floor(bs_max(0, debt), max_cost_ppm, BS_PPM);
}

#endif
