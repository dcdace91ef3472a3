/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/settlement/apply.h"

#include "lib/book/account_cash.h"
#include "lib/book/bounds.h"
#include "lib/book/fund.h"
#include "lib/money/money.h"
#include "lib/settlement/actions.h"
#include "lib/settlement/asked.h"
#include "lib/settlement/budgets.h"
#include "lib/settlement/queue.h"

static const struct bs_working_position *
copy_in_market(const struct bs_plan *plan, const struct bs_working *working, uint32_t market)
{
    for (uint32_t i = 0; i < working->count; i++) {
        if (plan->working_positions[working->first + i].market == market) {
            return &plan->working_positions[working->first + i];
        }
    }
    return NULL;
}

/* Removes first, so that positions that move to the backstop account never exceed the table. */
static void write_removals(struct bs_engine *engine, const struct bs_plan *plan,
                           const struct bs_working *working)
{
    uint32_t account = working->account;
    for (uint32_t i = engine->accounts.hot[account].position_count;
         working->room != 0 && i-- > 0;) {
        uint32_t market =
            engine->positions.rows[engine->accounts.hot[account].position_at + i].market;
        if (copy_in_market(plan, working, market) == NULL) {
            bs_position_put(engine, account, market, 0, 0);
        }
    }
}

static void write_positions(struct bs_engine *engine, const struct bs_plan *plan,
                            const struct bs_working *working)
{
    for (uint32_t i = 0; i < working->count; i++) {
        const struct bs_working_position *copy = &plan->working_positions[working->first + i];
        assert(copy->leg.size != 0);
        bs_position_put(engine, working->account, copy->market, copy->leg.size, copy->leg.entry);
        uint32_t row = bs_position_find(engine, working->account, copy->market);
        bs_taken_set(&engine->positions, row, copy->leg.taken);
    }
    assert(engine->accounts.hot[working->account].position_count == working->count);
}

static void write_account(struct bs_engine *engine, const struct bs_plan *plan,
                          const struct bs_working *working)
{
    uint32_t account = working->account;
    assert(working->window_taken >= 0);
    bs_account_cash_set(engine, account, working->collateral);
    bs_bound_touch(engine, account);
    engine->accounts.cold[account].baseline = working->baseline;
    engine->accounts.cold[account].seq = engine->seq;
    if (engine->accounts.any_window) {
        engine->accounts.window[account].taken = working->window_taken;
    }
    if (working->has_past) {
        engine->accounts.past[account] = plan->pasts[plan->touch[account]];
        engine->accounts.any_past = true;
    }
    if (working->room != 0) {
        write_positions(engine, plan, working);
    }
}

static void write_pool(struct bs_engine *engine, struct bs_plan *plan)
{
    struct bs_pool *pool = &engine->pools[plan->pool];
    assert(plan->period_loss >= 0);
    assert(plan->unallocated >= 0);
    assert(plan->claims >= 0);
    assert(plan->window_loss >= 0);
    assert(plan->own_funds_total >= 0);
    pool->period_loss = plan->period_loss;
    pool->unallocated = plan->unallocated;
    pool->claims = plan->claims;
    pool->window.loss = plan->window_loss;
    pool->own_funds = plan->own_funds_total;
    plan->over_budget = bs_min(plan->over_budget, plan->period_loss);
    assert(plan->over_budget >= 0);
    pool->over_budget = plan->over_budget;
    engine->progress->cleared_lots = plan->cleared_lots;
    engine->progress->cleared_value = plan->cleared_value;
}

/* The working copies become what the engine holds. */
static void write(struct bs_engine *engine, struct bs_plan *plan)
{
    uint8_t phase = engine->progress->phase; /* of the next chunk */
    assert(engine->progress->applied == plan->steps_count);
    if (phase == BS_PHASE_DEBTORS || phase == BS_PHASE_FUND) {
        bs_queues_keep(plan);
    }
    for (uint32_t i = 1; i <= plan->working_count; i++) {
        write_removals(engine, plan, &plan->working[i]);
    }
    for (uint32_t i = 1; i <= plan->working_count; i++) {
        write_account(engine, plan, &plan->working[i]);
    }
    write_pool(engine, plan);
    bs_budgets_write(engine, plan);
    bs_asked_write(engine, plan);
    bs_plan_keep_market_losses(plan);
    plan->check.debtors_done = plan->debtor_next;
    plan->steps_count = 0;
    plan->rounds_count = 0;
    assert(plan->positions == engine->positions_count);
    bs_plan_reset_working(plan);
}

/* Carries the step out and records what it did to the fund's cash. */
static void carry(const struct bs_applying *applying)
{
    struct bs_plan *plan = applying->plan;
    const struct bs_pool *pool = applying->pool;
    const struct bs_step_kind *kind = bs_step_kind_of(applying->step);
    bs_i128 before = bs_plan_collateral(plan, pool->backstop);
    kind->carry(plan, applying->step);
    assert(!plan->overflow); /* nor did it overflow in the check */
    bs_i128 balance = bs_plan_collateral(plan, pool->backstop);
    if (balance != before) {
        struct bs_fund_change change = {
            .time_ms = applying->engine->time_ms,
            .settlement = applying->engine->progress->numbered ? pool->settlements : 0,
            .amount = balance - before,
            .balance = balance,
            .equity = bs_plan_equity(plan, pool->backstop),
            .own_funds = plan->own_funds_total,
            .cause = kind->fund_cause,
        };
        bs_fund_history_add(applying->engine, plan->pool, &change);
    }
}

bool bs_plan_apply(struct bs_engine *engine, struct bs_plan *plan, struct bs_effects *effects)
{
    struct bs_progress *progress = engine->progress;
    struct bs_applying applying = {.engine = engine,
                                   .plan = plan,
                                   .effects = effects,
                                   .summary = &progress->summary,
                                   .pool = &engine->pools[plan->pool]};
    assert(!plan->overflow);
    if (progress->applied == 0) {
        plan->check.pricing.debtor = 0; /* walked again, for what the actions say of it */
    }
    for (; progress->applied < plan->steps_count; progress->applied++) {
        if (effects->actions_max - effects->actions_count < 2) {
            return false;
        }
        applying.step = &plan->steps[progress->applied];
        applying.has_price = false;
        bs_step_kind_of(applying.step)->apply(&applying);
        carry(&applying);
    }
    write(engine, plan);
    return true;
}
