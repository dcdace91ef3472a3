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

/* Whether the counterparty may have that many lots closed; what the closing account receives. */
static bool bears(const struct bs_closing *closing, const struct bs_leg *counter,
                  const struct bs_allowance *allowance, int64_t lots, bs_i128 *ret_value)
{
    bs_i128 released = bs_plan_released(closing->plan, closing->market, counter->size, lots);
    *ret_value = piece_value(closing, counter, lots);
    /* Its equity loses both. */
    return *ret_value + released <= allowance->loss && bs_abs(released) <= allowance->close;
}

/* The most lots, at most `lots`, that leave the counterparty's equity >= 0 and the layer's limits
 * kept, and their value: cost and value grow with the lots, so halving finds it. */
static int64_t clamp(const struct bs_closing *closing, const struct bs_leg *counter,
                     const struct bs_allowance *allowance, int64_t lots, bs_i128 *ret_value)
{
    bs_i128 value;
    if (bears(closing, counter, allowance, lots, ret_value)) {
        return lots;
    }
    int64_t bearable = 0;
    int64_t unbearable = lots;
    while (unbearable - bearable > 1) {
        int64_t middle = bearable + ((unbearable - bearable) >> 1);
        if (bears(closing, counter, allowance, middle, &value)) {
            bearable = middle;
            *ret_value = value;
        } else {
            unbearable = middle;
        }
    }
    return bearable;
}

/* Whether the candidate holds something on the other side that may be closed at all. */
static bool may_be_closed(const struct bs_closing *closing, const struct bs_leg *counter,
                          uint32_t account, bs_i128 equity)
{
    const struct bs_plan *plan = closing->plan;
    if (counter->size == 0 || (counter->size > 0) == closing->is_long || equity < 0 ||
        bs_plan_excludes(plan, closing->account, account, closing->market)) {
        return false;
    }
    return !closing->protect || bs_plan_profit(plan, closing->market, counter) >= 0;
}

int64_t bs_close_against(struct bs_closing *closing, const struct bs_candidate *candidate,
                         uint32_t rank, int64_t wanted)
{
    struct bs_plan *plan = closing->plan;
    struct bs_leg counter = bs_plan_leg(plan, candidate->account, closing->market);
    bs_i128 equity = bs_plan_equity(plan, candidate->account);
    assert(wanted > 0);
    if (!may_be_closed(closing, &counter, candidate->account, equity)) {
        return 0;
    }
    int64_t lots = (int64_t)bs_min(wanted, bs_abs64(counter.size));
    struct bs_allowance allowance = bs_allowance_of(plan, candidate->account);
    allowance.loss = bs_min(allowance.loss, equity);
    bs_i128 value;
    lots = clamp(closing, &counter, &allowance, lots, &value);
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
        .as.close = {rank, closing->price.value, closing->split},
    };
    closing->done += lots;
    assert(closing->done <= closing->price.lots);
    bs_plan_add(plan, &step);
    return lots;
}
