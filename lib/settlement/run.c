/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/settlement/run.h"

#include "lib/book/account_order.h"
#include "lib/book/accounts.h"
#include "lib/book/closes.h"
#include "lib/book/convert.h"
#include "lib/book/fund.h"
#include "lib/book/names.h"
#include "lib/book/policy.h"
#include "lib/book/pools.h"
#include "lib/money/money.h"
#include "lib/settlement/actions.h"
#include "lib/settlement/apply.h"
#include "lib/settlement/asked.h"
#include "lib/settlement/budgets.h"
#include "lib/settlement/check.h"
#include "lib/settlement/detect.h"
#include "lib/settlement/divide.h"
#include "lib/settlement/final.h"
#include "lib/settlement/net.h"
#include "lib/settlement/period.h"
#include "lib/settlement/redivide.h"
#include "lib/settlement/restitute.h"
#include "lib/settlement/reverse.h"
#include "lib/settlement/waterfall.h"

/* True while there is room in the chunk for another part of the settlement. */
static bool has_room(const struct bs_plan *plan)
{
    return plan->steps_count < plan->steps_max / 2 && !plan->overflow;
}

/* Whether its accounts are still there: others may have their rows now. */
static bool are_there(const struct bs_engine *engine, const struct bs_close *close)
{
    bool are = true;
    for (int side = 0; side < BS_SIDES; side++) {
        are = are && (close->account[side] == 0 || bs_close_has_account(engine, close, side));
    }
    return are;
}

/* Collects the pairs that the venue reported unfilled since the last run. */
static void collect_exclusions(const struct bs_engine *engine, struct bs_plan *plan)
{
    const struct bs_pool *pool = &engine->pools[plan->pool];
    for (uint64_t number = bs_closes_first(engine);
         pool->exclusions != 0 && number <= engine->closes.added; number++) {
        const struct bs_close *close = bs_closes_at(engine, number);
        if (close->pool == plan->pool && close->excludes && are_there(engine, close)) {
            plan->excluded[plan->excluded_count++] =
                (struct bs_excluded){.account = close->account[BS_SIDE_CLOSED],
                                     .counterparty = close->account[BS_SIDE_COUNTER],
                                     .market = close->market,
                                     .is_long = !close->is_long};
        }
    }
    assert(plan->excluded_count <= BS_CLOSES_MAX);
}

static void sum_up_debtors(struct bs_engine *engine)
{
    const struct bs_plan *plan = engine->plan;
    struct bs_settlement *summary = &engine->progress->summary;
    summary->insolvent_accounts = plan->debtors_count;
    for (uint32_t i = 0; i < plan->debtors_count; i++) {
        summary->deficit.mantissa += plan->debtors[i].deficit;
    }
}

/* Finds the insolvent accounts, and those that may have to pay for them. */
static void begin_debtors(struct bs_engine *engine)
{
    struct bs_progress *progress = engine->progress;
    struct bs_plan *plan = engine->plan;
    bs_debtors_detect(engine, plan);
    collect_exclusions(engine, plan);
    plan->fund_debtor = plan->debtors_count;
    if (progress->numbered) {
        sum_up_debtors(engine);
    }
    if (plan->debtors_count == 0 && !bs_fund_is_short(plan) &&
        engine->pools[plan->pool].period_loss == 0 && !bs_redivide_due(plan)) {
        progress->phase = BS_PHASE_RESTITUTE;
        return;
    }
    progress->phase = BS_PHASE_DEBTORS;
    bs_account_order_refresh(engine);
    bs_budgets_begin(plan);
    bs_debtors_sort(plan);
    for (uint32_t i = 0; i < plan->debtors_count; i++) {
        bs_debtor_record_legs(plan, &plan->debtors[i]);
    }
    bs_asked_begin(plan);
    bs_debtors_net(plan);
    bs_waterfall_rank(plan);
}

/* A window is divided in a chunk of its own: a resolved account ends at 0 before it may get a
 * refund. */
static bool window_needs_fresh_chunk(const struct bs_plan *plan)
{
    const struct bs_layer *haircut = bs_policy_layer(plan->policy, BS_LAYER_HAIRCUT);
    return plan->steps_count > 0 && bs_basis_in_force(plan, haircut) == BS_BASIS_WINDOW_GAIN;
}

/* Plans what follows the last debtor. */
static void plan_fund(struct bs_plan *plan, struct bs_progress *progress)
{
    bs_waterfall_run_fund(plan);
    const struct bs_layer *haircut = bs_policy_layer(plan->policy, BS_LAYER_HAIRCUT);
    bool now = haircut != NULL && (haircut->divide == BS_DIVIDE_AT_ONCE || progress->period_ends);
    progress->phase = now ? BS_PHASE_DIVIDE : BS_PHASE_RESTITUTE;
    progress->division = (struct bs_division){0};
    if (now) {
        bs_waterfall_ask_fund_again(plan);
    }
}

static void plan_restitution(struct bs_engine *engine, struct bs_plan *plan)
{
    if (bs_restitution_due(plan)) {
        bs_account_order_refresh(engine);
        bs_restitute(plan);
    }
    engine->progress->phase = BS_PHASE_DONE;
}

/* Plans the next chunk; the phases of a settlement in their order. */
static void plan_chunk(struct bs_engine *engine)
{
    struct bs_progress *progress = engine->progress;
    struct bs_plan *plan = engine->plan;
    while (progress->phase == BS_PHASE_FINAL && has_room(plan)) {
        if (!bs_final_next(plan, progress->final_market, &progress->final_at)) {
            progress->phase = BS_PHASE_DETECT;
            return; /* detection is on what the engine holds: this chunk is applied first */
        }
    }
    if (progress->phase == BS_PHASE_DETECT && !plan->overflow) {
        begin_debtors(engine);
    }
    while (progress->phase == BS_PHASE_DEBTORS && has_room(plan)) {
        if (!bs_waterfall_next(plan)) {
            progress->phase = BS_PHASE_FUND;
        }
    }
    if (progress->phase == BS_PHASE_FUND && has_room(plan)) {
        plan_fund(plan, progress);
    }
    while (progress->phase == BS_PHASE_DIVIDE && has_room(plan) &&
           !window_needs_fresh_chunk(plan)) {
        if (!bs_divide_next(plan, &progress->division)) {
            progress->phase = BS_PHASE_RESTITUTE;
        }
    }
    /* Also in its own chunk. */
    if (progress->phase == BS_PHASE_RESTITUTE && plan->steps_count == 0 && !plan->overflow) {
        plan_restitution(engine, plan);
    }
}

/* The end of a run, also of one that halts. */
static void stop(struct bs_engine *engine, struct bs_effects *effects)
{
    struct bs_progress *progress = engine->progress;
    assert(progress->running);
    assert(!progress->numbered ||
           progress->summary.number == engine->pools[engine->plan->pool].settlements);
    progress->running = false;
    effects->more = false;
    if (progress->numbered) {
        effects->settled = true;
        effects->settlement = progress->summary;
        progress->numbered = false;
    }
}

static void finish(struct bs_engine *engine, struct bs_effects *effects)
{
    if (engine->progress->reversed != 0) {
        bs_reversal_finish(engine);
        stop(engine, effects);
        return;
    }
    const struct bs_progress *progress = engine->progress;
    struct bs_plan *plan = engine->plan;
    struct bs_pool *pool = &engine->pools[plan->pool];
    for (uint32_t market = pool->market_head; market != 0; market = engine->markets[market].next) {
        plan->market_loss[market * 2] = 0;
        plan->market_loss[market * 2 + 1] = 0;
    }
    bs_plan_keep_market_losses(plan);
    if (progress->final_market != 0) {
        engine->markets[progress->final_market].settled = true;
    }
    bs_closes_spend_exclusions(engine, plan->pool);
    bs_pool_handovers_clear(engine, plan->pool);
    bs_fund_observe(engine, plan->pool, plan->now_ms, plan->fund_cut);
    if (progress->period_ends) {
        bs_period_end(engine, plan->pool, plan->now_ms, effects);
    }
    pool->changed = pool->changed || pool->again_final != 0;
    stop(engine, effects);
}

/* Drops the plan without a trace; the next run does what this one was asked for. */
static void halt(struct bs_engine *engine, struct bs_effects *effects)
{
    static const char reason[] = "the settlement plan failed its check: nothing of it was applied";
    uint32_t row = engine->plan->pool;
    struct bs_pool *pool = &engine->pools[row];
    bs_plan_drop(engine->plan);
    pool->state = BS_STATE_HALTED;
    if (engine->progress->final_market != 0) {
        pool->again_final = engine->progress->final_market;
    }
    pool->again_ends_period = engine->progress->period_ends;
    pool->reason_size = sizeof reason - 1;
    memcpy(pool->reason, reason, sizeof reason - 1);
    struct bs_action *action = bs_action_new(engine, row, BS_ACTION_POOL_HALTED, effects);
    action->reason = (struct bs_text){pool->reason, pool->reason_size};
    stop(engine, effects);
}

/* Gives the settlement its number when it is about to do something for the first time. */
static void number_settlement(struct bs_engine *engine)
{
    struct bs_progress *progress = engine->progress;
    struct bs_plan *plan = engine->plan;
    struct bs_pool *pool = &engine->pools[plan->pool];
    if (progress->numbered || plan->steps_count == 0) {
        return;
    }
    progress->numbered = true;
    struct bs_wide zero = bs_quanta_wide(pool, 0);
    progress->summary = (struct bs_settlement){
        .pool = bs_pool_text(engine, plan->pool),
        .number = ++pool->settlements,
        .seq = engine->seq,
        .time_ms = plan->now_ms,
        .first_action = pool->actions + 1,
        .deficit = zero,
        .fund_paid = zero,
        .deleveraged = zero,
        .haircuts = zero,
        .unallocated = zero,
        .spreads = zero,
    };
    sum_up_debtors(engine);
}

/* False: the plan failed its check, or the engine has no room for its positions. */
static bool plan_next(struct bs_engine *engine)
{
    struct bs_progress *progress = engine->progress;
    struct bs_plan *plan = engine->plan;
    assert(!progress->planned);
    plan_chunk(engine);
    if (!bs_plan_check(plan) ||
        !bs_position_room(engine, bs_plan_backstop(plan), plan->backstop_positions) ||
        !bs_asked_reserve(engine, plan)) {
        return false;
    }
    number_settlement(engine);
    progress->planned = true;
    progress->applied = 0;
    return true;
}

void bs_settlement_continue(struct bs_engine *engine, struct bs_effects *effects)
{
    struct bs_progress *progress = engine->progress;
    assert(progress->running);
    while (effects->actions_count < effects->actions_max) {
        if (!progress->planned && progress->phase == BS_PHASE_DONE) {
            finish(engine, effects);
            return;
        }
        if (!progress->planned && !plan_next(engine)) {
            halt(engine, effects);
            return;
        }
        if (!bs_plan_apply(engine, engine->plan, effects)) {
            break;
        }
        progress->planned = false;
    }
    effects->more = true;
}

static void begin(struct bs_engine *engine, uint32_t row, int64_t now_ms, bool close_period,
                  uint32_t final_market, struct bs_effects *effects)
{
    struct bs_pool *pool = &engine->pools[row];
    bool period_ends = close_period || pool->again_ends_period || pool->policy.period_ms == 0 ||
                       now_ms >= pool->period_end_ms;
    final_market = final_market != 0 ? final_market : pool->again_final;
    assert(!engine->progress->running);
    assert(pool->state != BS_STATE_HALTED);
    pool->changed = false;
    pool->waiting = BS_WAITING_NO;
    pool->again_final = final_market == pool->again_final ? 0 : pool->again_final;
    pool->again_ends_period = false;
    *engine->progress = (struct bs_progress){
        .phase = final_market != 0 ? BS_PHASE_FINAL : BS_PHASE_DETECT,
        .running = true,
        .period_ends = period_ends,
        .final_market = final_market,
    };
    bs_fund_observe(engine, row, now_ms, false);
    bs_plan_begin(engine->plan, engine, row, now_ms);
    if (final_market != 0) {
        bs_account_order_refresh(engine);
    }
    bs_settlement_continue(engine, effects);
}

void bs_settlement_begin(struct bs_engine *engine, uint32_t pool, int64_t now_ms, bool close_period,
                         struct bs_effects *effects)
{
    if (bs_pool_is_ready(engine, pool, now_ms)) {
        begin(engine, pool, now_ms, close_period, 0, effects);
        return;
    }
    engine->pools[pool].changed = false;
    engine->pools[pool].waiting = BS_WAITING_STALE_MARK;
    effects->waiting = true;
}

void bs_settlement_begin_final(struct bs_engine *engine, uint32_t market,
                               struct bs_effects *effects)
{
    assert(market != 0);
    begin(engine, engine->markets[market].pool, engine->time_ms, false, market, effects);
}
