/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/recompute/close.h"

#include <assert.h>
#include <string.h>

#include "cli/member.h"
#include "cli/number.h"
#include "cli/recompute/figure.h"
#include "cli/recompute/state.h"
#include "lib/money/money.h"

#define ENTRY_DIGITS ((bs_i128)100000000000) /* an entry price is right to a part of so many */

struct close close_of(struct recompute *recompute, const json_t *action)
{
    struct close close = {.market = market_named(recompute, member_text(action, "market"))};
    if (!close.market.is_known) {
        return close;
    }
    const char *size = member_exists(action, "size_taken") ? "size_taken" : "size_closed";
    close.pays = member_is(action, "side", "long") == close.market.is_inverse;
    close.lots = figure_units(recompute, action, size, close.market.lot);
    close.before = figure_units(recompute, action, "size_before", close.market.lot);
    close.after = figure_units(recompute, action, "size_after", close.market.lot);
    if (member_exists(action, "mark_price")) {
        close.ticks = figure_units(recompute, action, "mark_price", close.market.tick);
    }
    close.value = figure_quanta(recompute, action, "value");
    close.cost = figure_quanta(recompute, action, "cost_to_mark");
    return close;
}

bs_i128 close_value_at_mark(const struct close *close)
{
    bs_i128 value = 0;
    assert(close->market.is_known);
    if (!bs_mul(close->lots, close->market.unit, &value)) {
        return 0;
    }
    if (close->market.is_inverse) {
        return close->ticks > 0 ? value / close->ticks : 0;
    }
    return bs_mul(value, close->ticks, &value) ? value : 0;
}

bool close_price_fits(const struct close *close, const char *text)
{
    char printed[BS_DECIMAL_TEXT_MAX];
    bs_i128 numerator = close->value, denominator, product;
    if (!bs_mul(close->lots, close->market.unit, &denominator)) {
        return true; /* beyond 127 bits the server divides first, too */
    }
    if (close->market.is_inverse) {
        numerator = close->value == 0 ? 0 : close->value > 0 ? denominator : -denominator;
        denominator = bs_max(1, bs_abs(close->value));
    }
    if (!bs_mul(numerator, close->market.tick.mantissa, &product)) {
        return true;
    }
    bs_wide_print(bs_wide_ratio(product, denominator, close->market.tick.exponent), printed);
    return strcmp(printed, text) == 0;
}

/* What the closed lots were entered for, as far as 12 digits of the entry price tell. False: the
 * numbers are too large to tell. */
static bool entry_shown(const struct close *close, const char *text, bs_i128 *ret_entry)
{
    struct bs_wide price, tick = close->market.tick;
    bs_i128 lots, above, below;
    if (!number_parse(text, &price) || !bs_mul(close->lots, close->market.unit, &lots) ||
        !bs_mul(price.mantissa, bs_power_of_ten((uint32_t)-tick.exponent), &above) ||
        !bs_mul(tick.mantissa, bs_power_of_ten((uint32_t)-price.exponent), &below)) {
        return false;
    }
    bs_i128 per = close->market.is_inverse ? below : above;
    bs_i128 unit = close->market.is_inverse ? above : below;
    *ret_entry = unit == 0 ? 0 : bs_muldiv_floor(lots, per, unit);
    return true;
}

static bool profit_fits(struct recompute *recompute, const json_t *action,
                        const struct close *close)
{
    bs_i128 entry;
    bs_i128 profit = figure_quanta(recompute, action, "realized_pnl");
    bs_i128 told = close->pays ? close->value + profit : close->value - profit;
    return !entry_shown(close, member_text(action, "entry_price"), &entry) ||
           bs_abs(told - entry) <= bs_div_floor(bs_abs(entry), ENTRY_DIGITS) + 2;
}

bool close_take(struct recompute *recompute, const json_t *action)
{
    struct close close = close_of(recompute, action);
    if (!close.market.is_known) {
        recompute->checks.gaps.skipped++;
        return true;
    }
    recompute->settlement.dust += close.market.is_inverse;
    recompute->malformed = recompute->malformed || !member_exists(action, "mark_price");
    bs_i128 at_mark = close_value_at_mark(&close);
    bs_i128 cost = close.pays ? close.value - at_mark : at_mark - close.value;
    return check_fits(recompute, CHECK_SIZE,
                      !recompute->malformed && close.lots > 0 && close.after >= 0 &&
                          close.before - close.lots == close.after) &&
           check_fits(recompute, CHECK_PRICE,
                      close_price_fits(&close, member_text(action, "price"))) &&
           check_fits(recompute, CHECK_COST, close.cost == cost) &&
           check_fits(recompute, CHECK_PROFIT, profit_fits(recompute, action, &close));
}
