/* SPDX-License-Identifier: Apache-2.0 */
/* The kinds of actions, from the table that the server publishes them by. */
#ifndef CLI_ACTION_KIND_H
#define CLI_ACTION_KIND_H

#include "cli/member.h"

enum action_kind {

#define X(code, number, ...) ACTION_##code = (number),
#include "lib/record/actions.def"
#undef X
    ACTION_KINDS_COUNT
};

/* ACTION_KINDS_COUNT when the type of the action is none that this program knows. */
enum action_kind action_kind_of(const json_t *action);
/* The kind of this name; ACTION_KINDS_COUNT when there is none. */
enum action_kind action_kind_named(const char *name);
const char *action_kind_name(enum action_kind kind);

#endif
