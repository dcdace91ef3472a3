/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Parts of closes that are taken back. Of each number x of the close the next r of Q lots, after R
 * taken back before, bring floor(x*(R+r)/Q) - floor(x*R/Q).
 */
#ifndef CLI_RECOMPUTE_REVERSAL_H
#define CLI_RECOMPUTE_REVERSAL_H

#include <stdbool.h>

#include "api/buffer.h"
#include "cli/member.h"

struct recompute;

/* The closes that may be taken back: struct kept_close, by id. */
struct kept_closes {
    struct buffer rows;
    struct buffer backs; /* struct back: of a side that is being taken back, its debtors' parts */
};

/* Remembers one side of a close. `is_counter`: the side that was not insolvent. */
void reversal_keep(struct recompute *recompute, const json_t *action, bool is_counter);
/* Checks a reversal against the close that it names. */
bool reversal_take(struct recompute *recompute, json_t *action);
void kept_closes_fini(struct kept_closes *closes);

#endif
