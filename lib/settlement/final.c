/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Final settlement of a market: at the final price every position in it is closed at its value, in
 * account-id order, each account against a clearing house that exists only meanwhile. Nobody's
 * equity changes by it, so that it does not matter who comes first; whoever is insolvent at that
 * price goes through the waterfall afterwards, within the same settlement.
 *
 * The clearing house ends with the value of what the longs and shorts of the book differ by: 0
 * where they are the same. What the roundings of inverse values leave beyond it goes to the
 * backstop account.
 */
#include "lib/money/money.h"
#include "lib/settlement/layers.h"
#include "lib/settlement/settle.h"

/* Every other market in which somebody holds a position has a fresh mark. */
static bool others_ready(struct bs_engine *engine, uint32_t row)
{
    struct bs_market *market = &engine->markets[row];
    const struct bs_market held = *market;
    market->has_mark = true;
    market->mark_time_ms = engine->time_ms;
    bool ready = bs_pool_ready(engine, market->pool, engine->time_ms);
    *market = held;
    return ready;
}

struct bs_outcome bs_apply_final(struct bs_engine *engine, const struct bs_final_command *command,
                                 struct bs_effects *effects)
{
    uint32_t row = bs_index_find(&engine->market_index, command->market);
    if (row == 0) {
        return bs_refuse(BS_UNKNOWN_MARKET, "market");
    }
    const struct bs_market *market = &engine->markets[row];
    if (engine->pools[market->pool].state == BS_STATE_HALTED) {
        return bs_refuse(BS_POOL_HALTED, NULL);
    }
    if (market->settled) {
        return bs_refuse(BS_MARKET_SETTLED, "market");
    }
    if (!others_ready(engine, row)) {
        return bs_refuse(BS_MARKS_NOT_READY, NULL);
    }
    struct bs_mark_command mark = {
        .market = command->market,
        .price = command->price,
        .has_time = true,
        .mark_time_ms = (int64_t)bs_max(engine->time_ms, market->mark_time_ms),
        .confirm = true,
    };
    struct bs_outcome outcome = bs_apply_mark(engine, &mark);
    if (outcome.status == BS_OK) {
        bs_settle_final(engine, row, effects);
    }
    return outcome;
}

/* What the roundings of inverse values leave. */
static void clear_dust(struct bs_plan *plan, uint32_t market)
{
    if (bs_abs(plan->cleared_lots) > BS_MONEY_MAX) {
        plan->overflow = true;
        return;
    }
    bs_i128 dust = bs_plan_value(plan, market, (int64_t)plan->cleared_lots) - plan->cleared_value;
    if (dust != 0) {
        struct bs_step step = {.type = BS_STEP_FINAL,
                               .account = plan->engine->pools[plan->pool].backstop,
                               .market = market,
                               .amount = dust};
        bs_plan_add(plan, &step);
    }
}

bool bs_final_next(struct bs_plan *plan, uint32_t market, uint32_t *at)
{
    const struct bs_engine *engine = plan->engine;
    if (*at == engine->order_count) {
        clear_dust(plan, market);
        return false;
    }
    uint32_t account = engine->accounts.order[(*at)++];
    struct bs_leg leg = {0, 0, 0};
    if (engine->accounts.hot[account].pool == plan->pool) {
        leg = bs_plan_leg(plan, account, market);
    }
    if (leg.size != 0) {
        struct bs_step step = {.type = BS_STEP_FINAL,
                               .account = account,
                               .market = market,
                               .lots = bs_abs64(leg.size),
                               .amount = bs_plan_value(plan, market, leg.size)};
        bs_plan_add(plan, &step);
    }
    return true;
}
