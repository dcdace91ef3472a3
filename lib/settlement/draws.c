/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/settlement/draws.h"

#include "lib/book/policy.h"
#include "lib/money/money.h"
#include "lib/settlement/budgets.h"

bs_i128 bs_plan_fund_equity(const struct bs_plan *plan)
{
    return bs_plan_equity(plan, bs_plan_backstop(plan)) - plan->own_funds_total;
}

bs_i128 bs_plan_fund_available(const struct bs_plan *plan)
{
    if (bs_policy_layer(plan->policy, BS_LAYER_INSURANCE) == NULL) {
        return 0;
    }
    if (plan->fund_restricted || plan->fund_cut) {
        return 0;
    }
    bs_i128 above = bs_plan_fund_equity(plan) - plan->fund_least;
    bs_i128 left = plan->policy->max_per_settlement - plan->fund_paid;
    return bs_max(0, bs_min(above, left));
}

/* What was owed before the first draw for the debtor; the parts of budgets are shares of it. */
static bs_i128 owed_at_first(struct bs_plan *plan, const struct bs_step *step, bs_i128 owed)
{
    if (plan->check.draw_debtor != step->debtor) {
        plan->check.draw_debtor = step->debtor;
        plan->check.draw_paid = 0;
    }
    owed += plan->check.draw_paid;
    plan->check.draw_paid += step->amount;
    return owed;
}

bool bs_draw_is_allowed(struct bs_plan *plan, const struct bs_step *step, bs_i128 owed)
{
    struct bs_check *check = &plan->check;
    assert(step->amount > 0);
    owed = owed_at_first(plan, step, owed);
    if (step->debtor != 0) {
        const struct bs_debtor *debtor = &plan->debtors[step->debtor - 1];
        bool within = step->amount <= bs_budgets_allow(plan, debtor, owed, check->budget_used);
        bs_budgets_pay(plan, debtor, owed, step->amount, check->budget_used);
        if (!within) {
            return false;
        }
    }
    check->fund_paid += step->amount;
    return !plan->fund_restricted && check->fund_paid <= plan->policy->max_per_settlement &&
           bs_plan_fund_equity(plan) >= plan->fund_least;
}

/* By the own fund of one of the debtor's legs' markets. */
bool bs_own_draw_is_allowed(struct bs_plan *plan, const struct bs_step *step, bs_i128 owed)
{
    assert(step->debtor != 0);
    const struct bs_debtor *debtor = &plan->debtors[step->debtor - 1];
    int64_t *used = plan->check.budget_used;
    uint32_t i = 0;
    owed = owed_at_first(plan, step, owed);
    while (i < debtor->legs_count && plan->weights[debtor->legs_first + i].market != step->market) {
        i++;
    }
    if (i == debtor->legs_count ||
        step->amount > bs_budgets_own_part(plan, debtor, owed, i, used)) {
        return false;
    }
    used[step->market] += (int64_t)step->amount;
    return plan->own_funds[step->market] >= 0 && bs_plan_equity(plan, bs_plan_backstop(plan)) >= 0;
}
