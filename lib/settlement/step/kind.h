/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the kinds of step have in common: each is one file of this folder with one row of functions.
 * A step is carried out three times: on working copies when it is planned, again by the check, and
 * again when it is applied, after its actions are made from what it finds.
 */
#ifndef BS_STEP_KIND_H
#define BS_STEP_KIND_H

#include "lib/settlement/plan.h"

struct bs_applying;

struct bs_step_kind {
    uint8_t fund_cause; /* enum bs_fund_cause: of what it changes of the fund's cash */
    /* Carries the step out on the working copies. */
    void (*carry)(struct bs_plan *plan, const struct bs_step *step);
    /* Carries it out if it is allowed where it stands. False: it is not. */
    bool (*check)(struct bs_plan *plan, const struct bs_step *step);
    /* Makes the actions of applying->step, before it is carried out. At most two. */
    void (*apply)(struct bs_applying *applying);
};

#define X(CODE, name) extern const struct bs_step_kind bs_step_##name;
#include "lib/settlement/step/steps.def"
#undef X

const struct bs_step_kind *bs_step_kind_of(const struct bs_step *step);
/* Adds a step to the plan and carries it out. A plan without room for it overflows. */
void bs_plan_add(struct bs_plan *plan, const struct bs_step *step);

#endif
