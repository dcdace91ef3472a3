/* SPDX-License-Identifier: Apache-2.0 */
/* Const views: what readers see, converted to decimals. */
#include "lib/book/account_order.h"
#include "lib/book/accounts.h"
#include "lib/book/convert.h"
#include "lib/book/isolated.h"
#include "lib/book/names.h"
#include "lib/book/policy.h"
#include "lib/book/window.h"
#include "lib/engine.h"
#include "lib/money/money.h"
#include "lib/settlement/plan.h"

uint32_t bs_pool_find(const struct bs_engine *engine, struct bs_text pool)
{
    return bs_index_find(&engine->pool_index, pool);
}

uint32_t bs_market_find(const struct bs_engine *engine, struct bs_text market)
{
    return bs_index_find(&engine->market_index, market);
}

uint32_t bs_account_find(const struct bs_engine *engine, struct bs_text account)
{
    return bs_index_find(&engine->account_index, account);
}

typedef struct bs_text (*name_fn)(const struct bs_engine *engine, uint32_t row);

/* The first place in a name order whose name is greater than `after`. */
static uint32_t place_after(const struct bs_engine *engine, const uint32_t *order, uint32_t count,
                            name_fn name_of, struct bs_text after)
{
    uint32_t low = 0, high = count;
    while (low < high) {
        uint32_t middle = low + ((high - low) >> 1);
        if (bs_text_compare(name_of(engine, order[middle]), after) <= 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

uint32_t bs_pool_after(const struct bs_engine *engine, struct bs_text after)
{
    uint32_t at = place_after(engine, engine->pool_order, engine->pools_count, bs_pool_text, after);
    return at < engine->pools_count ? engine->pool_order[at] : 0;
}

uint32_t bs_market_after(const struct bs_engine *engine, struct bs_text after)
{
    uint32_t at =
        place_after(engine, engine->market_order, engine->markets_count, bs_market_text, after);
    return at < engine->markets_count ? engine->market_order[at] : 0;
}

uint32_t bs_account_after(struct bs_engine *engine, uint32_t pool, struct bs_text after)
{
    bs_account_order_refresh(engine);
    const struct bs_accounts *accounts = &engine->accounts;
    uint32_t account, at = bs_account_order_after(engine, after);
    do {
        account = bs_account_order_next(engine, &at);
    } while (account != 0 && (accounts->cold[account].owner != 0 ||
                              (pool != 0 && accounts->hot[account].pool != pool)));
    return account;
}

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
        sums.collateral += engine->accounts.hot[account].collateral;
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

/* Value at mark, or at entry without a mark. */
static bs_i128 value_of(const struct bs_engine *engine, uint32_t position)
{
    return (bs_i128)engine->positions.rows[position].entry + bs_position_profit(engine, position);
}

struct account_sums {
    bs_i128 equity, notional, maintenance;
};

static struct account_sums sum_up(const struct bs_engine *engine, uint32_t account)
{
    const struct bs_account_hot *hot = &engine->accounts.hot[account];
    struct account_sums sums = {.equity = bs_account_equity(engine, account)};
    for (uint32_t i = hot->position_at; i < hot->position_at + hot->position_count; i++) {
        bs_i128 value = value_of(engine, i);
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

uint32_t bs_isolated_first(const struct bs_engine *engine, uint32_t account)
{
    return engine->accounts.cold[account].owner == 0 ? engine->accounts.cold[account].isolated : 0;
}

uint32_t bs_isolated_next(const struct bs_engine *engine, uint32_t isolated)
{
    return engine->accounts.cold[isolated].isolated;
}

uint32_t bs_action_account(const struct bs_engine *engine, const struct bs_action *action)
{
    uint32_t account = bs_account_find(engine, action->account);
    if (account == 0 || (action->present & BS_ACTION_IS_ISOLATED) == 0) {
        return account;
    }
    uint32_t market = bs_market_find(engine, action->market);
    return market == 0 ? 0 : bs_isolated_find(engine, account, market);
}

static void view_position(const struct bs_engine *engine, uint32_t account, uint32_t row,
                          struct bs_position_view *ret_view)
{
    const struct bs_position_row *held = &engine->positions.rows[row];
    const struct bs_market *market = &engine->markets[held->market];
    const struct bs_pool *pool = &engine->pools[engine->accounts.hot[account].pool];
    bs_i128 value = value_of(engine, row);
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

/* Margin ratio equity / maintenance, kept as weight / cap: lower is worse; without maintenance
 * last. */
static int compare_margins(const struct bs_payer *a, const struct bs_payer *b)
{
    if ((a->cap == 0) != (b->cap == 0)) {
        return a->cap == 0 ? 1 : -1;
    }
    return a->cap == 0 ? (a->weight > b->weight) - (a->weight < b->weight)
                       : bs_compare_products(a->weight, b->cap, b->weight, a->cap);
}

static int compare_risk(const struct bs_engine *engine, const struct bs_payer *a,
                        const struct bs_payer *b)
{
    int order = compare_margins(a, b);
    uint32_t i = engine->accounts.cold[a->account].rank, k = engine->accounts.cold[b->account].rank;
    return order != 0 ? order : (i > k) - (i < k);
}

static struct bs_payer risk_of(const struct bs_engine *engine, uint32_t account)
{
    struct bs_payer risk = {.account = account, .weight = bs_account_equity(engine, account)};
    uint32_t first = engine->accounts.hot[account].position_at;
    for (uint32_t i = first; i < first + engine->accounts.hot[account].position_count; i++) {
        risk.cap +=
            bs_maintenance(&engine->markets[engine->positions.rows[i].market], value_of(engine, i));
    }
    return risk;
}

static bool is_after(const struct bs_engine *engine, const struct bs_payer *risk,
                     const struct bs_place *place)
{
    const struct bs_payer other = {.weight = place->numerator, .cap = place->denominator};
    int order = compare_margins(risk, &other);
    return order > 0 ||
           (order == 0 && bs_text_compare(bs_account_key(engine, risk->account), place->key) > 0);
}

struct bs_place bs_risk_place(const struct bs_engine *engine, uint32_t account)
{
    struct bs_payer risk = risk_of(engine, account);
    return (struct bs_place){
        .numerator = risk.weight, .denominator = risk.cap, .key = bs_account_key(engine, account)};
}

/* Keeps the first `limit` of those after the place, in order. */
void bs_risk_page_get(struct bs_engine *engine, struct bs_risk_page *page)
{
    struct bs_payer *first = engine->plan->payers; /* free between commands */
    assert(page->limit >= 1);
    assert(page->limit <= BS_RISK_ROWS_MAX);
    page->count = 0;
    page->has_more = false;
    bs_account_order_refresh(engine);
    struct bs_account_walk walk = bs_account_walk_begin(&engine->pools[page->pool]);
    for (uint32_t account; (account = bs_account_walk_next(engine, &walk)) != 0;) {
        if (account == engine->pools[page->pool].backstop ||
            engine->accounts.hot[account].position_count == 0) {
            continue;
        }
        struct bs_payer risk = risk_of(engine, account);
        if (page->after != NULL && !is_after(engine, &risk, page->after)) {
            continue;
        }
        if (page->count == page->limit) {
            page->has_more = true;
            if (compare_risk(engine, &risk, &first[page->limit - 1]) >= 0) {
                continue;
            }
            page->count--;
        }
        uint32_t at = page->count++;
        for (; at > 0 && compare_risk(engine, &risk, &first[at - 1]) < 0; at--) {
            first[at] = first[at - 1];
        }
        first[at] = risk;
    }
    for (uint32_t i = 0; i < page->count; i++) {
        page->accounts[i] = first[i].account;
    }
}
