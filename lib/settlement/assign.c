/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/settlement/assign.h"

#include "lib/money/money.h"
#include "lib/settlement/asked.h"
#include "lib/settlement/legs.h"
#include "lib/settlement/queue.h"
#include "lib/settlement/step/kind.h"

/* An account that takes over a position may join a queue that was already walked through. */
static void reopen_queue(struct bs_plan *plan, uint32_t account, uint32_t market)
{
    struct bs_leg leg = bs_plan_leg(plan, account, market);
    struct bs_queue *queue = &plan->queues->lists[market * 2 + (leg.size < 0)];
    queue->spent = 0;
    queue->protected_end = 0;
}

static void assign(struct bs_plan *plan, uint32_t debtor_row, uint32_t place, int64_t lots,
                   struct bs_offer *offer)
{
    uint32_t provider = bs_asked_at(plan, place)->account;
    assert(lots > 0);
    assert(lots <= bs_abs64(offer->size));
    bs_i128 value = bs_plan_released(plan, offer->market, offer->size, lots);
    bs_i128 cost = bs_offer_spread(plan, value);
    struct bs_step step = {.type = BS_STEP_ASSIGN,
                           .account = offer->account,
                           .counterparty = provider,
                           .market = offer->market,
                           .debtor = debtor_row + 1,
                           .lots = lots,
                           .amount = value - cost,
                           .as.assign.place = place};
    bs_plan_add(plan, &step);
    reopen_queue(plan, provider, offer->market);
    offer->cost_left -= cost;
    offer->size += offer->size > 0 ? -lots : lots;
    assert(offer->cost_left >= 0);
}

static void offer_leg(struct bs_plan *plan, uint32_t debtor_row, struct bs_offer *offer)
{
    for (uint32_t place = bs_asked_first(plan, offer->market);
         place < plan->asked_count && offer->size != 0 && !plan->overflow; place++) {
        if (bs_asked_at(plan, place)->market != offer->market) {
            break;
        }
        int64_t lots = bs_asked_room(plan, place, offer);
        if (lots > 0) {
            assign(plan, debtor_row, place, lots, offer);
        }
    }
}

void bs_assign_run(struct bs_plan *plan, uint32_t debtor_row)
{
    struct bs_debtor *debtor = &plan->debtors[debtor_row];
    if (plan->asked_count == 0) {
        return;
    }
    struct bs_closing_leg *legs = plan->closing_legs; /* the plan changes while they are walked */
    bs_i128 total;
    uint32_t count = bs_closing_legs(plan, debtor->account, legs, &total);
    struct bs_offer offer = {.account = debtor->account,
                             .cost_left = bs_offer_cost_limit(plan, debtor->owed)};
    for (uint32_t i = 0; i < count && !plan->overflow; i++) {
        offer.market = legs[i].market;
        offer.size = legs[i].size;
        offer_leg(plan, debtor_row, &offer);
    }
    debtor->owed = bs_max(0, -bs_plan_equity(plan, debtor->account));
}
