/* SPDX-License-Identifier: Apache-2.0 */
/* Refunds: an account gets back what the window took from it beyond its share. */
#include "lib/book/convert.h"
#include "lib/settlement/actions.h"

static void carry(struct bs_plan *plan, const struct bs_step *step)
{
    bs_plan_touch(plan, step->account)->collateral += step->amount;
    bs_plan_touch(plan, step->account)->window_taken -= step->amount;
    plan->window_loss -= step->amount;
    plan->period_loss += step->amount;
    bs_plan_lower_claim(plan, step->account, step->amount);
}

/* No more than was taken, and not to an account that owes. */
static bool check(struct bs_plan *plan, const struct bs_step *step)
{
    if (step->amount <= 0 || step->amount > bs_plan_window_taken(plan, step->account) ||
        bs_plan_equity(plan, step->account) < 0) {
        return false;
    }
    carry(plan, step);
    return true;
}

static void apply(struct bs_applying *applying)
{
    const struct bs_step *step = applying->step;
    const struct bs_pool *pool = applying->pool;
    const struct bs_round *round = &applying->plan->rounds[step->as.refund.round];
    bs_i128 taken = bs_plan_window_taken(applying->plan, step->account);
    assert(step->amount <= taken);
    struct bs_action *action = bs_applying_action(applying, BS_ACTION_REFUND, step->account);
    action->basis = round->basis;
    action->present |= BS_ACTION_HAS_BASIS;
    BS_DECIMAL(action, amount, bs_quanta_wide(pool, step->amount));
    BS_DECIMAL(action, gain, bs_quanta_wide(pool, step->as.refund.gain));
    BS_DECIMAL(action, loss, bs_quanta_wide(pool, round->loss));
    BS_DECIMAL(action, gains_total, bs_quanta_wide(pool, round->total));
    BS_DECIMAL(action, prefix, bs_quanta_wide(pool, step->as.refund.prefix));
    BS_DECIMAL(action, weight, bs_quanta_wide(pool, step->as.refund.due));
    BS_DECIMAL(action, taken, bs_quanta_wide(pool, taken));
}

const struct bs_step_kind bs_step_refund = {
    .fund_cause = BS_FUND_SETTLEMENT, .carry = carry, .check = check, .apply = apply};
