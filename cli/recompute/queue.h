/* SPDX-License-Identifier: Apache-2.0 */
/* A counterparty's place in the queue of its market side: tier, score, neighbours. */
#ifndef CLI_RECOMPUTE_QUEUE_H
#define CLI_RECOMPUTE_QUEUE_H

#include <stdbool.h>

#include "cli/member.h"

struct recompute;

/* Checks why it was the turn of an adl's account. */
bool queue_take(struct recompute *recompute, json_t *action);

#endif
