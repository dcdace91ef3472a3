/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The one gate between planning and doing. The steps are carried out once more from the untouched
 * state; each must be allowed where it stands, and at the end money and sizes must be conserved and
 * nothing may have been taken beyond what was owed.
 */
#include "lib/book/window.h"
#include "lib/money/money.h"
#include "lib/rules/seniority.h"
#include "lib/settlement/assign.h"
#include "lib/settlement/layers.h"
#include "lib/settlement/tally.h"

static bool close_is_possible(const struct bs_plan *plan, const struct bs_step *step)
{
    struct bs_leg leg = bs_plan_leg(plan, step->account, step->market);
    struct bs_leg counter = bs_plan_leg(plan, step->counterparty, step->market);
    return step->lots > 0 && step->account != step->counterparty &&
           bs_abs64(leg.size) >= step->lots && bs_abs64(counter.size) >= step->lots &&
           (leg.size > 0) != (counter.size > 0);
}

/* Values of inverse positions are rounded: each leg of an account may be a quantum off its exact
 * value while it is closed in part. */
static bs_i128 dust(const struct bs_plan *plan, uint32_t account)
{
    return plan->inverse ? (bs_i128)bs_plan_positions(plan, account) + 1 : 0;
}

/* Only what is owed: the close lifts a negative equity at most to 0 and leaves any other alone. */
static bool carry_close(struct bs_plan *plan, const struct bs_step *step)
{
    if (!close_is_possible(plan, step) ||
        step->counterparty == plan->engine->pools[plan->pool].backstop ||
        bs_plan_equity(plan, step->counterparty) < 0 || !bs_close_is_tight(plan, step)) {
        return false;
    }
    bs_i128 before = bs_plan_equity(plan, step->account);
    bs_plan_carry(plan, step);
    bs_i128 after = bs_plan_equity(plan, step->account);
    bs_i128 slack = dust(plan, step->account);
    struct bs_allowance left = bs_allowance_of(plan, step->counterparty);
    if (left.loss < 0 || left.close < 0) {
        return false;
    }
    return after + slack >= before && after <= bs_max(0, before) + slack &&
           bs_plan_equity(plan, step->counterparty) >= 0;
}

/* What the account owes grows by the spread and nothing else; who takes over stays solvent. */
static bool carry_assign(struct bs_plan *plan, const struct bs_step *step)
{
    struct bs_leg leg = bs_plan_leg(plan, step->account, step->market);
    if (step->lots <= 0 || step->lots > bs_abs64(leg.size) || step->account == step->counterparty ||
        !bs_assignment_is_exact(plan, step)) {
        return false;
    }
    bs_i128 value = bs_plan_released(plan, step->market, leg.size, step->lots);
    bs_i128 before = bs_plan_equity(plan, step->account);
    bs_plan_carry(plan, step);
    return bs_plan_equity(plan, step->account) == before + step->amount - value &&
           bs_plan_equity(plan, step->counterparty) >= 0;
}

static bool carry_draw(struct bs_plan *plan, const struct bs_step *step)
{
    uint32_t backstop = plan->engine->pools[plan->pool].backstop;
    bs_i128 owed = step->account == backstop ? plan->period_loss - plan->over_budget
                                             : -bs_plan_equity(plan, step->account);
    if (step->amount <= 0 || step->amount > owed) {
        return false;
    }
    bs_plan_carry(plan, step);
    return bs_draw_is_allowed(plan, step, owed);
}

static bool carry_takeover(struct bs_plan *plan, const struct bs_step *step)
{
    struct bs_leg leg = bs_plan_leg(plan, step->account, step->market);
    if (leg.size == 0 || bs_abs64(leg.size) != step->lots) {
        return false;
    }
    bs_i128 before = bs_plan_equity(plan, step->account);
    bs_i128 slack = dust(plan, step->account);
    bs_plan_carry(plan, step);
    bs_i128 after = bs_plan_equity(plan, step->account);
    return after == before || (after == 0 && before > 0 && before <= slack);
}

/* A whole position at its value; after the last one, what is left of nothing. */
static bool carry_final(struct bs_plan *plan, const struct bs_step *step)
{
    int64_t size = bs_plan_leg(plan, step->account, step->market).size;
    bs_i128 before = bs_plan_equity(plan, step->account);
    bs_plan_carry(plan, step);
    if (step->lots == 0) {
        return step->account == plan->engine->pools[plan->pool].backstop &&
               plan->cleared_value ==
                   bs_plan_value(plan, step->market, (int64_t)plan->cleared_lots);
    }
    return bs_abs64(size) == step->lots && bs_plan_equity(plan, step->account) == before;
}

/* Of a claim, or of all that refunds cost and nobody else pays; with cash above the floor, while
 * nobody is owed anything. */
static bool carry_restitution(struct bs_plan *plan, const struct bs_step *step)
{
    uint32_t backstop = plan->engine->pools[plan->pool].backstop;
    bool of_window = step->account == backstop;
    bs_i128 most = of_window ? plan->period_loss : bs_plan_past(plan, step->account)->claim;
    if (step->amount <= 0 || step->amount > most || step->counterparty != backstop ||
        plan->period_loss != (of_window ? step->amount : 0) || plan->unallocated != 0) {
        return false;
    }
    bs_plan_carry(plan, step);
    return bs_fund_equity(plan) >= plan->policy->floor &&
           bs_plan_collateral(plan, backstop) - plan->own_funds >= plan->policy->floor;
}

static bool carry_haircut(struct bs_plan *plan, const struct bs_step *step)
{
    bs_i128 equity = bs_plan_equity(plan, step->account);
    if (step->amount <= 0 || step->amount > plan->period_loss || step->amount > equity ||
        step->amount > step->gain || step->weight < 0) {
        return false;
    }
    const struct bs_round *round = &plan->scratch->rounds[step->reference - 1];
    if (round->basis == BS_BASIS_PERIOD_GAIN &&
        step->gain > bs_gain_of_age(bs_plan_past(plan, step->account),
                                    bs_plan_gain(plan, step->account), round->age)) {
        return false;
    }
    if (round->basis == BS_BASIS_WINDOW_GAIN &&
        (step->gain > bs_plan_window_gain(plan, step->account) ||
         step->amount > step->gain - bs_plan_window_taken(plan, step->account))) {
        return false;
    }
    bs_plan_carry(plan, step);
    return true;
}

/* No more than was taken, and to nobody who owes. */
static bool carry_refund(struct bs_plan *plan, const struct bs_step *step)
{
    if (step->amount <= 0 || step->amount > bs_plan_window_taken(plan, step->account) ||
        bs_plan_equity(plan, step->account) < 0) {
        return false;
    }
    bs_plan_carry(plan, step);
    return true;
}

static bool carry_checked(struct bs_plan *plan, const struct bs_step *step)
{
    switch ((enum bs_step_type)step->type) {
    case BS_STEP_DRAW:
        return carry_draw(plan, step);
    case BS_STEP_NETTING:
        if (!close_is_possible(plan, step) ||
            step->amount != bs_plan_value(plan, step->market, step->lots)) {
            return false;
        }
        bs_plan_carry(plan, step);
        return true;
    case BS_STEP_CLOSE:
        return carry_close(plan, step);
    case BS_STEP_ASSIGN:
        return carry_assign(plan, step);
    case BS_STEP_TAKEOVER:
        return carry_takeover(plan, step);
    case BS_STEP_WRITE_OFF:
        if (step->amount <= 0 || bs_plan_equity(plan, step->account) + step->amount != 0) {
            return false;
        }
        bs_plan_carry(plan, step);
        return true;
    case BS_STEP_HAIRCUT:
        return carry_haircut(plan, step);
    case BS_STEP_REFUND:
        return carry_refund(plan, step);
    case BS_STEP_RESTITUTION:
        return carry_restitution(plan, step);
    case BS_STEP_UNALLOCATED:
        if (step->amount <= 0 || step->amount > plan->period_loss) {
            return false;
        }
        bs_plan_carry(plan, step);
        return true;
    case BS_STEP_FINAL:
        return carry_final(plan, step);
    case BS_STEP_REVERSAL:
        if (step->lots <= 0 || step->lots > plan->reversed->lots - plan->reversed->reversed ||
            step->amount != bs_close_part(plan->reversed, step->lots).value) {
            return false;
        }
        bs_plan_carry(plan, step);
        return true;
    case BS_STEP_COUNT:
        break;
    }
    return false;
}

/* Collateral less entry values of an account in the engine; adds its sizes by market. */
static bs_i128 live_money(const struct bs_plan *plan, uint32_t account, int sign)
{
    const struct bs_engine *engine = plan->engine;
    bs_i128 money = engine->accounts.hot[account].collateral;
    uint32_t first = engine->accounts.hot[account].position_at;
    for (uint32_t i = first; i < first + engine->accounts.hot[account].position_count; i++) {
        money -= engine->positions.rows[i].entry;
        plan->scratch->market_sizes[engine->positions.rows[i].market] +=
            sign * engine->positions.rows[i].size;
    }
    return money;
}

static bs_i128 working_money(const struct bs_plan *plan, uint32_t account, int sign)
{
    bs_i128 money = plan->scratch->working[plan->engine->accounts.touch[account]].collateral;
    for (uint32_t i = 0; i < bs_plan_positions(plan, account); i++) {
        struct bs_working_position position = bs_plan_position(plan, account, i);
        money -= position.leg.entry;
        plan->scratch->market_sizes[position.market] += sign * (bs_i128)position.leg.size;
    }
    return money;
}

/* Every account that was touched: money, sizes and what the window took, before and after, and
 * ranges. What a final
 * settlement closes leaves the book, and its value comes in. */
static bool conserved(const struct bs_plan *plan)
{
    const struct bs_engine *engine = plan->engine;
    const struct bs_pool *pool = &engine->pools[plan->pool];
    bs_i128 before = -pool->period_loss - pool->unallocated;
    bs_i128 after = -plan->period_loss - plan->unallocated;
    bs_i128 window = pool->window.loss - plan->window_loss;
    bool ok = plan->period_loss >= 0;
    before += plan->cleared_value - plan->scratch->cleared_value;
    plan->scratch->market_sizes[plan->scratch->final_market] +=
        plan->cleared_lots - plan->scratch->cleared_lots;
    for (uint32_t i = 1; i <= plan->working_count; i++) {
        const struct bs_working *working = &plan->scratch->working[i];
        before += live_money(plan, working->account, -1);
        after += working_money(plan, working->account, 1);
        window += working->window_taken - bs_window_taken(engine, working->account);
        ok = ok && bs_abs(working->collateral) <= BS_MONEY_MAX && working->window_taken >= 0;
    }
    for (uint32_t market = pool->market_head; market != 0; market = engine->markets[market].next) {
        ok = ok && plan->scratch->market_sizes[market] == 0;
        plan->scratch->market_sizes[market] = 0;
    }
    return ok && before == after && window == 0;
}

/* An insolvent account that is done holds nothing and owes nothing: its equity is exactly 0. */
static bool resolved(const struct bs_plan *plan)
{
    for (uint32_t i = plan->case_checked; i < plan->case_next; i++) {
        uint32_t account = plan->scratch->cases[i].account;
        if (plan->scratch->cases[i].solvent) {
            if (!plan->inverse || bs_plan_equity(plan, account) < 0) {
                return false;
            }
            continue;
        }
        if (bs_plan_equity(plan, account) != 0 || bs_plan_positions(plan, account) != 0) {
            return false;
        }
    }
    return true;
}

bool bs_plan_check(struct bs_plan *plan)
{
    if (plan->overflow) {
        return false;
    }
    bs_plan_reset_working(plan);
    bs_budgets_check_begin(plan);
    plan->scratch->pricing.reference = 0;
    plan->scratch->assigning.reference = 0;
    bool ok = true;
    for (uint32_t i = 0; i < plan->steps_count && ok; i++) {
        ok = carry_checked(plan, &plan->scratch->steps[i]) && !plan->overflow;
    }
    ok = conserved(plan) && ok;
    ok = ok && resolved(plan);
    plan->backstop_positions = bs_plan_positions(plan, plan->engine->pools[plan->pool].backstop);
    bs_plan_reset_working(plan);
    return ok;
}
