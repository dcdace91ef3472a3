/* SPDX-License-Identifier: Apache-2.0 */
/* Names, numbers, times and periods as text. */
#ifndef API_TEXT_H
#define API_TEXT_H

#include "lib/base/base.h"

#define TEXT_TIME_SIZE 25 /* "2025-10-10T21:16:04.831Z" and NUL */
#define TEXT_PERIOD_SIZE 24

/* Bytes of the UTF-8 character that a text (not empty) begins with, 0 when it is not one. */
uint32_t text_utf8_size(struct bs_text text);
/* The character that a text (not empty) begins with, and its bytes. A byte that begins none is
 * TEXT_NO_CHARACTER. */
#define TEXT_NO_CHARACTER UINT32_MAX
uint32_t text_character(struct bs_text text, uint32_t *ret_size);
/* Whether it may stand in a line of a log as it is. False: a control character (C0, DEL, C1), a line
 * or paragraph separator, a control of the direction of text, or no character. */
bool text_is_shown(uint32_t character);
/* How JSON writes a character that is not shown: "\\u202e". Returns the size. */
#define TEXT_ESCAPE_SIZE 8
size_t text_escape(uint32_t character, char escape[TEXT_ESCAPE_SIZE]);
/* Without spaces and tabs at either end. */
struct bs_text text_trimmed(struct bs_text text);
/* Decimal digits and nothing else, at most max. */
BS_MUST_USE bool text_digits(struct bs_text text, uint64_t max, uint64_t *ret_number);
/* The same without leading zeros, as numbers are printed. */
BS_MUST_USE bool text_number(struct bs_text text, uint64_t max, uint64_t *ret_number);
/* UTF-8 without control characters (C0, DEL, C1). */
bool text_is_clean(struct bs_text text);
/* RFC 3339 in UTC (Z or +00:00) with up to 9 digits of a second; cut to milliseconds. */
BS_MUST_USE bool text_time_parse(struct bs_text text, int64_t *ret_time_ms);
/* A time outside the years 0000 to 9999 is printed as the nearest bound. */
void text_time_print(int64_t time_ms, char text[TEXT_TIME_SIZE]);
/* "tick" (0) or <n>m, <n>h, <n>d from one minute to 366 days. */
BS_MUST_USE bool text_period_parse(struct bs_text text, uint64_t *ret_period_ms);
void text_period_print(uint64_t period_ms, char text[TEXT_PERIOD_SIZE]);

#endif
