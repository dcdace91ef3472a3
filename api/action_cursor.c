/* SPDX-License-Identifier: Apache-2.0 */
#include "api/action_cursor.h"

#include <string.h>

#define DIGITS_MAX 20

void api_cursor_print(struct buffer *out, const char *log, uint64_t ordinal)
{
    if (log != NULL) {
        assert(strlen(log) >= API_LOG_DIGITS);
        buffer_append(out, log, API_LOG_DIGITS);
        buffer_append(out, "_", 1);
    }
    char digits[DIGITS_MAX];
    size_t first = sizeof(digits);
    do {
        digits[--first] = (char)('0' + ordinal % 10);
        ordinal /= 10;
    } while (ordinal > 0);
    buffer_append(out, digits + first, sizeof(digits) - first);
}

/* Digits without leading zeros, at most INT64_MAX. */
static bool read_ordinal(struct bs_text text, uint64_t *ret_ordinal)
{
    uint64_t ordinal = 0;
    if (text.size == 0 || text.size > 19 || (text.size > 1 && text.bytes[0] == '0')) {
        return false;
    }
    for (uint32_t i = 0; i < text.size; i++) {
        if (text.bytes[i] < '0' || text.bytes[i] > '9') {
            return false;
        }
        ordinal = ordinal * 10 + (uint64_t)(text.bytes[i] - '0');
    }
    *ret_ordinal = ordinal;
    return ordinal <= INT64_MAX;
}

static bool is_hex(char digit)
{
    return (digit >= '0' && digit <= '9') || (digit >= 'a' && digit <= 'f');
}

bool api_cursor_parse(struct bs_text text, struct api_cursor *ret_cursor)
{
    struct api_cursor cursor = {0};
    if (text.size > API_LOG_DIGITS && text.bytes[API_LOG_DIGITS] == '_') {
        for (uint32_t i = 0; i < API_LOG_DIGITS; i++) {
            if (!is_hex(text.bytes[i])) {
                return false;
            }
            cursor.log[i] = text.bytes[i];
        }
        text.bytes += API_LOG_DIGITS + 1;
        text.size -= API_LOG_DIGITS + 1;
    }
    if (!read_ordinal(text, &cursor.ordinal)) {
        return false;
    }
    *ret_cursor = cursor;
    return true;
}

bool api_cursor_is_of(const struct api_cursor *cursor, const char *log)
{
    return cursor->log[0] == '\0' || memcmp(cursor->log, log, API_LOG_DIGITS) == 0;
}
