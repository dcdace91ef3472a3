/* SPDX-License-Identifier: Apache-2.0 */
/* Const views of pools, markets, accounts and positions, converted to decimals. */
#include "lib/book/accounts.h"
#include "lib/book/convert.h"
#include "lib/book/isolated.h"
#include "lib/book/names.h"
#include "lib/book/policy.h"
#include "lib/book/window.h"
#include "lib/engine.h"
#include "lib/money/money.h"
#include "lib/settlement/plan.h"

static struct bs_rules_view view_rules(const struct bs_policy *policy)
{
    return (struct bs_rules_view){BS_RULES_VIEW(BS_VIEW_VALUE)};
}

static struct bs_window_view view_window(const struct bs_pool *pool)
{
    return (struct bs_window_view){BS_WINDOW_VIEW(BS_VIEW_VALUE)};
}

void bs_pool_view_get(const struct bs_engine *engine, uint32_t row, struct bs_pool_view *ret_view)
{
    const struct bs_pool *pool = &engine->pools[row];
    const struct bs_policy *policy = &pool->policy;
    assert(row != 0);
    assert(row <= engine->pools_used);
    *ret_view = (struct bs_pool_view){BS_POOL_VIEW(BS_VIEW_VALUE)};
}

static void add_profits(const struct bs_engine *engine, uint32_t account, bs_i128 *profits,
                        bs_i128 *losses)
{
    uint32_t first = engine->accounts.hot[account].position_at;
    for (uint32_t i = first; i < first + engine->accounts.hot[account].position_count; i++) {
        int64_t profit = bs_position_profit(engine, i);
        *(profit > 0 ? profits : losses) += profit > 0 ? profit : -(bs_i128)profit;
    }
}

struct pool_sums {
    bs_i128 collateral, positive, deficit, gains, profits, losses;
    uint32_t insolvent, waiting;
};

static void add_equity(const struct bs_engine *engine, uint32_t account, struct pool_sums *sums)
{
    const struct bs_account_cold *cold = &engine->accounts.cold[account];
    const struct bs_pool *pool = &engine->pools[engine->accounts.hot[account].pool];
    bs_i128 equity = bs_account_equity(engine, account);
    if (equity < 0) {
        sums->insolvent++;
        sums->waiting += pool->trigger == BS_TRIGGER_HANDOVER && !cold->handed_over;
        sums->deficit -= equity;
    } else {
        sums->positive += equity;
        sums->gains += bs_max(0, equity - cold->baseline);
    }
}

void bs_solvency_view_get(const struct bs_engine *engine, uint32_t row,
                          struct bs_solvency_view *ret_view)
{
    const struct bs_pool *pool = &engine->pools[row];
    struct pool_sums sums = {0};
    assert(row <= engine->pools_used);
    struct bs_account_walk walk = bs_account_walk_begin(pool);
    for (uint32_t account; (account = bs_account_walk_next(engine, &walk)) != 0;) {
        sums.collateral += bs_account_cash(engine, account);
        add_profits(engine, account, &sums.profits, &sums.losses);
        if (account != pool->backstop) {
            add_equity(engine, account, &sums);
        }
    }
    *ret_view = (struct bs_solvency_view){BS_SOLVENCY_VIEW(BS_VIEW_VALUE)};
}

void bs_market_view_get(const struct bs_engine *engine, uint32_t row,
                        struct bs_market_view *ret_view)
{
    const struct bs_market *market = &engine->markets[row];
    const struct bs_pool *pool = &engine->pools[market->pool];
    assert(row != 0);
    assert(row <= engine->markets_used);
    *ret_view = (struct bs_market_view){BS_MARKET_VIEW(BS_VIEW_VALUE)};
}

struct account_sums {
    bs_i128 equity, notional, maintenance;
};

static struct account_sums sum_up(const struct bs_engine *engine, uint32_t account)
{
    const struct bs_account_hot *hot = &engine->accounts.hot[account];
    struct account_sums sums = {.equity = bs_account_equity(engine, account)};
    for (uint32_t i = hot->position_at; i < hot->position_at + hot->position_count; i++) {
        bs_i128 value = bs_position_value(engine, i);
        sums.notional += bs_abs(value);
        sums.maintenance +=
            bs_maintenance(&engine->markets[engine->positions.rows[i].market], value);
    }
    return sums;
}

static struct bs_text isolated_market(const struct bs_engine *engine, uint32_t account)
{
    bool is_isolated = engine->accounts.cold[account].owner != 0;
    return is_isolated ? bs_isolated_market(engine, account) : (struct bs_text){0};
}

static struct bs_wide leverage(const struct account_sums *sums)
{
    return sums->equity > 0 ? bs_wide_ratio(sums->notional, sums->equity, 0) : (struct bs_wide){0};
}

/* Since the window of the pool opened. */
static bs_i128 window_gain(const struct bs_engine *engine, uint32_t account, bs_i128 equity)
{
    return equity - engine->accounts.cold[account].baseline + bs_window_carried(engine, account) +
           bs_window_taken(engine, account);
}

/* What haircuts took and the fund has not paid back. */
static bs_i128 claim_of(const struct bs_engine *engine, uint32_t account)
{
    return engine->accounts.any_past ? engine->accounts.past[account].claim : 0;
}

/* What is left of the gains of older periods. */
static struct bs_wides older_gains(const struct bs_engine *engine, uint32_t account)
{
    struct bs_wides gains = {0};
    const struct bs_pool *pool = &engine->pools[engine->accounts.hot[account].pool];
    for (uint32_t i = 0; engine->accounts.any_past && i < BS_AGES_MAX; i++) {
        bs_i128 gain = engine->accounts.past[account].gains[i];
        gains.rows[i] = bs_quanta_wide(pool, gain);
        gains.count = gain > 0 ? i + 1 : gains.count;
    }
    return gains;
}

void bs_account_view_get(const struct bs_engine *engine, uint32_t account,
                         struct bs_account_view *ret_view)
{
    const struct bs_account_hot *hot = &engine->accounts.hot[account];
    const struct bs_account_cold *cold = &engine->accounts.cold[account];
    const struct bs_pool *pool = &engine->pools[hot->pool];
    struct account_sums sums = sum_up(engine, account);
    struct bs_wides gains = older_gains(engine, account);
    bs_i128 claim = claim_of(engine, account);
    bool has_window = pool->window.open && account != pool->backstop;
    *ret_view = (struct bs_account_view){BS_ACCOUNT_VIEW(BS_VIEW_VALUE)};
}

static void view_position(const struct bs_engine *engine, uint32_t account, uint32_t row,
                          struct bs_position_view *ret_view)
{
    const struct bs_position_row *held = &engine->positions.rows[row];
    const struct bs_market *market = &engine->markets[held->market];
    const struct bs_pool *pool = &engine->pools[engine->accounts.hot[account].pool];
    bs_i128 value = bs_position_value(engine, row);
    *ret_view = (struct bs_position_view){.account = bs_account_text(engine, account),
                                          BS_POSITION_VIEW(BS_VIEW_VALUE)};
}

void bs_position_view_get(const struct bs_engine *engine, uint32_t account, uint32_t index,
                          struct bs_position_view *ret_view)
{
    assert(index < engine->accounts.hot[account].position_count);
    view_position(engine, account, engine->accounts.hot[account].position_at + index, ret_view);
}

bool bs_position_in_market(const struct bs_engine *engine, uint32_t account, uint32_t market,
                           struct bs_position_view *ret_view)
{
    uint32_t row = bs_position_find(engine, account, market);
    if (row == 0) {
        return false;
    }
    view_position(engine, account, row, ret_view);
    return true;
}
