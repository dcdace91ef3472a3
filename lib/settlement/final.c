/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/settlement/final.h"

#include "lib/book/account_order.h"
#include "lib/settlement/step/kind.h"

/* Clears what the roundings of inverse values leave. */
static void clear_dust(struct bs_plan *plan, uint32_t market)
{
    bs_i128 dust =
        bs_cleared_value(&plan->engine->markets[market], plan->cleared_lots) - plan->cleared_value;
    if (dust != 0) {
        struct bs_step step = {.type = BS_STEP_FINAL,
                               .account = bs_plan_backstop(plan),
                               .market = market,
                               .amount = dust};
        bs_plan_add(plan, &step);
    }
}

bool bs_final_next(struct bs_plan *plan, uint32_t market, uint32_t *at)
{
    const struct bs_engine *engine = plan->engine;
    uint32_t account = bs_account_order_next(engine, at);
    assert(engine->markets[market].pool == plan->pool);
    if (account == 0) {
        clear_dust(plan, market);
        return false;
    }
    struct bs_leg leg = {0, 0, 0};
    if (engine->accounts.hot[account].pool == plan->pool) {
        leg = bs_plan_leg(plan, account, market);
    }
    if (leg.size != 0) {
        struct bs_step step = {.type = BS_STEP_FINAL,
                               .account = account,
                               .market = market,
                               .lots = bs_abs64(leg.size),
                               .amount = bs_plan_value(plan, market, leg.size)};
        bs_plan_add(plan, &step);
    }
    return true;
}
