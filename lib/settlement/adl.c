/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Deleveraging. A leg of Q lots is closed for a total value V = value at mark + its share of the
 * debt, in pieces: after P of Q lots the closing account has received ceil(V*P/Q). A counterparty
 * is clamped to the lots its equity bears and, when its principal is protected, never closed worse
 * than at its entry; what a leg cannot take that way is added to the next leg's share.
 */
#include "lib/base/sort.h"
#include "lib/money/money.h"
#include "lib/settlement/close_price.h"
#include "lib/settlement/layers.h"

struct closing {
    struct bs_plan *plan;
    uint32_t case_row;
    uint32_t account;
    uint32_t market;
    uint8_t counter_side; /* 0: the counterparties are long */
    bool protect;         /* and the price is the bankruptcy price */
    bool is_long;         /* of the closing account */
    struct bs_piecewise price;
    int64_t done;  /* lots */
    bs_i128 taken; /* from counterparties against mark */
};

/* What the closing account receives for the next `lots` from this counterparty. */
static bs_i128 piece_value(const struct closing *closing, const struct bs_leg *counter,
                           int64_t lots)
{
    bs_i128 value = bs_piece(&closing->price, closing->done, lots);
    if (!closing->protect) {
        return value;
    }
    int64_t held = bs_abs64(counter->size);
    if (bs_compare_products(-value, held, counter->entry, lots) < 0) {
        return -bs_muldiv_floor(counter->entry, lots, held); /* at its entry: it realises 0 */
    }
    return value;
}

/* What the counterparty loses against mark by closing the next `lots`. */
static bs_i128 piece_cost(const struct closing *closing, const struct bs_leg *counter, int64_t lots)
{
    int64_t signed_lots = closing->is_long ? lots : -lots;
    return piece_value(closing, counter, lots) -
           bs_plan_value(closing->plan, closing->market, signed_lots);
}

/* The most lots, at most `lots`, that leave the counterparty's equity >= 0: the cost grows with the
 * lots, so halving finds it. */
static int64_t clamp(const struct closing *closing, const struct bs_leg *counter, bs_i128 equity,
                     int64_t lots)
{
    if (piece_cost(closing, counter, lots) <= equity) {
        return lots;
    }
    int64_t bearable = 0;
    int64_t unbearable = lots;
    while (unbearable - bearable > 1) {
        int64_t middle = bearable + ((unbearable - bearable) >> 1);
        if (piece_cost(closing, counter, middle) <= equity) {
            bearable = middle;
        } else {
            unbearable = middle;
        }
    }
    return bearable;
}

/* Closes up to `wanted` lots against one candidate; returns how many it was. */
static int64_t close_against(struct closing *closing, const struct bs_candidate *candidate,
                             uint32_t rank, int64_t wanted)
{
    struct bs_plan *plan = closing->plan;
    struct bs_leg counter = bs_plan_leg(plan, candidate->account, closing->market);
    bs_i128 equity = bs_plan_equity(plan, candidate->account);
    if (counter.size == 0 || (counter.size > 0) == closing->is_long || equity < 0) {
        return 0;
    }
    if (closing->protect && bs_plan_profit(plan, closing->market, &counter) < 0) {
        return 0;
    }
    int64_t lots = (int64_t)bs_min(wanted, bs_abs64(counter.size));
    lots = clamp(closing, &counter, equity, lots);
    if (lots == 0) {
        return 0;
    }
    struct bs_step step = {
        .type = BS_STEP_CLOSE,
        .account = closing->account,
        .counterparty = candidate->account,
        .market = closing->market,
        .reference = closing->case_row + 1,
        .candidate = rank + 1,
        .lots = lots,
        .amount = piece_value(closing, &counter, lots),
        .gain = closing->price.value,
    };
    closing->taken += piece_cost(closing, &counter, lots);
    closing->done += lots;
    bs_plan_add(plan, &step);
    return lots;
}

static void place_in_order(struct closing *closing)
{
    struct bs_rankings *rankings = &closing->plan->scratch->rankings;
    struct bs_ranking_list *list = &rankings->lists[closing->market * 2 + closing->counter_side];
    for (uint32_t rank = list->spent; closing->done < closing->price.lots; rank++) {
        struct bs_candidate *candidate =
            bs_ranking_at(rankings, closing->market, closing->counter_side, rank);
        if (candidate == NULL || closing->plan->overflow) {
            return;
        }
        close_against(closing, candidate, rank, closing->price.lots - closing->done);
        bool spent = bs_plan_leg(closing->plan, candidate->account, closing->market).size == 0;
        if (spent && rank == list->spent) {
            list->spent++;
        }
    }
}

/* One round of a split by remaining size over the candidates of a tier; true when it is worth
 * another round: somebody refused lots and others are left. */
static bool split_round(struct closing *closing, bool in_profit, uint32_t leg_number)
{
    struct bs_plan *plan = closing->plan;
    struct bs_rankings *rankings = &plan->scratch->rankings;
    bs_i128 total = 0, prefix = 0, amount = 0;
    int64_t before_round = closing->done;
    bool refused = false;
    for (int pass = 0; pass < 2; pass++) {
        struct bs_candidate *candidate;
        for (uint32_t rank = 0; (candidate = bs_ranking_at(rankings, closing->market,
                                                           closing->counter_side, rank)) != NULL;
             rank++) {
            struct bs_leg counter = bs_plan_leg(plan, candidate->account, closing->market);
            bool loses = closing->protect && pass == 0 && counter.size != 0 &&
                         bs_plan_profit(plan, closing->market, &counter) < 0;
            if (loses) {
                candidate->barred = leg_number;
            }
            if (candidate->in_profit != in_profit || candidate->barred == leg_number ||
                counter.size == 0) {
                continue;
            }
            bs_i128 size = bs_abs64(counter.size);
            if (pass == 1) {
                int64_t share = (int64_t)bs_split_floor(amount, prefix, prefix + size, total);
                if (share > 0 && close_against(closing, candidate, rank, share) < share) {
                    candidate->barred = leg_number;
                    refused = true;
                }
            }
            prefix += size;
        }
        if (pass == 0) {
            total = prefix;
            prefix = 0;
            amount = bs_min(closing->price.lots - before_round, total);
            if (total == 0) {
                return false;
            }
        }
    }
    return refused && closing->done < closing->price.lots && !plan->overflow;
}

static void place_pro_rata(struct closing *closing)
{
    uint32_t leg_number = ++closing->plan->legs_split;
    for (int tier = 0; tier < 2; tier++) {
        while (closing->done < closing->price.lots && split_round(closing, tier == 0, leg_number)) {
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
        bs_i128 share = carried + bs_split_ceil(debt, prefix, prefix + legs[i].weight, total);
        prefix += legs[i].weight;
        int64_t lots = bs_abs64(legs[i].size);
        struct closing closing = {
            .plan = plan,
            .case_row = case_row,
            .account = c->account,
            .market = legs[i].market,
            .counter_side = legs[i].size > 0,
            .protect = !at_mark && layer->protect_principal,
            .is_long = legs[i].size > 0,
            .price = {bs_plan_value(plan, legs[i].market, legs[i].size) + share, lots},
        };
        if (layer->ranking == BS_RANKING_PRO_RATA) {
            place_pro_rata(&closing);
        } else {
            place_in_order(&closing);
        }
        carried = share - closing.taken;
        c->owed -= closing.taken;
    }
}
