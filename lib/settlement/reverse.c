/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/settlement/reverse.h"

#include "lib/book/closes.h"
#include "lib/book/positions.h"
#include "lib/money/money.h"
#include "lib/settlement/check.h"
#include "lib/settlement/progress.h"
#include "lib/settlement/run.h"
#include "lib/settlement/step/kind.h"

static void add_part(struct bs_plan *plan, uint64_t number, int64_t lots, bs_i128 value)
{
    const struct bs_close *part = bs_closes_at(plan->engine, number);
    uint32_t account = part->account[bs_close_side(part)];
    bool is_new = bs_position_find(plan->engine, account, part->market) == 0;
    struct bs_step step = {.type = BS_STEP_POOLED_REVERSAL,
                           .account = account,
                           .market = part->market,
                           .lots = lots,
                           .amount = value,
                           .as.pooled_reversal = {number, is_new}};
    bs_plan_add(plan, &step);
}

/* The debtors get lots in the reverse of the order in which they were reached, and value by their
 * lots; then the counterparty. */
static void add_parts(struct bs_plan *plan, const struct bs_close *close, uint64_t number,
                      int64_t lots)
{
    bs_i128 value = bs_close_part(close, lots).value, prefix = 0;
    struct bs_back_walk walk = bs_back_begin(close, lots);
    while (bs_back_next(plan->engine, close, &walk)) {
        bs_i128 before = prefix;
        prefix += walk.lots;
        add_part(plan, walk.number, walk.lots, bs_split_floor(value, before, prefix, lots));
    }
    assert(prefix == lots);
    add_part(plan, number, lots, value);
}

bool bs_reversal_begin(struct bs_engine *engine, struct bs_close *close, int64_t lots,
                       struct bs_effects *effects)
{
    struct bs_plan *plan = engine->plan;
    uint64_t number = bs_close_number(engine, close);
    assert(!engine->progress->running);
    bs_plan_begin(plan, engine, close->pool, engine->time_ms);
    add_parts(plan, close, number, lots);
    if (!bs_plan_check(plan)) {
        bs_plan_drop(plan);
        return false;
    }
    *engine->progress = (struct bs_progress){
        .phase = BS_PHASE_DONE, .running = true, .planned = true, .reversed = number};
    bs_settlement_continue(engine, effects);
    return true;
}

/* What the part is from now on. A debtor is handed over again with it. */
static void finish_part(struct bs_engine *engine, const struct bs_step *step)
{
    struct bs_close *part = bs_closes_at(engine, step->as.pooled_reversal.close);
    struct bs_pool *pool = &engine->pools[part->pool];
    int side = bs_close_side(part);
    uint32_t row = bs_position_find(engine, step->account, part->market);
    if (step->as.pooled_reversal.is_new && row != 0) {
        engine->positions.rows[row].priority = part->priority[side];
    }
    part->reversed += step->lots;
    assert(part->reversed <= part->lots);
    if (side == BS_SIDE_CLOSED && pool->trigger == BS_TRIGGER_HANDOVER &&
        step->account != pool->backstop) {
        pool->handovers += !engine->accounts.cold[step->account].handed_over;
        engine->accounts.cold[step->account].handed_over = true;
    }
}

void bs_reversal_finish(struct bs_engine *engine)
{
    const struct bs_progress *progress = engine->progress;
    struct bs_close *close = bs_closes_at(engine, progress->reversed);
    struct bs_pool *pool = &engine->pools[close->pool];
    for (uint32_t i = 0; i < progress->applied; i++) {
        finish_part(engine, &engine->plan->steps[i]);
    }
    pool->exclusions += !close->excludes;
    close->excludes = true;
    pool->changed = true;
}
