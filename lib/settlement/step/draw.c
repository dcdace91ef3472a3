/* SPDX-License-Identifier: Apache-2.0 */
/* Draws: the pool's fund, or the own fund of a market, pays a part of a debt. */
#include "lib/book/convert.h"
#include "lib/book/names.h"
#include "lib/settlement/actions.h"
#include "lib/settlement/draws.h"

static void pay(struct bs_plan *plan, const struct bs_step *step)
{
    uint32_t backstop = bs_plan_backstop(plan);
    bs_plan_touch(plan, backstop)->collateral -= step->amount;
    if (step->account == backstop) {
        plan->period_loss -= step->amount;
        return;
    }
    bs_plan_touch(plan, step->account)->collateral += step->amount;
    bs_plan_touch(plan, step->account)->baseline += step->amount;
    bs_plan_set_off(plan, step->account, step->amount);
}

static void own_fund_pay(struct bs_plan *plan, const struct bs_step *step)
{
    plan->own_funds[step->market] -= (int64_t)step->amount;
    plan->own_funds_total -= step->amount;
    pay(plan, step);
}

/* No more than is owed; then within every limit of the fund. */
static bool check(struct bs_plan *plan, const struct bs_step *step)
{
    bs_i128 owed = step->account == bs_plan_backstop(plan) ? plan->period_loss - plan->over_budget
                                                           : -bs_plan_equity(plan, step->account);
    if (step->amount <= 0 || step->amount > owed) {
        return false;
    }
    pay(plan, step);
    return bs_draw_is_allowed(plan, step, owed);
}

static bool own_fund_check(struct bs_plan *plan, const struct bs_step *step)
{
    bs_i128 owed = -bs_plan_equity(plan, step->account);
    if (step->amount <= 0 || step->amount > owed || step->debtor == 0 || step->market == 0 ||
        step->account == bs_plan_backstop(plan)) {
        return false;
    }
    own_fund_pay(plan, step);
    return bs_own_draw_is_allowed(plan, step, owed);
}

static void apply(struct bs_applying *applying)
{
    assert(applying->step->amount > 0);
    (void)bs_applying_amount(applying, BS_ACTION_INSURANCE_DRAW);
    applying->summary->fund_paid.mantissa += applying->step->amount;
}

static void own_fund_apply(struct bs_applying *applying)
{
    assert(applying->step->amount > 0);
    assert(applying->step->amount <= applying->plan->own_funds[applying->step->market]);
    struct bs_action *action = bs_applying_amount(applying, BS_ACTION_OWN_FUND_DRAW);
    action->market = bs_market_text(applying->engine, applying->step->market);
    applying->summary->fund_paid.mantissa += applying->step->amount;
}

const struct bs_step_kind bs_step_draw = {
    .fund_cause = BS_FUND_DRAW, .carry = pay, .check = check, .apply = apply};

const struct bs_step_kind bs_step_own_fund_draw = {.fund_cause = BS_FUND_OWN_FUND_DRAW,
                                                   .carry = own_fund_pay,
                                                   .check = own_fund_check,
                                                   .apply = own_fund_apply};
