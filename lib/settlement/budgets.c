/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/settlement/budgets.h"

#include "lib/money/money.h"
#include "lib/rules/budget.h"

static void load(const struct bs_plan *plan, int64_t *used)
{
    const struct bs_engine *engine = plan->engine;
    uint32_t market = engine->pools[plan->pool].market_head;
    for (; market != 0; market = engine->markets[market].next) {
        used[market] = engine->markets[market].budget_used;
    }
}

void bs_budgets_begin(struct bs_plan *plan)
{
    const struct bs_engine *engine = plan->engine;
    uint32_t market = engine->pools[plan->pool].market_head;
    for (; market != 0; market = engine->markets[market].next) {
        plan->has_budgets = plan->has_budgets || engine->markets[market].has_budget ||
                            engine->markets[market].own_fund;
    }
    if (!plan->has_budgets) {
        return;
    }
    load(plan, plan->budget_used);
    for (market = engine->pools[plan->pool].market_head; market != 0;
         market = engine->markets[market].next) {
        plan->own_funds[market] = engine->markets[market].own_fund_balance;
    }
}

void bs_budgets_check_begin(struct bs_plan *plan)
{
    plan->check.draw_debtor = 0;
    if (plan->has_budgets) {
        load(plan, plan->check.budget_used);
    }
}

static bs_i128 weights_of(const struct bs_plan *plan, const struct bs_debtor *debtor)
{
    bs_i128 total = 0;
    for (uint32_t i = 0; i < debtor->legs_count; i++) {
        total += plan->weights[debtor->legs_first + i].weight;
    }
    return total;
}

/* A leg's share of `owed`, or what is left of its market's budget. 0 for a market whose fund is of
 * the other kind than `own`. */
static bs_i128 part_of(const struct bs_plan *plan, const struct bs_leg_weight *leg, bs_i128 share,
                       const int64_t *used, bool own)
{
    const struct bs_market *market = &plan->engine->markets[leg->market];
    if (market->own_fund != own) {
        return 0;
    }
    return market->has_budget ? bs_budget_part(share, market->budget, used[leg->market]) : share;
}

bs_i128 bs_budgets_own_part(const struct bs_plan *plan, const struct bs_debtor *debtor,
                            bs_i128 owed, uint32_t i, const int64_t *used)
{
    const struct bs_leg_weight *legs = plan->weights + debtor->legs_first;
    bs_i128 prefix = 0;
    assert(i < debtor->legs_count);
    for (uint32_t k = 0; k < i; k++) {
        prefix += legs[k].weight;
    }
    bs_i128 share = bs_split_floor(owed, prefix, prefix + legs[i].weight, weights_of(plan, debtor));
    return part_of(plan, &legs[i], share, used, true);
}

bs_i128 bs_budgets_allow(const struct bs_plan *plan, const struct bs_debtor *debtor, bs_i128 owed,
                         const int64_t *used)
{
    if (!plan->has_budgets || debtor->legs_count == 0) {
        return owed;
    }
    const struct bs_leg_weight *legs = plan->weights + debtor->legs_first;
    bs_i128 total = weights_of(plan, debtor), prefix = 0, sum = 0;
    for (uint32_t i = 0; i < debtor->legs_count; i++) {
        bs_i128 share = bs_split_floor(owed, prefix, prefix + legs[i].weight, total);
        prefix += legs[i].weight;
        sum += part_of(plan, &legs[i], share, used, false);
    }
    assert(sum <= owed);
    return sum;
}

void bs_budgets_pay(const struct bs_plan *plan, const struct bs_debtor *debtor, bs_i128 owed,
                    bs_i128 paid, int64_t *used)
{
    if (!plan->has_budgets || debtor->legs_count == 0) {
        return;
    }
    const struct bs_leg_weight *legs = plan->weights + debtor->legs_first;
    bs_i128 total = weights_of(plan, debtor), allowed = bs_budgets_allow(plan, debtor, owed, used);
    bs_i128 prefix = 0, sum = 0;
    for (uint32_t i = 0; i < debtor->legs_count; i++) {
        bs_i128 share = bs_split_floor(owed, prefix, prefix + legs[i].weight, total);
        bs_i128 part = part_of(plan, &legs[i], share, used, false);
        if (part > 0 && plan->engine->markets[legs[i].market].has_budget) {
            used[legs[i].market] += (int64_t)bs_split_floor(paid, sum, sum + part, allowed);
        }
        prefix += legs[i].weight;
        sum += part;
    }
}

void bs_budgets_write(struct bs_engine *engine, const struct bs_plan *plan)
{
    bs_i128 total = 0;
    uint32_t market = plan->has_budgets ? engine->pools[plan->pool].market_head : 0;
    for (; market != 0; market = engine->markets[market].next) {
        engine->markets[market].budget_used = plan->budget_used[market];
        engine->markets[market].own_fund_balance = plan->own_funds[market];
        assert(plan->budget_used[market] >= 0);
        assert(plan->own_funds[market] >= 0);
        total += plan->own_funds[market];
    }
    assert(!plan->has_budgets || total == plan->own_funds_total);
}

void bs_budgets_renew(struct bs_engine *engine, uint32_t pool)
{
    uint32_t market = engine->pools[pool].market_head;
    for (; market != 0; market = engine->markets[market].next) {
        engine->markets[market].budget_used = 0;
    }
}
