/* SPDX-License-Identifier: Apache-2.0 */
/* What is recomputed of each kind of action. */
#ifndef CLI_RECOMPUTE_KINDS_H
#define CLI_RECOMPUTE_KINDS_H

#include <stdbool.h>

#include "cli/member.h"

struct recompute;

/* Checks the figures of the action, and adds them to the sums of its debt and settlement. */
bool kind_take(struct recompute *recompute, json_t *action);

#endif
