/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/money/money.h"
#include "lib/settlement/layers.h"

/* The next case from `from` on with a position on this side of the market, or cases_count. */
static uint32_t next_on_side(const struct bs_plan *plan, uint32_t market, bool is_long,
                             uint32_t from, struct bs_leg *ret_leg)
{
    for (; from < plan->cases_count; from++) {
        *ret_leg = bs_plan_leg(plan, plan->scratch->cases[from].account, market);
        if (ret_leg->size != 0 && (ret_leg->size > 0) == is_long) {
            break;
        }
    }
    return from;
}

static void net_market(struct bs_plan *plan, uint32_t market)
{
    struct bs_leg bought, sold;
    uint32_t buyer = next_on_side(plan, market, true, 0, &bought);
    uint32_t seller = next_on_side(plan, market, false, 0, &sold);
    while (buyer < plan->cases_count && seller < plan->cases_count) {
        int64_t lots = (int64_t)bs_min(bought.size, bs_abs64(sold.size));
        struct bs_step step = {
            .type = BS_STEP_NETTING,
            .account = plan->scratch->cases[buyer].account,
            .counterparty = plan->scratch->cases[seller].account,
            .market = market,
            .lots = lots,
            .amount = bs_plan_value(plan, market, lots),
        };
        bs_plan_add(plan, &step);
        buyer = next_on_side(plan, market, true, buyer, &bought);
        seller = next_on_side(plan, market, false, seller, &sold);
    }
}

void bs_net(struct bs_plan *plan)
{
    const struct bs_engine *engine = plan->engine;
    if (bs_layer_of(plan, BS_LAYER_HAIRCUT) == NULL || plan->cases_count < 2) {
        return;
    }
    /* Only markets in which insolvent accounts stand on both sides are walked. */
    uint8_t *sides = plan->scratch->market_sides;
    for (uint32_t i = 0; i < plan->cases_count; i++) {
        uint32_t account = plan->scratch->cases[i].account;
        for (uint32_t k = 0; k < bs_plan_positions(plan, account); k++) {
            struct bs_working_position position = bs_plan_position(plan, account, k);
            sides[position.market] |= position.leg.size > 0 ? 1 : 2;
        }
    }
    for (uint32_t market = engine->pools[plan->pool].market_head; market != 0;
         market = engine->markets[market].next) {
        if (sides[market] == 3) {
            net_market(plan, market);
        }
        sides[market] = 0;
    }
    if (plan->inverse) {
        /* The roundings of two values differ from that of their sum. */
        for (uint32_t i = 0; i < plan->cases_count; i++) {
            struct bs_case *c = &plan->scratch->cases[i];
            bs_i128 equity = bs_plan_equity(plan, c->account);
            c->owed = bs_max(0, -equity);
            c->solvent = equity >= 0;
        }
    }
}
