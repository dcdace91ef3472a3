/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/settlement/restitute.h"

#include "lib/book/account_order.h"
#include "lib/book/policy.h"
#include "lib/money/money.h"
#include "lib/settlement/draws.h"
#include "lib/settlement/redivide.h"
#include "lib/settlement/step/kind.h"

/* What the account is paid back by its claim; what the open window has taken is divided again
 * instead. */
static bs_i128 claim_of(const struct bs_plan *plan, uint32_t account)
{
    bs_i128 claim = bs_plan_past(plan, account)->claim - bs_plan_window_taken(plan, account);
    return plan->engine->accounts.hot[account].pool == plan->pool && claim > 0 &&
                   bs_plan_equity(plan, account) >= 0
               ? claim
               : 0;
}

/* What the fund pays back now. */
static bs_i128 payable(const struct bs_plan *plan)
{
    const struct bs_layer *haircut = bs_policy_layer(plan->policy, BS_LAYER_HAIRCUT);
    if (plan->fund_restricted || haircut == NULL || !haircut->has[BS_OPTION_RESTITUTION] ||
        plan->claims == 0 || plan->period_loss > 0 || plan->unallocated > 0) {
        return 0;
    }
    bs_i128 cash = bs_plan_collateral(plan, bs_plan_backstop(plan)) - plan->own_funds_total;
    bs_i128 own = bs_min(bs_plan_fund_equity(plan), cash);
    return bs_max(0, bs_min(own - plan->fund_least, plan->claims));
}

bool bs_restitution_due(const struct bs_plan *plan)
{
    return payable(plan) > 0;
}

static void pay_claims(struct bs_plan *plan)
{
    const struct bs_engine *engine = plan->engine;
    bs_i128 paid = payable(plan), total = 0, prefix = 0;
    if (paid == 0) {
        return;
    }
    for (uint32_t at = 0, account; (account = bs_account_order_next(engine, &at)) != 0;) {
        total += claim_of(plan, account);
    }
    paid = bs_min(paid, total);
    for (uint32_t at = 0, account;
         paid > 0 && (account = bs_account_order_next(engine, &at)) != 0;) {
        struct bs_step step = {.type = BS_STEP_RESTITUTION,
                               .account = account,
                               .counterparty = bs_plan_backstop(plan)};
        bs_i128 claim = claim_of(plan, step.account);
        step.amount = bs_split_floor(paid, prefix, prefix + claim, total);
        prefix += claim;
        if (step.amount > 0) {
            bs_plan_add(plan, &step);
        }
    }
    assert(paid == 0 || prefix == total);
}

void bs_restitute(struct bs_plan *plan)
{
    bs_i128 of_window = bs_min(payable(plan), bs_redivide_payable(plan));
    if (of_window > 0) {
        bs_redivide(plan, of_window);
    }
    pay_claims(plan);
}
