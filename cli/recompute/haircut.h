/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Haircuts and refunds. In a round all pay floor(L*(P+g)/G) - floor(L*P/G), and the shares add up
 * to L. When some reach their cap they pay it, without a prefix, and the others share the rest.
 */
#ifndef CLI_RECOMPUTE_HAIRCUT_H
#define CLI_RECOMPUTE_HAIRCUT_H

#include <stdbool.h>

#include "cli/member.h"
#include "lib/base/base.h"

struct recompute;

struct haircut_round {
    json_t *action; /* the last one; owned. NULL: no round has begun */
    bs_i128 left, prefix;
    bool is_shared; /* each share is an action, so that they must add up */
};

/* Ends the round unless the action continues it. False: its shares do not add up. */
bool haircut_round_follow(struct recompute *recompute, const json_t *action);
bool haircut_round_end(struct recompute *recompute);
/* Checks the share of a haircut or refund. */
bool haircut_take(struct recompute *recompute, json_t *action);
void haircut_round_fini(struct haircut_round *round);

#endif
