/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/book/pools.h"

#include "lib/book/accounts.h"
#include "lib/money/money.h"

bool bs_pool_is_ready(const struct bs_engine *engine, uint32_t row, int64_t now_ms)
{
    const struct bs_pool *pool = &engine->pools[row];
    for (uint32_t market = pool->market_head; market != 0; market = engine->markets[market].next) {
        const struct bs_market *held = &engine->markets[market];
        if (held->holders[0] + held->holders[1] == 0) {
            continue;
        }
        if (!held->has_mark) {
            return false;
        }
        if (pool->mark_max_age_ms > 0 &&
            now_ms - held->mark_time_ms > (int64_t)pool->mark_max_age_ms) {
            return false;
        }
    }
    return true;
}

void bs_pool_period_open(struct bs_pool *pool, int64_t now_ms)
{
    int64_t length = (int64_t)pool->policy.period_ms;
    pool->period_start_ms = now_ms;
    pool->period_end_ms = 0;
    if (length > 0) {
        pool->period_start_ms = (int64_t)bs_div_floor(now_ms, length) * length;
        pool->period_end_ms = pool->period_start_ms + length;
        assert(pool->period_start_ms <= now_ms);
        assert(now_ms < pool->period_end_ms);
    }
}

void bs_pool_handovers_clear(struct bs_engine *engine, uint32_t pool)
{
    if (engine->pools[pool].handovers == 0) {
        return;
    }
    struct bs_account_walk walk = bs_account_walk_begin(&engine->pools[pool]);
    for (uint32_t account; (account = bs_account_walk_next(engine, &walk)) != 0;) {
        engine->accounts.cold[account].handed_over = false;
    }
    engine->pools[pool].handovers = 0;
}
