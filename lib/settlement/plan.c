/* SPDX-License-Identifier: Apache-2.0 */
/* The working copies: reading through them, and the few ways in which a step may change them. */
#include "lib/settlement/plan.h"

#include "lib/book/accounts.h"
#include "lib/book/fund.h"
#include "lib/book/names.h"
#include "lib/book/policy.h"
#include "lib/book/providers.h"
#include "lib/book/window.h"
#include "lib/money/money.h"
#include "lib/rules/default_window.h"
#include "lib/settlement/progress.h"

/* What the plan counts from the engine: where a plan begins, and where its check begins again. */
static void load(struct bs_plan *plan)
{
    const struct bs_engine *engine = plan->engine;
    const struct bs_pool *pool = &engine->pools[plan->pool];
    plan->positions = engine->positions_count;
    plan->period_loss = pool->period_loss;
    plan->unallocated = pool->unallocated;
    plan->claims = pool->claims;
    plan->window_loss = pool->window.loss;
    plan->own_funds_total = pool->own_funds;
    for (uint32_t market = plan->has_budgets ? pool->market_head : 0; market != 0;
         market = engine->markets[market].next) {
        plan->own_funds[market] = engine->markets[market].own_fund_balance;
    }
    for (uint32_t place = 0; place < plan->asked_count; place++) {
        plan->asked[place].use = engine->providers[plan->asked[place].row].use;
        plan->asked[place].full = 0;
    }
    plan->cleared_lots = engine->progress->cleared_lots;
    plan->cleared_value = engine->progress->cleared_value;
}

void bs_plan_begin(struct bs_plan *plan, const struct bs_engine *engine, uint32_t pool,
                   int64_t now_ms)
{
    const size_t tables_size = offsetof(struct bs_plan, engine);
    assert(engine->pools[pool].backstop != 0);
    assert(plan != engine->plan || plan->working_count == 0);
    if (plan != engine->plan) {
        memcpy(plan, engine->plan, tables_size);
    }
    memset((char *)plan + tables_size, 0, sizeof *plan - tables_size);
    plan->engine = engine;
    plan->pool = pool;
    plan->policy = &engine->pools[pool].policy;
    plan->limits = bs_policy_limits(plan->policy);
    plan->number = engine->pools[pool].settlements + 1;
    plan->now_ms = now_ms;
    plan->over_budget = engine->pools[pool].over_budget;
    plan->fund_least = plan->policy->floor;
    plan->check.legs = plan->check_legs;
    plan->check.budget_used = plan->check_budget_used;
    plan->check.market_sizes = plan->check_market_sizes;
    if (bs_policy_drawdown(plan->policy) != NULL) {
        struct bs_drawdown drawdown = bs_fund_drawdown(engine, pool, now_ms);
        plan->fund_least = bs_max(plan->fund_least, drawdown.threshold);
        plan->fund_restricted = drawdown.restricted;
    }
    for (uint32_t market = engine->pools[pool].market_head; market != 0;
         market = engine->markets[market].next) {
        plan->inverse = plan->inverse || engine->markets[market].contract == BS_CONTRACT_INVERSE;
    }
    load(plan);
}

void bs_plan_reset_working(struct bs_plan *plan)
{
    for (uint32_t i = 1; i <= plan->working_count; i++) {
        plan->touch[plan->working[i].account] = 0;
    }
    plan->working_count = 0;
    plan->working_positions_count = 0;
    load(plan);
}

static void copy_market_losses(const struct bs_plan *plan, bs_i128 *target, const bs_i128 *source)
{
    const struct bs_engine *engine = plan->engine;
    for (uint32_t market = engine->pools[plan->pool].market_head; market != 0;
         market = engine->markets[market].next) {
        memcpy(&target[market * 2], &source[market * 2], 2 * sizeof *source);
    }
}

void bs_plan_keep_market_losses(struct bs_plan *plan)
{
    copy_market_losses(plan, plan->market_loss_applied, plan->market_loss);
}

void bs_plan_restore_market_losses(struct bs_plan *plan)
{
    copy_market_losses(plan, plan->market_loss, plan->market_loss_applied);
}

void bs_plan_drop(struct bs_plan *plan)
{
    bs_plan_reset_working(plan);
    bs_plan_restore_market_losses(plan);
    plan->steps_count = 0;
    plan->rounds_count = 0;
}

uint32_t bs_plan_backstop(const struct bs_plan *plan)
{
    return plan->engine->pools[plan->pool].backstop;
}

bool bs_plan_excludes(const struct bs_plan *plan, uint32_t account, uint32_t counterparty,
                      uint32_t market)
{
    const struct bs_excluded *rows = plan->excluded;
    for (uint32_t i = 0; i < plan->excluded_count; i++) {
        bool same = rows[i].account == account && rows[i].counterparty == counterparty;
        bool turned = rows[i].account == counterparty && rows[i].counterparty == account;
        if (rows[i].account != 0 && (same || turned) && rows[i].market == market) {
            return true;
        }
    }
    return false;
}

bool bs_plan_leaves_out(const struct bs_plan *plan, uint32_t account, uint32_t market)
{
    const struct bs_excluded *rows = plan->excluded;
    for (uint32_t i = 0; i < plan->excluded_count; i++) {
        if (rows[i].account == 0 && rows[i].counterparty == account && rows[i].market == market) {
            int64_t size = bs_plan_leg(plan, account, market).size;
            if (size != 0 && (size > 0) == rows[i].is_long) {
                return true;
            }
        }
    }
    return false;
}

static const struct bs_working *working_of(const struct bs_plan *plan, uint32_t account)
{
    uint32_t row = plan->touch[account];
    return row == 0 ? NULL : &plan->working[row];
}

struct bs_working *bs_plan_touch(struct bs_plan *plan, uint32_t account)
{
    const struct bs_engine *engine = plan->engine;
    uint32_t *row = &plan->touch[account];
    assert(engine->accounts.hot[account].pool == plan->pool);
    if (*row == 0) {
        assert(plan->working_count < plan->working_max);
        *row = ++plan->working_count;
        plan->working[*row] = (struct bs_working){
            .account = account,
            .count = engine->accounts.hot[account].position_count,
            .collateral = bs_account_cash(engine, account),
            .baseline = engine->accounts.cold[account].baseline,
            .window_taken = bs_window_taken(engine, account),
        };
    }
    plan->working[*row].changes++;
    return &plan->working[*row];
}

uint32_t bs_plan_changes(const struct bs_plan *plan, uint32_t account)
{
    const struct bs_working *working = working_of(plan, account);
    return working != NULL ? working->changes : 0;
}

static struct bs_working_position live_position(const struct bs_engine *engine, uint32_t row)
{
    return (struct bs_working_position){
        .market = engine->positions.rows[row].market,
        .leg = {engine->positions.rows[row].size, engine->positions.rows[row].entry,
                bs_taken_get(&engine->positions, row)},
    };
}

struct bs_working *bs_plan_touch_positions(struct bs_plan *plan, uint32_t account)
{
    const struct bs_engine *engine = plan->engine;
    struct bs_working *working = bs_plan_touch(plan, account);
    if (working->room == 0) {
        bool is_backstop = account == bs_plan_backstop(plan);
        working->room = is_backstop ? engine->pools[plan->pool].markets + 1
                                    : working->count + 1 + bs_providers_of_account(engine, account);
        working->first = plan->working_positions_count;
        plan->working_positions_count += working->room;
        assert(plan->working_positions_count <= plan->working_positions_max);
        for (uint32_t i = 0; i < working->count; i++) {
            plan->working_positions[working->first + i] =
                live_position(engine, engine->accounts.hot[account].position_at + i);
        }
    }
    assert(working->count <= working->room);
    return working;
}

uint32_t bs_plan_positions(const struct bs_plan *plan, uint32_t account)
{
    const struct bs_working *working = working_of(plan, account);
    return working != NULL ? working->count : plan->engine->accounts.hot[account].position_count;
}

struct bs_working_position bs_plan_position(const struct bs_plan *plan, uint32_t account,
                                            uint32_t i)
{
    const struct bs_working *working = working_of(plan, account);
    assert(i < bs_plan_positions(plan, account));
    if (working != NULL && working->room != 0) {
        return plan->working_positions[working->first + i];
    }
    return live_position(plan->engine, plan->engine->accounts.hot[account].position_at + i);
}

struct bs_leg bs_plan_leg(const struct bs_plan *plan, uint32_t account, uint32_t market)
{
    const struct bs_working *working = working_of(plan, account);
    if (working != NULL && working->room != 0) {
        const struct bs_working_position *rows = plan->working_positions + working->first;
        for (uint32_t i = 0; i < working->count; i++) {
            if (rows[i].market == market) {
                return rows[i].leg;
            }
        }
        return (struct bs_leg){0, 0, 0};
    }
    uint32_t row = bs_position_find(plan->engine, account, market);
    return row == 0 ? (struct bs_leg){0, 0, 0} : live_position(plan->engine, row).leg;
}

bs_i128 bs_plan_value(const struct bs_plan *plan, uint32_t market, int64_t lots)
{
    return bs_market_value(&plan->engine->markets[market], lots);
}

bs_i128 bs_plan_released(const struct bs_plan *plan, uint32_t market, int64_t size, int64_t lots)
{
    return bs_plan_value(plan, market, size) -
           bs_plan_value(plan, market, size > 0 ? size - lots : size + lots);
}

bool bs_plan_pays_to_close(const struct bs_plan *plan, uint32_t market, int64_t size)
{
    return (size < 0) != (plan->engine->markets[market].contract == BS_CONTRACT_INVERSE);
}

bs_i128 bs_plan_profit(const struct bs_plan *plan, uint32_t market, const struct bs_leg *leg)
{
    return bs_plan_value(plan, market, leg->size) - leg->entry;
}

bs_i128 bs_plan_equity(const struct bs_plan *plan, uint32_t account)
{
    const struct bs_working *working = working_of(plan, account);
    if (working == NULL) {
        return bs_account_equity(plan->engine, account);
    }
    if (working->room == 0) {
        return bs_account_equity(plan->engine, account) +
               (working->collateral - bs_account_cash(plan->engine, account));
    }
    bs_i128 equity = working->collateral;
    const struct bs_working_position *rows = plan->working_positions + working->first;
    for (uint32_t i = 0; i < working->count; i++) {
        equity += bs_plan_profit(plan, rows[i].market, &rows[i].leg);
    }
    return equity;
}

bs_i128 bs_plan_collateral(const struct bs_plan *plan, uint32_t account)
{
    const struct bs_working *working = working_of(plan, account);
    return working != NULL ? working->collateral : bs_account_cash(plan->engine, account);
}

bool bs_plan_closes_both(const struct bs_plan *plan, const struct bs_step *step)
{
    struct bs_leg leg = bs_plan_leg(plan, step->account, step->market);
    struct bs_leg counter = bs_plan_leg(plan, step->counterparty, step->market);
    return step->lots > 0 && step->account != step->counterparty &&
           bs_abs64(leg.size) >= step->lots && bs_abs64(counter.size) >= step->lots &&
           (leg.size > 0) != (counter.size > 0);
}

bs_i128 bs_plan_dust(const struct bs_plan *plan, uint32_t account)
{
    return plan->inverse ? (bs_i128)bs_plan_positions(plan, account) + 1 : 0;
}

const struct bs_account_past *bs_plan_past(const struct bs_plan *plan, uint32_t account)
{
    const struct bs_working *working = working_of(plan, account);
    return working != NULL && working->has_past ? &plan->pasts[plan->touch[account]]
                                                : &plan->engine->accounts.past[account];
}

struct bs_account_past *bs_plan_touch_past(struct bs_plan *plan, uint32_t account)
{
    struct bs_working *working = bs_plan_touch(plan, account);
    struct bs_account_past *past = &plan->pasts[plan->touch[account]];
    if (!working->has_past) {
        working->has_past = true;
        *past = plan->engine->accounts.past[account];
    }
    return past;
}

bs_i128 bs_plan_gain(const struct bs_plan *plan, uint32_t account)
{
    const struct bs_working *working = working_of(plan, account);
    bs_i128 baseline =
        working != NULL ? working->baseline : plan->engine->accounts.cold[account].baseline;
    return bs_plan_equity(plan, account) - baseline;
}

bs_i128 bs_plan_window_taken(const struct bs_plan *plan, uint32_t account)
{
    const struct bs_working *working = working_of(plan, account);
    return working != NULL ? working->window_taken : bs_window_taken(plan->engine, account);
}

bs_i128 bs_plan_window_gain(const struct bs_plan *plan, uint32_t account)
{
    return bs_default_window_gain(bs_plan_gain(plan, account),
                                  bs_window_carried(plan->engine, account),
                                  bs_plan_window_taken(plan, account));
}

/* Where a market's position stands among the account's copies, or where it would be inserted. */
static uint32_t place_of(const struct bs_plan *plan, const struct bs_working *working,
                         uint32_t market, bool *ret_found)
{
    struct bs_text name = bs_market_text(plan->engine, market);
    uint32_t i = 0;
    for (; i < working->count; i++) {
        uint32_t other = plan->working_positions[working->first + i].market;
        if (other == market) {
            *ret_found = true;
            return i;
        }
        if (bs_text_compare(name, bs_market_text(plan->engine, other)) < 0) {
            break;
        }
    }
    *ret_found = false;
    return i;
}

static void remove_leg(struct bs_plan *plan, struct bs_working *working, uint32_t at)
{
    struct bs_working_position *rows = plan->working_positions + working->first;
    assert(at < working->count);
    assert(plan->positions > 0);
    working->count--;
    plan->positions--;
    memmove(rows + at, rows + at + 1, (working->count - at) * sizeof *rows);
}

void bs_plan_put_leg(struct bs_plan *plan, uint32_t account, uint32_t market,
                     const struct bs_leg *leg)
{
    struct bs_working *working = bs_plan_touch_positions(plan, account);
    struct bs_working_position *rows = plan->working_positions + working->first;
    bool found;
    uint32_t at = place_of(plan, working, market, &found);
    if (leg->size == 0) {
        if (found) {
            remove_leg(plan, working, at);
        }
        return;
    }
    if (!found) {
        assert(working->count < working->room);
        memmove(rows + at + 1, rows + at, (working->count - at) * sizeof *rows);
        working->count++;
        plan->positions++;
    }
    rows[at] = (struct bs_working_position){market, *leg};
}

/* The account closes `lots` of its position and receives `received` (signed). */
void bs_plan_close_leg(struct bs_plan *plan, uint32_t account, uint32_t market, int64_t lots,
                       bs_i128 received)
{
    struct bs_working *working = bs_plan_touch_positions(plan, account);
    struct bs_working_position *rows = plan->working_positions + working->first;
    uint32_t at = 0;
    while (at < working->count && rows[at].market != market) {
        at++;
    }
    assert(at < working->count);
    working->collateral += received - bs_leg_close(&rows[at].leg, lots);
    if (rows[at].leg.size == 0) {
        remove_leg(plan, working, at);
    }
}

void bs_plan_lower_claim(struct bs_plan *plan, uint32_t account, bs_i128 amount)
{
    bs_i128 off = plan->claims > 0 ? bs_min(amount, bs_plan_past(plan, account)->claim) : 0;
    if (off > 0) {
        bs_plan_touch_past(plan, account)->claim -= off;
        plan->claims -= off;
    }
    assert(plan->claims >= 0);
}

void bs_plan_set_off(struct bs_plan *plan, uint32_t account, bs_i128 debt)
{
    assert(debt > 0);
    bs_plan_lower_claim(plan, account, debt);
    bs_i128 off = bs_min(debt, bs_plan_window_taken(plan, account));
    if (off > 0) {
        bs_plan_touch(plan, account)->window_taken -= off;
        plan->window_loss -= off;
    }
    assert(plan->window_loss >= 0);
}
