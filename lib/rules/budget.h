/* SPDX-License-Identifier: Apache-2.0 */
/* A market's budget of one period. */
#ifndef BS_BUDGET_H
#define BS_BUDGET_H

#include "lib/money/money.h"

/* How much of a market's `share` of a debt its budget lets the fund pay, with `used` of it used in
 * the period. Quanta; >= 0. */
static inline bs_i128 bs_budget_part(bs_i128 share, int64_t budget, int64_t used)
{
    return bs_max(0, bs_min(share, (bs_i128)budget - used));
}

#endif
