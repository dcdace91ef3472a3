/* SPDX-License-Identifier: Apache-2.0 */
#include "api/json_token.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void json_tokens_grow(struct json_tokens *tokens)
{
    size_t capacity = tokens->capacity == 0 ? 64 : tokens->capacity * 2;
    struct json_token *grown = realloc(tokens->tokens, capacity * sizeof(*grown));
    if (grown == NULL) {
        fprintf(stderr, "out of memory: %zu JSON tokens\n", capacity);
        abort();
    }
    tokens->tokens = grown;
    tokens->capacity = capacity;
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

char *json_clamp_numbers(const char *text, size_t size)
{
    char *copy = malloc(size + JSON_PADDING);
    if (copy == NULL) {
        fprintf(stderr, "out of memory: a JSON text of %zu bytes\n", size);
        abort();
    }
    memcpy(copy, text, size);
    memset(copy + size, ' ', JSON_PADDING);
    bool changed = false;
    for (size_t at = 0; at < size;) {
        if (text[at] == '"') {
            at = string_end(text, at, size);
            continue;
        }
        struct number number = {0};
        if (text[at] == '-' || (text[at] >= '0' && text[at] <= '9')) {
            number = number_at(text, at, size);
        }
        if (number.end == 0) {
            at++;
            continue;
        }
        if (number.real || number.beyond) {
            memset(copy + at, ' ', number.end - at);
            memcpy(copy + at, number.real ? "1e1" : "9223372036854775808", number.real ? 3 : 19);
            changed = true;
        }
        at = number.end;
    }
    if (!changed) {
        free(copy);
        return NULL;
    }
    return copy;
}
