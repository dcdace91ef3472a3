/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Decimals. A wire decimal is mantissa * 10^exponent, exact. Amounts inside the engine are integers
 * (lots, ticks, quanta); struct bs_decimal carries them in, struct bs_wide out. There is no floating
 * point.
 */
#ifndef BS_DECIMAL_H
#define BS_DECIMAL_H

#include "lib/base/base.h"
#include "lib/base/status.h"

#define BS_DECIMAL_TEXT_MAX 64 /* characters of a printed decimal, with its NUL */

/* As received: trailing zeros of the fraction removed, exponent -18..0; zero is {0, 0}. */
struct bs_decimal {
    int64_t mantissa;
    int32_t exponent;
};

/* As published: wide enough for sums and products of money; exponent -36..0. */
struct bs_wide {
    bs_i128 mantissa;
    int32_t exponent;
};

/*
 * Grammar: -?(0|[1-9][0-9]*)(\.[0-9]{1,18})?  No exponent, plus sign, leading zeros or minus zero.
 * Returns BS_OK, BS_INVALID_DECIMAL or BS_DECIMAL_TOO_LONG (more than 18 digits after the point,
 * or more than 63 bits of mantissa without trailing zeros of the fraction).
 */
BS_MUST_USE enum bs_status bs_decimal_parse(const char *text, size_t size,
                                            struct bs_decimal *ret_decimal);

/* Writes the decimal without trailing zeros ("-12.5", "0"), NUL terminated; returns its length. */
size_t bs_wide_print(struct bs_wide value, char text[BS_DECIMAL_TEXT_MAX]);

bs_i128 bs_power_of_ten(uint32_t exponent); /* 0..36 */

/* numerator/denominator (denominator > 0) to 12 significant digits, half away from zero. */
struct bs_wide bs_wide_ratio(bs_i128 numerator, bs_i128 denominator, int32_t exponent);

#endif
