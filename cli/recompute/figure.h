/* SPDX-License-Identifier: Apache-2.0 */
/* Decimal members as whole numbers. One that is missing or does not fit counts as 0 and makes the
 * action malformed. */
#ifndef CLI_RECOMPUTE_FIGURE_H
#define CLI_RECOMPUTE_FIGURE_H

#include "cli/member.h"
#include "lib/money/decimal.h"

struct recompute;

/* In quanta of the pool. */
bs_i128 figure_quanta(struct recompute *recompute, const json_t *object, const char *member);
/* The same; a missing one is 0. */
bs_i128 figure_optional(struct recompute *recompute, const json_t *object, const char *member);
/* In whole units, such as lots or ticks. */
bs_i128 figure_units(struct recompute *recompute, const json_t *object, const char *member,
                     struct bs_wide unit);

#endif
