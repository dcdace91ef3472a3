/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/settlement/step/kind.h"

const struct bs_step_kind *bs_step_kind_of(const struct bs_step *step)
{
    static const struct bs_step_kind *const kinds[] = {
#define X(CODE, name) [BS_STEP_##CODE] = &bs_step_##name,
#include "lib/settlement/step/steps.def"
#undef X
    };
    assert(step->type < BS_STEP_COUNT);
    return kinds[step->type];
}

void bs_plan_add(struct bs_plan *plan, const struct bs_step *step)
{
    assert(step->account != 0);
    assert(step->debtor <= plan->debtors_count + 1); /* the fund's own row follows the others */
    if (plan->overflow) {
        return;
    }
    if (plan->steps_count == plan->steps_max) {
        plan->overflow = true;
        return;
    }
    plan->steps[plan->steps_count++] = *step;
    bs_step_kind_of(step)->carry(plan, step);
}
