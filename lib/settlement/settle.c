/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/settlement/settle.h"

#include "lib/base/sort.h"
#include "lib/book/fund.h"
#include "lib/book/window.h"
#include "lib/command/commands.h"
#include "lib/money/money.h"
#include "lib/rules/seniority.h"
#include "lib/rules/solvency_bound.h"
#include "lib/settlement/assign.h"
#include "lib/settlement/layers.h"

bool bs_pool_ready(const struct bs_engine *engine, uint32_t pool, int64_t now_ms)
{
    const struct bs_pool *p = &engine->pools[pool];
    for (uint32_t market = p->market_head; market != 0; market = engine->markets[market].next) {
        const struct bs_market *m = &engine->markets[market];
        if (m->holders[0] + m->holders[1] == 0) {
            continue;
        }
        if (!m->has_mark) {
            return false;
        }
        if (p->mark_max_age_ms > 0 && now_ms - m->mark_time_ms > (int64_t)p->mark_max_age_ms) {
            return false;
        }
    }
    return true;
}

void bs_period_open(struct bs_pool *pool, int64_t now_ms)
{
    int64_t length = (int64_t)pool->policy.period_ms;
    pool->period_start_ms = now_ms;
    pool->period_end_ms = 0;
    if (length > 0) {
        pool->period_start_ms = (int64_t)bs_div_floor(now_ms, length) * length;
        pool->period_end_ms = pool->period_start_ms + length;
    }
}

/* Smallest deficit first, then account id. */
static int compare_cases(const void *a, const void *b, const void *context)
{
    const struct bs_case *left = a, *right = b;
    const struct bs_engine *engine = context;
    if (left->deficit != right->deficit) {
        return left->deficit < right->deficit ? -1 : 1;
    }
    uint32_t i = engine->accounts.cold[left->account].rank,
             k = engine->accounts.cold[right->account].rank;
    return (i > k) - (i < k);
}

/* Looks at everybody: what a detection must find. */
static uint32_t count_insolvent(const struct bs_engine *engine, const struct bs_pool *pool)
{
    uint32_t count = 0;
    struct bs_account_walk walk = bs_account_walk_begin(pool);
    for (uint32_t account; (account = bs_account_walk_next(engine, &walk)) != 0;) {
        count += account != pool->backstop && bs_account_equity(engine, account) < 0;
    }
    return count;
}

static void detect(struct bs_engine *engine, struct bs_plan *plan)
{
    const struct bs_pool *pool = &engine->pools[plan->pool];
    bool handed_over = pool->trigger == BS_TRIGGER_HANDOVER; /* those alone */
    if (handed_over && pool->handovers == 0) {
        return;
    }
    uint32_t insolvent = 0;
    struct bs_watch watch = bs_watch_begin(engine, plan->pool);
    for (uint32_t account; (account = bs_watch_next(engine, &watch)) != 0;) {
        bs_i128 equity = bs_account_equity(engine, account);
        bs_watch_found(engine, account, equity);
        insolvent += equity < 0;
        if (equity < 0 && (!handed_over || engine->accounts.cold[account].handed_over)) {
            assert(plan->cases_count < plan->scratch->cases_max);
            plan->scratch->cases[plan->cases_count++] =
                (struct bs_case){.account = account, .deficit = -equity, .owed = -equity};
        }
    }
    assert(!engine->config.checks_detection || insolvent == count_insolvent(engine, pool));
}

/* Under scope market a debt will be shared by the legs held now. */
static void record_legs(struct bs_plan *plan, struct bs_case *c)
{
    const struct bs_layer *haircut = bs_layer_of(plan, BS_LAYER_HAIRCUT);
    if (plan->has_budgets || (haircut != NULL && haircut->scope != BS_SCOPE_POOL)) {
        c->legs_first = plan->weights_count;
        c->legs_count = bs_leg_weights(plan, c->account, plan->scratch->weights + c->legs_first);
        plan->weights_count += c->legs_count;
        assert(plan->weights_count <= plan->scratch->weights_max);
    }
}

static bool fund_is_short(const struct bs_plan *plan)
{
    return bs_fund_equity(plan) < plan->policy->floor;
}

static void need_counterparties(struct bs_plan *plan, uint32_t account)
{
    for (uint32_t i = 0; i < bs_plan_positions(plan, account); i++) {
        struct bs_working_position position = bs_plan_position(plan, account, i);
        bs_rankings_need(&plan->scratch->rankings, plan->engine, position.market,
                         position.leg.size > 0);
    }
}

static void rank(struct bs_plan *plan)
{
    const struct bs_layer *adl = bs_layer_of(plan, BS_LAYER_ADL);
    bs_rankings_clear(&plan->scratch->rankings, adl != NULL ? adl->ranking : 0);
    if (adl == NULL) {
        return;
    }
    bs_i128 owed = 0;
    for (uint32_t i = 0; i < plan->cases_count; i++) {
        owed += plan->scratch->cases[i].owed;
    }
    /* Taking over inverse positions may cost the fund a rounding. */
    bool fund_short = fund_is_short(plan) || plan->inverse;
    if (plan->policy->layers[0].type == BS_LAYER_INSURANCE && owed <= bs_fund_available(plan) &&
        !fund_short && !plan->has_budgets) {
        return; /* the fund pays for all: nobody will be deleveraged */
    }
    for (uint32_t i = 0; i < plan->cases_count; i++) {
        need_counterparties(plan, plan->scratch->cases[i].account);
    }
    if (fund_short) {
        need_counterparties(plan, plan->engine->pools[plan->pool].backstop);
    }
    if (plan->scratch->rankings.markets_count > 0) {
        bs_rankings_collect(&plan->scratch->rankings, plan);
    }
}

static void run_waterfall(struct bs_plan *plan, uint32_t case_row)
{
    struct bs_case *c = &plan->scratch->cases[case_row];
    if (c->solvent) {
        return;
    }
    for (uint32_t i = 0; i < plan->policy->layers_count; i++) {
        const struct bs_layer *layer = &plan->policy->layers[i];
        if (c->owed == 0 && bs_plan_positions(plan, c->account) == 0) {
            return;
        }
        if (layer->type == BS_LAYER_INSURANCE && c->owed > 0) {
            bs_layer_insurance(plan, case_row);
        } else if (layer->type == BS_LAYER_ASSIGN) {
            bs_layer_assign(plan, case_row);
        } else if (layer->type == BS_LAYER_ADL) {
            bs_layer_adl(plan, case_row, layer, layer->price == BS_PRICE_MARK);
        }
    }
    bs_write_off(plan, case_row);
    bs_takeover(plan, case_row);
}

/* The fund's own inventory: deleveraged when its equity is below the floor. */
static void run_fund(struct bs_plan *plan)
{
    uint32_t backstop = plan->engine->pools[plan->pool].backstop;
    const struct bs_layer *adl = bs_layer_of(plan, BS_LAYER_ADL);
    if (!fund_is_short(plan)) {
        return;
    }
    bs_i128 owed = bs_max(0, -bs_plan_equity(plan, backstop));
    uint32_t row = plan->fund_case;
    struct bs_case *c = &plan->scratch->cases[row];
    *c = (struct bs_case){.account = backstop, .deficit = owed, .owed = owed};
    record_legs(plan, c);
    bs_layer_assign(plan, row);
    if (adl != NULL && bs_plan_positions(plan, backstop) > 0) {
        bs_layer_adl(plan, row, adl, c->owed == 0);
    }
    bs_write_off(plan, row);
}

static void ask_fund_again(struct bs_plan *plan)
{
    const struct bs_layer *haircut = bs_layer_of(plan, BS_LAYER_HAIRCUT);
    if (haircut == NULL || haircut->divide != BS_DIVIDE_PERIOD_END) {
        return;
    }
    bs_i128 paid = bs_fund_pays(plan, plan->period_loss - plan->over_budget);
    if (paid > 0) {
        struct bs_step step = {.type = BS_STEP_DRAW,
                               .account = plan->engine->pools[plan->pool].backstop,
                               .amount = paid};
        bs_plan_add(plan, &step);
    }
}

/* True while there is room in the chunk for another part of the settlement. */
static bool has_room(const struct bs_plan *plan)
{
    return plan->steps_count < plan->scratch->steps_max / 2 && !plan->overflow;
}

/* What the venue reported unfilled since the last run holds for this one. */
static void take_exclusions(struct bs_engine *engine, struct bs_plan *plan)
{
    if (engine->pools[plan->pool].exclusions == 0) {
        return;
    }
    for (uint64_t number = bs_closes_first(engine); number <= engine->closes.added; number++) {
        struct bs_close *close = bs_closes_at(engine, number);
        if (close->pool == plan->pool && close->excludes) {
            close->excludes = false;
            plan->scratch->excluded[plan->excluded_count++] = (struct bs_excluded){
                close->account[BS_SIDE_CLOSED], close->account[BS_SIDE_COUNTER], close->market};
        }
    }
    engine->pools[plan->pool].exclusions = 0;
}

static void sum_up_cases(struct bs_scratch *scratch)
{
    scratch->summary.insolvent_accounts = scratch->plan.cases_count;
    for (uint32_t i = 0; i < scratch->plan.cases_count; i++) {
        scratch->summary.deficit.mantissa += scratch->cases[i].deficit;
    }
}

/* Who is insolvent, and who may have to pay for it. */
static void begin_cases(struct bs_engine *engine)
{
    struct bs_scratch *scratch = engine->scratch;
    struct bs_plan *plan = &scratch->plan;
    const struct bs_pool *pool = &engine->pools[plan->pool];
    detect(engine, plan);
    take_exclusions(engine, plan);
    plan->fund_case = plan->cases_count;
    if (scratch->numbered) {
        sum_up_cases(scratch);
    }
    if (plan->cases_count == 0 && !fund_is_short(plan) && pool->period_loss == 0 &&
        !bs_window_due(plan)) {
        scratch->phase = BS_PHASE_RESTITUTE;
        return;
    }
    scratch->phase = BS_PHASE_CASES;
    bs_order_refresh(engine);
    bs_budgets_begin(plan);
    bs_sort(scratch->cases, plan->cases_count, sizeof *scratch->cases, compare_cases, engine);
    for (uint32_t i = 0; i < plan->cases_count; i++) {
        record_legs(plan, &scratch->cases[i]);
    }
    bs_volunteers_begin(plan);
    bs_net(plan);
    rank(plan);
}

/* A window's division: an account that is done ends at 0 before it may be paid a refund. */
static bool needs_own_chunk(const struct bs_plan *plan)
{
    const struct bs_layer *haircut = bs_layer_of(plan, BS_LAYER_HAIRCUT);
    return plan->steps_count > 0 && bs_basis_in_force(plan, haircut) == BS_BASIS_WINDOW_GAIN;
}

/* Plans the next chunk; the phases of a settlement in their order. */
static void plan_chunk(struct bs_engine *engine)
{
    struct bs_scratch *scratch = engine->scratch;
    struct bs_plan *plan = &scratch->plan;
    while (scratch->phase == BS_PHASE_FINAL && has_room(plan)) {
        if (!bs_final_next(plan, scratch->final_market, &scratch->final_at)) {
            scratch->phase = BS_PHASE_DETECT;
            return; /* detection is on what the engine holds: this chunk is applied first */
        }
    }
    if (scratch->phase == BS_PHASE_DETECT && !plan->overflow) {
        begin_cases(engine);
    }
    while (scratch->phase == BS_PHASE_CASES && has_room(plan)) {
        if (plan->case_next < plan->cases_count) {
            run_waterfall(plan, plan->case_next++);
        } else {
            scratch->phase = BS_PHASE_FUND;
        }
    }
    if (scratch->phase == BS_PHASE_FUND && has_room(plan)) {
        run_fund(plan);
        const struct bs_layer *haircut = bs_layer_of(plan, BS_LAYER_HAIRCUT);
        bool now =
            haircut != NULL && (haircut->divide == BS_DIVIDE_AT_ONCE || scratch->period_ends);
        scratch->phase = now ? BS_PHASE_DIVIDE : BS_PHASE_RESTITUTE;
        scratch->division = (struct bs_division){0};
        if (now) {
            ask_fund_again(plan);
        }
    }
    while (scratch->phase == BS_PHASE_DIVIDE && has_room(plan) && !needs_own_chunk(plan)) {
        if (!bs_divide_next(plan, &scratch->division)) {
            scratch->phase = BS_PHASE_RESTITUTE;
        }
    }
    /* In a chunk of its own, too. */
    if (scratch->phase == BS_PHASE_RESTITUTE && plan->steps_count == 0 && !plan->overflow) {
        if (bs_restitution_due(plan)) {
            bs_order_refresh(engine);
            bs_restitute(plan);
        }
        scratch->phase = BS_PHASE_DONE;
    }
}

/* Every account begins a new period. Its gain grows older where gains are remembered; where they
 * are not any more, older ones are forgotten. */
static void begin_anew(struct bs_engine *engine, uint32_t pool, const struct bs_layer *haircut)
{
    struct bs_accounts *a = &engine->accounts;
    uint32_t ages = haircut != NULL ? haircut->options[BS_OPTION_SENIORITY] : 0;
    struct bs_account_walk walk = bs_account_walk_begin(&engine->pools[pool]);
    for (uint32_t account; (account = bs_account_walk_next(engine, &walk)) != 0;) {
        bs_i128 equity = bs_account_equity(engine, account);
        if (ages > 0 || a->any_past) {
            a->any_past = true;
            bs_gains_grow_older(&a->past[account], equity - a->cold[account].baseline, ages);
        }
        if (engine->pools[pool].window.open) {
            bs_window_carry(engine, account, equity - a->cold[account].baseline);
        }
        a->cold[account].baseline = equity;
    }
}

/* There is room for one action. */
static void end_period(struct bs_engine *engine, uint32_t pool, int64_t now_ms,
                       struct bs_effects *effects)
{
    struct bs_pool *p = &engine->pools[pool];
    begin_anew(engine, pool, bs_layer_of(&engine->scratch->plan, BS_LAYER_HAIRCUT));
    if (p->has_next) {
        p->policy = p->next;
        p->has_next = false;
    }
    if (p->window.open && !bs_policy_has_window(&p->policy)) {
        bs_window_close(engine, pool);
        bs_publish_window(engine, pool, effects);
    }
    bs_budgets_renew(engine, pool);
    bs_period_open(p, now_ms);
}

static void finish(struct bs_engine *engine, struct bs_effects *effects)
{
    struct bs_scratch *scratch = engine->scratch;
    struct bs_plan *plan = &scratch->plan;
    struct bs_pool *pool = &engine->pools[plan->pool];
    for (uint32_t market = pool->market_head; market != 0; market = engine->markets[market].next) {
        scratch->market_loss[market * 2] = 0;
        scratch->market_loss[market * 2 + 1] = 0;
    }
    if (pool->state != BS_STATE_HALTED) {
        if (scratch->final_market != 0) {
            engine->markets[scratch->final_market].settled = true;
        }
        bs_handovers_clear(engine, plan->pool);
        bs_fund_observe(engine, plan->pool, plan->now_ms, plan->fund_cut);
        if (scratch->period_ends) {
            end_period(engine, plan->pool, plan->now_ms, effects);
        }
    }
    scratch->publishing = false;
    effects->more = false;
    if (scratch->numbered) {
        effects->settled = true;
        effects->settlement = scratch->summary;
    }
}

static void halt(struct bs_engine *engine, struct bs_effects *effects)
{
    static const char reason[] = "the settlement plan failed its check: nothing of it was applied";
    struct bs_plan *plan = &engine->scratch->plan;
    struct bs_pool *pool = &engine->pools[plan->pool];
    pool->state = BS_STATE_HALTED;
    pool->reason_size = sizeof reason - 1;
    memcpy(pool->reason, reason, sizeof reason - 1);
    struct bs_action *action = bs_action_new(engine, plan->pool, BS_ACTION_POOL_HALTED, effects);
    action->reason = (struct bs_text){pool->reason, pool->reason_size};
    finish(engine, effects);
}

/* Gives the settlement its number when it is about to do something for the first time. */
static void number_settlement(struct bs_engine *engine)
{
    struct bs_scratch *scratch = engine->scratch;
    struct bs_plan *plan = &scratch->plan;
    struct bs_pool *pool = &engine->pools[plan->pool];
    if (scratch->numbered || plan->steps_count == 0) {
        return;
    }
    scratch->numbered = true;
    struct bs_wide zero = bs_quanta_wide(pool, 0);
    scratch->summary = (struct bs_settlement){
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
    sum_up_cases(scratch);
}

void bs_settle_continue(struct bs_engine *engine, struct bs_effects *effects)
{
    struct bs_scratch *scratch = engine->scratch;
    struct bs_plan *plan = &scratch->plan;
    assert(scratch->publishing);
    while (effects->actions_count < effects->actions_max) {
        if (!scratch->planned) {
            if (scratch->phase == BS_PHASE_DONE) {
                finish(engine, effects);
                return;
            }
            plan_chunk(engine);
            if (!bs_plan_check(plan) ||
                !bs_position_room(engine, engine->pools[plan->pool].backstop,
                                  plan->backstop_positions) ||
                !bs_volunteers_reserve(engine, plan)) {
                halt(engine, effects);
                return;
            }
            number_settlement(engine);
            scratch->planned = true;
            scratch->applied = 0;
        }
        if (!bs_plan_publish(engine, plan, effects)) {
            break;
        }
        scratch->planned = false;
    }
    effects->more = true;
}

static void begin(struct bs_engine *engine, uint32_t pool, int64_t now_ms, bool close_period,
                  uint32_t final_market, struct bs_effects *effects)
{
    struct bs_scratch *scratch = engine->scratch;
    struct bs_pool *p = &engine->pools[pool];
    p->changed = false;
    p->waiting = BS_WAITING_NO;
    scratch->cleared_lots = 0;
    scratch->cleared_value = 0;
    scratch->final_market = final_market;
    scratch->final_at = 0;
    scratch->publishing = true;
    scratch->planned = false;
    scratch->numbered = false;
    scratch->period_ends = close_period || p->policy.period_ms == 0 || now_ms >= p->period_end_ms;
    scratch->phase = final_market != 0 ? BS_PHASE_FINAL : BS_PHASE_DETECT;
    bs_fund_observe(engine, pool, now_ms, false);
    bs_plan_begin(&scratch->plan, engine, pool, now_ms);
    if (final_market != 0) {
        bs_order_refresh(engine);
    }
    bs_settle_continue(engine, effects);
}

void bs_settle(struct bs_engine *engine, uint32_t pool, int64_t now_ms, bool close_period,
               struct bs_effects *effects)
{
    if (bs_pool_ready(engine, pool, now_ms)) {
        begin(engine, pool, now_ms, close_period, 0, effects);
        return;
    }
    engine->pools[pool].changed = false;
    engine->pools[pool].waiting = BS_WAITING_STALE_MARK;
    effects->waiting = true;
}

void bs_settle_final(struct bs_engine *engine, uint32_t market, struct bs_effects *effects)
{
    begin(engine, engine->markets[market].pool, engine->time_ms, false, market, effects);
}
