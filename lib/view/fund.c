/* SPDX-License-Identifier: Apache-2.0 */
/* What readers see of an insurance fund: its triggers and the last changes of its cash. */
#include "lib/book/fund.h"
#include "lib/book/convert.h"
#include "lib/book/policy.h"
#include "lib/engine.h"
#include "lib/money/money.h"

const char *bs_fund_cause_name(uint8_t cause)
{
    static const char *const names[] = {
        [BS_FUND_TOP_UP] = "top_up",
        [BS_FUND_WITHDRAWAL] = "withdrawal",
        [BS_FUND_CREDIT] = "credit",
        [BS_FUND_FILL] = "fill",
        [BS_FUND_TRANSFER] = "transfer",
        [BS_FUND_DRAW] = "draw",
        [BS_FUND_TAKEOVER] = "takeover",
        [BS_FUND_CLOSE] = "close",
        [BS_FUND_WRITE_OFF] = "write_off",
        [BS_FUND_REVERSAL] = "reversal",
        [BS_FUND_RESTITUTION] = "restitution",
        [BS_FUND_OWN_FUND] = "own_fund",
        [BS_FUND_OWN_FUND_DRAW] = "own_fund_draw",
        [BS_FUND_SETTLEMENT] = "settlement",
    };
    return cause < BS_FUND_CAUSE_COUNT ? names[cause] : NULL;
}

void bs_fund_view_get(const struct bs_engine *engine, uint32_t row, struct bs_fund_view *ret_view)
{
    const struct bs_pool *pool = &engine->pools[row];
    struct bs_drawdown found = bs_fund_drawdown(engine, row, engine->time_ms);
    bool has_drawdown = bs_policy_drawdown(&pool->policy) != NULL;
    *ret_view = (struct bs_fund_view){
        .has_drawdown = has_drawdown,
        .drawdown_ppm = found.drawdown_ppm,
        .peak = bs_quanta_wide(pool, found.peak),
        .threshold = bs_quanta_wide(pool, found.threshold),
        .distance = bs_quanta_wide(pool, found.equity - found.threshold),
        .resume_at = bs_quanta_wide(pool, found.resume_at),
        .has_max_per_settlement = pool->policy.max_per_settlement != INT64_MAX,
        .max_per_settlement = bs_quanta_wide(pool, pool->policy.max_per_settlement),
        .state = found.equity <= pool->policy.floor ? BS_FUND_EXHAUSTED
                 : found.restricted                 ? BS_FUND_RESTRICTED
                                                    : BS_FUND_NORMAL,
    };
}

uint32_t bs_fund_history_get(const struct bs_engine *engine, uint32_t row, uint64_t after,
                             uint32_t max, struct bs_fund_change_view *ret_rows)
{
    const struct bs_pool *pool = &engine->pools[row];
    const struct bs_fund *fund = &engine->funds[row];
    uint64_t kept = fund->changes < BS_FUND_CHANGES_MAX ? fund->changes : BS_FUND_CHANGES_MAX;
    uint64_t number = after > fund->changes - kept ? after : fund->changes - kept;
    uint32_t written = 0;
    while (number < fund->changes && written < max) {
        const struct bs_fund_change *change = &fund->history[number % BS_FUND_CHANGES_MAX];
        ret_rows[written++] = (struct bs_fund_change_view){
            .number = ++number,
            .time_ms = change->time_ms,
            .cause = change->cause,
            .settlement = change->settlement,
            .amount = bs_quanta_wide(pool, change->amount),
            .balance = bs_quanta_wide(pool, change->balance),
            .equity = bs_quanta_wide(pool, change->equity),
            .own_funds = bs_quanta_wide(pool, change->own_funds),
        };
    }
    return written;
}
