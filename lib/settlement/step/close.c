/* SPDX-License-Identifier: Apache-2.0 */
/* Closes: lots of an insolvent account are closed against a ranked counterparty. */
#include "lib/book/convert.h"
#include "lib/settlement/actions.h"
#include "lib/settlement/allowance.h"
#include "lib/settlement/place.h"
#include "lib/settlement/pricing.h"
#include "lib/settlement/queue.h"

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

/* What is divided; then the sum of the weights, the sum of those before, and its own. */
static void add_share(struct bs_action *action, struct bs_wide amount,
                      const struct bs_wide weights[3])
{
    bs_action_decimal(action, BS_ACTION_DECIMAL_loss, amount);
    bs_action_decimal(action, BS_ACTION_DECIMAL_gains_total, weights[0]);
    bs_action_decimal(action, BS_ACTION_DECIMAL_prefix, weights[1]);
    bs_action_decimal(action, BS_ACTION_DECIMAL_weight, weights[2]);
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
    add_share(action, bs_quanta_wide(pool, share.amount), weights);
}

/* The counterparty's share of the lots, or of those that stay, where the leg was split. */
static void add_lots_share(struct bs_applying *applying, struct bs_action *action)
{
    const struct bs_step *step = applying->step;
    const struct bs_plan *plan = applying->plan;
    const struct bs_split_share *split = &step->as.close.split;
    const struct bs_market *market = &applying->engine->markets[step->market];
    struct bs_wide weights[3];
    if (split->total == 0) {
        return;
    }
    if (plan->queues->ranking == BS_RANKING_LEVERAGE_WATER_FILL) {
        bs_i128 equity = bs_max(1, bs_plan_equity(plan, step->counterparty));
        weights[0] = bs_quanta_wide(applying->pool, split->total);
        weights[1] = bs_quanta_wide(applying->pool, split->prefix);
        weights[2] = bs_quanta_wide(applying->pool, equity);
    } else {
        weights[0] = bs_lots_wide(market, split->total);
        weights[1] = bs_lots_wide(market, split->prefix);
        weights[2] = action->decimals[BS_ACTION_DECIMAL_size_before];
    }
    add_share(action, bs_lots_wide(market, split->parted), weights);
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
    bs_applying_place(applying, action);
    add_lots_share(applying, action);
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
