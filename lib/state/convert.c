/* SPDX-License-Identifier: Apache-2.0 */
/* Wire decimals <-> the integers of a market or pool. Nothing is rounded but the entry value. */
#include "lib/money/money.h"
#include "lib/state/state.h"

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

enum bs_status bs_to_entry(const struct bs_market *market, int64_t lots, struct bs_decimal price,
                           int64_t *ret_entry)
{
    if (price.mantissa < 0) {
        return BS_PRICE_NOT_POSITIVE;
    }
    bs_i128 numerator, denominator;
    if (!fraction(price, market->tick, &numerator, &denominator)) {
        return BS_OUT_OF_RANGE;
    }
    /* The bound on |value| is checked on the whole part first, so that the product cannot leave
     * the range of the exact routine. */
    bs_i128 whole_ticks = denominator == 1 ? numerator : bs_div_floor(numerator, denominator);
    bs_i128 weight = (bs_i128)lots * market->unit;
    bs_i128 entry;
    if (!bs_mul(weight, whole_ticks + 1, &entry)) {
        return BS_OUT_OF_RANGE;
    }
    entry = denominator == 1 ? entry - weight : bs_muldiv_ceil(weight, numerator, denominator);
    if (bs_abs(entry) > BS_MONEY_MAX) {
        return BS_OUT_OF_RANGE;
    }
    *ret_entry = (int64_t)entry;
    return BS_OK;
}

bool bs_market_unit(struct bs_decimal tick, struct bs_decimal lot, struct bs_decimal multiplier,
                    uint32_t decimals, int64_t *ret_unit)
{
    int32_t exponent = tick.exponent + lot.exponent + multiplier.exponent + (int32_t)decimals;
    bs_i128 product = (bs_i128)tick.mantissa * lot.mantissa;
    if (!bs_mul(product, multiplier.mantissa, &product)) {
        return false;
    }
    for (; exponent < 0; exponent++) {
        bs_i128 tenth = bs_div_floor(product, 10);
        if (tenth * 10 != product) {
            return false;
        }
        product = tenth;
    }
    for (; exponent > 0; exponent--) {
        if (!bs_mul(product, 10, &product)) {
            return false;
        }
    }
    if (product < 1 || product > BS_MONEY_MAX) {
        return false;
    }
    *ret_unit = (int64_t)product;
    return true;
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

struct bs_wide bs_price_wide(const struct bs_market *market, bs_i128 value, int64_t lots)
{
    bs_i128 numerator;
    if (!bs_mul(value, market->tick.mantissa, &numerator)) {
        /* Beyond 127 bits only the tick's mantissa can be at fault: divide by the unit first. */
        return bs_ticks_wide(market, bs_muldiv_floor(value, 1, (bs_i128)lots * market->unit));
    }
    return bs_wide_ratio(numerator, (bs_i128)lots * market->unit, market->tick.exponent);
}

bs_i128 bs_maintenance(const struct bs_market *market, bs_i128 value)
{
    return bs_muldiv_ceil(bs_abs(value), market->maintenance_ppm, BS_PPM);
}
