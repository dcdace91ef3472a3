/* SPDX-License-Identifier: Apache-2.0 */
/* Money between a pool's fund and the own fund of a market. */
#include "lib/book/accounts.h"
#include "lib/book/convert.h"
#include "lib/book/fund.h"
#include "lib/command/apply.h"
#include "lib/command/cash.h"
#include "lib/command/withheld.h"
#include "lib/money/money.h"

/* The cash of the pool's fund above its floor, without the own funds of markets. */
static bs_i128 free_of_fund(const struct bs_engine *engine, const struct bs_pool *pool)
{
    bs_i128 cash = bs_account_cash(engine, pool->backstop);
    bs_i128 own = bs_min(cash, bs_account_equity(engine, pool->backstop));
    return own - pool->policy.floor - pool->own_funds;
}

struct bs_outcome bs_own_fund_apply(struct bs_engine *engine,
                                    const struct bs_own_fund_command *command)
{
    uint32_t row = bs_index_find(&engine->market_index, command->market);
    if (row == 0) {
        return bs_refuse(BS_UNKNOWN_MARKET, "market");
    }
    struct bs_market *market = &engine->markets[row];
    struct bs_pool *pool = &engine->pools[market->pool];
    int64_t amount;
    enum bs_status status = bs_to_quanta(pool, command->amount, &amount);
    if (status != BS_OK) {
        return bs_refuse(status, "amount");
    }
    struct bs_dedupe_key key = {.account_uid = engine->accounts.cold[pool->backstop].uid,
                                .id = command->transfer_id,
                                .has_time = command->has_time,
                                .time_ms = command->time_ms,
                                .content = {amount, BS_TRANSFER_COUNT + 1, (int64_t)market->uid}};
    bool repeat;
    struct bs_outcome outcome = bs_cash_seen(engine, &key, "transfer_id", &repeat);
    if (outcome.status != BS_OK || repeat) {
        return outcome;
    }
    if (!market->own_fund) {
        return bs_refuse(BS_NO_OWN_FUND, "market");
    }
    if (amount > 0 ? amount > free_of_fund(engine, pool) : -amount > market->own_fund_balance) {
        return bs_refuse(BS_INSUFFICIENT_EQUITY, "amount");
    }
    if (amount != 0 && bs_fund_is_needed(engine, market->pool)) {
        return bs_refuse(BS_FUND_NEEDED, "amount");
    }
    if (amount > BS_MONEY_MAX - market->own_fund_balance) {
        return bs_refuse(BS_OUT_OF_RANGE, "amount");
    }
    market->own_fund_balance += amount;
    pool->own_funds += amount;
    assert(market->own_fund_balance >= 0);
    assert(pool->own_funds >= market->own_fund_balance);
    bs_account_touched(engine, pool->backstop);
    bs_fund_record_move(engine, market->pool, BS_FUND_OWN_FUND, -(bs_i128)amount);
    bs_fund_observe(engine, market->pool, engine->time_ms, false);
    bs_cash_remember(engine, &key);
    return BS_ACCEPTED;
}
