/* SPDX-License-Identifier: Apache-2.0 */
/* What deleveraging may still take of an account under the limits of the adl layer: rules/limits.h
 * has the formula, this reads and writes what was used in the plan. */
#ifndef BS_ALLOWANCE_H
#define BS_ALLOWANCE_H

#include "lib/rules/limits.h"
#include "lib/settlement/plan.h"

/* A huge number where nothing limits it. */
struct bs_allowance bs_allowance_of(const struct bs_plan *plan, uint32_t account);
struct bs_limit_base bs_limit_base_of(const struct bs_plan *plan, uint32_t account);
/* Counts a close: `before` is the account's base before it. Only where there are limits. */
void bs_allowance_count(struct bs_plan *plan, uint32_t account, const struct bs_limit_base *before);
/* Closes of the account in the day of the plan. */
uint32_t bs_allowance_hits(const struct bs_plan *plan, uint32_t account);

#endif
