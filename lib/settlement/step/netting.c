/* SPDX-License-Identifier: Apache-2.0 */
/* Netting: two insolvent accounts on opposite sides close against each other at mark. */
#include "lib/settlement/actions.h"

static void carry(struct bs_plan *plan, const struct bs_step *step)
{
    bs_plan_close_leg(plan, step->account, step->market, step->lots, step->amount);
    bs_plan_close_leg(plan, step->counterparty, step->market, step->lots, -step->amount);
}

static bool check(struct bs_plan *plan, const struct bs_step *step)
{
    if (!bs_plan_closes_both(plan, step) ||
        step->amount != bs_plan_value(plan, step->market, step->lots)) {
        return false;
    }
    carry(plan, step);
    return true;
}

static void apply(struct bs_applying *applying)
{
    const struct bs_step *step = applying->step;
    assert(bs_plan_closes_both(applying->plan, step));
    (void)bs_applying_close(applying, BS_ACTION_NETTING, step->account, step->counterparty,
                            step->amount);
    (void)bs_applying_close(applying, BS_ACTION_NETTING, step->counterparty, step->account,
                            -step->amount);
}

const struct bs_step_kind bs_step_netting = {
    .fund_cause = BS_FUND_SETTLEMENT, .carry = carry, .check = check, .apply = apply};
