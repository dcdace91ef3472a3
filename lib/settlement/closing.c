/* SPDX-License-Identifier: Apache-2.0 */
/* The price and the most lots of a close against one counterparty. */
#include "lib/settlement/closing.h"

#include "lib/money/money.h"
#include "lib/settlement/allowance.h"
#include "lib/settlement/step/kind.h"

/* What the closing account receives for the next `lots` from this counterparty. */
static bs_i128 piece_value(const struct bs_closing *closing, const struct bs_leg *counter,
                           int64_t lots)
{
    bs_i128 value = bs_piece(&closing->price, closing->done, lots);
    int64_t held = bs_abs64(counter->size);
    if (closing->protect && bs_compare_products(-value, held, counter->entry, lots) < 0) {
        return bs_piece_at_entry(counter->entry, lots, held);
    }
    return value;
}

typedef bool bears_function(const struct bs_closing *closing, const struct bs_leg *counter,
                            const struct bs_allowance *allowance, int64_t lots, bs_i128 *ret_value);

/* Whether the counterparty may have that many lots closed; what the closing account receives. */
static bool bears(const struct bs_closing *closing, const struct bs_leg *counter,
                  const struct bs_allowance *allowance, int64_t lots, bs_i128 *ret_value)
{
    bs_i128 released = bs_plan_released(closing->plan, closing->market, counter->size, lots);
    *ret_value = piece_value(closing, counter, lots);
    /* Its equity loses both. */
    return *ret_value + released <= allowance->loss && bs_abs(released) <= allowance->close;
}

/* The most lots in [from, to) that may be borne, where more lots always cost more; `from` may. */
static int64_t halve(const struct bs_closing *closing, const struct bs_leg *counter,
                     const struct bs_allowance *allowance, int64_t from, int64_t to,
                     bears_function *may)
{
    bs_i128 value;
    while (to - from > 1) {
        int64_t middle = from + ((to - from) >> 1);
        bool fits = may(closing, counter, allowance, middle, &value);
        from = fits ? middle : from;
        to = fits ? to : middle;
    }
    return from;
}

/* What lots cost an inverse position before rounding, as y = value * (done + lots) / all: at the
 * leg's price, or at the counterparty's entry. */
struct exact_cost {
    bs_i128 value, done, all;
};

/*
 * Of an inverse position more lots may cost less: the value of what stays, x, is rounded, and so is
 * the piece. A long's rest and piece are floor(x) + ceil(y) = ceil(x + y - f), f the part of x that is
 * rounded away: at most 1 - 1/d, d the denominator of face / price. A short's are ceil(y - x + f). So
 * lots can only be borne with x + y - 1 + 1/d or y - x within the bound, and both grow with the lots.
 */
static bool fits_exactly(const struct bs_market *market, int64_t size, bs_i128 loss_max,
                         const struct exact_cost *cost, int64_t lots)
{
    bs_i128 held = bs_abs64(size), price = market->mark, face = market->unit;
    bs_i128 before = bs_div_floor(held * face, price);
    bs_i128 given = bs_muldiv_ceil(cost->value, cost->done, cost->all);
    bs_i128 bound = given + bs_min(loss_max, BS_MONEY_MAX) + (size > 0 ? before : -before);
    bs_i128 rest = (held - lots) * face;
    bs_i128 side = size > 0 ? bound * price + price - bs_gcd(market->unit, market->mark) - rest
                            : bound * price + rest;
    return bs_compare_products(cost->value * (cost->done + lots), price, cost->all, side) <= 0;
}

static bool may_bear(const struct bs_closing *closing, const struct bs_leg *counter,
                     const struct bs_allowance *allowance, int64_t lots, bs_i128 *ret_value)
{
    const struct bs_market *market = &closing->plan->engine->markets[closing->market];
    struct exact_cost at_price = {closing->price.value, closing->done, closing->price.lots};
    struct exact_cost at_entry = {-(bs_i128)counter->entry, 0, bs_abs64(counter->size)};
    bs_i128 released = bs_plan_released(closing->plan, closing->market, counter->size, lots);
    *ret_value = 0;
    return bs_abs(released) <= allowance->close &&
           (fits_exactly(market, counter->size, allowance->loss, &at_price, lots) ||
            (closing->protect &&
             fits_exactly(market, counter->size, allowance->loss, &at_entry, lots)));
}

#define CLAMP_STEPS_MAX (1 << 20) /* far fewer are needed unless a lot is worth next to nothing */

/* The most lots, at most `lots`, that leave the counterparty's equity >= 0 and the layer's limits
 * kept, and their value. Halving finds them where cost and value grow with the lots; of an inverse
 * position it finds some that fit, and those beyond are tried one by one. */
static int64_t clamp(const struct bs_closing *closing, const struct bs_leg *counter,
                     const struct bs_allowance *allowance, int64_t lots, bs_i128 *ret_value)
{
    const struct bs_market *market = &closing->plan->engine->markets[closing->market];
    if (bears(closing, counter, allowance, lots, ret_value)) {
        return lots;
    }
    int64_t found = halve(closing, counter, allowance, 0, lots, bears);
    if (market->contract == BS_CONTRACT_INVERSE && bs_abs(closing->price.value) <= BS_MONEY_MAX) {
        int64_t most = halve(closing, counter, allowance, found, lots, may_bear);
        for (int64_t tries = 0; most > found && tries < CLAMP_STEPS_MAX; tries++, most--) {
            if (bears(closing, counter, allowance, most, ret_value)) {
                return most;
            }
        }
    }
    if (found > 0) {
        bool fits = bears(closing, counter, allowance, found, ret_value);
        assert(fits);
        (void)fits;
    }
    return found;
}

bool bs_closing_may_ask(const struct bs_closing *closing, uint32_t account)
{
    const struct bs_plan *plan = closing->plan;
    struct bs_leg counter = bs_plan_leg(plan, account, closing->market);
    if (counter.size == 0 || (counter.size > 0) == closing->is_long ||
        bs_plan_equity(plan, account) < 0 || bs_plan_leaves_out(plan, account, closing->market) ||
        bs_plan_excludes(plan, closing->account, account, closing->market)) {
        return false;
    }
    return !closing->protect || bs_plan_profit(plan, closing->market, &counter) >= 0;
}

int64_t bs_closing_most(const struct bs_closing *closing, uint32_t account, int64_t wanted,
                        bs_i128 *ret_value)
{
    struct bs_plan *plan = closing->plan;
    struct bs_leg counter = bs_plan_leg(plan, account, closing->market);
    struct bs_allowance allowance = bs_allowance_of(plan, account);
    assert(wanted > 0);
    allowance.loss = bs_min(allowance.loss, bs_plan_equity(plan, account));
    int64_t lots = (int64_t)bs_min(wanted, bs_abs64(counter.size));
    return clamp(closing, &counter, &allowance, lots, ret_value);
}

int64_t bs_close_against(struct bs_closing *closing, const struct bs_candidate *candidate,
                         uint32_t rank, int64_t wanted)
{
    struct bs_plan *plan = closing->plan;
    if (!bs_closing_may_ask(closing, candidate->account)) {
        return 0;
    }
    bs_i128 value;
    int64_t lots = bs_closing_most(closing, candidate->account, wanted, &value);
    assert(lots <= wanted);
    if (lots == 0) {
        return 0;
    }
    struct bs_step step = {
        .type = BS_STEP_CLOSE,
        .account = closing->account,
        .counterparty = candidate->account,
        .market = closing->market,
        .debtor = closing->debtor_row + 1,
        .lots = lots,
        .amount = value,
        .as.close = {rank, closing->price.value},
    };
    closing->done += lots;
    assert(closing->done <= closing->price.lots);
    bs_plan_add(plan, &step);
    return lots;
}
