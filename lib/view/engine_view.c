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
#include "lib/settlement/draws.h"
#include "lib/settlement/plan.h"

#define AT_RISK_MAX 1000u

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
    const struct bs_accounts *a = &engine->accounts;
    uint32_t account, at = bs_account_order_after(engine, after);
    do {
        account = bs_account_order_next(engine, &at);
    } while (account != 0 &&
             (a->cold[account].owner != 0 || (pool != 0 && a->hot[account].pool != pool)));
    return account;
}

static void view_policy(const struct bs_policy *policy, uint64_t *ret_period,
                        uint32_t *ret_layers_count, struct bs_layer *ret_layers)
{
    *ret_period = policy->period_ms;
    *ret_layers_count = policy->layers_count;
    memcpy(ret_layers, policy->layers, sizeof policy->layers);
}

void bs_pool_view_get(const struct bs_engine *engine, uint32_t row, struct bs_pool_view *ret_view)
{
    const struct bs_pool *pool = &engine->pools[row];
    struct bs_plan plan;
    bs_plan_begin(&plan, engine, row, engine->time_ms);
    *ret_view = (struct bs_pool_view){
        .pool = bs_pool_text(engine, row),
        .asset = bs_names_get(&engine->names, pool->asset),
        .decimals = pool->decimals,
        .mark_max_age_ms = pool->mark_max_age_ms,
        .state = pool->state,
        .waiting = pool->waiting,
        .trigger = pool->trigger,
        .period_start_ms = pool->period_start_ms,
        .period_end_ms = pool->period_end_ms,
        .has_next = pool->has_next,
        .accounts = pool->accounts,
        .positions = pool->positions,
        .last_action = pool->actions,
        .last_settlement = pool->settlements,
        .backstop_account = bs_account_text(engine, pool->backstop),
        .fund_collateral = bs_quanta_wide(pool, engine->accounts.hot[pool->backstop].collateral),
        .fund_equity = bs_quanta_wide(pool, bs_account_equity(engine, pool->backstop)),
        .fund_floor = bs_quanta_wide(pool, pool->policy.floor),
        .own_funds = bs_quanta_wide(pool, pool->own_funds),
        .fund_available = bs_quanta_wide(pool, bs_plan_fund_available(&plan)),
        .period_loss = bs_quanta_wide(pool, pool->period_loss),
        .unallocated_deficit = bs_quanta_wide(pool, pool->unallocated),
        .claims = bs_quanta_wide(pool, pool->claims),
        .has_window = pool->window.open,
        .window = bs_window_name(pool),
        .window_opened_ms = pool->window.opened_ms,
        .window_loss = bs_quanta_wide(pool, pool->window.loss),
        .reason = {pool->reason, pool->reason_size},
    };
    view_policy(&pool->policy, &ret_view->period_ms, &ret_view->layers_count, ret_view->layers);
    if (pool->has_next) {
        view_policy(&pool->next, &ret_view->next_period_ms, &ret_view->next_layers_count,
                    ret_view->next_layers);
    }
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

void bs_solvency_view_get(const struct bs_engine *engine, uint32_t row,
                          struct bs_solvency_view *ret_view)
{
    const struct bs_pool *pool = &engine->pools[row];
    bs_i128 collateral = 0, positive = 0, deficit = 0, gains = 0, profits = 0, losses = 0;
    uint32_t insolvent = 0, waiting = 0;
    struct bs_account_walk walk = bs_account_walk_begin(pool);
    for (uint32_t account; (account = bs_account_walk_next(engine, &walk)) != 0;) {
        collateral += engine->accounts.hot[account].collateral;
        add_profits(engine, account, &profits, &losses);
        if (account == pool->backstop) {
            continue;
        }
        bs_i128 equity = bs_account_equity(engine, account);
        if (equity < 0) {
            insolvent++;
            waiting +=
                pool->trigger == BS_TRIGGER_HANDOVER && !engine->accounts.cold[account].handed_over;
            deficit -= equity;
            continue;
        }
        positive += equity;
        gains += bs_max(0, equity - engine->accounts.cold[account].baseline);
    }
    *ret_view = (struct bs_solvency_view){
        .collateral = bs_quanta_wide(pool, collateral),
        .equity_positive = bs_quanta_wide(pool, positive),
        .deficit = bs_quanta_wide(pool, deficit),
        .gains = bs_quanta_wide(pool, gains),
        .unrealized_profit = bs_quanta_wide(pool, profits),
        .unrealized_loss = bs_quanta_wide(pool, losses),
        .insolvent_accounts = insolvent,
        .waiting_for_handover = waiting,
    };
}

void bs_market_view_get(const struct bs_engine *engine, uint32_t row,
                        struct bs_market_view *ret_view)
{
    const struct bs_market *market = &engine->markets[row];
    const struct bs_pool *pool = &engine->pools[market->pool];
    *ret_view = (struct bs_market_view){BS_MARKET_VIEW(BS_VIEW_VALUE)};
}

/* Value at mark, or at entry without a mark. */
static bs_i128 value_of(const struct bs_engine *engine, uint32_t position)
{
    return (bs_i128)engine->positions.rows[position].entry + bs_position_profit(engine, position);
}

void bs_account_view_get(const struct bs_engine *engine, uint32_t account,
                         struct bs_account_view *ret_view)
{
    const struct bs_accounts *a = &engine->accounts;
    const struct bs_pool *pool = &engine->pools[a->hot[account].pool];
    bs_i128 equity = bs_account_equity(engine, account), maintenance = 0, notional = 0;
    uint32_t first = a->hot[account].position_at;
    for (uint32_t i = first; i < first + a->hot[account].position_count; i++) {
        bs_i128 value = value_of(engine, i);
        notional += bs_abs(value);
        maintenance += bs_maintenance(&engine->markets[engine->positions.rows[i].market], value);
    }
    *ret_view = (struct bs_account_view){
        .account = bs_account_text(engine, account),
        .pool = bs_pool_text(engine, a->hot[account].pool),
        .collateral = bs_quanta_wide(pool, a->hot[account].collateral),
        .equity = bs_quanta_wide(pool, equity),
        .baseline = bs_quanta_wide(pool, a->cold[account].baseline),
        .gain = bs_quanta_wide(pool, equity - a->cold[account].baseline),
        .maintenance = bs_quanta_wide(pool, maintenance),
        .has_leverage = equity > 0,
        .isolated = a->cold[account].owner != 0,
        .handed_over = a->cold[account].handed_over,
        .haircut_cap_ppm = BS_PPM - a->cold[account].uncapped_ppm,
        .last_action = a->cold[bs_account_owner(engine, account)].last_action,
        .seq = a->cold[account].seq,
        .positions_count = a->hot[account].position_count,
    };
    if (pool->window.open && account != pool->backstop) {
        bs_i128 taken = bs_window_taken(engine, account);
        bs_i128 gain = equity - a->cold[account].baseline + bs_window_carried(engine, account);
        ret_view->has_window = true;
        ret_view->window_gain = bs_quanta_wide(pool, gain + taken);
        ret_view->window_taken = bs_quanta_wide(pool, taken);
    }
    ret_view->claim = bs_quanta_wide(pool, 0);
    if (a->any_past) {
        const struct bs_account_past *past = &a->past[account];
        ret_view->claim = bs_quanta_wide(pool, past->claim);
        for (uint32_t i = 0; i < BS_AGES_MAX; i++) {
            ret_view->gains[i] = bs_quanta_wide(pool, past->gains[i]);
            ret_view->gains_count = past->gains[i] > 0 ? i + 1 : ret_view->gains_count;
        }
    }
    if (ret_view->isolated) {
        ret_view->market = bs_isolated_market(engine, account);
    }
    if (equity > 0) {
        ret_view->leverage = bs_wide_ratio(notional, equity, 0);
    }
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
static int compare_risk(const struct bs_engine *engine, const struct bs_payer *a,
                        const struct bs_payer *b)
{
    if ((a->cap == 0) != (b->cap == 0)) {
        return a->cap == 0 ? 1 : -1;
    }
    int order = a->cap == 0 ? (a->weight > b->weight) - (a->weight < b->weight)
                            : bs_compare_products(a->weight, b->cap, b->weight, a->cap);
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

uint32_t bs_at_risk_view_get(struct bs_engine *engine, uint32_t pool, uint32_t max,
                             uint32_t *ret_accounts)
{
    struct bs_payer *worst = engine->plan->payers; /* free between commands */
    uint32_t count = 0;
    assert(max >= 1);
    assert(max <= AT_RISK_MAX);
    bs_account_order_refresh(engine);
    struct bs_account_walk walk = bs_account_walk_begin(&engine->pools[pool]);
    for (uint32_t account; (account = bs_account_walk_next(engine, &walk)) != 0;) {
        if (account == engine->pools[pool].backstop ||
            engine->accounts.hot[account].position_count == 0) {
            continue;
        }
        struct bs_payer risk = risk_of(engine, account);
        if (count == max && compare_risk(engine, &risk, &worst[max - 1]) >= 0) {
            continue;
        }
        uint32_t at = count < max ? count++ : max - 1;
        for (; at > 0 && compare_risk(engine, &risk, &worst[at - 1]) < 0; at--) {
            worst[at] = worst[at - 1];
        }
        worst[at] = risk;
    }
    for (uint32_t i = 0; i < count; i++) {
        ret_accounts[i] = worst[i].account;
    }
    return count;
}
