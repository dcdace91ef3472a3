/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/recompute/market.h"

#include "cli/member.h"
#include "cli/number.h"
#include "cli/recompute/state.h"
#include "lib/money/money.h"

/* lot * multiplier / (tick * quantum) */
static bool read_inverse_unit(struct market *market, struct bs_wide lot)
{
    if (lot.exponent > 0 &&
        !bs_mul(lot.mantissa, bs_power_of_ten((uint32_t)lot.exponent), &lot.mantissa)) {
        return false;
    }
    lot.exponent = lot.exponent > 0 ? 0 : lot.exponent;
    return number_ratio(lot, market->tick, &market->unit);
}

/* tick * lot * multiplier / quantum */
static bool read_linear_unit(struct market *market, struct bs_wide lot)
{
    struct bs_wide value = {0, 0};
    return bs_mul(lot.mantissa, market->tick.mantissa, &value.mantissa) &&
           number_scaled(value, lot.exponent + market->tick.exponent, &market->unit);
}

static bool read_unit(struct market *market, struct bs_wide multiplier, uint32_t decimals)
{
    struct bs_wide lot = {0, market->lot.exponent + multiplier.exponent + (int32_t)decimals};
    return bs_mul(market->lot.mantissa, multiplier.mantissa, &lot.mantissa) &&
           (market->is_inverse ? read_inverse_unit(market, lot) : read_linear_unit(market, lot));
}

struct market market_named(const struct recompute *recompute, const char *name)
{
    const json_t *row = json_object_get(recompute->markets, name);
    struct market market = {
        .is_inverse = member_is(row, "contract", "inverse"),
        .maintenance_ppm = (bs_i128)member_integer(row, "maintenance_margin_ppm"),
    };
    struct bs_wide multiplier;
    market.is_known = row != NULL && number_parse(member_text(row, "tick_size"), &market.tick) &&
                      number_parse(member_text(row, "lot_size"), &market.lot) &&
                      number_parse(member_text(row, "multiplier"), &multiplier) &&
                      read_unit(&market, multiplier, recompute->decimals);
    return market;
}
