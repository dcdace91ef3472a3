/* SPDX-License-Identifier: Apache-2.0 */
/* Restitution: the fund pays claims back, or what the refunds of a window cost. */
#include "lib/settlement/actions.h"
#include "lib/settlement/draws.h"

static void carry(struct bs_plan *plan, const struct bs_step *step)
{
    bs_plan_touch(plan, step->counterparty)->collateral -= step->amount;
    if (step->account == step->counterparty) {
        plan->period_loss -= step->amount;
        return;
    }
    bs_plan_touch(plan, step->account)->collateral += step->amount;
    bs_plan_touch(plan, step->account)->baseline += step->amount;
    bs_plan_touch_past(plan, step->account)->claim -= step->amount;
    plan->claims -= step->amount;
}

/* No more than the claim, or than refunds cost and no other account pays; out of cash above the floor,
 * while no loss is open. */
static bool check(struct bs_plan *plan, const struct bs_step *step)
{
    uint32_t backstop = bs_plan_backstop(plan);
    bool of_window = step->account == backstop;
    bs_i128 most = of_window ? plan->period_loss : bs_plan_past(plan, step->account)->claim;
    if (step->amount <= 0 || step->amount > most || step->counterparty != backstop ||
        plan->period_loss != (of_window ? step->amount : 0) || plan->unallocated != 0) {
        return false;
    }
    carry(plan, step);
    return bs_plan_fund_equity(plan) >= plan->policy->floor &&
           bs_plan_collateral(plan, backstop) - plan->own_funds_total >= plan->policy->floor;
}

static void apply(struct bs_applying *applying)
{
    assert(applying->step->counterparty == applying->pool->backstop);
    assert(applying->plan->unallocated == 0);
    (void)bs_applying_amount(applying, BS_ACTION_RESTITUTION);
}

const struct bs_step_kind bs_step_restitution = {
    .fund_cause = BS_FUND_RESTITUTION, .carry = carry, .check = check, .apply = apply};
