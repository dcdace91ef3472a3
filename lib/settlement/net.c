/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/settlement/net.h"

#include "lib/book/policy.h"
#include "lib/money/money.h"
#include "lib/settlement/step/kind.h"

/* The next debtor from `from` on with a position on this side of the market, or debtors_count. */
static uint32_t next_on_side(const struct bs_plan *plan, uint32_t market, bool is_long,
                             uint32_t from, struct bs_leg *ret_leg)
{
    for (; from < plan->debtors_count; from++) {
        *ret_leg = bs_plan_leg(plan, plan->debtors[from].account, market);
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
    while (buyer < plan->debtors_count && seller < plan->debtors_count) {
        int64_t lots = (int64_t)bs_min(bought.size, bs_abs64(sold.size));
        struct bs_step step = {
            .type = BS_STEP_NETTING,
            .account = plan->debtors[buyer].account,
            .counterparty = plan->debtors[seller].account,
            .market = market,
            .lots = lots,
            .amount = bs_plan_value(plan, market, lots),
        };
        bs_plan_add(plan, &step);
        buyer = next_on_side(plan, market, true, buyer, &bought);
        seller = next_on_side(plan, market, false, seller, &sold);
    }
}

/* Only markets with insolvent accounts on both sides are walked. */
static void net_markets(struct bs_plan *plan)
{
    const struct bs_engine *engine = plan->engine;
    uint8_t *sides = plan->market_sides;
    for (uint32_t i = 0; i < plan->debtors_count; i++) {
        uint32_t account = plan->debtors[i].account;
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
}

void bs_debtors_net(struct bs_plan *plan)
{
    if (bs_policy_layer(plan->policy, BS_LAYER_HAIRCUT) == NULL || plan->debtors_count < 2) {
        return;
    }
    net_markets(plan);
    /* The roundings of two inverse values differ from that of their sum. */
    for (uint32_t i = 0; plan->inverse && i < plan->debtors_count; i++) {
        struct bs_debtor *debtor = &plan->debtors[i];
        bs_i128 equity = bs_plan_equity(plan, debtor->account);
        debtor->owed = bs_max(0, -equity);
        debtor->solvent = equity >= 0;
    }
}
