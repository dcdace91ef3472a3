/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What haircuts took is a claim on the fund where the haircut layer says so. Whenever the fund has
 * cash above its floor and nothing is open, it pays claims back, in proportion to them (prefix
 * differences in account-id order). What comes back is no gain of the period. The debt of an
 * insolvent claimant that others bear is set off against its claim.
 */
#include "lib/money/money.h"
#include "lib/settlement/layers.h"

static bool is_claimant(const struct bs_plan *plan, uint32_t account)
{
    const struct bs_engine *engine = plan->engine;
    return engine->accounts.hot[account].pool == plan->pool &&
           bs_plan_past(plan, account)->claim > 0 && bs_plan_equity(plan, account) >= 0;
}

/* What the fund pays back now. */
static bs_i128 payable(const struct bs_plan *plan)
{
    const struct bs_layer *haircut = bs_layer_of(plan, BS_LAYER_HAIRCUT);
    uint32_t backstop = plan->engine->pools[plan->pool].backstop;
    if (plan->fund_restricted || haircut == NULL || !haircut->has[BS_OPTION_RESTITUTION] ||
        plan->claims == 0 || plan->period_loss > 0 || plan->unallocated > 0) {
        return 0;
    }
    bs_i128 own = bs_min(bs_plan_equity(plan, backstop), bs_plan_collateral(plan, backstop));
    return bs_max(0, bs_min(own - plan->fund_least, plan->claims));
}

bool bs_restitution_due(const struct bs_plan *plan)
{
    return payable(plan) > 0;
}

void bs_restitute(struct bs_plan *plan)
{
    const struct bs_engine *engine = plan->engine;
    bs_i128 paid = payable(plan), total = 0, prefix = 0;
    for (uint32_t i = 0; paid > 0 && i < engine->order_count; i++) {
        uint32_t account = engine->accounts.order[i];
        total += is_claimant(plan, account) ? bs_plan_past(plan, account)->claim : 0;
    }
    paid = bs_min(paid, total);
    for (uint32_t i = 0; paid > 0 && i < engine->order_count; i++) {
        struct bs_step step = {.type = BS_STEP_RESTITUTION,
                               .account = engine->accounts.order[i],
                               .counterparty = engine->pools[plan->pool].backstop};
        if (is_claimant(plan, step.account)) {
            bs_i128 claim = bs_plan_past(plan, step.account)->claim;
            step.amount = bs_split_floor(paid, prefix, prefix + claim, total);
            prefix += claim;
            if (step.amount > 0) {
                bs_plan_add(plan, &step);
            }
        }
    }
}
