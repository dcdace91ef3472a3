/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/settlement/assigning.h"

#include "lib/book/policy.h"
#include "lib/money/money.h"
#include "lib/settlement/asked.h"
#include "lib/settlement/legs.h"

static void begin_account(struct bs_plan *plan, uint32_t debtor, uint32_t account)
{
    struct bs_assigning *assigning = &plan->check.assigning;
    bs_i128 total;
    assert(debtor != 0);
    *assigning = (struct bs_assigning){.debtor = debtor};
    assigning->legs_count = bs_closing_legs(plan, account, plan->check.legs, &total);
    assigning->offer = (struct bs_offer){
        .account = account, .cost_left = bs_offer_cost_limit(plan, -bs_plan_equity(plan, account))};
    plan->check.pricing.debtor = 0; /* the legs are not its own any more */
}

/* The next leg is on offer, if there is one. */
static bool next_leg(struct bs_plan *plan)
{
    struct bs_assigning *assigning = &plan->check.assigning;
    if (assigning->leg == assigning->legs_count) {
        return false;
    }
    const struct bs_closing_leg *leg = &plan->check.legs[assigning->leg++];
    assigning->offer.market = leg->market;
    assigning->offer.size = leg->size;
    assigning->place = bs_asked_first(plan, leg->market);
    return true;
}

/* Moves on to the next provider that has room. Returns its lots, or 0 after the last one. */
static int64_t next_taker(struct bs_plan *plan)
{
    struct bs_assigning *assigning = &plan->check.assigning;
    do {
        for (; assigning->offer.size != 0 && assigning->place < plan->asked_count &&
               bs_asked_at(plan, assigning->place)->market == assigning->offer.market;
             assigning->place++) {
            int64_t lots = bs_asked_room(plan, assigning->place, &assigning->offer);
            if (lots > 0) {
                return lots;
            }
        }
    } while (next_leg(plan));
    return 0;
}

/* The fund's inventory is offered and closed in one chunk, without turns. */
static bool has_turn(const struct bs_plan *plan, uint32_t debtor)
{
    return debtor != 0 && debtor - 1 != plan->fund_debtor && bs_policy_splits(plan->policy);
}

bool bs_assigning_turn_ends(struct bs_plan *plan)
{
    struct bs_assigning *assigning = &plan->check.assigning;
    if (!has_turn(plan, assigning->debtor)) {
        return true;
    }
    bool ends = next_taker(plan) == 0;
    assigning->debtor = 0;
    return ends;
}

/*
 * Where sides are pooled the layer runs over all debtors before the next: the current one's turn ends,
 * and none of those before row `end` that were passed over found a provider with room.
 */
static bool turns_end(struct bs_plan *plan, uint32_t end)
{
    struct bs_check *check = &plan->check;
    if (!bs_assigning_turn_ends(plan)) {
        return false;
    }
    for (; check->assigned < end; check->assigned++) {
        const struct bs_debtor *debtor = &plan->debtors[check->assigned];
        if (!debtor->solvent) {
            begin_account(plan, check->assigned + 1, debtor->account);
            if (next_taker(plan) != 0) {
                return false;
            }
        }
    }
    return true;
}

/* A step is the first one of its account. */
static bool begin_turn(struct bs_plan *plan, const struct bs_step *step)
{
    uint32_t row = step->debtor - 1;
    if (has_turn(plan, step->debtor)) {
        if (row < plan->check.assigned || !turns_end(plan, row)) {
            return false;
        }
        plan->check.assigned = row + 1;
    }
    begin_account(plan, step->debtor, step->account);
    return true;
}

bool bs_assigning_is_exact(struct bs_plan *plan, const struct bs_step *step)
{
    struct bs_assigning *assigning = &plan->check.assigning;
    if (step->debtor == 0 || bs_policy_layer(plan->policy, BS_LAYER_ASSIGN) == NULL) {
        return false;
    }
    if (assigning->debtor != step->debtor && !begin_turn(plan, step)) {
        return false;
    }
    int64_t lots = next_taker(plan);
    struct bs_offer *offer = &assigning->offer;
    if (lots == 0 || step->lots != lots || step->market != offer->market ||
        step->account != offer->account || step->as.assign.place != assigning->place ||
        step->counterparty != bs_asked_at(plan, assigning->place)->account) {
        return false;
    }
    bs_i128 value = bs_plan_released(plan, step->market, offer->size, lots);
    bs_i128 cost = bs_offer_spread(plan, value);
    offer->size += offer->size > 0 ? -lots : lots;
    offer->cost_left -= cost;
    assert(offer->cost_left >= 0);
    assigning->place++;
    return step->amount == value - cost;
}

bool bs_assigning_is_done(struct bs_plan *plan, const struct bs_step *close)
{
    if (plan->asked_count == 0) {
        return true;
    }
    if (close->debtor == 0) {
        return turns_end(plan, plan->debtors_count);
    }
    if (plan->check.assigning.debtor != close->debtor) {
        begin_account(plan, close->debtor, close->account);
    }
    return next_taker(plan) == 0;
}
