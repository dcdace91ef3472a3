/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The check of assignments walks the account's legs and their volunteers again, in their order: a
 * volunteer that was passed over must have no room where it was passed over, and one that takes
 * lots must take all it has room for, at the one amount that the spread leaves. So a plan that asks
 * somebody out of turn, or deleverages anybody while a volunteer was not asked, does not pass.
 */
#include "lib/money/money.h"
#include "lib/settlement/assign.h"
#include "lib/settlement/layers.h"

static void begin_account(struct bs_plan *plan, const struct bs_step *step)
{
    struct bs_assigning *assigning = &plan->scratch->assigning;
    bs_i128 total;
    *assigning = (struct bs_assigning){.reference = step->reference};
    assigning->legs_count = bs_adl_legs(plan, step->account, plan->scratch->priced_legs, &total);
    assigning->offer =
        (struct bs_offer){.account = step->account,
                          .cost_left = bs_spread_limit(plan, -bs_plan_equity(plan, step->account))};
    plan->scratch->pricing.reference = 0; /* the legs are not its own any more */
}

/* The next leg is on offer, if there is one. */
static bool next_leg(struct bs_plan *plan)
{
    struct bs_assigning *assigning = &plan->scratch->assigning;
    if (assigning->leg == assigning->legs_count) {
        return false;
    }
    const struct bs_adl_leg *leg = &plan->scratch->priced_legs[assigning->leg++];
    assigning->offer.market = leg->market;
    assigning->offer.size = leg->size;
    assigning->place = bs_volunteers_first(plan, leg->market);
    return true;
}

/* On to the next volunteer that has room: its lots, or 0 past the last one. */
static int64_t next_taker(struct bs_plan *plan)
{
    struct bs_assigning *assigning = &plan->scratch->assigning;
    do {
        for (; assigning->offer.size != 0 && assigning->place < plan->volunteers_count &&
               bs_volunteer_at(plan, assigning->place)->market == assigning->offer.market;
             assigning->place++) {
            int64_t lots = bs_volunteer_room(plan, assigning->place, &assigning->offer);
            if (lots > 0) {
                return lots;
            }
        }
    } while (next_leg(plan));
    return 0;
}

bool bs_assignment_is_exact(struct bs_plan *plan, const struct bs_step *step)
{
    struct bs_assigning *assigning = &plan->scratch->assigning;
    if (step->reference == 0 || bs_layer_of(plan, BS_LAYER_ASSIGN) == NULL) {
        return false;
    }
    if (assigning->reference != step->reference) {
        begin_account(plan, step);
    }
    int64_t lots = next_taker(plan);
    struct bs_offer *offer = &assigning->offer;
    if (lots == 0 || step->lots != lots || step->market != offer->market ||
        step->account != offer->account || step->candidate != assigning->place + 1 ||
        step->counterparty != bs_volunteer_at(plan, assigning->place)->account) {
        return false;
    }
    bs_i128 value = bs_plan_released(plan, step->market, offer->size, lots);
    bs_i128 cost = bs_spread_on(plan, value);
    offer->size += offer->size > 0 ? -lots : lots;
    offer->cost_left -= cost;
    assigning->place++;
    return step->amount == value - cost;
}

bool bs_volunteers_were_asked(struct bs_plan *plan, const struct bs_step *close)
{
    if (plan->volunteers_count == 0) {
        return true;
    }
    if (plan->scratch->assigning.reference != close->reference) {
        begin_account(plan, close);
    }
    return next_taker(plan) == 0;
}
