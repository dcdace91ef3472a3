/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/answer/cursor.h"

#include "api/json_command.h"

/* Two names and the NUL between them. */
#define CURSOR_BYTES_MAX (2 * BS_ID_SIZE_MAX + 1)

_Static_assert((CURSOR_BYTES_MAX * 4 + 2) / 3 < CURSOR_SIZE_MAX, "a cursor fits its text");

static const char base64url[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

void cursor_print(char text[CURSOR_SIZE_MAX], struct bs_text first, struct bs_text second)
{
    unsigned char bytes[CURSOR_BYTES_MAX + 2] = {0};
    assert(first.size <= BS_ID_SIZE_MAX);
    assert(second.size <= BS_ID_SIZE_MAX);
    memcpy(bytes, first.bytes, first.size);
    size_t size = first.size;
    if (second.size > 0) {
        memcpy(bytes + size + 1, second.bytes, second.size);
        size += 1 + second.size;
    }
    size_t out = 0;
    for (size_t i = 0; i < size; i += 3) {
        uint32_t group = (uint32_t)bytes[i] << 16 | (uint32_t)bytes[i + 1] << 8 | bytes[i + 2];
        size_t digits = size - i >= 3 ? 4 : size - i + 1;
        for (size_t digit = 0; digit < digits; digit++) {
            text[out++] = base64url[(group >> (18 - 6 * digit)) & 63];
        }
    }
    text[out] = '\0';
}

/* Decodes unpadded base64url; false: another character, or bits left over. */
static bool base64url_decode(struct bs_text text, unsigned char *bytes, size_t *ret_size)
{
    uint32_t group = 0;
    uint32_t bits = 0;
    size_t size = 0;
    for (uint32_t i = 0; i < text.size; i++) {
        const char *digit = text.bytes[i] == '\0' ? NULL : strchr(base64url, text.bytes[i]);
        if (digit == NULL) {
            return false;
        }
        group = group << 6 | (uint32_t)(digit - base64url);
        bits += 6;
        if (bits >= 8) {
            bits -= 8;
            bytes[size++] = (unsigned char)(group >> bits);
        }
    }
    *ret_size = size;
    return bits < 6 && (group & ((1u << bits) - 1)) == 0;
}

bool cursor_parse(struct bs_text text, char names[2][BS_ID_SIZE_MAX + 1], uint32_t sizes[2])
{
    unsigned char bytes[CURSOR_SIZE_MAX];
    size_t size = 0;
    if (text.size >= CURSOR_SIZE_MAX || !base64url_decode(text, bytes, &size)) {
        return false;
    }
    const unsigned char *separator = memchr(bytes, '\0', size);
    size_t first_size = separator == NULL ? size : (size_t)(separator - bytes);
    size_t second_size = separator == NULL ? 0 : size - first_size - 1;
    struct bs_text first = {(const char *)bytes, (uint32_t)first_size};
    struct bs_text second = {(const char *)bytes + first_size + 1, (uint32_t)second_size};
    if (!api_name_valid(first) || (separator != NULL && !api_name_valid(second))) {
        return false;
    }
    memcpy(names[0], first.bytes, first.size);
    memcpy(names[1], second.bytes, second.size);
    sizes[0] = first.size;
    sizes[1] = second.size;
    return true;
}
