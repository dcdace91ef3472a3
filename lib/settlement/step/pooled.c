/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A side that is closed together: the step that begins it, one for each debtor that is reached, in
 * order, and one for each counterparty, in account-id order. They follow each other in one chunk.
 */
#include "lib/book/closes.h"
#include "lib/book/convert.h"
#include "lib/settlement/actions.h"
#include "lib/settlement/allowance.h"
#include "lib/settlement/place.h"
#include "lib/settlement/pooling.h"
#include "lib/settlement/queue.h"

/* ---- what they have in common ---- */

static void pool_carry(struct bs_plan *plan, const struct bs_step *step)
{
    (void)plan;
    (void)step;
}

static void pool_apply(struct bs_applying *applying)
{
    (void)applying;
}

const struct bs_step_kind bs_step_pool = {.fund_cause = BS_FUND_SETTLEMENT,
                                          .carry = pool_carry,
                                          .check = bs_pooling_begins,
                                          .apply = pool_apply};

/* ---- a debtor ---- */

/* What lifts an insolvent account is no gain of its period. */
static void close_carry(struct bs_plan *plan, const struct bs_step *step)
{
    int64_t size = bs_plan_leg(plan, step->account, step->market).size;
    bs_i128 value = bs_plan_released(plan, step->market, size, step->lots);
    bs_plan_close_leg(plan, step->account, step->market, step->lots, step->amount);
    bs_plan_touch(plan, step->account)->baseline += step->amount - value;
}

/* Only what is owed: the close lifts a negative equity at most to 0 and leaves any other alone. */
static bool close_check(struct bs_plan *plan, const struct bs_step *step)
{
    bs_i128 slack = bs_plan_dust(plan, step->account) + bs_pooling_dust(plan);
    if (!bs_pooling_close_is_exact(plan, step)) {
        return false;
    }
    bs_i128 before = bs_plan_equity(plan, step->account);
    close_carry(plan, step);
    bs_i128 after = bs_plan_equity(plan, step->account);
    return after + slack >= before && after <= bs_max(0, before) + slack;
}

/* The leg's share of the debt. */
static void add_leg_share(const struct bs_applying *applying, struct bs_action *action)
{
    const struct bs_pool *pool = applying->pool;
    const struct bs_step *step = applying->step;
    const struct bs_debtor *debtor = &applying->plan->debtors[step->debtor - 1];
    const struct bs_wide weights[] = {bs_quanta_wide(pool, debtor->weights),
                                      bs_quanta_wide(pool, step->as.pooled_close.prefix),
                                      bs_quanta_wide(pool, step->as.pooled_close.weight)};
    bs_applying_share(action, bs_quanta_wide(pool, debtor->debt), weights);
}

static const struct bs_step *pool_of(const struct bs_step *step, uint32_t behind)
{
    const struct bs_step *pool = step - behind;
    assert(pool->type == BS_STEP_POOL);
    return pool;
}

static void close_apply(struct bs_applying *applying)
{
    const struct bs_step *step = applying->step;
    uint32_t behind = step->as.pooled_close.behind;
    const struct bs_step *pool = pool_of(step, behind);
    const struct bs_market *market = &applying->engine->markets[step->market];
    struct bs_action *action =
        bs_applying_close(applying, BS_ACTION_LIQUIDATION_CLOSE, step->account, 0, step->amount);
    bs_i128 shown = bs_value_shown(market, action->side == 0, step->as.pooled_close.leg_value);
    BS_DECIMAL(action, leg_value, bs_quanta_wide(applying->pool, shown));
    add_leg_share(applying, action);
    bs_applying_remember_part(applying, action->id, BS_SIDE_CLOSED, behind, pool->as.pool.closes);
    bs_applying_reason(applying, action);
}

const struct bs_step_kind bs_step_pooled_close = {
    .fund_cause = BS_FUND_CLOSE, .carry = close_carry, .check = close_check, .apply = close_apply};

/* ---- a counterparty ---- */

static void adl_carry(struct bs_plan *plan, const struct bs_step *step)
{
    struct bs_limit_base before = {0, 0};
    if (plan->limits != NULL) {
        before = bs_limit_base_of(plan, step->account);
    }
    bs_plan_close_leg(plan, step->account, step->market, step->lots, -step->amount);
    if (plan->limits != NULL) {
        bs_allowance_count(plan, step->account, &before);
    }
}

static bool adl_check(struct bs_plan *plan, const struct bs_step *step)
{
    if (bs_plan_equity(plan, step->account) < 0 || !bs_pooling_adl_is_exact(plan, step)) {
        return false;
    }
    adl_carry(plan, step);
    struct bs_allowance left = bs_allowance_of(plan, step->account);
    return left.loss >= 0 && left.close >= 0 && bs_plan_equity(plan, step->account) >= 0;
}

/* Its share of the lots, or of those that stay, in the first round that gave it lots. */
static void add_lots_share(const struct bs_applying *applying, struct bs_action *action)
{
    const struct bs_step *step = applying->step;
    const struct bs_split_share *split = &step->as.pooled_adl.split;
    const struct bs_market *market = &applying->engine->markets[step->market];
    struct bs_wide weights[3];
    if (applying->plan->queues->ranking == BS_RANKING_LEVERAGE_WATER_FILL) {
        bs_i128 equity = bs_max(1, bs_plan_equity(applying->plan, step->account));
        weights[0] = bs_quanta_wide(applying->pool, split->total);
        weights[1] = bs_quanta_wide(applying->pool, split->prefix);
        weights[2] = bs_quanta_wide(applying->pool, equity);
    } else {
        weights[0] = bs_lots_wide(market, split->total);
        weights[1] = bs_lots_wide(market, split->prefix);
        weights[2] = action->decimals[BS_ACTION_DECIMAL_size_before];
    }
    bs_applying_share(action, bs_lots_wide(market, split->parted), weights);
}

/* The price of the side: its value N for D lots. */
static void add_price(const struct bs_applying *applying, const struct bs_step_pool *pool,
                      struct bs_action *action)
{
    const struct bs_market *market = &applying->engine->markets[applying->step->market];
    bs_i128 shown = bs_value_shown(market, action->side == 0, -pool->price_value);
    BS_DECIMAL(action, leg_value, bs_quanta_wide(applying->pool, shown));
    BS_DECIMAL(action, size_taken, bs_lots_wide(market, pool->price_lots)); /* shown as leg_size */
}

static void adl_apply(struct bs_applying *applying)
{
    const struct bs_step *step = applying->step;
    uint32_t behind = step->as.pooled_adl.behind;
    const struct bs_step *pool = pool_of(step, behind);
    struct bs_action *action =
        bs_applying_close(applying, BS_ACTION_ADL, step->account, 0, -step->amount);
    bs_applying_place(applying, action, step->as.pooled_adl.rank);
    add_price(applying, &pool->as.pool, action);
    add_lots_share(applying, action);
    bs_applying_remember_part(applying, action->id, BS_SIDE_COUNTER, behind, pool->as.pool.closes);
    if (applying->plan->limits != NULL) {
        action->hits = bs_allowance_hits(applying->plan, step->account) + 1;
        action->present |= BS_ACTION_HAS_HITS;
    }
    applying->summary->counterparties++;
    applying->summary->deleveraged.mantissa +=
        action->decimals[BS_ACTION_DECIMAL_cost_to_mark].mantissa;
}

const struct bs_step_kind bs_step_pooled_adl = {
    .fund_cause = BS_FUND_CLOSE, .carry = adl_carry, .check = adl_check, .apply = adl_apply};
