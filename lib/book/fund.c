/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/book/fund.h"

#include "lib/book/accounts.h"
#include "lib/book/policy.h"
#include "lib/money/money.h"

static bs_i128 equity_of(const struct bs_engine *engine, const struct bs_pool *pool)
{
    return bs_account_equity(engine, pool->backstop) - pool->own_funds;
}

struct bs_drawdown bs_fund_drawdown(const struct bs_engine *engine, uint32_t row, int64_t now_ms)
{
    const struct bs_pool *pool = &engine->pools[row];
    const struct bs_layer *layer = bs_policy_drawdown(&pool->policy);
    bs_i128 equity = equity_of(engine, pool);
    if (layer == NULL) {
        return (struct bs_drawdown){.equity = equity, .peak = equity};
    }
    return bs_drawdown_of(&engine->funds[row].drawdown, layer, equity, now_ms);
}

void bs_fund_observe(struct bs_engine *engine, uint32_t row, int64_t now_ms, bool cut)
{
    const struct bs_pool *pool = &engine->pools[row];
    const struct bs_layer *layer = bs_policy_drawdown(&pool->policy);
    if (layer != NULL) {
        bs_drawdown_observe(&engine->funds[row].drawdown, layer, equity_of(engine, pool), now_ms,
                            cut);
    }
}

void bs_fund_history_add(struct bs_engine *engine, uint32_t pool,
                         const struct bs_fund_change *change)
{
    if (change->amount == 0) {
        return;
    }
    struct bs_fund *fund = &engine->funds[pool];
    assert(change->cause < BS_FUND_CAUSE_COUNT);
    assert(change->own_funds >= 0);
    const uint64_t words[] = {fund->digest[0],
                              fund->digest[1],
                              (uint64_t)change->time_ms,
                              change->settlement,
                              (uint64_t)change->amount,
                              (uint64_t)change->balance,
                              (uint64_t)change->equity,
                              (uint64_t)change->own_funds,
                              change->cause};
    fund->history[fund->changes++ % BS_FUND_CHANGES_MAX] = *change;
    fund->digest[0] = bs_hash(0, words, sizeof words);
    fund->digest[1] = bs_hash(1, words, sizeof words);
}

void bs_fund_record_move(struct bs_engine *engine, uint32_t pool, enum bs_fund_cause cause,
                         bs_i128 amount)
{
    uint32_t backstop = engine->pools[pool].backstop;
    assert(backstop != 0);
    struct bs_fund_change change = {
        .time_ms = engine->time_ms,
        .amount = amount,
        .balance = bs_account_cash(engine, backstop),
        .equity = bs_account_equity(engine, backstop),
        .own_funds = engine->pools[pool].own_funds,
        .cause = (uint8_t)cause,
    };
    bs_fund_history_add(engine, pool, &change);
}

void bs_fund_clear(struct bs_engine *engine, uint32_t pool)
{
    struct bs_fund *fund = &engine->funds[pool];
    if (fund->drawdown.part_ms != 0 || fund->changes != 0) {
        memset(fund, 0, sizeof *fund);
    }
}
