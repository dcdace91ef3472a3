/* SPDX-License-Identifier: Apache-2.0 */
#include "api/json_writer.h"

#include "api/json_state.h"
#include "api/text.h"

#define INTEGER_DIGITS_MAX 20
#define REPLACEMENT "\xef\xbf\xbd" /* U+FFFD */

/* Writes one byte or character that a JSON string must escape; returns its size in the text. */
static uint32_t append_escaped(struct buffer *out, struct bs_text rest)
{
    unsigned char byte = (unsigned char)rest.bytes[0];
    uint32_t size = text_utf8_size(rest);
    if (size == 0) {
        buffer_text(out, REPLACEMENT);
        return 1;
    }
    if (byte == '"' || byte == '\\') {
        buffer_append(out, "\\", 1);
    } else if (byte < 0x20) {
        buffer_printf(out, "\\u%04x", byte);
        return 1;
    }
    buffer_append(out, rest.bytes, size);
    return size;
}

void api_string(struct buffer *out, struct bs_text text)
{
    buffer_append(out, "\"", 1);
    uint32_t plain = 0; /* where the run of plain ASCII began */
    for (uint32_t i = 0; i < text.size;) {
        unsigned char byte = (unsigned char)text.bytes[i];
        if (byte >= 0x20 && byte < 0x80 && byte != '"' && byte != '\\') {
            i++;
            continue;
        }
        buffer_append(out, text.bytes + plain, i - plain);
        i += append_escaped(out, (struct bs_text){.bytes = text.bytes + i, .size = text.size - i});
        plain = i;
    }
    if (plain < text.size) {
        buffer_append(out, text.bytes + plain, text.size - plain);
    }
    buffer_append(out, "\"", 1);
}

void buffer_integer(struct buffer *out, uint64_t integer)
{
    char digits[INTEGER_DIGITS_MAX];
    size_t at = sizeof(digits);
    do {
        digits[--at] = (char)('0' + integer % 10);
        integer /= 10;
    } while (integer != 0);
    buffer_append(out, digits + at, sizeof(digits) - at);
}

void buffer_wide(struct buffer *out, struct bs_wide value)
{
    char text[BS_DECIMAL_TEXT_MAX];
    buffer_append(out, text, bs_wide_print(value, text));
}

void api_wide(struct buffer *out, struct bs_wide value)
{
    buffer_append(out, "\"", 1);
    buffer_wide(out, value);
    buffer_append(out, "\"", 1);
}

void api_time(struct buffer *out, int64_t time_ms)
{
    char text[TEXT_TIME_SIZE];
    text_time_print(time_ms, text);
    buffer_append(out, "\"", 1);
    buffer_append(out, text, sizeof(text) - 1);
    buffer_append(out, "\"", 1);
}

void member_name(struct buffer *out, const char *name)
{
    assert(out->size > 0 || out->failed);
    if (!buffer_ends_with(out, '{')) {
        buffer_append(out, ",", 1);
    }
    buffer_append(out, "\"", 1);
    buffer_text(out, name);
    buffer_append(out, "\":", 2);
}

void member_text(struct buffer *out, const char *name, struct bs_text text)
{
    member_name(out, name);
    api_string(out, text);
}

void member_word(struct buffer *out, const char *name, const char *word)
{
    if (word == NULL) {
        member_null(out, name);
        return;
    }
    member_text(out, name, (struct bs_text){.bytes = word, .size = (uint32_t)strlen(word)});
}

void member_integer(struct buffer *out, const char *name, uint64_t integer)
{
    member_name(out, name);
    buffer_integer(out, integer);
}

void member_wide(struct buffer *out, const char *name, struct bs_wide value)
{
    member_name(out, name);
    api_wide(out, value);
}

void member_decimal(struct buffer *out, const char *name, struct bs_decimal value)
{
    member_wide(out, name,
                (struct bs_wide){.mantissa = value.mantissa, .exponent = value.exponent});
}

void member_time(struct buffer *out, const char *name, int64_t time_ms)
{
    member_name(out, name);
    api_time(out, time_ms);
}

void member_null(struct buffer *out, const char *name)
{
    member_name(out, name);
    buffer_text(out, "null");
}
