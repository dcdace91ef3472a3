/* SPDX-License-Identifier: Apache-2.0 */
/* What the backstop account would hold after a take-over. */
#ifndef BS_TAKEN_OVER_H
#define BS_TAKEN_OVER_H

#include "lib/settlement/plan.h"

struct bs_taken_over {
    struct bs_leg held; /* in the market */
    bs_i128 collateral; /* quanta */
};

/* Takes `size` lots (signed) for `amount`. False: the position would leave the range. */
static inline bool bs_taken_over_by_fund(const struct bs_plan *plan, uint32_t market, int64_t size,
                                         bs_i128 amount, struct bs_taken_over *ret_taken_over)
{
    uint32_t backstop = bs_plan_backstop(plan);
    struct bs_leg held = bs_plan_leg(plan, backstop, market);
    bs_i128 realized = 0;
    if (!bs_leg_trade(&held, size, amount, &realized) ||
        bs_abs(bs_plan_value(plan, market, held.size)) > BS_MONEY_MAX) {
        return false;
    }
    *ret_taken_over = (struct bs_taken_over){held, bs_plan_collateral(plan, backstop) + realized};
    return true;
}

#endif
