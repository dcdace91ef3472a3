/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/member.h"

#include <assert.h>
#include <string.h>

#define FUND_PREFIX "backstop:"

bool member_exists(const json_t *object, const char *member)
{
    return json_object_get(object, member) != NULL;
}

const char *member_text(const json_t *object, const char *member)
{
    const char *text = json_string_value(json_object_get(object, member));
    return text != NULL ? text : "";
}

bool member_is(const json_t *object, const char *member, const char *text)
{
    assert(text != NULL);
    return strcmp(member_text(object, member), text) == 0;
}

uint64_t member_integer(const json_t *object, const char *member)
{
    return (uint64_t)json_integer_value(json_object_get(object, member));
}

bool member_is_equal(const json_t *a, const json_t *b, const char *member)
{
    json_t *left = json_object_get(a, member), *right = json_object_get(b, member);
    return left == right || json_equal(left, right);
}

bool member_is_fund(const json_t *object, const char *member)
{
    return strncmp(member_text(object, member), FUND_PREFIX, strlen(FUND_PREFIX)) == 0;
}
