/* SPDX-License-Identifier: Apache-2.0 */
/* The price and the most lots of a close against one counterparty. */
#include "lib/settlement/closing.h"

#include "lib/money/money.h"
#include "lib/settlement/tally.h"

/* What the closing account receives for the next `lots` from this counterparty. */
static bs_i128 piece_value(const struct bs_closing *closing, const struct bs_leg *counter,
                           int64_t lots)
{
    bs_i128 value = bs_piece(&closing->price, closing->done, lots);
    if (!closing->protect) {
        return value;
    }
    int64_t held = bs_abs64(counter->size);
    if (bs_compare_products(-value, held, counter->entry, lots) < 0) {
        return -bs_muldiv_floor(counter->entry, lots, held); /* at its entry: it realises 0 */
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

bool bs_are_apart(const struct bs_plan *plan, uint32_t account, uint32_t counterparty,
                  uint32_t market)
{
    const struct bs_excluded *rows = plan->scratch->excluded;
    for (uint32_t i = 0; i < plan->excluded_count; i++) {
        if (rows[i].account == account && rows[i].counterparty == counterparty &&
            rows[i].market == market) {
            return true;
        }
    }
    return false;
}

int64_t bs_close_against(struct bs_closing *closing, const struct bs_candidate *candidate,
                         uint32_t rank, int64_t wanted)
{
    struct bs_plan *plan = closing->plan;
    struct bs_leg counter = bs_plan_leg(plan, candidate->account, closing->market);
    bs_i128 equity = bs_plan_equity(plan, candidate->account);
    if (counter.size == 0 || (counter.size > 0) == closing->is_long || equity < 0 ||
        bs_are_apart(plan, closing->account, candidate->account, closing->market)) {
        return 0;
    }
    if (closing->protect && bs_plan_profit(plan, closing->market, &counter) < 0) {
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
        .reference = closing->case_row + 1,
        .candidate = rank + 1,
        .lots = lots,
        .amount = value,
        .gain = closing->price.value,
        .prefix = closing->prefix,
        .total = closing->total,
        .parted = closing->parted,
    };
    closing->done += lots;
    bs_plan_add(plan, &step);
    return lots;
}
