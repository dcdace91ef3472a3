/* SPDX-License-Identifier: Apache-2.0 */
/* Members of JSON objects that a server sent. An object may be NULL: it has no member. */
#ifndef CLI_MEMBER_H
#define CLI_MEMBER_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

bool member_exists(const json_t *object, const char *member);
/* "" when there is none, or it is no text. */
const char *member_text(const json_t *object, const char *member);
bool member_is(const json_t *object, const char *member, const char *text);
/* 0 when there is none, or it is no integer. */
uint64_t member_integer(const json_t *object, const char *member);
/* The values are equal, or neither object has the member. */
bool member_is_equal(const json_t *a, const json_t *b, const char *member);
/* "backstop:POOL" is the account of a pool's insurance fund. */
bool member_is_fund(const json_t *object, const char *member);

#endif
