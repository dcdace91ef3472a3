/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/settlement/check.h"

#include "lib/book/account_cash.h"
#include "lib/book/window.h"
#include "lib/money/money.h"
#include "lib/settlement/assigning.h"
#include "lib/settlement/budgets.h"
#include "lib/settlement/pooling.h"
#include "lib/settlement/progress.h"
#include "lib/settlement/step/kind.h"

/* Collateral less entry values of an account in the engine; takes its sizes off by market. */
static bs_i128 live_money(const struct bs_plan *plan, uint32_t account)
{
    const struct bs_engine *engine = plan->engine;
    bs_i128 money = bs_account_cash(engine, account);
    uint32_t first = engine->accounts.hot[account].position_at;
    for (uint32_t i = first; i < first + engine->accounts.hot[account].position_count; i++) {
        const struct bs_position_row *row = &engine->positions.rows[i];
        money -= row->entry;
        plan->check.market_sizes[row->market] -= row->size;
    }
    return money;
}

/* The same of its working copy; adds its sizes. */
static bs_i128 working_money(const struct bs_plan *plan, const struct bs_working *working)
{
    bs_i128 money = working->collateral;
    for (uint32_t i = 0; i < bs_plan_positions(plan, working->account); i++) {
        struct bs_working_position position = bs_plan_position(plan, working->account, i);
        money -= position.leg.entry;
        plan->check.market_sizes[position.market] += position.leg.size;
    }
    return money;
}

/* Money, sizes and window takings of every touched account balance. Final settlement removes size and adds its value. */
static bool conserved(const struct bs_plan *plan)
{
    const struct bs_engine *engine = plan->engine;
    const struct bs_progress *progress = engine->progress;
    const struct bs_pool *pool = &engine->pools[plan->pool];
    bs_i128 before = -pool->period_loss - pool->unallocated;
    bs_i128 after = -plan->period_loss - plan->unallocated;
    bs_i128 window = pool->window.loss - plan->window_loss;
    bs_i128 *sizes = plan->check.market_sizes;
    bool ok = plan->period_loss >= 0;
    before += plan->cleared_value - progress->cleared_value;
    sizes[progress->final_market] += plan->cleared_lots - progress->cleared_lots;
    for (uint32_t i = 1; i <= plan->working_count; i++) {
        const struct bs_working *working = &plan->working[i];
        before += live_money(plan, working->account);
        after += working_money(plan, working);
        window += working->window_taken - bs_window_taken(engine, working->account);
        ok = ok && working->window_taken >= 0;
    }
    for (uint32_t market = pool->market_head; market != 0; market = engine->markets[market].next) {
        ok = ok && sizes[market] == 0;
        sizes[market] = 0;
    }
    return ok && before == after && window == 0;
}

/* An insolvent account that is done owes nothing: its equity is exactly 0. It holds nothing but what
 * the fund cannot; the roundings of inverse values are left with that. */
static bool is_resolved(const struct bs_plan *plan, const struct bs_debtor *debtor)
{
    if (debtor->solvent) {
        return plan->inverse && bs_plan_equity(plan, debtor->account) >= 0;
    }
    bs_i128 equity = bs_plan_equity(plan, debtor->account);
    return (equity == 0 || (equity > 0 && plan->inverse && debtor->kept > 0)) &&
           bs_plan_positions(plan, debtor->account) == debtor->kept;
}

static bool all_resolved(const struct bs_plan *plan)
{
    assert(plan->check.debtors_done <= plan->debtor_next);
    assert(plan->debtor_next <= plan->debtors_count);
    for (uint32_t i = plan->check.debtors_done; i < plan->debtor_next; i++) {
        if (!is_resolved(plan, &plan->debtors[i])) {
            return false;
        }
    }
    return true;
}

bool bs_plan_check(struct bs_plan *plan)
{
    plan->checks_count++;
    if (plan->overflow || plan->checks_count == plan->engine->config.refuses_check) {
        return false;
    }
    bs_plan_reset_working(plan);
    bs_budgets_check_begin(plan);
    plan->check.pricing.debtor = 0;
    plan->check.assigning.debtor = 0;
    plan->check.pooling.closes = plan->check.pooling.adls = 0;
    for (uint32_t i = plan->check.debtors_done; i < plan->debtor_next; i++) {
        plan->debtors[i].kept = 0;
    }
    bool ok = true;
    for (uint32_t i = 0; i < plan->steps_count && ok; i++) {
        const struct bs_step *step = &plan->steps[i];
        ok = (step->type == BS_STEP_ASSIGN || bs_assigning_turn_ends(plan)) &&
             bs_step_kind_of(step)->check(plan, step) && !plan->overflow;
    }
    ok = ok && bs_assigning_turn_ends(plan);
    ok = conserved(plan) && ok; /* in any case: it clears the sizes */
    ok = ok && all_resolved(plan) && bs_pooling_is_done(plan);
    plan->backstop_positions = bs_plan_positions(plan, bs_plan_backstop(plan));
    bs_plan_reset_working(plan);
    return ok;
}
