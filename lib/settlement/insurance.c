/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/money/money.h"
#include "lib/settlement/layers.h"

const struct bs_layer *bs_layer_of(const struct bs_plan *plan, uint8_t type)
{
    for (uint32_t i = 0; i < plan->policy->layers_count; i++) {
        if (plan->policy->layers[i].type == type) {
            return &plan->policy->layers[i];
        }
    }
    return NULL;
}

bs_i128 bs_fund_equity(const struct bs_plan *plan)
{
    return bs_plan_equity(plan, plan->engine->pools[plan->pool].backstop) - plan->own_funds;
}

bs_i128 bs_fund_available(const struct bs_plan *plan)
{
    if (bs_layer_of(plan, BS_LAYER_INSURANCE) == NULL) {
        return 0;
    }
    if (plan->fund_restricted || plan->fund_cut) {
        return 0;
    }
    bs_i128 above = bs_fund_equity(plan) - plan->fund_least;
    bs_i128 left = plan->policy->max_per_settlement - plan->fund_paid;
    return bs_max(0, bs_min(above, left));
}

bs_i128 bs_fund_pays(struct bs_plan *plan, bs_i128 wanted)
{
    bs_i128 paid = bs_min(wanted, bs_fund_available(plan));
    if (paid < wanted && !plan->fund_restricted && plan->fund_least > plan->policy->floor) {
        bs_i128 above_floor = bs_fund_equity(plan) - plan->policy->floor;
        bs_i128 left = plan->policy->max_per_settlement - plan->fund_paid;
        plan->fund_cut = plan->fund_cut || paid < bs_min(wanted, bs_min(above_floor, left));
    }
    plan->fund_paid += paid;
    return paid;
}

/* Of what was owed before the first draw of the case: by the own fund of one of its legs' markets,
 * or by the pool's within budgets. */
static bool is_within_parts(struct bs_plan *plan, const struct bs_step *step, bs_i128 owed)
{
    const struct bs_case *c = &plan->scratch->cases[step->reference - 1];
    int64_t *used = plan->scratch->budget_checked;
    if (step->market == 0) {
        bool ok = step->amount <= bs_budget_allows(plan, c, owed, used);
        bs_budget_pay(plan, c, owed, step->amount, used);
        return ok;
    }
    for (uint32_t i = 0; i < c->legs_count; i++) {
        if (plan->scratch->weights[c->legs_first + i].market == step->market) {
            bool ok = step->amount <= bs_own_part(plan, c, owed, i, used);
            used[step->market] += (int64_t)step->amount;
            return ok;
        }
    }
    return false;
}

bool bs_draw_is_allowed(struct bs_plan *plan, const struct bs_step *step, bs_i128 owed)
{
    uint32_t backstop = plan->engine->pools[plan->pool].backstop;
    if (plan->draw_reference != step->reference) {
        plan->draw_reference = step->reference;
        plan->draw_paid = 0;
    }
    owed += plan->draw_paid;
    plan->draw_paid += step->amount;
    if (step->reference != 0 && !is_within_parts(plan, step, owed)) {
        return false;
    }
    if (step->market != 0) {
        return step->reference != 0 && plan->scratch->own_funds[step->market] >= 0 &&
               bs_plan_equity(plan, backstop) >= 0;
    }
    plan->fund_checked += step->amount;
    return !plan->fund_restricted && plan->fund_checked <= plan->policy->max_per_settlement &&
           bs_fund_equity(plan) >= plan->fund_least;
}

static void draw(struct bs_plan *plan, uint32_t case_row, uint32_t market, bs_i128 amount)
{
    struct bs_case *c = &plan->scratch->cases[case_row];
    struct bs_step step = {.type = BS_STEP_DRAW,
                           .account = c->account,
                           .market = market,
                           .reference = case_row + 1,
                           .amount = amount};
    if (amount > 0) {
        c->owed -= amount;
        c->fund_paid += amount;
        bs_plan_add(plan, &step);
    }
}

/* Each market with a fund of its own pays for its leg what is kept for it, as far as the fund has
 * it at all. */
static void draw_own_funds(struct bs_plan *plan, uint32_t case_row, bs_i128 owed)
{
    struct bs_case *c = &plan->scratch->cases[case_row];
    int64_t *used = plan->scratch->budget_planned;
    uint32_t backstop = plan->engine->pools[plan->pool].backstop;
    for (uint32_t i = 0; plan->own_funds > 0 && i < c->legs_count; i++) {
        uint32_t market = plan->scratch->weights[c->legs_first + i].market;
        bs_i128 part = bs_own_part(plan, c, owed, i, used);
        if (part > 0) {
            part = bs_min(part, plan->scratch->own_funds[market]);
            part = bs_max(0, bs_min(part, bs_plan_equity(plan, backstop)));
            used[market] += (int64_t)part;
            draw(plan, case_row, market, part);
        }
    }
}

void bs_layer_insurance(struct bs_plan *plan, uint32_t case_row)
{
    struct bs_case *c = &plan->scratch->cases[case_row];
    int64_t *used = plan->scratch->budget_planned;
    bs_i128 owed = c->owed, wanted = bs_budget_allows(plan, c, owed, used);
    if (plan->has_budgets) {
        draw_own_funds(plan, case_row, owed);
    }
    c->over_budget = c->owed - wanted;
    bs_i128 paid = bs_fund_pays(plan, wanted);
    bs_budget_pay(plan, c, owed, paid, used);
    draw(plan, case_row, 0, paid);
    if (c->owed == 0) {
        bs_takeover(plan, case_row);
    }
}

void bs_takeover(struct bs_plan *plan, uint32_t case_row)
{
    uint32_t account = plan->scratch->cases[case_row].account;
    while (!plan->overflow && bs_plan_positions(plan, account) > 0) {
        struct bs_working_position position = bs_plan_position(plan, account, 0);
        struct bs_step step = {.type = BS_STEP_TAKEOVER,
                               .account = account,
                               .counterparty = plan->engine->pools[plan->pool].backstop,
                               .market = position.market,
                               .reference = case_row + 1,
                               .lots = bs_abs64(position.leg.size),
                               .amount = bs_plan_value(plan, position.market, position.leg.size)};
        if (plan->inverse && bs_plan_positions(plan, account) == 1) {
            /* Dust of partial closes: an account that is done ends at exactly 0. */
            step.amount -= bs_max(0, bs_plan_equity(plan, account));
        }
        bs_plan_add(plan, &step);
    }
}
