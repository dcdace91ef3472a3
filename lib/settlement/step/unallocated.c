/* SPDX-License-Identifier: Apache-2.0 */
/* The part of the period loss that no account can be charged for becomes unallocated deficit. */
#include "lib/settlement/actions.h"

static void carry(struct bs_plan *plan, const struct bs_step *step)
{
    plan->period_loss -= step->amount;
    plan->unallocated += step->amount;
}

static bool check(struct bs_plan *plan, const struct bs_step *step)
{
    if (step->amount <= 0 || step->amount > plan->period_loss) {
        return false;
    }
    carry(plan, step);
    return true;
}

static void apply(struct bs_applying *applying)
{
    assert(applying->step->amount <= applying->plan->period_loss);
    (void)bs_applying_amount(applying, BS_ACTION_UNALLOCATED_DEFICIT);
    applying->summary->unallocated.mantissa += applying->step->amount;
}

const struct bs_step_kind bs_step_unallocated = {
    .fund_cause = BS_FUND_SETTLEMENT, .carry = carry, .check = check, .apply = apply};
