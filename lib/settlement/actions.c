/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/settlement/actions.h"

#include "lib/book/closes.h"
#include "lib/book/convert.h"
#include "lib/book/isolated.h"
#include "lib/book/names.h"
#include "lib/book/policy.h"
#include "lib/book/window.h"
#include "lib/money/money.h"

struct bs_action *bs_action_new(struct bs_engine *engine, uint32_t pool, enum bs_action_type type,
                                struct bs_effects *effects)
{
    assert(effects->actions_count < effects->actions_max);
    assert(type < BS_ACTION_COUNT);
    struct bs_action *action = &effects->actions[effects->actions_count++];
    /* Decimals and queue are set where `present` says so. */
    memset(action, 0, offsetof(struct bs_action, decimals));
    action->ordinal = ++engine->ordinal;
    action->id = ++engine->pools[pool].actions;
    action->seq = engine->seq;
    action->time_ms = engine->time_ms;
    action->type = (uint8_t)type;
    action->pool = bs_pool_text(engine, pool);
    assert(engine->progress->running || !engine->progress->numbered);
    if (engine->progress->numbered) {
        action->settlement = engine->pools[pool].settlements;
        action->present |= BS_ACTION_HAS_SETTLEMENT;
        engine->progress->summary.last_action = action->id;
    }
    return action;
}

void bs_action_decimal(struct bs_action *action, enum bs_action_decimal which, struct bs_wide value)
{
    assert(which < BS_ACTION_DECIMAL_COUNT);
    action->decimals[which] = value;
    action->present |= 1u << which;
}

void bs_action_window(struct bs_engine *engine, uint32_t row, struct bs_effects *effects)
{
    const struct bs_pool *pool = &engine->pools[row];
    struct bs_action *action = bs_action_new(
        engine, row, pool->window.open ? BS_ACTION_WINDOW_OPENED : BS_ACTION_WINDOW_CLOSED,
        effects);
    action->reason = bs_window_name(pool);
}

struct bs_action *bs_applying_action(struct bs_applying *applying, enum bs_action_type type,
                                     uint32_t account)
{
    struct bs_engine *engine = applying->engine;
    struct bs_action *action = bs_action_new(engine, applying->plan->pool, type, applying->effects);
    uint32_t owner = bs_account_owner(engine, account);
    action->account = bs_account_text(engine, account);
    if (owner != account) {
        action->market = bs_isolated_market(engine, account);
        action->present |= BS_ACTION_IS_ISOLATED;
    }
    engine->accounts.cold[owner].last_action = action->id;
    return action;
}

/*
 * Where a layer runs over all debtors before the next, one that comes before the insurance layer may be
 * applied before that is planned. What the fund pays is left out then, no matter where chunks end.
 */
static bool is_insured_later(const struct bs_plan *plan, const struct bs_step *step)
{
    bool is_close = step->type == BS_STEP_POOLED_CLOSE;
    return (is_close || step->type == BS_STEP_ASSIGN) && bs_policy_splits(plan->policy) &&
           step->debtor - 1 != plan->fund_debtor &&
           bs_policy_insures_after(plan->policy, is_close ? BS_LAYER_ADL : BS_LAYER_ASSIGN);
}

void bs_applying_reason(const struct bs_applying *applying, struct bs_action *action)
{
    if (applying->step->debtor == 0) {
        return;
    }
    const struct bs_debtor *debtor = &applying->plan->debtors[applying->step->debtor - 1];
    const struct bs_pool *pool = applying->pool;
    BS_DECIMAL(action, reason_deficit, bs_quanta_wide(pool, debtor->deficit));
    if (!is_insured_later(applying->plan, applying->step)) {
        BS_DECIMAL(action, reason_fund_paid, bs_quanta_wide(pool, debtor->fund_paid));
        BS_DECIMAL(action, reason_residual,
                   bs_quanta_wide(pool, debtor->deficit - debtor->fund_paid));
    }
}

struct bs_action *bs_applying_amount(struct bs_applying *applying, enum bs_action_type type)
{
    const struct bs_step *step = applying->step;
    struct bs_action *action = bs_applying_action(applying, type, step->account);
    BS_DECIMAL(action, amount, bs_quanta_wide(applying->pool, step->amount));
    bs_applying_reason(applying, action);
    return action;
}

void bs_applying_share(struct bs_action *action, struct bs_wide amount,
                       const struct bs_wide weights[3])
{
    bs_action_decimal(action, BS_ACTION_DECIMAL_loss, amount);
    bs_action_decimal(action, BS_ACTION_DECIMAL_gains_total, weights[0]);
    bs_action_decimal(action, BS_ACTION_DECIMAL_prefix, weights[1]);
    bs_action_decimal(action, BS_ACTION_DECIMAL_weight, weights[2]);
}

/* Both sides of a close show the same price. */
static struct bs_wide price_shown(struct bs_applying *applying, bs_i128 value)
{
    if (!applying->has_price || applying->priced != value) {
        const struct bs_step *step = applying->step;
        applying->price =
            bs_price_wide(&applying->engine->markets[step->market], value, step->lots);
        applying->priced = value;
        applying->has_price = true;
    }
    return applying->price;
}

struct bs_action *bs_applying_close(struct bs_applying *applying, enum bs_action_type type,
                                    uint32_t account, uint32_t counterparty, bs_i128 received)
{
    uint32_t row = applying->step->market;
    const struct bs_market *market = &applying->engine->markets[row];
    int64_t lots = applying->step->lots;
    struct bs_leg leg = bs_plan_leg(applying->plan, account, row);
    int sign = leg.size > 0 ? 1 : -1;
    int64_t held = bs_abs64(leg.size);
    assert(held >= lots);
    bs_i128 entry = leg.entry;
    bs_i128 at_mark = bs_plan_value(applying->plan, row, sign * lots);
    int64_t share = bs_leg_close(&leg, lots);

    struct bs_action *action = bs_applying_action(applying, type, account);
    action->market = bs_market_text(applying->engine, row);
    if (counterparty != 0) {
        action->counterparty = bs_account_text(applying->engine, counterparty);
    }
    action->side = sign < 0;
    action->present |= BS_ACTION_HAS_SIDE;
    BS_DECIMAL(action, size_closed, bs_lots_wide(market, lots));
    BS_DECIMAL(action, size_before, bs_lots_wide(market, held));
    BS_DECIMAL(action, size_after, bs_lots_wide(market, held - lots));
    bs_i128 shown = bs_value_shown(market, sign > 0, received);
    BS_DECIMAL(action, price, price_shown(applying, shown));
    BS_DECIMAL(action, value, bs_quanta_wide(applying->pool, shown));
    BS_DECIMAL(action, mark_price, bs_ticks_wide(market, market->mark));
    BS_DECIMAL(action, entry_price,
               bs_price_wide(market, bs_value_shown(market, sign > 0, entry), held));
    BS_DECIMAL(action, realized_pnl, bs_quanta_wide(applying->pool, received - share));
    BS_DECIMAL(action, cost_to_mark, bs_quanta_wide(applying->pool, at_mark - received));
    return action;
}

/* Records what one side gives up by the close. */
static void remember_side(const struct bs_applying *applying, uint32_t account, int side,
                          struct bs_close *close)
{
    const struct bs_engine *engine = applying->engine;
    uint32_t row = bs_position_find(engine, account, close->market);
    struct bs_leg leg = bs_plan_leg(applying->plan, account, close->market);
    int64_t taken = leg.taken;
    close->account[side] = account;
    close->uid[side] = engine->accounts.cold[account].uid;
    close->priority[side] = BS_PRIORITY_NONE;
    if (side == BS_SIDE_COUNTER && close->assigned) {
        return; /* a provider: none of its own positions was closed for it */
    }
    close->priority[side] = row != 0 ? engine->positions.rows[row].priority : BS_PRIORITY_NONE;
    close->entry[side] = bs_leg_close(&leg, close->lots);
    close->taken[side] = taken - leg.taken;
}

/* What the step closes of a position of `size` lots. */
static struct bs_close close_of(const struct bs_applying *applying, uint64_t action, int64_t size)
{
    const struct bs_step *step = applying->step;
    return (struct bs_close){
        .action = action,
        .market_uid = applying->engine->markets[step->market].uid,
        .market = step->market,
        .pool = applying->plan->pool,
        .lots = step->lots,
        .value = step->amount,
        .mark_value = bs_plan_released(applying->plan, step->market, size, step->lots),
    };
}

void bs_applying_remember_close(struct bs_applying *applying, uint64_t action)
{
    const struct bs_step *step = applying->step;
    int64_t size = bs_plan_leg(applying->plan, step->account, step->market).size;
    assert(step->account != step->counterparty);
    assert(bs_abs64(size) >= step->lots);
    struct bs_close close = close_of(applying, action, size);
    close.is_long = size > 0;
    close.assigned = step->type == BS_STEP_ASSIGN;
    remember_side(applying, step->account, BS_SIDE_CLOSED, &close);
    remember_side(applying, step->counterparty, BS_SIDE_COUNTER, &close);
    bs_closes_add(applying->engine, &close);
}

void bs_applying_remember_part(struct bs_applying *applying, uint64_t action, int side,
                               uint32_t behind, uint32_t debtors)
{
    const struct bs_step *step = applying->step;
    int64_t size = bs_plan_leg(applying->plan, step->account, step->market).size;
    struct bs_close close = close_of(applying, action, size);
    close.is_long = (size > 0) == (side == BS_SIDE_CLOSED);
    close.group = applying->engine->closes.added + 2 - behind;
    close.debtors = debtors;
    remember_side(applying, step->account, side, &close);
    bs_closes_add(applying->engine, &close);
}
