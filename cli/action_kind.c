/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/action_kind.h"

#include <assert.h>
#include <string.h>

#include "cli/member.h"

static const char *const names[ACTION_KINDS_COUNT] = {
#define X(code, number, name, ...) [number] = #name,
#include "lib/record/actions.def"
#undef X
};

const char *action_kind_name(enum action_kind kind)
{
    assert(kind < ACTION_KINDS_COUNT);
    return names[kind];
}

enum action_kind action_kind_named(const char *name)
{
    assert(name != NULL);
    int kind = 0;
    while (kind < ACTION_KINDS_COUNT && strcmp(names[kind], name) != 0) {
        kind++;
    }
    return (enum action_kind)kind;
}

enum action_kind action_kind_of(const json_t *action)
{
    return action_kind_named(member_text(action, "type"));
}
