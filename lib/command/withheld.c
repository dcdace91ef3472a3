/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/command/withheld.h"

#include "lib/book/bounds.h"
#include "lib/book/policy.h"
#include "lib/book/pools.h"
#include "lib/book/unrealized.h"
#include "lib/book/window.h"
#include "lib/money/money.h"
#include "lib/rules/seniority.h"

/* True while it is not known what accounts will have to bear. */
static bool is_open(const struct bs_engine *engine, uint32_t pool)
{
    return engine->pools[pool].period_loss > 0 || !bs_pool_is_ready(engine, pool, engine->time_ms);
}

/* What the haircut layer could charge the account for, by its basis. */
static bs_i128 gain_at_stake(const struct bs_engine *engine, uint32_t account,
                             const struct bs_unrealized *unrealized, bs_i128 equity)
{
    const struct bs_pool *pool = &engine->pools[engine->accounts.hot[account].pool];
    const struct bs_layer *haircut = bs_policy_layer(&pool->policy, BS_LAYER_HAIRCUT);
    if (haircut != NULL && haircut->basis == BS_BASIS_UNREALIZED_PROFIT) {
        return unrealized->profit - unrealized->taken;
    }
    uint32_t ages = haircut != NULL ? haircut->options[BS_OPTION_SENIORITY] : 0;
    return bs_gain_at_stake(engine->accounts.past[account].gains,
                            equity - engine->accounts.cold[account].baseline, ages) +
           bs_window_carried(engine, account);
}

struct bs_outcome bs_withdrawal_check(struct bs_engine *engine, uint32_t account, int64_t amount)
{
    uint32_t pool = engine->accounts.hot[account].pool;
    struct bs_unrealized unrealized = bs_unrealized_of(engine, account);
    bs_i128 equity = bs_account_cash(engine, account) + unrealized.profit;
    bs_i128 left = equity + amount;
    assert(amount <= 0);
    if (left < 0) {
        return bs_refuse(BS_INSUFFICIENT_EQUITY, "amount");
    }
    bs_i128 kept = bs_min(equity, gain_at_stake(engine, account, &unrealized, equity));
    if (left < kept && !is_open(engine, pool)) {
        kept = bs_min(kept, bs_pool_deficits(engine, pool));
    }
    return left < kept ? bs_refuse(BS_GAIN_WITHHELD, "amount") : BS_ACCEPTED;
}

bool bs_fund_is_needed(struct bs_engine *engine, uint32_t row)
{
    const struct bs_pool *pool = &engine->pools[row];
    return pool->unallocated > 0 || pool->claims > 0 || is_open(engine, row) ||
           bs_pool_deficits(engine, row) > 0;
}

struct bs_outcome bs_fund_leaving_check(struct bs_engine *engine, uint32_t row, int64_t amount)
{
    const struct bs_pool *pool = &engine->pools[row];
    bs_i128 cash = bs_account_cash(engine, pool->backstop);
    bs_i128 own = bs_min(cash, bs_equity_kept(engine, pool->backstop)) - pool->own_funds;
    assert(amount < 0);
    if (own + amount < 0) {
        return bs_refuse(BS_INSUFFICIENT_EQUITY, "amount");
    }
    return bs_fund_is_needed(engine, row) ? bs_refuse(BS_FUND_NEEDED, "amount") : BS_ACCEPTED;
}
