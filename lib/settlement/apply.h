/* SPDX-License-Identifier: Apache-2.0 */
/* From a checked plan to actions and to the engine. */
#ifndef BS_APPLY_H
#define BS_APPLY_H

#include "lib/effects.h"
#include "lib/settlement/plan.h"

/* Makes the actions of the plan's steps from progress->applied on and carries the steps out, while
 * effects has room. True when the plan is through: its results are in the engine, and the plan is
 * empty again. */
bool bs_plan_apply(struct bs_engine *engine, struct bs_plan *plan, struct bs_effects *effects);

#endif
