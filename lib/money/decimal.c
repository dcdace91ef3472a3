/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/money/decimal.h"

#include "lib/money/money.h"

#define EXPONENT_MIN (-18)
#define WIDE_EXPONENT_MIN (-36)
#define RATIO_DIGITS 12
#define PRINT_DIGITS_MAX 39 /* of 2^127 */

static const int64_t powers_of_ten[] = {
    1,
    10,
    100,
    1000,
    10000,
    100000,
    1000000,
    10000000,
    100000000,
    1000000000,
    10000000000,
    100000000000,
    1000000000000,
    10000000000000,
    100000000000000,
    1000000000000000,
    10000000000000000,
    100000000000000000,
    1000000000000000000,
};

bs_i128 bs_power_of_ten(uint32_t exponent)
{
    assert(exponent <= 36);
    return exponent <= 18 ? powers_of_ten[exponent]
                          : (bs_i128)powers_of_ten[18] * powers_of_ten[exponent - 18];
}

/* The sizes of the parts of a well-formed decimal. */
struct shape {
    bool negative;
    size_t integer_size;
    size_t fraction_size; /* as written */
    size_t fraction_kept; /* without trailing zeros */
};

static size_t digits_at(const char *text, size_t size)
{
    size_t count = 0;
    while (count < size && (unsigned char)(text[count] - '0') <= 9) {
        count++;
    }
    return count;
}

static bool shape_read(const char *text, size_t size, struct shape *ret_shape)
{
    struct shape shape = {.negative = size > 0 && text[0] == '-'};
    size_t at = shape.negative ? 1 : 0;
    shape.integer_size = digits_at(text + at, size - at);
    if (shape.integer_size == 0 || (shape.integer_size > 1 && text[at] == '0')) {
        return false;
    }
    bool zero = text[at] == '0';
    at += shape.integer_size;
    if (at < size) {
        if (text[at] != '.') {
            return false;
        }
        at++;
        shape.fraction_size = digits_at(text + at, size - at);
        if (shape.fraction_size == 0 || at + shape.fraction_size != size) {
            return false;
        }
        shape.fraction_kept = shape.fraction_size;
        while (shape.fraction_kept > 0 && text[at + shape.fraction_kept - 1] == '0') {
            shape.fraction_kept--;
        }
    }
    *ret_shape = shape;
    return !(shape.negative && zero && shape.fraction_kept == 0);
}

/* Appends digits to a magnitude of at most 63 bits; false when it would not fit. */
static bool digits_append(uint64_t *magnitude, const char *digits, size_t count)
{
    uint64_t value = *magnitude;
    for (size_t i = 0; i < count; i++) {
        uint64_t digit = (uint64_t)(digits[i] - '0');
        if (value > ((uint64_t)INT64_MAX - digit) / 10) {
            return false;
        }
        value = value * 10 + digit;
    }
    *magnitude = value;
    return true;
}

enum bs_status bs_decimal_parse(const char *text, size_t size, struct bs_decimal *ret_decimal)
{
    struct shape shape;
    if (!shape_read(text, size, &shape)) {
        return BS_INVALID_DECIMAL;
    }
    if (shape.fraction_size > -EXPONENT_MIN) {
        return BS_DECIMAL_TOO_LONG;
    }
    const char *integer = text + (shape.negative ? 1 : 0);
    uint64_t magnitude = 0;
    if (!digits_append(&magnitude, integer, shape.integer_size) ||
        !digits_append(&magnitude, integer + shape.integer_size + 1, shape.fraction_kept)) {
        return BS_DECIMAL_TOO_LONG;
    }
    ret_decimal->mantissa = shape.negative ? -(int64_t)magnitude : (int64_t)magnitude;
    ret_decimal->exponent = -(int32_t)shape.fraction_kept;
    return BS_OK;
}

/* value / divisor over 32-bit limbs: faster than a general 128-bit division, and no helper call. */
static bs_u128 divide_small(bs_u128 value, uint32_t divisor, uint32_t *ret_rest)
{
    bs_u128 quotient = 0;
    uint64_t rest = 0;
    for (int shift = 96; shift >= 0; shift -= 32) {
        uint64_t limb = rest << 32 | (uint32_t)(value >> shift);
        quotient |= (bs_u128)(limb / divisor) << shift;
        rest = limb % divisor;
    }
    *ret_rest = (uint32_t)rest;
    return quotient;
}

/* Writes the digits of a magnitude to the end of the array; returns how many. */
static size_t digits_print(bs_u128 magnitude, char digits[PRINT_DIGITS_MAX])
{
    size_t count = 0;
    while (magnitude >> 64 != 0) {
        uint32_t rest;
        magnitude = divide_small(magnitude, 1000000000, &rest);
        for (int i = 0; i < 9; i++) {
            digits[PRINT_DIGITS_MAX - ++count] = (char)('0' + rest % 10);
            rest /= 10;
        }
    }
    uint64_t low = (uint64_t)magnitude;
    do {
        digits[PRINT_DIGITS_MAX - ++count] = (char)('0' + low % 10);
        low /= 10;
    } while (low != 0);
    return count;
}

size_t bs_wide_print(struct bs_wide value, char text[BS_DECIMAL_TEXT_MAX])
{
    assert(value.exponent <= 0);
    assert(value.exponent >= WIDE_EXPONENT_MIN);
    bool negative = value.mantissa < 0;
    char buffer[PRINT_DIGITS_MAX];
    bs_u128 magnitude = negative ? -(bs_u128)value.mantissa : (bs_u128)value.mantissa;
    size_t count = digits_print(magnitude, buffer);
    const char *digits = buffer + PRINT_DIGITS_MAX - count;
    size_t scale = (size_t)-value.exponent;
    while (scale > 0 && count > 0 && digits[count - 1] == '0') {
        scale--;
        count--;
    }
    size_t size = 0;
    if (count == 0) { /* only zeros: the value is 0 */
        text[size++] = '0';
        text[size] = '\0';
        return size;
    }
    if (negative) {
        text[size++] = '-';
    }
    size_t integer_size = count > scale ? count - scale : 0;
    if (integer_size == 0) {
        text[size++] = '0';
    }
    memcpy(text + size, digits, integer_size);
    size += integer_size;
    if (scale > 0) {
        text[size++] = '.';
        size_t zeros = scale - (count - integer_size);
        memset(text + size, '0', zeros);
        memcpy(text + size + zeros, digits + integer_size, count - integer_size);
        size += scale;
    }
    assert(size < BS_DECIMAL_TEXT_MAX);
    text[size] = '\0';
    return size;
}

static int32_t digits_count(bs_u128 value)
{
    int32_t count = 0;
    while (value >> 64 != 0) {
        uint32_t rest;
        value = divide_small(value, 1000000000, &rest);
        count += 9;
    }
    uint64_t low = (uint64_t)value;
    if (low >= (uint64_t)powers_of_ten[18]) {
        low /= (uint64_t)powers_of_ten[18];
        count += 18;
    }
    for (int i = 0; low >= (uint64_t)powers_of_ten[i]; i++) {
        count++;
    }
    return count;
}

/* Rounds off `drop` digits, half up: the first dropped digit decides, whatever follows it. */
static bs_u128 digits_drop(bs_u128 value, int32_t drop)
{
    uint32_t last = 0;
    for (; drop > 0 && (value != 0 || last != 0); drop--) {
        value = divide_small(value, 10, &last);
    }
    return value + (last >= 5 ? 1 : 0);
}

/* The same value with an exponent in -36..0 and no trailing zeros after the point. */
static struct bs_wide wide_normalise(bs_u128 mantissa, int32_t exponent, bool negative)
{
    if (mantissa == 0) {
        return (struct bs_wide){0};
    }
    for (; exponent > 0; exponent--) {
        assert(mantissa <= (((bs_u128)1 << 127) - 1) / 10);
        mantissa *= 10;
    }
    while (exponent < 0) {
        if (mantissa >> 64 == 0) {
            uint64_t low = (uint64_t)mantissa;
            for (; exponent < 0 && low % 10 == 0; exponent++) {
                low /= 10;
            }
            mantissa = low;
            break;
        }
        uint32_t digit;
        bs_u128 shorter = divide_small(mantissa, 10, &digit);
        if (digit != 0) {
            break;
        }
        mantissa = shorter;
        exponent++;
    }
    return (struct bs_wide){.mantissa = negative ? -(bs_i128)mantissa : (bs_i128)mantissa,
                            .exponent = exponent};
}

struct bs_wide bs_wide_ratio(bs_i128 numerator, bs_i128 denominator, int32_t exponent)
{
    assert(denominator > 0);
    bool negative = numerator < 0;
    bs_u128 divisor = (bs_u128)denominator;
    bs_u128 dividend = negative ? -(bs_u128)numerator : (bs_u128)numerator;
    bs_u128 rest;
    bs_u128 mantissa = bs_muldiv_rest(dividend, 1, divisor, &rest);
    int32_t digits = digits_count(mantissa);
    int32_t drop = digits - RATIO_DIGITS;
    if (drop < WIDE_EXPONENT_MIN - exponent) {
        drop = WIDE_EXPONENT_MIN - exponent;
    }
    if (drop > 0) {
        return wide_normalise(digits_drop(mantissa, drop), exponent + drop, negative);
    }
    while (digits < RATIO_DIGITS && exponent > WIDE_EXPONENT_MIN && rest != 0) {
        int32_t more = RATIO_DIGITS - digits;
        if (more > exponent - WIDE_EXPONENT_MIN) {
            more = exponent - WIDE_EXPONENT_MIN;
        }
        bs_u128 power = (bs_u128)powers_of_ten[more];
        bs_u128 next = bs_muldiv_rest(rest, power, divisor, &rest);
        digits = mantissa != 0 ? digits + more : digits_count(next);
        mantissa = mantissa * power + next;
        exponent -= more;
    }
    mantissa += rest != 0 && rest >= divisor - rest ? 1 : 0;
    return wide_normalise(mantissa, exponent, negative);
}
