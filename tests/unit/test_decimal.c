/* SPDX-License-Identifier: Apache-2.0 */
/* Decimals: tables of texts, and ratios judged by the definition of rounding on random numbers. */
#include <stdio.h>

#include "lib/money/decimal.h"
#include "tests/unit/random.h"
#include "tests/unit/unit_main.h"

START_TEST(parse_takes_plain_decimals)
{
    static const struct {
        const char *text;
        int64_t mantissa;
        int32_t exponent;
    } rows[] = {
        {"0", 0, 0},
        {"0.0", 0, 0},
        {"0.000000000000000000", 0, 0},
        {"7", 7, 0},
        {"-7", -7, 0},
        {"100", 100, 0},
        {"64012.50", 640125, -1},
        {"-12.5", -125, -1},
        {"1.000000000000000000", 1, 0},
        {"12.000000000000000000", 12, 0},
        {"0.000000000000000001", 1, -18},
        {"-0.5", -5, -1},
        {"9223372036854775807", INT64_MAX, 0},
        {"-9223372036854775807", -INT64_MAX, 0},
        {"9.223372036854775807", INT64_MAX, -18},
        {"922337203685477580.7", INT64_MAX, -1},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct bs_decimal decimal = {0};
        ck_assert_int_eq(bs_decimal_parse(rows[i].text, strlen(rows[i].text), &decimal), BS_OK);
        ck_assert_int_eq(decimal.mantissa, rows[i].mantissa);
        ck_assert_int_eq(decimal.exponent, rows[i].exponent);
    }
}

END_TEST

START_TEST(parse_refuses_the_rest_by_name)
{
    static const struct {
        const char *text;
        enum bs_status status;
    } rows[] = {
        {"", BS_INVALID_DECIMAL},
        {"-", BS_INVALID_DECIMAL},
        {"-0", BS_INVALID_DECIMAL},
        {"-0.00", BS_INVALID_DECIMAL},
        {"+1", BS_INVALID_DECIMAL},
        {"00", BS_INVALID_DECIMAL},
        {"01", BS_INVALID_DECIMAL},
        {"-01.5", BS_INVALID_DECIMAL},
        {"1.", BS_INVALID_DECIMAL},
        {".5", BS_INVALID_DECIMAL},
        {"1.5.", BS_INVALID_DECIMAL},
        {"1,5", BS_INVALID_DECIMAL},
        {"1e3", BS_INVALID_DECIMAL},
        {" 1", BS_INVALID_DECIMAL},
        {"1 ", BS_INVALID_DECIMAL},
        {"--1", BS_INVALID_DECIMAL},
        {"0x1", BS_INVALID_DECIMAL},
        {"NaN", BS_INVALID_DECIMAL},
        {"\xd9\xa1", BS_INVALID_DECIMAL},
        {"99999999999999999999999999x", BS_INVALID_DECIMAL},
        {"9223372036854775808", BS_DECIMAL_TOO_LONG},
        {"-9223372036854775808", BS_DECIMAL_TOO_LONG},
        {"9.223372036854775808", BS_DECIMAL_TOO_LONG},
        {"0.0000000000000000001", BS_DECIMAL_TOO_LONG},
        {"1.0000000000000000000", BS_DECIMAL_TOO_LONG},
        {"100000000000000000000", BS_DECIMAL_TOO_LONG},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct bs_decimal decimal = {.mantissa = 77, .exponent = -7};
        enum bs_status status = bs_decimal_parse(rows[i].text, strlen(rows[i].text), &decimal);
        ck_assert_str_eq(bs_status_name(status), bs_status_name(rows[i].status));
        ck_assert_int_eq(decimal.mantissa, 77); /* written only on success */
    }
}

END_TEST

START_TEST(print_is_trimmed_and_exact)
{
    const bs_i128 max = (bs_i128)(((bs_u128)1 << 127) - 1);

    const struct {
        bs_i128 mantissa;
        int32_t exponent;
        const char *text;
    } rows[] = {
        {0, 0, "0"},
        {0, -36, "0"},
        {5, 0, "5"},
        {-125, -1, "-12.5"},
        {1000, -3, "1"},
        {1000, 0, "1000"},
        {-1050, -2, "-10.5"},
        {1, -36, "0.000000000000000000000000000000000001"},
        {(bs_i128)INT64_MIN, 0, "-9223372036854775808"},
        {(bs_i128)UINT64_MAX + 1, 0, "18446744073709551616"},
        {(bs_i128)1000000000000000000 * 1000000000000000000, -36, "1"},
        {(bs_i128)1000000000000000000 * 1000000001, -20, "10000000.01"},
        {max, 0, "170141183460469231731687303715884105727"},
        {max, -36, "170.141183460469231731687303715884105727"},
        {-max - 1, -36, "-170.141183460469231731687303715884105728"},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char text[BS_DECIMAL_TEXT_MAX];
        struct bs_wide value = {.mantissa = rows[i].mantissa, .exponent = rows[i].exponent};
        ck_assert_uint_eq(bs_wide_print(value, text), strlen(rows[i].text));
        ck_assert_str_eq(text, rows[i].text);
    }
}

END_TEST

START_TEST(print_and_parse_are_inverse)
{
    random_state = 1;
    for (int i = 0; i < 100000; i++) {
        int64_t mantissa = (int64_t)(random_next() >> (1 + random_next() % 63));
        mantissa = random_next() % 2 == 0 ? mantissa : -mantissa;
        int32_t exponent = -(int32_t)(random_next() % 19);
        char text[BS_DECIMAL_TEXT_MAX];
        char again[BS_DECIMAL_TEXT_MAX];
        struct bs_wide value = {.mantissa = mantissa, .exponent = exponent};
        size_t size = bs_wide_print(value, text);
        struct bs_decimal decimal;
        ck_assert_int_eq(bs_decimal_parse(text, size, &decimal), BS_OK);
        ck_assert(decimal.exponent == 0 || decimal.mantissa % 10 != 0);
        value = (struct bs_wide){.mantissa = decimal.mantissa, .exponent = decimal.exponent};
        bs_wide_print(value, again);
        ck_assert_str_eq(text, again);
    }
}

END_TEST

START_TEST(ratio_has_twelve_digits)
{
    const bs_i128 max = (bs_i128)(((bs_u128)1 << 127) - 1);

    const struct {
        bs_i128 numerator;
        bs_i128 denominator;
        int32_t exponent;
        const char *text;
    } rows[] = {
        {1, 3, 0, "0.333333333333"},
        {2, 3, 0, "0.666666666667"},
        {-2, 3, 0, "-0.666666666667"},
        {0, 7, 0, "0"},
        {1, 8, 0, "0.125"},
        {7441041, 33708, -1, "22.075"},
        {999999999999, 1, 0, "999999999999"},
        {9999999999995, 10, 0, "1000000000000"},
        {1234567890125, 1, 0, "1234567890130"},
        {1234567890124, 1, 0, "1234567890120"},
        {-1234567890125, 1, 0, "-1234567890130"},
        {1, 3, 8, "33333333.3333"},
        {1, 1, 8, "100000000"},
        {1, 3, -30, "0.000000000000000000000000000000333333"},
        {1, 2, -36, "0.000000000000000000000000000000000001"},
        {1, 3, -36, "0"},
        {15, 1, -37, "0.000000000000000000000000000000000002"},
        {14, 1, -37, "0.000000000000000000000000000000000001"},
        {7, 1, -39, "0"},
        {7, 1, -90, "0"},
        {max, 1, 0, "170141183460000000000000000000000000000"},
        {-max - 1, 1, 0, "-170141183460000000000000000000000000000"},
        {max, max, 0, "1"},
        {max - 1, max, 0, "1"},
        {1, max, 0, "0"},
        {max / 3, max, 0, "0.333333333333"},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char text[BS_DECIMAL_TEXT_MAX];
        bs_wide_print(bs_wide_ratio(rows[i].numerator, rows[i].denominator, rows[i].exponent),
                      text);
        ck_assert_str_eq(text, rows[i].text);
    }
}

END_TEST

/* |result - n/d| is at most half a unit of the last digit; at exactly half the larger is taken. */
START_TEST(ratio_rounds_half_away)
{
    random_state = 2;
    for (int i = 0; i < 50000; i++) {
        int64_t numerator = (int64_t)(random_next() >> (25 + random_next() % 39));
        int64_t denominator = (int64_t)(random_next() >> (44 + random_next() % 20)) + 1;
        struct bs_wide ratio = bs_wide_ratio(numerator, denominator, 0);
        bs_i128 scaled = numerator;
        for (int32_t e = ratio.exponent; e < 0; e++) {
            scaled *= 10;
        }
        bs_i128 error = 2 * (ratio.mantissa * denominator - scaled);
        ck_assert(ratio.mantissa < 1000000000000);
        ck_assert(error <= denominator);
        ck_assert(error > -denominator);
    }
}

END_TEST

int main(void)
{
    TCase *tests = unit_tests("decimal");
    UNIT_ADD(tests, parse_takes_plain_decimals, parse_refuses_the_rest_by_name,
             print_is_trimmed_and_exact, print_and_parse_are_inverse, ratio_has_twelve_digits,
             ratio_rounds_half_away);
    return unit_run(tests);
}
