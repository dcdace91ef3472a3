/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/number.h"

#include <assert.h>

#include "lib/money/money.h"

#define PLACES_MAX 36

bool number_parse(const char *text, struct bs_wide *ret_number)
{
    assert(text != NULL);
    bool negative = *text == '-';
    bool has_digit = false, behind_point = false;
    struct bs_wide number = {0, 0};
    for (text += negative; *text != '\0'; text++) {
        if (*text == '.' && has_digit && !behind_point) {
            behind_point = true;
            continue;
        }
        if (*text < '0' || *text > '9' || (behind_point && number.exponent == -PLACES_MAX) ||
            !bs_mul(number.mantissa, 10, &number.mantissa) ||
            __builtin_add_overflow(number.mantissa, (bs_i128)(*text - '0'), &number.mantissa)) {
            return false;
        }
        has_digit = true;
        number.exponent -= behind_point;
    }
    if (!has_digit || (behind_point && number.exponent == 0)) {
        return false;
    }
    number.mantissa = negative ? -number.mantissa : number.mantissa;
    *ret_number = number;
    return true;
}

bool number_scaled(struct bs_wide number, int32_t places, bs_i128 *ret_whole)
{
    places += number.exponent;
    while (places < 0 && number.mantissa % 10 == 0) {
        number.mantissa /= 10;
        places += number.mantissa == 0 ? -places : 1;
    }
    return places >= 0 && places <= PLACES_MAX &&
           bs_mul(number.mantissa, bs_power_of_ten((uint32_t)places), ret_whole);
}

bool number_ratio(struct bs_wide a, struct bs_wide b, bs_i128 *ret_whole)
{
    bs_i128 dividend, divisor;
    int32_t places = a.exponent < b.exponent ? -a.exponent : -b.exponent;
    if (!number_scaled(a, places, &dividend) || !number_scaled(b, places, &divisor) ||
        divisor == 0 || dividend % divisor != 0) {
        return false;
    }
    *ret_whole = dividend / divisor;
    return true;
}
