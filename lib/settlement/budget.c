/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the fund may pay for a market's debts in one period, and what is kept for markets with a
 * fund of their own: their debts are paid by that alone, and it pays nothing else. A debt goes to
 * markets by the legs held at detection, as under scope market; a market's part is paid up to what
 * is left of its budget. A debt without legs belongs to no market.
 *
 * Planning and the check count apart, so that the check sees what the plan took.
 */
#include "lib/money/money.h"
#include "lib/settlement/layers.h"

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
    if (plan->has_budgets) {
        load(plan, plan->scratch->budget_planned);
    }
    bs_own_funds_load(plan);
}

void bs_own_funds_load(struct bs_plan *plan)
{
    const struct bs_engine *engine = plan->engine;
    plan->own_funds = engine->pools[plan->pool].own_funds;
    uint32_t market = plan->has_budgets ? engine->pools[plan->pool].market_head : 0;
    for (; market != 0; market = engine->markets[market].next) {
        plan->scratch->own_funds[market] = engine->markets[market].own_fund_balance;
    }
}

void bs_budgets_check_begin(struct bs_plan *plan)
{
    plan->draw_reference = 0;
    if (plan->has_budgets) {
        load(plan, plan->scratch->budget_checked);
    }
}

static bs_i128 weights_of(const struct bs_plan *plan, const struct bs_case *c)
{
    bs_i128 total = 0;
    for (uint32_t i = 0; i < c->legs_count; i++) {
        total += plan->scratch->weights[c->legs_first + i].weight;
    }
    return total;
}

/* A leg's share of `owed`, or what is left of its market's budget. Where `own` differs, none. */
static bs_i128 part_of(const struct bs_plan *plan, const struct bs_leg_weight *leg, bs_i128 share,
                       const int64_t *used, bool own)
{
    const struct bs_market *market = &plan->engine->markets[leg->market];
    if (market->own_fund != own) {
        return 0;
    }
    bs_i128 left = (bs_i128)market->budget - used[leg->market];
    return market->has_budget ? bs_max(0, bs_min(share, left)) : share;
}

bs_i128 bs_own_part(const struct bs_plan *plan, const struct bs_case *c, bs_i128 owed, uint32_t i,
                    const int64_t *used)
{
    const struct bs_leg_weight *legs = plan->scratch->weights + c->legs_first;
    bs_i128 total = weights_of(plan, c), prefix = 0;
    for (uint32_t k = 0; k < i; k++) {
        prefix += legs[k].weight;
    }
    bs_i128 share = bs_split_floor(owed, prefix, prefix + legs[i].weight, total);
    return part_of(plan, &legs[i], share, used, true);
}

bs_i128 bs_budget_allows(const struct bs_plan *plan, const struct bs_case *c, bs_i128 owed,
                         const int64_t *used)
{
    if (!plan->has_budgets || c->legs_count == 0) {
        return owed;
    }
    const struct bs_leg_weight *legs = plan->scratch->weights + c->legs_first;
    bs_i128 total = weights_of(plan, c), prefix = 0, sum = 0;
    for (uint32_t i = 0; i < c->legs_count; i++) {
        bs_i128 share = bs_split_floor(owed, prefix, prefix + legs[i].weight, total);
        prefix += legs[i].weight;
        sum += part_of(plan, &legs[i], share, used, false);
    }
    return sum;
}

void bs_budget_pay(const struct bs_plan *plan, const struct bs_case *c, bs_i128 owed, bs_i128 paid,
                   int64_t *used)
{
    if (!plan->has_budgets || c->legs_count == 0) {
        return;
    }
    const struct bs_leg_weight *legs = plan->scratch->weights + c->legs_first;
    bs_i128 total = weights_of(plan, c), allowed = bs_budget_allows(plan, c, owed, used);
    bs_i128 prefix = 0, sum = 0;
    for (uint32_t i = 0; i < c->legs_count; i++) {
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
    uint32_t market = plan->has_budgets ? engine->pools[plan->pool].market_head : 0;
    for (; market != 0; market = engine->markets[market].next) {
        engine->markets[market].budget_used = plan->scratch->budget_planned[market];
        engine->markets[market].own_fund_balance = plan->scratch->own_funds[market];
    }
}

void bs_budgets_renew(struct bs_engine *engine, uint32_t pool)
{
    uint32_t market = engine->pools[pool].market_head;
    for (; market != 0; market = engine->markets[market].next) {
        engine->markets[market].budget_used = 0;
    }
}
