/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/settlement/deleverage.h"

#include "lib/money/money.h"
#include "lib/settlement/closing.h"
#include "lib/settlement/legs.h"

/* Whether a close that protects principal could ever take lots of this candidate. */
static bool may_bear(const struct bs_closing *closing, const struct bs_candidate *candidate)
{
    struct bs_leg leg = bs_plan_leg(closing->plan, candidate->account, closing->market);
    return leg.size != 0 && bs_plan_profit(closing->plan, closing->market, &leg) >= 0;
}

static void place_in_order(struct bs_closing *closing)
{
    struct bs_plan *plan = closing->plan;
    struct bs_queue *queue = &plan->queues->lists[closing->market * 2 + closing->counter_side];
    uint32_t bearing_end = queue->spent;
    for (uint32_t rank = queue->spent; closing->done < closing->price.lots; rank++) {
        if (closing->protect && queue->protected_end != 0 && rank + 1 >= queue->protected_end) {
            return;
        }
        struct bs_candidate *candidate =
            bs_queue_at(plan, closing->market, closing->counter_side, rank);
        if (candidate == NULL || plan->overflow) {
            queue->protected_end = closing->protect ? bearing_end + 1 : 0;
            return;
        }
        if (closing->protect && may_bear(closing, candidate)) {
            bearing_end = rank + 1;
        }
        bs_close_against(closing, candidate, rank, (int64_t)(closing->price.lots - closing->done));
        bool spent = bs_plan_leg(plan, candidate->account, closing->market).size == 0;
        if (spent && rank == queue->spent) {
            queue->spent++;
        }
    }
}

static void close_leg(struct bs_closing *closing, const struct bs_closing_leg *leg, bs_i128 share)
{
    closing->market = leg->market;
    closing->is_long = leg->size > 0;
    closing->counter_side = leg->size > 0;
    closing->done = 0;
    bs_i128 value = bs_plan_value(closing->plan, leg->market, leg->size) + share;
    if (bs_plan_pays_to_close(closing->plan, leg->market, leg->size)) {
        value = bs_min(0, value); /* no price below 0: the rest is carried on */
    }
    closing->price = (struct bs_piecewise){value, bs_abs64(leg->size)};
    place_in_order(closing);
}

void bs_deleverage_run(struct bs_plan *plan, uint32_t debtor_row, const struct bs_layer *layer,
                       bool at_mark)
{
    struct bs_debtor *debtor = &plan->debtors[debtor_row];
    struct bs_closing_leg *legs = plan->closing_legs; /* the plan changes while they are walked */
    struct bs_closing closing = {.plan = plan,
                                 .debtor_row = debtor_row,
                                 .account = debtor->account,
                                 .at_mark = at_mark,
                                 .protect = !at_mark && layer->protect_principal};
    bs_i128 total;
    uint32_t count = bs_closing_legs(plan, debtor->account, legs, &total);
    bs_i128 debt = at_mark ? 0 : debtor->owed;
    bs_i128 prefix = 0, carried = 0;
    assert(!bs_ranking_splits(layer->ranking));
    assert(layer->ranking == plan->queues->ranking || count == 0);
    for (uint32_t i = 0; i < count && !plan->overflow; i++) {
        bs_i128 before = bs_plan_equity(plan, debtor->account);
        bs_i128 share = carried + bs_split_ceil(debt, prefix, prefix + legs[i].weight, total);
        prefix += legs[i].weight;
        close_leg(&closing, &legs[i], share);
        bs_i128 after = bs_plan_equity(plan, debtor->account);
        carried = at_mark ? 0 : share - (after - before);
        debtor->owed = bs_max(0, -after);
    }
}
