/* SPDX-License-Identifier: Apache-2.0 */
/* Working copies and the one place where a step is carried out on them. */
#include "lib/settlement/plan.h"

#include "lib/book/fund.h"
#include "lib/book/window.h"
#include "lib/money/money.h"
#include "lib/settlement/assign.h"
#include "lib/settlement/layers.h"
#include "lib/settlement/tally.h"

void bs_plan_begin(struct bs_plan *plan, const struct bs_engine *engine, uint32_t pool,
                   int64_t now_ms)
{
    *plan = (struct bs_plan){
        .engine = engine,
        .scratch = engine->scratch,
        .pool = pool,
        .policy = &engine->pools[pool].policy,
        .limits = bs_limits_of(&engine->pools[pool].policy),
        .number = engine->pools[pool].settlements + 1,
        .now_ms = now_ms,
        .period_loss = engine->pools[pool].period_loss,
        .unallocated = engine->pools[pool].unallocated,
        .claims = engine->pools[pool].claims,
        .over_budget = engine->pools[pool].over_budget,
        .window_loss = engine->pools[pool].window.loss,
        .own_funds = engine->pools[pool].own_funds,
        .fund_least = engine->pools[pool].policy.floor,
        .positions = engine->positions_count,
    };
    if (bs_drawdown_of(plan->policy) != NULL) {
        struct bs_fund_look look = bs_fund_look(engine, pool, now_ms);
        plan->fund_least = bs_max(plan->fund_least, look.threshold);
        plan->fund_restricted = look.restricted;
    }
    for (uint32_t market = engine->pools[pool].market_head; market != 0;
         market = engine->markets[market].next) {
        plan->inverse = plan->inverse || engine->markets[market].contract == BS_CONTRACT_INVERSE;
    }
}

void bs_plan_reset_working(struct bs_plan *plan)
{
    for (uint32_t i = 1; i <= plan->working_count; i++) {
        plan->engine->accounts.touch[plan->scratch->working[i].account] = 0;
    }
    plan->working_count = 0;
    plan->working_positions_count = 0;
    plan->positions = plan->engine->positions_count;
    bs_volunteers_reset(plan);
    plan->period_loss = plan->engine->pools[plan->pool].period_loss;
    plan->unallocated = plan->engine->pools[plan->pool].unallocated;
    plan->claims = plan->engine->pools[plan->pool].claims;
    plan->window_loss = plan->engine->pools[plan->pool].window.loss;
    bs_own_funds_load(plan);
    plan->cleared_lots = plan->scratch->cleared_lots;
    plan->cleared_value = plan->scratch->cleared_value;
}

static const struct bs_working *working_of(const struct bs_plan *plan, uint32_t account)
{
    uint32_t row = plan->engine->accounts.touch[account];
    return row == 0 ? NULL : &plan->scratch->working[row];
}

static struct bs_working *touch(struct bs_plan *plan, uint32_t account)
{
    const struct bs_engine *engine = plan->engine;
    uint32_t *row = &engine->accounts.touch[account];
    if (*row == 0) {
        assert(plan->working_count < plan->scratch->working_max);
        *row = ++plan->working_count;
        plan->scratch->working[*row] = (struct bs_working){
            .account = account,
            .count = engine->accounts.hot[account].position_count,
            .collateral = engine->accounts.hot[account].collateral,
            .baseline = engine->accounts.cold[account].baseline,
            .window_taken = bs_window_taken(engine, account),
        };
    }
    plan->scratch->working[*row].changes++;
    return &plan->scratch->working[*row];
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

/* The account's own copies of its positions, with room for what it may take over. */
static struct bs_working *touch_positions(struct bs_plan *plan, uint32_t account)
{
    const struct bs_engine *engine = plan->engine;
    struct bs_working *working = touch(plan, account);
    if (working->room == 0) {
        bool backstop = account == engine->pools[plan->pool].backstop;
        working->room = backstop ? engine->pools[plan->pool].markets + 1
                                 : working->count + 1 + bs_providers_of_account(engine, account);
        working->first = plan->working_positions_count;
        plan->working_positions_count += working->room;
        assert(plan->working_positions_count <= plan->scratch->working_positions_max);
        for (uint32_t i = 0; i < working->count; i++) {
            plan->scratch->working_positions[working->first + i] =
                live_position(engine, engine->accounts.hot[account].position_at + i);
        }
    }
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
    if (working != NULL && working->room != 0) {
        return plan->scratch->working_positions[working->first + i];
    }
    return live_position(plan->engine, plan->engine->accounts.hot[account].position_at + i);
}

struct bs_leg bs_plan_leg(const struct bs_plan *plan, uint32_t account, uint32_t market)
{
    const struct bs_working *working = working_of(plan, account);
    if (working != NULL && working->room != 0) {
        const struct bs_working_position *rows = plan->scratch->working_positions + working->first;
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
               (working->collateral - plan->engine->accounts.hot[account].collateral);
    }
    bs_i128 equity = working->collateral;
    const struct bs_working_position *rows = plan->scratch->working_positions + working->first;
    for (uint32_t i = 0; i < working->count; i++) {
        equity += bs_plan_profit(plan, rows[i].market, &rows[i].leg);
    }
    return equity;
}

bs_i128 bs_plan_collateral(const struct bs_plan *plan, uint32_t account)
{
    const struct bs_working *working = working_of(plan, account);
    return working != NULL ? working->collateral : plan->engine->accounts.hot[account].collateral;
}

const struct bs_account_past *bs_plan_past(const struct bs_plan *plan, uint32_t account)
{
    const struct bs_working *working = working_of(plan, account);
    return working != NULL && working->has_past
               ? &plan->scratch->pasts[plan->engine->accounts.touch[account]]
               : &plan->engine->accounts.past[account];
}

struct bs_account_past *bs_plan_touch_past(struct bs_plan *plan, uint32_t account)
{
    struct bs_working *working = touch(plan, account);
    struct bs_account_past *past = &plan->scratch->pasts[plan->engine->accounts.touch[account]];
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
    return bs_plan_gain(plan, account) + bs_window_carried(plan->engine, account) +
           bs_plan_window_taken(plan, account);
}

/* Where a market's position stands among the account's copies, or where it would be inserted. */
static uint32_t place_of(const struct bs_plan *plan, const struct bs_working *working,
                         uint32_t market, bool *ret_found)
{
    struct bs_text name = bs_market_text(plan->engine, market);
    uint32_t i = 0;
    for (; i < working->count; i++) {
        uint32_t other = plan->scratch->working_positions[working->first + i].market;
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
    struct bs_working_position *rows = plan->scratch->working_positions + working->first;
    working->count--;
    plan->positions--;
    memmove(rows + at, rows + at + 1, (working->count - at) * sizeof *rows);
}

static void put_leg(struct bs_plan *plan, uint32_t account, uint32_t market,
                    const struct bs_leg *leg)
{
    struct bs_working *working = touch_positions(plan, account);
    struct bs_working_position *rows = plan->scratch->working_positions + working->first;
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
static void close_leg(struct bs_plan *plan, uint32_t account, uint32_t market, int64_t lots,
                      bs_i128 received)
{
    struct bs_working *working = touch_positions(plan, account);
    struct bs_working_position *rows = plan->scratch->working_positions + working->first;
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

static void carry_close(struct bs_plan *plan, const struct bs_step *step)
{
    int64_t size = bs_plan_leg(plan, step->account, step->market).size;
    bs_i128 value = bs_plan_released(plan, step->market, size, step->lots);
    struct bs_tally_base before = {0, 0};
    if (plan->limits != NULL) {
        before = bs_tally_base_of(plan, step->counterparty);
    }
    close_leg(plan, step->account, step->market, step->lots, step->amount);
    close_leg(plan, step->counterparty, step->market, step->lots, -step->amount);
    if (plan->limits != NULL) {
        bs_tally_close(plan, step->counterparty, &before);
    }
    /* What lifts an insolvent account is no gain of its period. */
    touch(plan, step->account)->baseline += step->amount - value;
}

static void carry_final(struct bs_plan *plan, const struct bs_step *step)
{
    plan->cleared_value += step->amount;
    if (step->lots == 0) {
        touch(plan, step->account)->collateral += step->amount;
        return;
    }
    plan->cleared_lots += bs_plan_leg(plan, step->account, step->market).size;
    close_leg(plan, step->account, step->market, step->lots, step->amount);
}

/* Puts a part of a closed position back, as if it had never been closed: what was traded since on
 * the other side closes against it, each at its own entry. */
static void reopen_leg(struct bs_plan *plan, uint32_t account, uint32_t market, struct bs_leg back)
{
    struct bs_leg leg = bs_plan_leg(plan, account, market);
    if (leg.size != 0 && (leg.size > 0) != (back.size > 0)) {
        int64_t both = (int64_t)bs_min(bs_abs64(leg.size), bs_abs64(back.size));
        bs_i128 entries = (bs_i128)bs_leg_close(&leg, both) + bs_leg_close(&back, both);
        touch(plan, account)->collateral -= entries;
    }
    bs_i128 size = (bs_i128)leg.size + back.size, entry = (bs_i128)leg.entry + back.entry;
    if (bs_abs(size) > BS_MONEY_MAX || bs_abs(entry) > BS_MONEY_MAX ||
        bs_abs(bs_plan_value(plan, market, (int64_t)size)) > BS_MONEY_MAX) {
        plan->overflow = true;
        return;
    }
    leg = (struct bs_leg){(int64_t)size, (int64_t)entry, leg.taken + back.taken};
    put_leg(plan, account, market, &leg);
}

/* What a volunteer took over goes back by a trade at the same value; its baseline had moved with
 * the spread. */
static void give_back(struct bs_plan *plan, const struct bs_close *close, int64_t lots)
{
    uint32_t account = close->account[BS_SIDE_COUNTER];
    struct bs_close_part part = bs_close_part(close, lots);
    struct bs_leg leg = bs_plan_leg(plan, account, close->market);
    bs_i128 realized = 0;
    if (!bs_leg_trade(&leg, close->is_long ? -lots : lots, -part.value, &realized) ||
        bs_abs(bs_plan_value(plan, close->market, leg.size)) > BS_MONEY_MAX) {
        plan->overflow = true;
        return;
    }
    put_leg(plan, account, close->market, &leg);
    touch(plan, account)->collateral += realized;
    touch(plan, account)->baseline += part.value - part.mark_value;
}

static void carry_reversal(struct bs_plan *plan, const struct bs_step *step)
{
    const struct bs_close *close = plan->reversed;
    struct bs_close_part part = bs_close_part(close, step->lots);
    if (close->assigned) {
        give_back(plan, close, step->lots);
    }
    for (int side = 0; side < (close->assigned ? BS_SIDE_COUNTER : BS_SIDES); side++) {
        bool is_long = (side == BS_SIDE_CLOSED) == close->is_long;
        bs_i128 received = side == BS_SIDE_CLOSED ? part.value : -part.value;
        struct bs_leg back = {is_long ? step->lots : -step->lots, part.entry[side],
                              part.taken[side]};
        touch(plan, close->account[side])->collateral -= received - back.entry;
        reopen_leg(plan, close->account[side], close->market, back);
    }
    touch(plan, close->account[BS_SIDE_CLOSED])->baseline -= part.value - part.mark_value;
}

static void carry_takeover(struct bs_plan *plan, const struct bs_step *step)
{
    uint32_t backstop = plan->engine->pools[plan->pool].backstop;
    struct bs_leg leg = bs_plan_leg(plan, step->account, step->market);
    struct bs_leg held = bs_plan_leg(plan, backstop, step->market);
    bs_i128 realized = 0;
    if (!bs_leg_trade(&held, leg.size, step->amount, &realized) ||
        bs_abs(bs_plan_value(plan, step->market, held.size)) > BS_MONEY_MAX) {
        plan->overflow = true;
        return;
    }
    close_leg(plan, step->account, step->market, bs_abs64(leg.size), step->amount);
    put_leg(plan, backstop, step->market, &held);
    touch(plan, backstop)->collateral += realized;
}

/* A spread is no loss of the account's period, as what lifts it is no gain; nor is it a gain of the
 * volunteer's, that a haircut could take back at once. */
static void carry_assign(struct bs_plan *plan, const struct bs_step *step)
{
    struct bs_leg leg = bs_plan_leg(plan, step->account, step->market);
    struct bs_leg held = bs_plan_leg(plan, step->counterparty, step->market);
    bs_i128 value = bs_plan_released(plan, step->market, leg.size, step->lots);
    bs_i128 realized = 0;
    if (!bs_leg_trade(&held, leg.size > 0 ? step->lots : -step->lots, step->amount, &realized)) {
        plan->overflow = true;
        return;
    }
    bs_i128 equity = bs_plan_equity(plan, step->counterparty);
    close_leg(plan, step->account, step->market, step->lots, step->amount);
    touch(plan, step->account)->baseline += step->amount - value;
    put_leg(plan, step->counterparty, step->market, &held);
    touch(plan, step->counterparty)->collateral += realized;
    touch(plan, step->counterparty)->baseline += bs_plan_equity(plan, step->counterparty) - equity;
    bs_volunteer_count(plan, step->candidate - 1, step->lots, value);
}

/* Books a haircut on unrealized profit to the positions that still have some, by prefix
 * differences in market-name order; under scope market to that market's position alone. */
static void book_taken(struct bs_plan *plan, const struct bs_step *step, uint32_t market)
{
    struct bs_working *working = touch_positions(plan, step->account);
    struct bs_working_position *rows = plan->scratch->working_positions + working->first;
    bs_i128 total = 0;
    for (int pass = 0; pass < 2; pass++) {
        bs_i128 prefix = 0;
        for (uint32_t i = 0; i < working->count; i++) {
            struct bs_leg *leg = &rows[i].leg;
            bs_i128 rest = bs_plan_profit(plan, rows[i].market, leg) - leg->taken;
            if (rest <= 0 || (market != 0 && market != rows[i].market)) {
                continue;
            }
            if (pass == 1) {
                leg->taken += (int64_t)bs_split_floor(step->amount, prefix, prefix + rest, total);
            }
            prefix += rest;
        }
        total = prefix;
    }
}

static void carry_haircut(struct bs_plan *plan, const struct bs_step *step)
{
    const struct bs_round *round = &plan->scratch->rounds[step->reference - 1];
    if (round->basis == BS_BASIS_UNREALIZED_PROFIT) {
        book_taken(plan, step, round->market);
    }
    touch(plan, step->account)->collateral -= step->amount;
    plan->period_loss -= step->amount;
    if (round->basis == BS_BASIS_WINDOW_GAIN) {
        touch(plan, step->account)->window_taken += step->amount;
        plan->window_loss += step->amount;
    }
    if (round->age > 0) { /* the gain of this period stays what it is */
        touch(plan, step->account)->baseline -= step->amount;
        bs_plan_touch_past(plan, step->account)->gains[round->age - 1] -= step->amount;
    }
    if (bs_layer_of(plan, BS_LAYER_HAIRCUT)->has[BS_OPTION_RESTITUTION]) {
        bs_plan_touch_past(plan, step->account)->claim += step->amount;
        plan->claims += step->amount;
    }
}

static void lower_claim(struct bs_plan *plan, uint32_t account, bs_i128 amount)
{
    bs_i128 off = plan->claims > 0 ? bs_min(amount, bs_plan_past(plan, account)->claim) : 0;
    if (off > 0) {
        bs_plan_touch_past(plan, account)->claim -= off;
        plan->claims -= off;
    }
}

/* Whose debt others bear has so much less of a claim; and what the window took from it is so much
 * less to be refunded. */
static void set_off(struct bs_plan *plan, uint32_t account, bs_i128 debt)
{
    lower_claim(plan, account, debt);
    bs_i128 off = bs_min(debt, bs_plan_window_taken(plan, account));
    if (off > 0) {
        touch(plan, account)->window_taken -= off;
        plan->window_loss -= off;
    }
}

static void carry_refund(struct bs_plan *plan, const struct bs_step *step)
{
    touch(plan, step->account)->collateral += step->amount;
    touch(plan, step->account)->window_taken -= step->amount;
    plan->window_loss -= step->amount;
    plan->period_loss += step->amount;
    lower_claim(plan, step->account, step->amount);
}

static void carry_restitution(struct bs_plan *plan, const struct bs_step *step)
{
    touch(plan, step->counterparty)->collateral -= step->amount;
    if (step->account == step->counterparty) {
        plan->period_loss -= step->amount;
        return;
    }
    touch(plan, step->account)->collateral += step->amount;
    touch(plan, step->account)->baseline += step->amount;
    bs_plan_touch_past(plan, step->account)->claim -= step->amount;
    plan->claims -= step->amount;
}

void bs_plan_carry(struct bs_plan *plan, const struct bs_step *step)
{
    uint32_t backstop = plan->engine->pools[plan->pool].backstop;
    switch ((enum bs_step_type)step->type) {
    case BS_STEP_DRAW:
        touch(plan, backstop)->collateral -= step->amount;
        if (step->market != 0) {
            plan->scratch->own_funds[step->market] -= (int64_t)step->amount;
            plan->own_funds -= step->amount;
        }
        if (step->account == backstop) {
            plan->period_loss -= step->amount;
            break;
        }
        touch(plan, step->account)->collateral += step->amount;
        touch(plan, step->account)->baseline += step->amount;
        set_off(plan, step->account, step->amount);
        break;
    case BS_STEP_NETTING:
        close_leg(plan, step->account, step->market, step->lots, step->amount);
        close_leg(plan, step->counterparty, step->market, step->lots, -step->amount);
        break;
    case BS_STEP_CLOSE:
        carry_close(plan, step);
        break;
    case BS_STEP_TAKEOVER:
        carry_takeover(plan, step);
        break;
    case BS_STEP_ASSIGN:
        carry_assign(plan, step);
        break;
    case BS_STEP_WRITE_OFF:
        touch(plan, step->account)->collateral += step->amount;
        touch(plan, step->account)->baseline += step->amount;
        plan->period_loss += step->amount;
        set_off(plan, step->account, step->amount);
        break;
    case BS_STEP_HAIRCUT:
        carry_haircut(plan, step);
        break;
    case BS_STEP_REFUND:
        carry_refund(plan, step);
        break;
    case BS_STEP_RESTITUTION:
        carry_restitution(plan, step);
        break;
    case BS_STEP_UNALLOCATED:
        plan->period_loss -= step->amount;
        plan->unallocated += step->amount;
        break;
    case BS_STEP_FINAL:
        carry_final(plan, step);
        break;
    case BS_STEP_REVERSAL:
        carry_reversal(plan, step);
        break;
    case BS_STEP_COUNT:
        assert(false);
    }
}

void bs_plan_add(struct bs_plan *plan, const struct bs_step *step)
{
    if (plan->overflow) {
        return;
    }
    if (plan->steps_count == plan->scratch->steps_max) {
        plan->overflow = true;
        return;
    }
    plan->scratch->steps[plan->steps_count++] = *step;
    bs_plan_carry(plan, step);
}
