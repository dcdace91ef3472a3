/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Deleveraging. A leg of Q lots is closed for a total value V = value at mark + its share of the
 * debt, in pieces: after P of Q lots the closing account has received ceil(V*P/Q). A counterparty
 * is clamped to the lots its equity bears and, when its principal is protected, never closed worse
 * than at its entry; what a leg cannot take that way is added to the next leg's share.
 */
#include "lib/base/sort.h"
#include "lib/money/money.h"
#include "lib/settlement/closing.h"

/* Whether a close that protects principal could ever take lots of this candidate. */
static bool may_bear(const struct bs_closing *closing, const struct bs_candidate *candidate)
{
    struct bs_leg leg = bs_plan_leg(closing->plan, candidate->account, closing->market);
    return leg.size != 0 && bs_plan_profit(closing->plan, closing->market, &leg) >= 0;
}

static void place_in_order(struct bs_closing *closing)
{
    struct bs_rankings *rankings = &closing->plan->scratch->rankings;
    struct bs_ranking_list *list = &rankings->lists[closing->market * 2 + closing->counter_side];
    uint32_t bearing_end = list->spent;
    for (uint32_t rank = list->spent; closing->done < closing->price.lots; rank++) {
        if (closing->protect && list->protected_end != 0 && rank + 1 >= list->protected_end) {
            return;
        }
        struct bs_candidate *candidate =
            bs_ranking_at(closing->plan, closing->market, closing->counter_side, rank);
        if (candidate == NULL || closing->plan->overflow) {
            list->protected_end = closing->protect ? bearing_end + 1 : 0;
            return;
        }
        if (closing->protect && may_bear(closing, candidate)) {
            bearing_end = rank + 1;
        }
        bs_close_against(closing, candidate, rank, closing->price.lots - closing->done);
        bool spent = bs_plan_leg(closing->plan, candidate->account, closing->market).size == 0;
        if (spent && rank == list->spent) {
            list->spent++;
        }
    }
}

/* Own profit, highest first; then market id. */
static int compare_legs(const void *a, const void *b, const void *context)
{
    (void)context;
    const struct bs_adl_leg *left = a, *right = b;
    if (left->profit != right->profit) {
        return left->profit > right->profit ? -1 : 1;
    }
    return (left->order > right->order) - (left->order < right->order);
}

/* The legs wait in scratch memory: the plan changes while they are walked. */
uint32_t bs_adl_legs(struct bs_plan *plan, uint32_t account, struct bs_adl_leg *legs,
                     bs_i128 *ret_total)
{
    struct bs_leg_weight *weights = plan->scratch->leg_weights;
    uint32_t count = bs_leg_weights(plan, account, weights);
    *ret_total = 0;
    for (uint32_t i = 0; i < count; i++) {
        struct bs_working_position position = bs_plan_position(plan, account, i);
        legs[i] =
            (struct bs_adl_leg){.market = position.market,
                                .order = i,
                                .size = position.leg.size,
                                .profit = bs_plan_profit(plan, position.market, &position.leg),
                                .weight = weights[i].weight};
        *ret_total += weights[i].weight;
    }
    bs_sort(legs, count, sizeof *legs, compare_legs, NULL);
    return count;
}

void bs_layer_adl(struct bs_plan *plan, uint32_t case_row, const struct bs_layer *layer,
                  bool at_mark)
{
    struct bs_case *c = &plan->scratch->cases[case_row];
    struct bs_adl_leg *legs = plan->scratch->adl_legs;
    bs_i128 total;
    uint32_t count = bs_adl_legs(plan, c->account, legs, &total);
    bs_i128 debt = at_mark ? 0 : c->owed;
    bs_i128 prefix = 0, carried = 0;
    for (uint32_t i = 0; i < count && !plan->overflow; i++) {
        bs_i128 equity = bs_plan_equity(plan, c->account);
        bs_i128 share = carried + bs_split_ceil(debt, prefix, prefix + legs[i].weight, total);
        prefix += legs[i].weight;
        int64_t lots = bs_abs64(legs[i].size);
        struct bs_closing closing = {
            .plan = plan,
            .case_row = case_row,
            .account = c->account,
            .market = legs[i].market,
            .counter_side = legs[i].size > 0,
            .at_mark = at_mark,
            .protect = !at_mark && layer->protect_principal,
            .is_long = legs[i].size > 0,
            .price = {bs_plan_value(plan, legs[i].market, legs[i].size) + share, lots},
        };
        if (bs_ranking_splits(layer->ranking)) {
            bs_place_split(&closing);
        } else {
            place_in_order(&closing);
        }
        bs_i128 after = bs_plan_equity(plan, c->account);
        carried = at_mark ? 0 : share - (after - equity);
        c->owed = bs_max(0, -after);
    }
}
