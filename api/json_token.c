/* SPDX-License-Identifier: Apache-2.0 */
#include "api/json_token.h"

#include <stdlib.h>
#include <string.h>

bool json_tokens_grow(struct json_tokens *tokens)
{
    size_t capacity = tokens->capacity == 0 ? 64 : tokens->capacity * 2;
    struct json_token *grown = realloc(tokens->tokens, capacity * sizeof(*grown));
    if (grown == NULL) {
        tokens->failed = true;
        return false;
    }
    tokens->tokens = grown;
    tokens->capacity = capacity;
    return true;
}

static size_t digits_at(const char *text, size_t at, size_t size)
{
    size_t end = at;
    while (end < size && text[end] >= '0' && text[end] <= '9') {
        end++;
    }
    return end;
}

/* A number of the JSON grammar at text[at]. */
struct number {
    size_t end; /* 0: there is none */
    bool real;
    bool beyond; /* an integer that 64 signed bits do not hold */
};

static struct number number_at(const char *text, size_t at, size_t size)
{
    bool negative = text[at] == '-';
    size_t digits = at + (negative ? 1 : 0);
    size_t end = digits_at(text, digits, size);
    if (end == digits || (text[digits] == '0' && end - digits > 1)) {
        return (struct number){0};
    }
    struct number number = {.end = end};
    const char *limit = negative ? "9223372036854775808" : "9223372036854775807";
    number.beyond =
        end - digits > 19 || (end - digits == 19 && memcmp(text + digits, limit, 19) > 0);
    if (end < size && text[end] == '.') {
        number.real = true;
        number.end = digits_at(text, end + 1, size);
        if (number.end == end + 1) {
            return (struct number){0};
        }
        end = number.end;
    }
    if (end < size && (text[end] == 'e' || text[end] == 'E')) {
        bool sign = end + 1 < size && (text[end + 1] == '+' || text[end + 1] == '-');
        size_t exponent = end + (sign ? 2 : 1);
        number.real = true;
        number.end = digits_at(text, exponent, size);
        if (number.end == exponent) {
            return (struct number){0};
        }
    }
    return number;
}

/* The place after the closing quote of the string that begins at `at`, or the end of the text. */
static size_t string_end(const char *text, size_t at, size_t size)
{
    for (at++; at < size && text[at] != '"'; at++) {
        at += text[at] == '\\' ? 1 : 0;
    }
    return at < size ? at + 1 : size;
}

/* Moves *at to the next number outside of strings. Without one its `end` is 0. */
static struct number next_number(const char *text, size_t size, size_t *at)
{
    while (*at < size) {
        struct number number = {0};
        if (text[*at] == '"') {
            *at = string_end(text, *at, size);
            continue;
        }
        if (text[*at] == '-' || (text[*at] >= '0' && text[*at] <= '9')) {
            number = number_at(text, *at, size);
        }
        if (number.end != 0) {
            return number;
        }
        (*at)++;
    }
    return (struct number){0};
}

/* NULL: no memory, and *ret_failed is set. */
static char *new_text(size_t size, bool *ret_failed)
{
    char *text = malloc(size + JSON_PADDING);
    if (text == NULL) {
        *ret_failed = true;
        return NULL;
    }
    memset(text + size, ' ', JSON_PADDING);
    return text;
}

char *json_clamp_numbers(const char *text, size_t size, bool *ret_failed)
{
    char *copy = new_text(size, ret_failed);
    if (copy == NULL) {
        return NULL;
    }
    bool changed = false;
    struct number number;
    memcpy(copy, text, size);
    for (size_t at = 0; (number = next_number(text, size, &at)).end != 0; at = number.end) {
        if (number.real || number.beyond) {
            memset(copy + at, ' ', number.end - at);
            memcpy(copy + at, number.real ? "1e1" : "9223372036854775808", number.real ? 3 : 19);
            changed = true;
        }
    }
    if (!changed) {
        free(copy);
        return NULL;
    }
    return copy;
}

/* ---- minus zero ---- */

#define LEAST "-9223372036854775808" /* as the value of JSON_MINUS_ZERO is written */
#define LEAST_SIZE (sizeof(LEAST) - 1)

static bool is_minus_zero(const char *text, size_t at, const struct number *number)
{
    return !number->real && number->end - at == 2 && memcmp(text + at, "-0", 2) == 0;
}

static bool is_least(const char *text, size_t at, const struct number *number)
{
    return !number->real && number->end - at == LEAST_SIZE &&
           memcmp(text + at, LEAST, LEAST_SIZE) == 0;
}

/* Quickly, and also when what looks like one is in a string. */
static bool may_have_minus_zero(const char *text, size_t size)
{
    const char *end = text + size;
    for (const char *at = text; (at = memmem(at, (size_t)(end - at), "-0", 2)) != NULL; at += 2) {
        if (at + 2 == end || strchr(",]} \t\r\n", at[2]) != NULL) {
            return true;
        }
    }
    return memmem(text, size, LEAST, LEAST_SIZE) != NULL;
}

static size_t count_minus_zeros(const char *text, size_t size)
{
    size_t count = 0;
    struct number number;
    for (size_t at = 0; (number = next_number(text, size, &at)).end != 0; at = number.end) {
        count += is_minus_zero(text, at, &number) || is_least(text, at, &number);
    }
    return count;
}

char *json_mark_minus_zeros(const char *text, size_t size, size_t *ret_size, bool *ret_failed)
{
    size_t count = may_have_minus_zero(text, size) ? count_minus_zeros(text, size) : 0;
    if (count == 0) {
        return NULL;
    }
    *ret_size = size + count * LEAST_SIZE;
    char *copy = new_text(*ret_size, ret_failed);
    if (copy == NULL) {
        return NULL;
    }
    char *to = copy;
    size_t from = 0;
    struct number number;
    for (size_t at = 0; (number = next_number(text, size, &at)).end != 0; at = number.end) {
        bool is_zero = is_minus_zero(text, at, &number);
        if (is_zero || is_least(text, at, &number)) {
            memcpy(to, text + from, at - from);
            to += at - from;
            memcpy(to, is_zero ? LEAST : "-9223372036854775809", LEAST_SIZE);
            to += LEAST_SIZE;
            from = number.end;
        }
    }
    memcpy(to, text + from, size - from);
    to += size - from;
    memset(to, ' ', (size_t)(copy + *ret_size - to));
    return copy;
}
