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

bs_i128 bs_fund_available(const struct bs_plan *plan)
{
    if (bs_layer_of(plan, BS_LAYER_INSURANCE) == NULL) {
        return 0;
    }
    uint32_t backstop = plan->engine->pools[plan->pool].backstop;
    if (plan->fund_restricted || plan->fund_cut) {
        return 0;
    }
    bs_i128 above = bs_plan_equity(plan, backstop) - plan->fund_least;
    bs_i128 left = plan->policy->max_per_settlement - plan->fund_paid;
    return bs_max(0, bs_min(above, left));
}

bs_i128 bs_fund_pays(struct bs_plan *plan, bs_i128 wanted)
{
    bs_i128 paid = bs_min(wanted, bs_fund_available(plan));
    if (paid < wanted && !plan->fund_restricted && plan->fund_least > plan->policy->floor) {
        uint32_t backstop = plan->engine->pools[plan->pool].backstop;
        bs_i128 above_floor = bs_plan_equity(plan, backstop) - plan->policy->floor;
        bs_i128 left = plan->policy->max_per_settlement - plan->fund_paid;
        plan->fund_cut = plan->fund_cut || paid < bs_min(wanted, bs_min(above_floor, left));
    }
    plan->fund_paid += paid;
    return paid;
}

bool bs_draw_is_allowed(struct bs_plan *plan, const struct bs_step *step, bs_i128 owed)
{
    uint32_t backstop = plan->engine->pools[plan->pool].backstop;
    plan->fund_checked += step->amount;
    if (step->reference != 0) {
        const struct bs_case *c = &plan->scratch->cases[step->reference - 1];
        int64_t *used = plan->scratch->budget_checked;
        if (step->amount > bs_budget_allows(plan, c, owed, used)) {
            return false;
        }
        bs_budget_pay(plan, c, owed, step->amount, used);
    }
    return !plan->fund_restricted && plan->fund_checked <= plan->policy->max_per_settlement &&
           bs_plan_equity(plan, backstop) >= plan->fund_least;
}

void bs_layer_insurance(struct bs_plan *plan, uint32_t case_row)
{
    struct bs_case *c = &plan->scratch->cases[case_row];
    int64_t *used = plan->scratch->budget_planned;
    bs_i128 wanted = bs_budget_allows(plan, c, c->owed, used);
    bs_i128 paid = bs_fund_pays(plan, wanted);
    c->over_budget = c->owed - wanted;
    if (paid > 0) {
        bs_budget_pay(plan, c, c->owed, paid, used);
        struct bs_step step = {
            .type = BS_STEP_DRAW, .account = c->account, .reference = case_row + 1, .amount = paid};
        c->owed -= paid;
        c->fund_paid += paid;
        bs_plan_add(plan, &step);
    }
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
