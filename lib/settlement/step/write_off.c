/* SPDX-License-Identifier: Apache-2.0 */
/* Write-offs: what an account still owes becomes period loss, and the account ends at 0. */
#include "lib/settlement/actions.h"

static void carry(struct bs_plan *plan, const struct bs_step *step)
{
    bs_plan_touch(plan, step->account)->collateral += step->amount;
    bs_plan_touch(plan, step->account)->baseline += step->amount;
    plan->period_loss += step->amount;
    bs_plan_set_off(plan, step->account, step->amount);
}

static bool check(struct bs_plan *plan, const struct bs_step *step)
{
    if (step->amount <= 0 || bs_plan_equity(plan, step->account) + step->amount != 0) {
        return false;
    }
    carry(plan, step);
    return true;
}

static void apply(struct bs_applying *applying)
{
    assert(applying->step->debtor != 0);
    (void)bs_applying_amount(applying, BS_ACTION_WRITE_OFF);
}

const struct bs_step_kind bs_step_write_off = {
    .fund_cause = BS_FUND_WRITE_OFF, .carry = carry, .check = check, .apply = apply};
