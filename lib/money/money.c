/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/money/money.h"

/* 256-bit magnitude. */
struct product {
    bs_u128 high;
    bs_u128 low;
};

static bs_u128 magnitude(bs_i128 a)
{
    return a < 0 ? (bs_u128)0 - (bs_u128)a : (bs_u128)a;
}

static struct product multiply(bs_u128 a, bs_u128 b)
{
    const bs_u128 mask = UINT64_MAX;
    if ((a | b) >> 64 == 0) { /* the common case: one machine multiplication */
        return (struct product){0, a * b};
    }
    bs_u128 a0 = a & mask, a1 = a >> 64, b0 = b & mask, b1 = b >> 64;
    bs_u128 low = a0 * b0;
    bs_u128 middle = a1 * b0 + (low >> 64);
    bs_u128 carry = a0 * b1 + (middle & mask);
    struct product p = {
        .high = a1 * b1 + (middle >> 64) + (carry >> 64),
        .low = (carry << 64) | (low & mask),
    };
    return p;
}

static int compare(struct product a, struct product b)
{
    if (a.high != b.high) {
        return a.high > b.high ? 1 : -1;
    }
    return (a.low > b.low) - (a.low < b.low);
}

/*
 * One digit of long division in base 2^64 (Knuth 4.3.1, algorithm D): *rest < d becomes
 * (*rest * 2^64 + next) mod d. The top bit of d is set, so the first guess is at most 2 too high.
 */
static uint64_t divide_digit(bs_u128 *rest, uint64_t next, bs_u128 d)
{
    uint64_t high = (uint64_t)(d >> 64), low = (uint64_t)d;
    bs_u128 digit = *rest >> 64 < high ? *rest / high : UINT64_MAX;
    bs_u128 left = *rest - digit * high;
    while (left >> 64 == 0 && digit * low > (left << 64 | next)) {
        digit--;
        left += high;
    }
    *rest = (left << 64 | next) - digit * low;
    assert(*rest < d);
    return (uint64_t)digit;
}

/* Quotient and remainder of p / d; only for p.high != 0. */
static bs_u128 divide_wide(struct product p, bs_u128 d, bs_u128 *ret_remainder)
{
    assert(p.high < d); /* else the quotient has more than 128 bits */
    int shift = 128 - bs_bits(d);
    d <<= shift;
    bs_u128 rest = shift == 0 ? p.high : p.high << shift | p.low >> (128 - shift);
    bs_u128 low = p.low << shift;
    uint64_t first = divide_digit(&rest, (uint64_t)(low >> 64), d);
    uint64_t second = divide_digit(&rest, (uint64_t)low, d);
    *ret_remainder = rest >> shift;
    return (bs_u128)first << 64 | second;
}

static bs_u128 divide(struct product p, bs_u128 d, bs_u128 *ret_remainder)
{
    if (p.high != 0) {
        return divide_wide(p, d, ret_remainder);
    }
    if ((p.low | d) >> 64 == 0) { /* the common case: one machine division */
        *ret_remainder = (uint64_t)p.low % (uint64_t)d;
        return (uint64_t)p.low / (uint64_t)d;
    }
    bs_u128 quotient = p.low / d;
    *ret_remainder = p.low - quotient * d;
    return quotient;
}

bs_u128 bs_muldiv_rest(bs_u128 a, bs_u128 b, bs_u128 d, bs_u128 *ret_rest)
{
    assert(d > 0);
    return divide(multiply(a, b), d, ret_rest);
}

static bs_i128 muldiv(bs_i128 a, bs_i128 b, bs_i128 d, bool up)
{
    assert(d > 0);
    bool negative = (a < 0) != (b < 0);
    bs_u128 remainder;
    bs_u128 quotient = divide(multiply(magnitude(a), magnitude(b)), (bs_u128)d, &remainder);
    if (remainder != 0 && negative != up) { /* away from zero */
        quotient++;
    }
    assert(quotient >> 127 == 0);
    return negative ? -(bs_i128)quotient : (bs_i128)quotient;
}

bs_i128 bs_muldiv_floor(bs_i128 a, bs_i128 b, bs_i128 d)
{
    return muldiv(a, b, d, false);
}

bs_i128 bs_muldiv_ceil(bs_i128 a, bs_i128 b, bs_i128 d)
{
    return muldiv(a, b, d, true);
}

bs_i128 bs_div_floor(bs_i128 a, bs_i128 d)
{
    return muldiv(a, 1, d, false);
}

bs_i128 bs_div_ceil(bs_i128 a, bs_i128 d)
{
    return muldiv(a, 1, d, true);
}

uint64_t bs_ratio_below(bs_i128 a, bs_i128 b)
{
    assert(a >= 0);
    assert(b > 0);
    bs_u128 dividend = (bs_u128)a, divisor = (bs_u128)b;
    int shift = bs_bits(divisor) - 32;
    if (shift > 0) {
        dividend >>= shift;
        divisor = (divisor >> shift) + 1;
    }
    uint64_t low = (uint64_t)dividend, by = (uint64_t)divisor, whole = 0;
    if (dividend >> 32 != 0) {
        whole = dividend >> 64 == 0 ? low / by : UINT64_MAX;
        low -= whole * by;
    }
    return whole >> 32 == 0 ? (whole << 32) + (low << 32) / by : UINT64_MAX;
}

int bs_compare_products(bs_i128 a, bs_i128 b, bs_i128 c, bs_i128 d)
{
    int left = (a == 0 || b == 0) ? 0 : ((a < 0) != (b < 0) ? -1 : 1);
    int right = (c == 0 || d == 0) ? 0 : ((c < 0) != (d < 0) ? -1 : 1);
    if (left != right) {
        return left < right ? -1 : 1;
    }
    int order = compare(multiply(magnitude(a), magnitude(b)), multiply(magnitude(c), magnitude(d)));
    return left < 0 ? -order : order;
}

static bool fits_64(bs_i128 a)
{
    return a == (int64_t)a;
}

bool bs_mul(bs_i128 a, bs_i128 b, bs_i128 *ret_product)
{
    if (fits_64(a) && fits_64(b)) {
        *ret_product = a * b;
        return true;
    }
    struct product p = multiply(magnitude(a), magnitude(b));
    if (p.high != 0 || p.low >> 127 != 0) {
        return false;
    }
    *ret_product = (a < 0) != (b < 0) ? -(bs_i128)p.low : (bs_i128)p.low;
    return true;
}
