/* SPDX-License-Identifier: Apache-2.0 */
/* Lots split over all candidates of a side: by size, or down to one leverage. */
#ifndef CLI_RECOMPUTE_SPLIT_H
#define CLI_RECOMPUTE_SPLIT_H

#include <stdbool.h>

#include "cli/member.h"

struct recompute;

/* Checks the share of an adl; one without a share must have a rank. */
bool split_take(struct recompute *recompute, const json_t *action);

#endif
