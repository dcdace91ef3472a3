/* SPDX-License-Identifier: Apache-2.0 */
#include "api/text.h"

#include <stdio.h>

#define MINUTE_MS INT64_C(60000)
#define HOUR_MS (60 * MINUTE_MS)
#define DAY_MS (24 * HOUR_MS)
#define PERIOD_DAYS_MAX 366
#define YEAR_0000_MS INT64_C(-62167219200000)
#define YEAR_9999_END_MS INT64_C(253402300799999)

uint32_t text_utf8_size(struct bs_text text)
{
    static const uint32_t smallest[] = {0, 0, 0x80, 0x800, 0x10000};
    const uint8_t *at = (const uint8_t *)text.bytes;
    if (at[0] < 0x80) {
        return 1;
    }
    uint32_t size = at[0] < 0xe0 ? 2 : at[0] < 0xf0 ? 3 : 4;
    if (at[0] < 0xc2 || at[0] > 0xf4 || size > text.size) {
        return 0;
    }
    uint32_t point = at[0] & (0xffu >> (size + 1));
    for (uint32_t i = 1; i < size; i++) {
        if ((at[i] & 0xc0) != 0x80) {
            return 0;
        }
        point = point << 6 | (at[i] & 0x3f);
    }
    bool surrogate = point >= 0xd800 && point <= 0xdfff;
    return point < smallest[size] || surrogate || point > 0x10ffff ? 0 : size;
}

uint32_t text_character(struct bs_text text, uint32_t *ret_size)
{
    const uint8_t *at = (const uint8_t *)text.bytes;
    uint32_t size = text_utf8_size(text);
    *ret_size = size == 0 ? 1 : size;
    if (size <= 1) {
        return size == 0 ? TEXT_NO_CHARACTER : at[0];
    }
    uint32_t character = at[0] & (0xffu >> (size + 1));
    for (uint32_t i = 1; i < size; i++) {
        character = character << 6 | (at[i] & 0x3f);
    }
    return character;
}

bool text_is_shown(uint32_t character)
{
    static const struct {
        uint32_t first, last;
    } hidden[] = {{0, 0x1f},        {0x7f, 0x9f},     {0x61c, 0x61c},        {0x200e, 0x200f},
                  {0x2028, 0x202e}, {0x2066, 0x2069}, {0x110000, UINT32_MAX}};

    for (size_t i = 0; i < sizeof(hidden) / sizeof(hidden[0]); i++) {
        if (character >= hidden[i].first && character <= hidden[i].last) {
            return false;
        }
    }
    return true;
}

size_t text_escape(uint32_t character, char escape[TEXT_ESCAPE_SIZE])
{
    uint32_t shown = character == TEXT_NO_CHARACTER ? 0xfffd : character; /* the replacement */
    assert(!text_is_shown(character));
    assert(shown <= UINT16_MAX);
    return (size_t)snprintf(escape, TEXT_ESCAPE_SIZE, "\\u%04x", shown & UINT16_MAX);
}

static bool is_blank(char byte)
{
    return byte == ' ' || byte == '\t';
}

struct bs_text text_trimmed(struct bs_text text)
{
    while (text.size > 0 && is_blank(text.bytes[0])) {
        text = (struct bs_text){text.bytes + 1, text.size - 1};
    }
    while (text.size > 0 && is_blank(text.bytes[text.size - 1])) {
        text.size--;
    }
    return text;
}

bool text_digits(struct bs_text text, uint64_t max, uint64_t *ret_number)
{
    uint64_t number = 0;
    for (uint32_t i = 0; i < text.size; i++) {
        char digit = text.bytes[i];
        if (digit < '0' || digit > '9' || __builtin_mul_overflow(number, 10, &number) ||
            __builtin_add_overflow(number, (uint64_t)(digit - '0'), &number)) {
            return false;
        }
    }
    if (text.size == 0 || number > max) {
        return false;
    }
    *ret_number = number;
    return true;
}

bool text_number(struct bs_text text, uint64_t max, uint64_t *ret_number)
{
    bool has_leading_zero = text.size > 1 && text.bytes[0] == '0';
    return !has_leading_zero && text_digits(text, max, ret_number);
}

bool text_is_clean(struct bs_text text)
{
    const uint8_t *bytes = (const uint8_t *)text.bytes;
    uint32_t size;
    for (uint32_t i = 0; i < text.size; i += size) {
        size = 1;
        if (bytes[i] < 0x20 || bytes[i] == 0x7f) {
            return false;
        }
        if (bytes[i] >= 0x80) {
            size = text_utf8_size((struct bs_text){.bytes = text.bytes + i, .size = text.size - i});
            if (size == 0 || (bytes[i] == 0xc2 && bytes[i + 1] < 0xa0)) {
                return false;
            }
        }
    }
    return true;
}

/* Days from 1970-01-01 to a date of the proleptic Gregorian calendar (March-based years). */
static int64_t days_from_date(int64_t year, int64_t month, int64_t day)
{
    year -= month <= 2 ? 1 : 0;
    int64_t era = (year >= 0 ? year : year - 399) / 400;
    int64_t year_of_era = year - era * 400;
    int64_t day_of_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;
    int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    return era * 146097 + day_of_era - 719468;
}

static int64_t days_in_month(int64_t year, int64_t month)
{
    static const uint8_t days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return days[month - 1] + (month == 2 && leap ? 1 : 0);
}

/* Reads `count` digits at *at and moves past them; -1 if there are fewer. */
static int64_t take_digits(struct bs_text *text, uint32_t count)
{
    int64_t value = 0;
    if (text->size < count) {
        return -1;
    }
    for (uint32_t i = 0; i < count; i++) {
        unsigned digit = (unsigned char)text->bytes[i] - (unsigned)'0';
        if (digit > 9) {
            return -1;
        }
        value = value * 10 + digit;
    }
    text->bytes += count;
    text->size -= count;
    return value;
}

static bool take_char(struct bs_text *text, char expected)
{
    if (text->size == 0 || text->bytes[0] != expected) {
        return false;
    }
    text->bytes++;
    text->size--;
    return true;
}

/* ".831204" -> 831; nothing -> 0; false for a point without digits or more than nine. */
static bool take_fraction(struct bs_text *text, int64_t *ret_ms)
{
    int64_t ms = 0;
    uint32_t count = 0;
    if (take_char(text, '.')) {
        int64_t digit = take_digits(text, 1);
        if (digit < 0) {
            return false;
        }
        for (; digit >= 0; digit = take_digits(text, 1)) {
            ms = count < 3 ? ms * 10 + digit : ms;
            count++;
        }
        for (uint32_t scale = count; scale < 3; scale++) {
            ms *= 10;
        }
    }
    *ret_ms = ms;
    return count <= 9;
}

bool text_time_parse(struct bs_text text, int64_t *ret_time_ms)
{
    static const char separators[] = {'-', '-', 'T', ':', ':', '\0'};
    int64_t part[6];
    for (int i = 0; i < 6; i++) {
        part[i] = take_digits(&text, i == 0 ? 4 : 2);
        if (part[i] < 0 || (i < 5 && !take_char(&text, separators[i]))) {
            return false;
        }
    }
    int64_t ms;
    if (!take_fraction(&text, &ms)) {
        return false;
    }
    bool utc = (text.size == 1 && text.bytes[0] == 'Z') ||
               (text.size == 6 && memcmp(text.bytes, "+00:00", 6) == 0);
    if (!utc || part[1] < 1 || part[1] > 12 || part[2] < 1 ||
        part[2] > days_in_month(part[0], part[1]) || part[3] > 23 || part[4] > 59 || part[5] > 59) {
        return false;
    }
    *ret_time_ms = days_from_date(part[0], part[1], part[2]) * DAY_MS + part[3] * HOUR_MS +
                   part[4] * MINUTE_MS + part[5] * 1000 + ms;
    return true;
}

/* Writes `count` decimal digits that end just before `end`. */
static void put_digits(char *end, int64_t value, int count)
{
    for (int i = 1; i <= count; i++) {
        end[-i] = (char)('0' + value % 10);
        value /= 10;
    }
}

void text_time_print(int64_t time_ms, char text[TEXT_TIME_SIZE])
{
    time_ms = time_ms < YEAR_0000_MS ? YEAR_0000_MS : time_ms;
    time_ms = time_ms > YEAR_9999_END_MS ? YEAR_9999_END_MS : time_ms;
    int64_t days = (time_ms - YEAR_0000_MS) / DAY_MS + YEAR_0000_MS / DAY_MS;
    int64_t rest = time_ms - days * DAY_MS;
    /* The inverse of days_from_date; the era never goes below -1. */
    int64_t shifted = days + 719468;
    int64_t era = (shifted >= 0 ? shifted : shifted - 146096) / 146097;
    int64_t day_of_era = shifted - era * 146097;
    int64_t year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    int64_t month = (5 * day_of_year + 2) / 153;
    memcpy(text, "0000-00-00T00:00:00.000Z", TEXT_TIME_SIZE);
    put_digits(text + 10, day_of_year - (153 * month + 2) / 5 + 1, 2);
    month = month < 10 ? month + 3 : month - 9;
    put_digits(text + 4, era * 400 + year_of_era + (month <= 2 ? 1 : 0), 4);
    put_digits(text + 7, month, 2);
    put_digits(text + 13, rest / HOUR_MS, 2);
    put_digits(text + 16, rest / MINUTE_MS % 60, 2);
    put_digits(text + 19, rest / 1000 % 60, 2);
    put_digits(text + 23, rest % 1000, 3);
}

bool text_period_parse(struct bs_text text, uint64_t *ret_period_ms)
{
    if (text.size == 4 && memcmp(text.bytes, "tick", 4) == 0) {
        *ret_period_ms = 0;
        return true;
    }
    if (text.size < 2 || text.size > 7 || text.bytes[0] == '0') {
        return false;
    }
    char letter = text.bytes[text.size - 1];
    int64_t unit_ms = letter == 'm'   ? MINUTE_MS
                      : letter == 'h' ? HOUR_MS
                      : letter == 'd' ? DAY_MS
                                      : 0;
    int64_t count = take_digits(&text, text.size - 1);
    if (unit_ms == 0 || count < 0 || count * unit_ms > PERIOD_DAYS_MAX * DAY_MS) {
        return false;
    }
    *ret_period_ms = (uint64_t)(count * unit_ms);
    return true;
}

void text_period_print(uint64_t period_ms, char text[TEXT_PERIOD_SIZE])
{
    static const struct {
        uint64_t unit_ms;
        char letter;
    } units[] = {{DAY_MS, 'd'}, {HOUR_MS, 'h'}, {MINUTE_MS, 'm'}};

    if (period_ms == 0) {
        memcpy(text, "tick", sizeof("tick"));
        return;
    }
    size_t unit = 0;
    while (unit < 2 && period_ms % units[unit].unit_ms != 0) {
        unit++;
    }
    (void)snprintf(text, TEXT_PERIOD_SIZE, "%llu%c",
                   (unsigned long long)(period_ms / units[unit].unit_ms), units[unit].letter);
}
