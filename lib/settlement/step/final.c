/* SPDX-License-Identifier: Apache-2.0 */
/* Final settlement: a whole position is closed at its value; after the last one, the dust. */
#include "lib/settlement/final.h"
#include "lib/book/convert.h"
#include "lib/book/names.h"
#include "lib/settlement/actions.h"

static void carry(struct bs_plan *plan, const struct bs_step *step)
{
    plan->cleared_value += step->amount;
    if (step->lots == 0) {
        bs_plan_touch(plan, step->account)->collateral += step->amount;
        return;
    }
    plan->cleared_lots += bs_plan_leg(plan, step->account, step->market).size;
    bs_plan_close_leg(plan, step->account, step->market, step->lots, step->amount);
}

static bool check(struct bs_plan *plan, const struct bs_step *step)
{
    int64_t size = bs_plan_leg(plan, step->account, step->market).size;
    bs_i128 before = bs_plan_equity(plan, step->account);
    carry(plan, step);
    if (step->lots == 0) {
        return step->account == bs_plan_backstop(plan) &&
               plan->cleared_value ==
                   bs_cleared_value(&plan->engine->markets[step->market], plan->cleared_lots);
    }
    return bs_abs64(size) == step->lots && bs_plan_equity(plan, step->account) == before;
}

/* Dust has no position: it is an amount for the backstop account. */
static void apply(struct bs_applying *applying)
{
    const struct bs_step *step = applying->step;
    if (step->lots != 0) {
        (void)bs_applying_close(applying, BS_ACTION_FINAL_SETTLEMENT, step->account, 0,
                                step->amount);
        return;
    }
    struct bs_action *action =
        bs_applying_action(applying, BS_ACTION_FINAL_SETTLEMENT, step->account);
    action->market = bs_market_text(applying->engine, step->market);
    BS_DECIMAL(action, amount, bs_quanta_wide(applying->pool, step->amount));
}

const struct bs_step_kind bs_step_final = {
    .fund_cause = BS_FUND_SETTLEMENT, .carry = carry, .check = check, .apply = apply};
