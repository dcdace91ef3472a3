/* SPDX-License-Identifier: Apache-2.0 */
/* Final settlement: a market's final price is set, and every position in it is closed at it. */
#include "lib/book/pools.h"
#include "lib/command/apply.h"
#include "lib/money/money.h"
#include "lib/settlement/run.h"

/* True if every other market with open positions has a fresh mark. */
static bool others_ready(struct bs_engine *engine, uint32_t row)
{
    struct bs_market *market = &engine->markets[row];
    const struct bs_market held = *market;
    market->has_mark = true;
    market->mark_time_ms = engine->time_ms;
    bool ready = bs_pool_is_ready(engine, market->pool, engine->time_ms);
    *market = held;
    return ready;
}

struct bs_outcome bs_final_apply(struct bs_engine *engine, const struct bs_final_command *command,
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
    struct bs_outcome outcome = bs_mark_apply(engine, &mark);
    if (outcome.status == BS_OK) {
        assert(market->has_mark);
        bs_settlement_begin_final(engine, row, effects);
    }
    return outcome;
}
