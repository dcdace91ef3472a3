/* SPDX-License-Identifier: Apache-2.0 */
/* Wire decimals <-> the integers of a market or pool. Only the entry value is rounded. */
#include "lib/book/convert.h"

#include "lib/book/positions.h"
#include "lib/money/money.h"

/* a / b as a fraction of integers, both exact; false when a side leaves 127 bits. */
static bool fraction(struct bs_decimal a, struct bs_decimal b, bs_i128 *ret_numerator,
                     bs_i128 *ret_denominator)
{
    int32_t shift = a.exponent - b.exponent;
    *ret_numerator = a.mantissa;
    *ret_denominator = b.mantissa;
    if (shift >= 0) {
        return bs_mul(a.mantissa, bs_power_of_ten((uint32_t)shift), ret_numerator);
    }
    return bs_mul(b.mantissa, bs_power_of_ten((uint32_t)-shift), ret_denominator);
}

enum whole { WHOLE, NOT_WHOLE, TOO_LARGE };

static enum whole whole_quotient(struct bs_decimal a, struct bs_decimal b, int64_t *ret_quotient)
{
    bs_i128 numerator, denominator;
    if (!fraction(a, b, &numerator, &denominator)) {
        return a.exponent >= b.exponent ? TOO_LARGE : NOT_WHOLE;
    }
    bs_i128 quotient = denominator == 1 ? numerator : bs_div_floor(numerator, denominator);
    if (quotient * denominator != numerator) {
        return NOT_WHOLE;
    }
    if (bs_abs(quotient) > BS_MONEY_MAX) {
        return TOO_LARGE;
    }
    *ret_quotient = (int64_t)quotient;
    return WHOLE;
}

enum bs_status bs_to_quanta(const struct bs_pool *pool, struct bs_decimal amount,
                            int64_t *ret_quanta)
{
    struct bs_decimal quantum = {1, -(int32_t)pool->decimals};
    enum whole whole = whole_quotient(amount, quantum, ret_quanta);
    return whole == WHOLE ? BS_OK : whole == NOT_WHOLE ? BS_TOO_MANY_DECIMALS : BS_OUT_OF_RANGE;
}

enum bs_status bs_to_lots(const struct bs_market *market, struct bs_decimal size, int64_t *ret_lots)
{
    enum whole whole = whole_quotient(size, market->lot, ret_lots);
    return whole == WHOLE ? BS_OK : whole == NOT_WHOLE ? BS_SIZE_NOT_ON_LOT : BS_OUT_OF_RANGE;
}

enum bs_status bs_to_ticks(const struct bs_market *market, struct bs_decimal price,
                           int64_t *ret_ticks)
{
    if (price.mantissa <= 0) {
        return BS_PRICE_NOT_POSITIVE;
    }
    enum whole whole = whole_quotient(price, market->tick, ret_ticks);
    return whole == WHOLE ? BS_OK : whole == NOT_WHOLE ? BS_PRICE_NOT_ON_TICK : BS_OUT_OF_RANGE;
}

/* |value| at a price of numerator / denominator ticks, as a fraction; false beyond 127 bits or the
 * money range, so that its quotient fits. */
static bool entry_fraction(const struct bs_market *market, int64_t lots, bs_i128 ticks_numerator,
                           bs_i128 ticks_denominator, bs_i128 ret_fraction[3])
{
    bs_i128 weight = (bs_i128)bs_abs64(lots) * market->unit;
    bool inverse = market->contract == BS_CONTRACT_INVERSE;
    bs_i128 by = inverse ? ticks_denominator : ticks_numerator;
    bs_i128 over = inverse ? ticks_numerator : ticks_denominator;
    if (bs_compare_products(weight, by, BS_MONEY_MAX, over) > 0) {
        return false;
    }
    ret_fraction[0] = weight;
    ret_fraction[1] = by;
    ret_fraction[2] = over;
    return true;
}

enum bs_status bs_to_entry(const struct bs_market *market, int64_t lots, struct bs_decimal price,
                           int64_t *ret_entry)
{
    bool inverse = market->contract == BS_CONTRACT_INVERSE;
    bs_i128 numerator, denominator, f[3];
    if (price.mantissa <= 0) {
        return BS_PRICE_NOT_POSITIVE;
    }
    if (!fraction(price, market->tick, &numerator, &denominator) ||
        !entry_fraction(market, lots, numerator, denominator, f)) {
        return BS_OUT_OF_RANGE;
    }
    bool positive = (lots > 0) != inverse;
    bool on_tick = bs_muldiv_floor(numerator, 1, denominator) * denominator == numerator;
    /* On a tick an inverse value is rounded toward 0 as everywhere; else the value is rounded up.
     */
    bool toward_0 = !positive || (inverse && on_tick);
    bs_i128 entry = toward_0 ? bs_muldiv_floor(f[0], f[1], f[2]) : bs_muldiv_ceil(f[0], f[1], f[2]);
    *ret_entry = (int64_t)(positive ? entry : -entry);
    return BS_OK;
}

bool bs_value_at(const struct bs_market *market, int64_t lots, int64_t ticks, bs_i128 *ret_value)
{
    if (market->contract == BS_CONTRACT_INVERSE) {
        *ret_value = bs_inverse_value(market->unit, lots, ticks);
    } else if (!bs_mul((bs_i128)ticks * market->unit, lots, ret_value)) {
        return false;
    }
    return bs_abs(*ret_value) <= BS_MONEY_MAX;
}

enum bs_status bs_market_unit(const struct bs_market *market, uint32_t decimals, int64_t *ret_unit)
{
    struct bs_decimal tick = market->tick;
    int32_t exponent = market->lot.exponent + market->multiplier.exponent + (int32_t)decimals;
    bs_i128 product, divisor = 1;
    if (!bs_mul(market->lot.mantissa, market->multiplier.mantissa, &product)) {
        return BS_OUT_OF_RANGE;
    }
    if (market->contract == BS_CONTRACT_INVERSE) {
        exponent -= tick.exponent;
        divisor = tick.mantissa;
    } else {
        exponent += tick.exponent;
        if (!bs_mul(product, tick.mantissa, &product)) {
            return BS_OUT_OF_RANGE;
        }
    }
    for (; exponent < 0; exponent++) {
        bs_i128 tenth = bs_div_floor(product, 10);
        if (tenth * 10 != product) {
            return BS_UNIT_NOT_INTEGER;
        }
        product = tenth;
    }
    for (; exponent > 0; exponent--) {
        if (!bs_mul(product, 10, &product)) {
            return BS_OUT_OF_RANGE;
        }
    }
    bs_i128 unit = bs_div_floor(product, divisor);
    if (unit * divisor != product || unit < 1) {
        return BS_UNIT_NOT_INTEGER;
    }
    if (unit > BS_MONEY_MAX) {
        return BS_OUT_OF_RANGE;
    }
    *ret_unit = (int64_t)unit;
    return BS_OK;
}

struct bs_wide bs_quanta_wide(const struct bs_pool *pool, bs_i128 quanta)
{
    return (struct bs_wide){quanta, -(int32_t)pool->decimals};
}

struct bs_wide bs_lots_wide(const struct bs_market *market, bs_i128 lots)
{
    return (struct bs_wide){lots * market->lot.mantissa, market->lot.exponent};
}

struct bs_wide bs_ticks_wide(const struct bs_market *market, bs_i128 ticks)
{
    return (struct bs_wide){ticks * market->tick.mantissa, market->tick.exponent};
}

bs_i128 bs_value_shown(const struct bs_market *market, bool is_long, bs_i128 value)
{
    return is_long == (market->contract == BS_CONTRACT_LINEAR) ? value : -value;
}

struct bs_wide bs_price_wide(const struct bs_market *market, bs_i128 value, int64_t lots)
{
    bs_i128 numerator = value, denominator = (bs_i128)lots * market->unit, product;
    if (market->contract == BS_CONTRACT_INVERSE) {
        if (value == 0) {
            return (struct bs_wide){0, 0};
        }
        numerator = value > 0 ? denominator : -denominator;
        denominator = bs_abs(value);
    }
    if (!bs_mul(numerator, market->tick.mantissa, &product)) {
        /* Beyond 127 bits only the tick's mantissa can be at fault: divide first. */
        return bs_ticks_wide(market, bs_div_floor(numerator, denominator));
    }
    return bs_wide_ratio(product, denominator, market->tick.exponent);
}

bs_i128 bs_maintenance(const struct bs_market *market, bs_i128 value)
{
    return bs_muldiv_ceil(bs_abs(value), market->maintenance_ppm, BS_PPM);
}
