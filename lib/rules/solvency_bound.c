/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/rules/solvency_bound.h"

#define ONE ((bs_i128)1 << 32) /* ratios are in units of 2^-32 */
#define LEAST_EXPONENT 8       /* ratios below 2^8 have level 0 */
#define STEPS 4u               /* levels to a factor of 2 */

/* Rounded down. */
static uint8_t level_of(uint64_t ratio)
{
    if (ratio >> LEAST_EXPONENT == 0) {
        return 0;
    }
    uint32_t exponent = 63 - (uint32_t)__builtin_clzll(ratio);
    return (uint8_t)(1 + (exponent - LEAST_EXPONENT) * STEPS + (ratio >> (exponent - 2)) % STEPS);
}

/* The least ratio of a level > 0. */
static uint64_t ratio_of(uint8_t level)
{
    uint32_t exponent = (level - 1u) / STEPS + LEAST_EXPONENT;
    return (uint64_t)(STEPS + (level - 1u) % STEPS) << (exponent - 2);
}

uint64_t bs_bound_move(int64_t from, int64_t to, bool is_inverse)
{
    assert(from > 0);
    assert(to > 0);
    bs_i128 least = is_inverse ? bs_min(from, to) : from;
    bs_i128 ratio = bs_muldiv_ceil(bs_abs((bs_i128)to - from), ONE, least);
    return ratio > UINT64_MAX ? UINT64_MAX : (uint64_t)ratio;
}

uint8_t bs_bound_reach(uint64_t move)
{
    uint8_t level = level_of(move);
    return level > 0 && ratio_of(level) == move ? level : (uint8_t)(level + 1);
}

uint8_t bs_bound_level(bs_i128 equity, bs_i128 gross)
{
    assert(gross >= 0);
    if (equity <= 0) {
        return equity == 0 && gross == 0 ? BS_BOUND_NEVER : 0;
    }
    return gross == 0 ? BS_BOUND_NEVER : level_of(bs_ratio_below(equity, gross));
}
