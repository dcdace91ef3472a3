/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Decimals, times and periods, each compared with a second reading written only for this, and the
 * divisions of money with their definition. An input is lines of text; its bytes are also operands.
 */
#include "api/text.h"
#include "lib/money/decimal.h"
#include "lib/money/money.h"
#include "tests/fuzz/fuzz.h"

/* The grammar in the header, read byte by byte. */
static enum bs_status read_slowly(struct bs_text text, struct bs_decimal *ret)
{
    bs_i128 value = 0;
    uint32_t at = 0;
    uint32_t fraction = 0;
    uint32_t zeros = 0;
    bool has_point = false;
    bool is_long = false;
    bool negative = text.size > 0 && text.bytes[0] == '-';
    uint32_t begin = negative ? 1 : 0;
    for (at = begin; at < text.size; at++) {
        char byte = text.bytes[at];
        if (byte == '.' && !has_point && at > begin) {
            has_point = true;
        } else if (byte >= '0' && byte <= '9') {
            bool leading = !has_point && at > begin && text.bytes[begin] == '0';
            if (leading) {
                return BS_INVALID_DECIMAL;
            }
            fraction += has_point ? 1 : 0;
            zeros = has_point && byte == '0' ? zeros + 1 : 0;
            is_long = is_long || value > ((bs_i128)1 << 120);
            value = is_long ? value : value * 10 + (byte - '0');
        } else {
            return BS_INVALID_DECIMAL;
        }
    }
    if (at == begin || (has_point && fraction == 0) || (negative && value == 0)) {
        return BS_INVALID_DECIMAL;
    }
    for (uint32_t i = 0; i < zeros && !is_long; i++) {
        value /= 10;
    }
    if (fraction > 18 || is_long || value > INT64_MAX) {
        return BS_DECIMAL_TOO_LONG;
    }
    ret->mantissa = (int64_t)(negative ? -value : value);
    ret->exponent = -(int32_t)(fraction - zeros);
    return BS_OK;
}

static void check_decimal(struct bs_text text)
{
    struct bs_decimal fast = {0};
    struct bs_decimal slow = {0};
    enum bs_status status = bs_decimal_parse(text.bytes, text.size, &fast);
    assert(status == read_slowly(text, &slow));
    if (status != BS_OK) {
        return;
    }
    assert(fast.mantissa == slow.mantissa);
    assert(fast.exponent == slow.exponent);
    char printed[BS_DECIMAL_TEXT_MAX];
    struct bs_wide wide = {.mantissa = fast.mantissa, .exponent = fast.exponent};
    size_t size = bs_wide_print(wide, printed);
    assert(size == strlen(printed));
    assert(size <= text.size);
    assert(memcmp(printed, text.bytes, size) == 0); /* but for zeros at the end */
    status = bs_decimal_parse(printed, size, &slow);
    assert(status == BS_OK);
    assert(fast.mantissa == slow.mantissa);
    assert(fast.exponent == slow.exponent);
}

/* ---- 256-bit magnitudes, for a second opinion on products ---- */

struct product {
    uint32_t limbs[9]; /* the least significant first */
};

static struct product multiply(bs_u128 a, bs_u128 b)
{
    struct product product = {{0}};
    for (uint32_t i = 0; i < 4; i++) {
        uint64_t carry = 0;
        for (uint32_t j = 0; j < 4; j++) {
            carry +=
                (uint64_t)(uint32_t)(a >> 32 * i) * (uint32_t)(b >> 32 * j) + product.limbs[i + j];
            product.limbs[i + j] = (uint32_t)carry;
            carry >>= 32;
        }
        product.limbs[i + 4] = (uint32_t)carry;
    }
    return product;
}

static struct product add(struct product sum, bs_u128 more)
{
    uint64_t carry = 0;
    for (uint32_t i = 0; i < 9; i++) {
        carry += (uint64_t)sum.limbs[i] + (i < 4 ? (uint32_t)(more >> 32 * i) : 0);
        sum.limbs[i] = (uint32_t)carry;
        carry >>= 32;
    }
    return sum;
}

static int order(struct product a, struct product b)
{
    for (uint32_t i = 9; i > 0; i--) {
        if (a.limbs[i - 1] != b.limbs[i - 1]) {
            return a.limbs[i - 1] < b.limbs[i - 1] ? -1 : 1;
        }
    }
    return 0;
}

static bs_u128 magnitude(bs_i128 value)
{
    return value < 0 ? -(bs_u128)value : (bs_u128)value;
}

/* Floor and ceil are the two multiples of d around |a*b|, or both are it. */
static void check_division(bs_i128 a, bs_i128 b, bs_i128 d)
{
    struct product exact = multiply(magnitude(a), magnitude(b));
    if (order(exact, multiply((bs_u128)d, (bs_u128)1 << 126)) >= 0) {
        return; /* the quotient must fit 127 bits */
    }
    bs_i128 floor = bs_muldiv_floor(a, b, d);
    bs_i128 ceil = bs_muldiv_ceil(a, b, d);
    bool negative = (a < 0) != (b < 0);
    bs_u128 toward_zero = negative ? -(bs_u128)ceil : (bs_u128)floor;
    struct product low = multiply(toward_zero, (bs_u128)d);
    if (floor == ceil) {
        assert(order(low, exact) == 0);
        return;
    }
    assert(floor + 1 == ceil);
    assert(order(low, exact) < 0);
    assert(order(exact, add(low, (bs_u128)d)) < 0);
}

static void check_multiply(bs_i128 a, bs_i128 b)
{
    bs_i128 product = 0;
    struct product exact = multiply(magnitude(a), magnitude(b));
    bool fits = bs_mul(a, b, &product);
    bool is_short = (exact.limbs[4] | exact.limbs[5] | exact.limbs[6] | exact.limbs[7]) == 0 &&
                    exact.limbs[3] >> 31 == 0;
    if (fits) {
        assert(order(multiply(magnitude(product), 1), exact) == 0);
        assert(product == 0 || (product < 0) == ((a < 0) != (b < 0)));
    } else {
        assert(!is_short);
    }
}

static void check_compare(bs_i128 a, bs_i128 b, bs_i128 c, bs_i128 d)
{
    struct product left = multiply(magnitude(a), magnitude(b));
    struct product right = multiply(magnitude(c), magnitude(d));
    bool left_negative = (a < 0) != (b < 0) && a != 0 && b != 0;
    bool right_negative = (c < 0) != (d < 0) && c != 0 && d != 0;
    int expected = order(left, right);
    if (left_negative != right_negative) {
        expected = left_negative ? -1 : 1;
    } else if (left_negative) {
        expected = -expected;
    }
    assert(bs_compare_products(a, b, c, d) == expected);
}

/* The ratio of two numbers is within half a unit of its twelfth digit. */
static void check_ratio(int32_t numerator, int32_t denominator)
{
    if (denominator <= 0) {
        return;
    }
    struct bs_wide ratio = bs_wide_ratio(numerator, denominator, 0);
    if (numerator == 0) {
        assert(ratio.mantissa == 0);
        return;
    }
    while (bs_abs(ratio.mantissa) < bs_power_of_ten(11)) { /* zeros that were left out */
        ratio.mantissa *= 10;
        ratio.exponent--;
    }
    bs_i128 exact = numerator * bs_power_of_ten((uint32_t)-ratio.exponent);
    assert(2 * bs_abs(exact - ratio.mantissa * denominator) <= denominator);
}

static bs_i128 operand(struct fuzz_input *input)
{
    uint32_t size = fuzz_byte(input) % 17;
    bool negative = size > 0 && (fuzz_byte(input) & 1) != 0;
    bs_u128 value = fuzz_bytes(input, size > 8 ? size - 8 : 0);
    value = value << 64 | fuzz_bytes(input, size > 8 ? 8 : size);
    value &= ((bs_u128)1 << 126) - 1;
    return negative ? -(bs_i128)value : (bs_i128)value;
}

static void check_money(struct fuzz_input input)
{
    bs_i128 a = operand(&input);
    bs_i128 b = operand(&input);
    bs_i128 c = operand(&input);
    bs_i128 d = operand(&input);
    check_multiply(a, b);
    check_compare(a, b, c, d);
    if (c != 0) {
        check_division(a, b, bs_abs(c));
        bs_i128 floor = bs_div_floor(a, bs_abs(c));
        assert(floor == bs_muldiv_floor(a, 1, bs_abs(c)));
        assert(bs_div_ceil(a, bs_abs(c)) == -bs_div_floor(-a, bs_abs(c)));
    }
    check_ratio((int32_t)(a & INT32_MAX) - (int32_t)(b & INT32_MAX), (int32_t)(c & INT32_MAX));
}

static void check_time(struct bs_text text)
{
    int64_t time_ms = 0;
    int64_t again_ms = 0;
    uint64_t period_ms = 0;
    uint64_t period_again_ms = 0;
    if (text_time_parse(text, &time_ms)) {
        char printed[TEXT_TIME_SIZE];
        text_time_print(time_ms, printed);
        bool good = text_time_parse((struct bs_text){printed, TEXT_TIME_SIZE - 1}, &again_ms);
        assert(good);
        assert(time_ms == again_ms);
        assert(memcmp(printed, text.bytes, 19) == 0); /* to the second */
    }
    if (text_period_parse(text, &period_ms)) {
        char printed[TEXT_PERIOD_SIZE];
        text_period_print(period_ms, printed);
        bool good = text_period_parse((struct bs_text){printed, (uint32_t)strlen(printed)},
                                      &period_again_ms);
        assert(good);
        assert(period_ms == period_again_ms);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input input = {data, size};
    check_money(input);
    while (input.left > 0) {
        struct bs_text line = fuzz_until(&input, '\n');
        char *copy = fuzz_copy(line.bytes, line.size, 0);
        check_decimal((struct bs_text){copy, line.size});
        check_time((struct bs_text){copy, line.size});
        free(copy);
    }
    return 0;
}
