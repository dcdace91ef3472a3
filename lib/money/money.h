/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Exact products and quotients of money. Products are 256 bits wide internally; every division
 * names its rounding. Nothing wraps: a result that does not fit is reported or asserted.
 */
#ifndef BS_MONEY_H
#define BS_MONEY_H

#include "lib/base/base.h"

/* floor(a*b/d) and ceil(a*b/d), toward -inf and +inf, d > 0. The quotient must fit 127 bits: the
 * callers' bounds (lib/base/limits.h) guarantee it, an assertion guards it. */
bs_i128 bs_muldiv_floor(bs_i128 a, bs_i128 b, bs_i128 d);
bs_i128 bs_muldiv_ceil(bs_i128 a, bs_i128 b, bs_i128 d);
/* floor(a*b/d) and the remainder, d > 0. The quotient must fit 128 bits. */
bs_u128 bs_muldiv_rest(bs_u128 a, bs_u128 b, bs_u128 d, bs_u128 *ret_rest);
bs_i128 bs_div_floor(bs_i128 a, bs_i128 d);
bs_i128 bs_div_ceil(bs_i128 a, bs_i128 d);

/* a/b in units of 2^-32, for a >= 0 and b > 0: never above a/b, and below it by at most three units
 * and one part in 2^31; UINT64_MAX if it does not fit. It uses machine divisions only. */
uint64_t bs_ratio_below(bs_i128 a, bs_i128 b);

/* The sign of a*b - c*d, exact. */
int bs_compare_products(bs_i128 a, bs_i128 b, bs_i128 c, bs_i128 d);

/* a*b; false when it does not fit 127 bits. */
BS_MUST_USE bool bs_mul(bs_i128 a, bs_i128 b, bs_i128 *ret_product);

static inline bs_i128 bs_min(bs_i128 a, bs_i128 b)
{
    return a < b ? a : b;
}

static inline bs_i128 bs_max(bs_i128 a, bs_i128 b)
{
    return a > b ? a : b;
}

static inline bs_i128 bs_abs(bs_i128 a)
{
    return a < 0 ? -a : a;
}

/* The number of binary digits of a; 0 has none. */
static inline int bs_bits(bs_u128 a)
{
    uint64_t high = (uint64_t)(a >> 64), low = (uint64_t)a;
    return high != 0 ? 128 - __builtin_clzll(high) : low != 0 ? 64 - __builtin_clzll(low) : 0;
}

/* Of two numbers above 0. */
static inline int64_t bs_gcd(int64_t a, int64_t b)
{
    assert(a > 0);
    assert(b > 0);
    while (b != 0) {
        int64_t rest = a % b;
        a = b;
        b = rest;
    }
    return a;
}

static inline int64_t bs_abs64(int64_t a)
{
    assert(a != INT64_MIN);
    return a < 0 ? -a : a;
}

/*
 * Prefix differences: an amount L among weights with sum G, in a fixed order. The share of the part
 * whose weight lies between the prefix sums `before` and `after` (0 <= before <= after <= G) is
 *     floor(L*after/G) - floor(L*before/G)      (rounded up: the same with ceil)
 * The shares sum to L exactly and each is within one of exact.
 */
static inline bs_i128 bs_split_floor(bs_i128 amount, bs_i128 before, bs_i128 after, bs_i128 total)
{
    return bs_muldiv_floor(amount, after, total) - bs_muldiv_floor(amount, before, total);
}

static inline bs_i128 bs_split_ceil(bs_i128 amount, bs_i128 before, bs_i128 after, bs_i128 total)
{
    return bs_muldiv_ceil(amount, after, total) - bs_muldiv_ceil(amount, before, total);
}

#endif
