/* SPDX-License-Identifier: Apache-2.0 */
/* From a plan that was checked and carried out on working copies to the engine. */
#include "lib/money/money.h"
#include "lib/rules/solvency_bound.h"
#include "lib/settlement/assign.h"
#include "lib/settlement/layers.h"
#include "lib/settlement/settle.h"

static const struct bs_working_position *
copy_in_market(const struct bs_scratch *scratch, const struct bs_working *working, uint32_t market)
{
    for (uint32_t i = 0; i < working->count; i++) {
        if (scratch->working_positions[working->first + i].market == market) {
            return &scratch->working_positions[working->first + i];
        }
    }
    return NULL;
}

/* Removes first, so that positions that move to the backstop account never exceed the table. */
static void write_removals(struct bs_engine *engine, const struct bs_working *working)
{
    uint32_t account = working->account;
    for (uint32_t i = engine->accounts.hot[account].position_count;
         working->room != 0 && i-- > 0;) {
        uint32_t market =
            engine->positions.rows[engine->accounts.hot[account].position_at + i].market;
        if (copy_in_market(engine->scratch, working, market) == NULL) {
            bs_position_put(engine, account, market, 0, 0);
        }
    }
}

static void write_account(struct bs_engine *engine, const struct bs_working *working)
{
    uint32_t account = working->account;
    engine->accounts.hot[account].collateral = (int64_t)working->collateral;
    bs_watch_touch(engine, account);
    engine->accounts.cold[account].baseline = working->baseline;
    engine->accounts.cold[account].seq = engine->seq;
    if (engine->accounts.any_window) {
        engine->accounts.window[account].taken = working->window_taken;
    }
    if (working->has_past) {
        engine->accounts.past[account] = engine->scratch->pasts[engine->accounts.touch[account]];
        engine->accounts.any_past = true;
    }
    if (working->room == 0) {
        return;
    }
    for (uint32_t i = 0; i < working->count; i++) {
        const struct bs_working_position *copy =
            &engine->scratch->working_positions[working->first + i];
        bs_position_put(engine, account, copy->market, copy->leg.size, copy->leg.entry);
        uint32_t row = bs_position_find(engine, account, copy->market);
        bs_taken_set(&engine->positions, row, copy->leg.taken);
    }
}

void bs_plan_write(struct bs_engine *engine, struct bs_plan *plan)
{
    struct bs_pool *pool = &engine->pools[plan->pool];
    uint8_t phase = plan->scratch->phase; /* of the next chunk */
    if (phase == BS_PHASE_CASES || phase == BS_PHASE_FUND) {
        bs_rankings_keep(plan);
    }
    for (uint32_t i = 1; i <= plan->working_count; i++) {
        write_removals(engine, &plan->scratch->working[i]);
    }
    for (uint32_t i = 1; i <= plan->working_count; i++) {
        write_account(engine, &plan->scratch->working[i]);
    }
    pool->period_loss = plan->period_loss;
    pool->unallocated = plan->unallocated;
    pool->claims = plan->claims;
    pool->window.loss = plan->window_loss;
    pool->own_funds = plan->own_funds;
    plan->scratch->cleared_lots = plan->cleared_lots;
    plan->scratch->cleared_value = plan->cleared_value;
    plan->over_budget = bs_min(plan->over_budget, plan->period_loss);
    pool->over_budget = plan->over_budget;
    bs_budgets_write(engine, plan);
    bs_volunteers_write(engine, plan);
    plan->case_checked = plan->case_next;
    plan->steps_count = 0;
    plan->rounds_count = 0;
    bs_plan_reset_working(plan);
}
