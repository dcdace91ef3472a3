/* SPDX-License-Identifier: Apache-2.0 */
/* The two sides of a close: two actions, the second directly after the first. */
#ifndef CLI_RECOMPUTE_PAIR_H
#define CLI_RECOMPUTE_PAIR_H

#include <stdbool.h>

#include "cli/member.h"

struct recompute;

/* A netting: the first of the two is remembered, the second compared with it. */
bool pair_take_netting(struct recompute *recompute, json_t *action);
/* An adl, against the liquidation_close before it. */
bool pair_take_counterparty(struct recompute *recompute, json_t *action);
/* An assignment, against the liquidation_close before it. */
bool pair_take_provider(struct recompute *recompute, json_t *action);

#endif
