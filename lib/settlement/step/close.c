/* SPDX-License-Identifier: Apache-2.0 */
/* Closes: lots of an insolvent account are closed against a ranked counterparty. */
#include "lib/book/convert.h"
#include "lib/settlement/actions.h"
#include "lib/settlement/allowance.h"
#include "lib/settlement/place.h"
#include "lib/settlement/pricing.h"

static void carry(struct bs_plan *plan, const struct bs_step *step)
{
    int64_t size = bs_plan_leg(plan, step->account, step->market).size;
    bs_i128 value = bs_plan_released(plan, step->market, size, step->lots);
    struct bs_limit_base before = {0, 0};
    if (plan->limits != NULL) {
        before = bs_limit_base_of(plan, step->counterparty);
    }
    bs_plan_close_leg(plan, step->account, step->market, step->lots, step->amount);
    bs_plan_close_leg(plan, step->counterparty, step->market, step->lots, -step->amount);
    if (plan->limits != NULL) {
        bs_allowance_count(plan, step->counterparty, &before);
    }
    /* Money that lifts an insolvent account is not a gain of its period. */
    bs_plan_touch(plan, step->account)->baseline += step->amount - value;
}

/* Takes no more than is owed: the close lifts a negative equity at most to 0 and leaves any other
 * as it is. */
static bool check(struct bs_plan *plan, const struct bs_step *step)
{
    if (!bs_plan_closes_both(plan, step) || step->counterparty == bs_plan_backstop(plan) ||
        bs_plan_equity(plan, step->counterparty) < 0 || !bs_pricing_is_exact(plan, step)) {
        return false;
    }
    bs_i128 before = bs_plan_equity(plan, step->account);
    carry(plan, step);
    bs_i128 after = bs_plan_equity(plan, step->account);
    bs_i128 slack = bs_plan_dust(plan, step->account);
    struct bs_allowance left = bs_allowance_of(plan, step->counterparty);
    if (left.loss < 0 || left.close < 0) {
        return false;
    }
    return after + slack >= before && after <= bs_max(0, before) + slack &&
           bs_plan_equity(plan, step->counterparty) >= 0;
}

/* The leg's share of the debt. When no leg has maintenance nor value, the weights are lots, printed
 * as if they were quanta. */
static void add_leg_share(struct bs_applying *applying, struct bs_action *action)
{
    const struct bs_pool *pool = applying->pool;
    struct bs_leg_share share = bs_pricing_share(applying->plan, applying->step);
    const struct bs_wide weights[] = {bs_quanta_wide(pool, share.total),
                                      bs_quanta_wide(pool, share.prefix),
                                      bs_quanta_wide(pool, share.weight)};
    bs_applying_share(action, bs_quanta_wide(pool, share.amount), weights);
}

static void apply_closed_side(struct bs_applying *applying)
{
    const struct bs_step *step = applying->step;
    const struct bs_market *market = &applying->engine->markets[step->market];
    struct bs_action *action = bs_applying_close(applying, BS_ACTION_LIQUIDATION_CLOSE,
                                                 step->account, step->counterparty, step->amount);
    bs_i128 shown = bs_value_shown(market, action->side == 0, step->as.close.leg_value);
    BS_DECIMAL(action, leg_value, bs_quanta_wide(applying->pool, shown));
    add_leg_share(applying, action);
    bs_applying_remember_close(applying, action->id);
    bs_applying_reason(applying, action);
}

static void apply(struct bs_applying *applying)
{
    const struct bs_step *step = applying->step;
    assert(step->debtor != 0);
    apply_closed_side(applying);
    struct bs_action *action = bs_applying_close(applying, BS_ACTION_ADL, step->counterparty,
                                                 step->account, -step->amount);
    bs_applying_place(applying, action, step->as.close.rank);
    if (applying->plan->limits != NULL) {
        action->hits = bs_allowance_hits(applying->plan, step->counterparty) + 1;
        action->present |= BS_ACTION_HAS_HITS;
    }
    bs_applying_reason(applying, action);
    applying->summary->counterparties++;
    applying->summary->deleveraged.mantissa +=
        action->decimals[BS_ACTION_DECIMAL_cost_to_mark].mantissa;
}

const struct bs_step_kind bs_step_close = {
    .fund_cause = BS_FUND_CLOSE, .carry = carry, .check = check, .apply = apply};
