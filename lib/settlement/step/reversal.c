/* SPDX-License-Identifier: Apache-2.0 */
/* Reversals: what a venue could not apply of a close is taken back on both sides. */
#include "lib/book/closes.h"
#include "lib/book/convert.h"
#include "lib/book/names.h"
#include "lib/settlement/actions.h"
#include "lib/settlement/taking.h"

/* Puts a part of a closed position back, as if it had never been closed: what was traded since on
 * the other side closes against it, each at its own entry. */
static void reopen_leg(struct bs_plan *plan, uint32_t account, uint32_t market, struct bs_leg back)
{
    struct bs_leg leg = bs_plan_leg(plan, account, market);
    if (leg.size != 0 && (leg.size > 0) != (back.size > 0)) {
        int64_t both = (int64_t)bs_min(bs_abs64(leg.size), bs_abs64(back.size));
        bs_i128 entries = (bs_i128)bs_leg_close(&leg, both) + bs_leg_close(&back, both);
        bs_plan_touch(plan, account)->collateral -= entries;
    }
    bs_i128 size = (bs_i128)leg.size + back.size, entry = (bs_i128)leg.entry + back.entry;
    if (bs_abs(size) > BS_MONEY_MAX || bs_abs(entry) > BS_MONEY_MAX ||
        bs_abs(bs_plan_value(plan, market, (int64_t)size)) > BS_MONEY_MAX) {
        plan->overflow = true;
        return;
    }
    leg = (struct bs_leg){(int64_t)size, (int64_t)entry, leg.taken + back.taken};
    bs_plan_put_leg(plan, account, market, &leg);
}

/* A provider gives back what it took over by a trade at the same value; its baseline had moved with
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
    bs_plan_put_leg(plan, account, close->market, &leg);
    bs_plan_touch(plan, account)->collateral += realized;
    bs_plan_touch(plan, account)->baseline += part.value - part.mark_value;
}

static void carry(struct bs_plan *plan, const struct bs_step *step)
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
        bs_plan_touch(plan, close->account[side])->collateral -= received - back.entry;
        reopen_leg(plan, close->account[side], close->market, back);
    }
    bs_plan_touch(plan, close->account[BS_SIDE_CLOSED])->baseline -= part.value - part.mark_value;
}

static bool check(struct bs_plan *plan, const struct bs_step *step)
{
    if (step->lots <= 0 || step->lots > plan->reversed->lots - plan->reversed->reversed ||
        step->amount != bs_close_part(plan->reversed, step->lots).value) {
        return false;
    }
    carry(plan, step);
    return true;
}

/* What a provider gives back: a trade the other way, at the same value. */
static void apply_return(struct bs_applying *applying)
{
    const struct bs_close *close = applying->plan->reversed;
    int64_t lots = applying->step->lots;
    struct bs_close_part part = bs_close_part(close, lots);
    struct bs_taking taking = {
        .account = close->account[BS_SIDE_COUNTER],
        .counterparty = close->account[BS_SIDE_CLOSED],
        .market = close->market,
        .sign = close->is_long ? 1 : -1,
        .lots = -lots,
        .value = -part.value,
        .mark_value = -part.mark_value,
    };
    struct bs_action *action = bs_applying_taking(applying, BS_ACTION_REVERSAL, &taking);
    action->reverses = close->action + 1;
    action->present |= BS_ACTION_HAS_REVERSES;
}

/* What one account gets back of a close. */
struct back {
    uint32_t account;
    uint32_t counterparty; /* 0: none */
    int sign;              /* of the position that was closed */
    bs_i128 received, at_mark, entry;
    uint64_t reverses;
};

/* The figures of the close with the other sign. */
static void apply_back(struct bs_applying *applying, const struct back *back)
{
    uint32_t row = applying->step->market;
    const struct bs_market *market = &applying->engine->markets[row];
    int64_t lots = applying->step->lots;
    bs_i128 before = back->sign * (bs_i128)bs_plan_leg(applying->plan, back->account, row).size;
    struct bs_action *action = bs_applying_action(applying, BS_ACTION_REVERSAL, back->account);
    action->market = bs_market_text(applying->engine, row);
    if (back->counterparty != 0) {
        action->counterparty = bs_account_text(applying->engine, back->counterparty);
    }
    action->side = back->sign < 0;
    action->reverses = back->reverses;
    action->present |= BS_ACTION_HAS_SIDE | BS_ACTION_HAS_REVERSES;
    BS_DECIMAL(action, size_closed, bs_lots_wide(market, -(bs_i128)lots));
    BS_DECIMAL(action, size_before, bs_lots_wide(market, before));
    BS_DECIMAL(action, size_after, bs_lots_wide(market, before + lots));
    bs_i128 shown = bs_value_shown(market, back->sign > 0, back->received);
    BS_DECIMAL(action, price, bs_price_wide(market, shown, lots));
    BS_DECIMAL(action, value, bs_quanta_wide(applying->pool, -shown));
    BS_DECIMAL(action, realized_pnl, bs_quanta_wide(applying->pool, back->entry - back->received));
    BS_DECIMAL(action, cost_to_mark,
               bs_quanta_wide(applying->pool, back->received - back->at_mark));
}

static void apply_side(struct bs_applying *applying, int side)
{
    const struct bs_close *close = applying->plan->reversed;
    struct bs_close_part part = bs_close_part(close, applying->step->lots);
    bool counter = side == BS_SIDE_COUNTER;
    struct back back = {
        .account = close->account[side],
        .counterparty = close->account[1 - side],
        .sign = counter == close->is_long ? -1 : 1,
        .received = counter ? -part.value : part.value,
        .at_mark = counter ? -part.mark_value : part.mark_value,
        .entry = part.entry[side],
        .reverses = close->action + (counter ? 1 : 0),
    };
    apply_back(applying, &back);
}

static void apply(struct bs_applying *applying)
{
    assert(applying->plan->reversed != NULL);
    apply_side(applying, BS_SIDE_CLOSED);
    if (applying->plan->reversed->assigned) {
        apply_return(applying);
    } else {
        apply_side(applying, BS_SIDE_COUNTER);
    }
}

const struct bs_step_kind bs_step_reversal = {
    .fund_cause = BS_FUND_REVERSAL, .carry = carry, .check = check, .apply = apply};

/* ---- one account's part of a side that was closed together ---- */

/* A debtor's value is its part of what the counterparty gave; the rest are parts of its own close. */
static struct back back_of(const struct bs_engine *engine, const struct bs_step *step,
                           struct bs_leg *ret_leg)
{
    const struct bs_close *close = bs_closes_at(engine, step->as.pooled_reversal.close);
    struct bs_close_part part = bs_close_part(close, step->lots);
    int side = bs_close_side(close);
    bool counter = side == BS_SIDE_COUNTER;
    struct back back = {
        .account = step->account,
        .sign = counter == close->is_long ? -1 : 1,
        .received = counter ? -step->amount : step->amount,
        .at_mark = part.mark_value,
        .entry = part.entry[side],
        .reverses = close->action,
    };
    *ret_leg = (struct bs_leg){back.sign * step->lots, part.entry[side], part.taken[side]};
    return back;
}

static bool is_debtors(const struct bs_engine *engine, const struct bs_step *step)
{
    return bs_close_side(bs_closes_at(engine, step->as.pooled_reversal.close)) == BS_SIDE_CLOSED;
}

static void pooled_carry(struct bs_plan *plan, const struct bs_step *step)
{
    struct bs_leg leg;
    struct back back = back_of(plan->engine, step, &leg);
    bs_plan_touch(plan, step->account)->collateral -= back.received - back.entry;
    reopen_leg(plan, step->account, step->market, leg);
    if (is_debtors(plan->engine, step)) {
        bs_plan_touch(plan, step->account)->baseline -= back.received - back.at_mark;
    }
}

/* Money and lots balance over all its parts: the check of the plan sees that. */
static bool pooled_check(struct bs_plan *plan, const struct bs_step *step)
{
    const struct bs_close *close = bs_closes_at(plan->engine, step->as.pooled_reversal.close);
    if (step->lots <= 0 || step->lots > close->lots - close->reversed ||
        (!is_debtors(plan->engine, step) &&
         step->amount != bs_close_part(close, step->lots).value)) {
        return false;
    }
    pooled_carry(plan, step);
    return true;
}

static void pooled_apply(struct bs_applying *applying)
{
    struct bs_leg leg;
    struct back back = back_of(applying->engine, applying->step, &leg);
    apply_back(applying, &back);
}

const struct bs_step_kind bs_step_pooled_reversal = {.fund_cause = BS_FUND_REVERSAL,
                                                     .carry = pooled_carry,
                                                     .check = pooled_check,
                                                     .apply = pooled_apply};
