/* SPDX-License-Identifier: Apache-2.0 */
/* Goal: exact products and quotients. Method: identities and hand figures, at the edges of 127
 * bits. */

#include "lib/base/sort.h"
#include "lib/money/money.h"
#include "tests/unit/random.h"
#include "tests/unit/unit_main.h"

#define TOP (((bs_i128)1 << 126) - 1 + ((bs_i128)1 << 126)) /* 2^127 - 1 */

/* A signed number of random width up to `bits`. */
static bs_i128 number(uint32_t bits)
{
    bs_u128 wide = ((bs_u128)random_next() << 64) | random_next();
    wide &= ((bs_u128)1 << (random_next() % bits)) - 1;
    return random_next() & 1 ? -(bs_i128)wide : (bs_i128)wide;
}

/* q = floor(a*b/d) iff 0 <= a*b - q*d < d; with 60-bit inputs everything fits 127 bits. */
START_TEST(test_muldiv_narrow)
{
    for (int i = 0; i < 200000; i++) {
        bs_i128 a = number(60), b = number(60), d = 1 + bs_abs(number(60));
        bs_i128 down = bs_muldiv_floor(a, b, d), up = bs_muldiv_ceil(a, b, d);
        bs_i128 rest = a * b - down * d;
        ck_assert(rest >= 0 && rest < d);
        ck_assert(up == down + (rest != 0));
    }
}

END_TEST

/* Wide inputs: floor(a*b/d) by the distributive law in steps that fit. */
START_TEST(test_muldiv_wide)
{
    for (int i = 0; i < 20000; i++) {
        bs_i128 d = 1 + bs_abs(number(120)), q = number(120), r = bs_abs(number(120)) % d;
        ck_assert(bs_muldiv_floor(q, d, d) == q);
        ck_assert(bs_muldiv_ceil(q, d, d) == q);
        ck_assert(bs_muldiv_floor(r, 1, d) == 0);
        /* (q*d)/(d*1): scale both by a common factor that needs 256 bits */
        bs_i128 k = 1 + bs_abs(number(6));
        ck_assert(bs_muldiv_floor(q, k, 1) == q * k);
    }
    ck_assert(bs_muldiv_floor(TOP, TOP, TOP) == TOP);
    ck_assert(bs_muldiv_floor(-TOP, TOP, TOP) == -TOP);
    ck_assert(bs_muldiv_floor(TOP - 1, TOP - 1, TOP) == TOP - 2);
    ck_assert(bs_muldiv_ceil(TOP - 1, TOP - 1, TOP) == TOP - 1);
    ck_assert(bs_div_floor(-1, 10) == -1);
    ck_assert(bs_div_ceil(-1, 10) == 0);
    ck_assert(bs_div_ceil(1, 10) == 1);
}

END_TEST

START_TEST(test_compare_products)
{
    for (int i = 0; i < 100000; i++) {
        bs_i128 a = number(60), b = number(60), c = number(60), d = number(60);
        bs_i128 left = a * b, right = c * d;
        ck_assert_int_eq(bs_compare_products(a, b, c, d), (left > right) - (left < right));
    }
    ck_assert_int_eq(bs_compare_products(TOP, TOP, TOP, TOP - 1), 1);
    ck_assert_int_eq(bs_compare_products(-TOP, TOP, TOP, -TOP), 0);
    ck_assert_int_eq(bs_compare_products(-TOP, TOP, -TOP, TOP - 1), -1);
    ck_assert_int_eq(bs_compare_products(0, -5, 0, 7), 0);
}

END_TEST

START_TEST(test_mul)
{
    bs_i128 product;
    ck_assert(bs_mul((bs_i128)1 << 63, (bs_i128)1 << 63, &product));
    ck_assert(product == (bs_i128)1 << 126);
    ck_assert(!bs_mul((bs_i128)1 << 64, (bs_i128)1 << 63, &product));
    ck_assert(bs_mul(-((bs_i128)1 << 63), (bs_i128)1 << 62, &product));
    ck_assert(product == -((bs_i128)1 << 125));
}

END_TEST

/* Never above the exact ratio. Below it by what is cut off the dividend (under 2), by one in the
 * divisor's 31 bits or more, and by the last rounding (under 1). */
START_TEST(test_ratio_below)
{
    for (int i = 0; i < 200000; i++) {
        bs_i128 a = bs_abs(number(126)), b = 1 + bs_abs(number(126));
        bs_i128 scaled = a >> 94 == 0 ? bs_div_floor(a << 32, b) : -1;
        uint64_t ratio = bs_ratio_below(a, b);
        if (scaled >= 0 && scaled < UINT64_MAX) {
            ck_assert(ratio <= scaled);
            ck_assert(scaled - ratio <= 3 + (scaled >> 31));
        }
    }
    ck_assert(bs_ratio_below((bs_i128)1 << 64, 1) == UINT64_MAX);
    ck_assert(bs_ratio_below((bs_i128)1 << 126, (bs_i128)1 << 94) >> 40 == UINT64_MAX >> 40);
    ck_assert(bs_ratio_below(3, 2) == UINT64_C(3) << 31);
    ck_assert(bs_ratio_below(0, 7) == 0);
}

END_TEST

/* Shares sum to the amount, are within one of exact, and never exceed their weight while L <= G. */
START_TEST(test_split)
{
    for (int i = 0; i < 20000; i++) {
        bs_i128 weights[12], total = 0;
        uint32_t count = 1 + (uint32_t)(random_next() % 12);
        for (uint32_t k = 0; k < count; k++) {
            weights[k] = bs_abs(number(80));
            total += weights[k];
        }
        if (total == 0) {
            continue;
        }
        bs_i128 amount = bs_muldiv_floor(total, (bs_i128)(random_next() % 1001), 1000);
        bs_i128 prefix = 0, down = 0, up = 0;
        for (uint32_t k = 0; k < count; k++) {
            bs_i128 share = bs_split_floor(amount, prefix, prefix + weights[k], total);
            bs_i128 exact = bs_muldiv_floor(amount, weights[k], total);
            ck_assert(share >= exact && share <= exact + 1);
            ck_assert(share <= weights[k]);
            down += share;
            up += bs_split_ceil(amount, prefix, prefix + weights[k], total);
            prefix += weights[k];
        }
        ck_assert(down == amount);
        ck_assert(up == amount);
    }
}

END_TEST

static int compare_numbers(const void *a, const void *b, const void *context)
{
    ck_assert_ptr_null(context);
    const uint64_t *left = a, *right = b;
    return (*left > *right) - (*left < *right);
}

START_TEST(test_sort)
{
    uint64_t numbers[257];
    for (uint32_t count = 0; count <= 257; count++) {
        uint64_t sum = 0, sorted = 0;
        for (uint32_t i = 0; i < count; i++) {
            numbers[i] = random_next() % 50;
            sum += numbers[i];
        }
        bs_sort(numbers, count, sizeof *numbers, compare_numbers, NULL);
        for (uint32_t i = 0; i < count; i++) {
            ck_assert(i == 0 || numbers[i - 1] <= numbers[i]);
            sorted += numbers[i];
        }
        ck_assert_uint_eq(sum, sorted);
    }
}

END_TEST

int main(void)
{
    TCase *tests = unit_tests("money");
    UNIT_ADD(tests, test_muldiv_narrow, test_muldiv_wide, test_compare_products, test_mul,
             test_ratio_below, test_split, test_sort);
    return unit_run(tests);
}
