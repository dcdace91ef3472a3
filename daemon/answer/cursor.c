/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/answer/cursor.h"

#include "api/json_command.h"

/* A place: the sequence number, the tier, two numbers, the key. A key is two names and a NUL, too. */
#define PLACE_HEAD_SIZE (8 + 1 + 16 + 16)
_Static_assert(PLACE_HEAD_SIZE == CURSOR_PLACE_KEY_AT, "the key follows the numbers");
#define CURSOR_BYTES_MAX (PLACE_HEAD_SIZE + BS_PLACE_KEY_SIZE_MAX)
/* No score comes near; past it comparing could overflow. */
#define NUMBER_MAX ((bs_i128)1 << 120)

_Static_assert(CURSOR_LIST_SIZE_MAX + (CURSOR_BYTES_MAX * 4 + 2) / 3 < CURSOR_SIZE_MAX,
               "a cursor fits its text");

static const char base64url[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/* Two bytes after the last are read; they are 0. */
static void print_bytes(char text[CURSOR_SIZE_MAX], const char *list, const unsigned char *bytes,
                        size_t size)
{
    size_t out = strlen(list);
    assert(out < CURSOR_LIST_SIZE_MAX);
    memcpy(text, list, out);
    text[out++] = '.';
    for (size_t i = 0; i < size; i += 3) {
        uint32_t group = (uint32_t)bytes[i] << 16 | (uint32_t)bytes[i + 1] << 8 | bytes[i + 2];
        size_t digits = size - i >= 3 ? 4 : size - i + 1;
        for (size_t digit = 0; digit < digits; digit++) {
            text[out++] = base64url[(group >> (18 - 6 * digit)) & 63];
        }
    }
    text[out] = '\0';
}

void cursor_print(char text[CURSOR_SIZE_MAX], const char *list, struct bs_text first,
                  struct bs_text second)
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
    print_bytes(text, list, bytes, size);
}

static void put_number(unsigned char *bytes, bs_u128 number, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        bytes[i] = (unsigned char)(number >> (8 * (size - 1 - i)));
    }
}

static bs_u128 get_number(const unsigned char *bytes, size_t size)
{
    bs_u128 number = 0;
    for (size_t i = 0; i < size; i++) {
        number = number << 8 | bytes[i];
    }
    return number;
}

void cursor_place_print(char text[CURSOR_SIZE_MAX], const char *list,
                        const struct cursor_place *place)
{
    unsigned char bytes[CURSOR_BYTES_MAX + 2] = {0};
    assert(place->place.key.size <= BS_PLACE_KEY_SIZE_MAX);
    put_number(bytes, place->seq, 8);
    bytes[8] = place->place.tier;
    put_number(bytes + 9, (bs_u128)place->place.numerator, 16);
    put_number(bytes + 25, (bs_u128)place->place.denominator, 16);
    memcpy(bytes + PLACE_HEAD_SIZE, place->place.key.bytes, place->place.key.size);
    print_bytes(text, list, bytes, PLACE_HEAD_SIZE + place->place.key.size);
}

bool cursor_take_list(struct bs_text *text, const char *list, char *ret_other)
{
    const char *dot = memchr(text->bytes, '.', text->size);
    uint32_t size = dot == NULL ? 0 : (uint32_t)(dot - text->bytes);
    ret_other[0] = '\0';
    if (size == 0 || size >= CURSOR_LIST_SIZE_MAX) {
        return false;
    }
    for (uint32_t i = 0; i < size; i++) {
        char letter = text->bytes[i];
        bool is_digit = letter >= '0' && letter <= '9';
        if (letter != '-' && letter != '~' && !is_digit && (letter < 'a' || letter > 'z')) {
            return false;
        }
    }
    if (size != strlen(list) || memcmp(text->bytes, list, size) != 0) {
        memcpy(ret_other, text->bytes, size);
        ret_other[size] = '\0';
        return false;
    }
    *text = (struct bs_text){dot + 1, text->size - size - 1};
    return true;
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

bool cursor_place_parse(struct bs_text text, char *bytes, struct cursor_place *ret_place)
{
    unsigned char *raw = (unsigned char *)bytes;
    size_t size = 0;
    if (text.size >= CURSOR_SIZE_MAX || !base64url_decode(text, raw, &size) ||
        size <= PLACE_HEAD_SIZE || size > CURSOR_BYTES_MAX) {
        return false;
    }
    bs_i128 numerator = (bs_i128)get_number(raw + 9, 16);
    bs_i128 denominator = (bs_i128)get_number(raw + 25, 16);
    *ret_place = (struct cursor_place){
        .seq = (uint64_t)get_number(raw, 8),
        .place = {.tier = raw[8],
                  .numerator = numerator,
                  .denominator = denominator,
                  .key = {bytes + PLACE_HEAD_SIZE, (uint32_t)(size - PLACE_HEAD_SIZE)}}};
    return numerator > -NUMBER_MAX && numerator < NUMBER_MAX && denominator >= 0 &&
           denominator < NUMBER_MAX;
}
