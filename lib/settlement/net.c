/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/settlement/net.h"

#include "lib/book/policy.h"
#include "lib/money/money.h"
#include "lib/settlement/step/kind.h"

/* The next debtor from `from` on with a position on this side of the market, or debtors_count. */
static uint32_t next_on_side(const struct bs_plan *plan, uint32_t market, bool is_long,
                             uint32_t from, int64_t *ret_lots)
{
    for (; from < plan->debtors_count; from++) {
        int64_t size = bs_plan_leg(plan, plan->debtors[from].account, market).size;
        if (size != 0 && (size > 0) == is_long) {
            *ret_lots = bs_abs64(size);
            break;
        }
    }
    return from;
}

/* Closes lots of the two against each other; returns how many. */
static int64_t net_pair(struct bs_plan *plan, uint32_t market, uint32_t buyer, uint32_t seller,
                        int64_t lots)
{
    struct bs_step step = {
        .type = BS_STEP_NETTING,
        .account = plan->debtors[buyer].account,
        .counterparty = plan->debtors[seller].account,
        .market = market,
        .lots = lots,
        .amount = bs_plan_value(plan, market, lots),
    };
    assert(lots > 0);
    assert(step.account != step.counterparty);
    if (bs_plan_excludes(plan, step.account, step.counterparty, market) ||
        bs_plan_leaves_out(plan, step.account, market) ||
        bs_plan_leaves_out(plan, step.counterparty, market)) {
        return 0;
    }
    bs_plan_add(plan, &step);
    return lots;
}

/* Each buyer in the order of detection against the sellers in it, but for those it is not closed
 * against in this settlement. */
static void net_market(struct bs_plan *plan, uint32_t market)
{
    int64_t bought = 0, sold = 0;
    uint32_t buyer = next_on_side(plan, market, true, 0, &bought);
    uint32_t first = next_on_side(plan, market, false, 0, &sold);
    while (buyer < plan->debtors_count && first < plan->debtors_count) {
        uint32_t seller = first;
        while (bought > 0 && seller < plan->debtors_count && !plan->overflow) {
            int64_t lots = (int64_t)bs_min(bought, sold);
            bought -= net_pair(plan, market, buyer, seller, lots);
            seller = next_on_side(plan, market, false, seller + 1, &sold);
        }
        first = next_on_side(plan, market, false, first, &sold);
        buyer = next_on_side(plan, market, true, buyer + 1, &bought);
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
