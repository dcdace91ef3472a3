/* SPDX-License-Identifier: Apache-2.0 */
/* Positions that stay with their account because the backstop account cannot hold them. */
#include "lib/settlement/step/kind.h"
#include "lib/settlement/taken_over.h"

static void carry(struct bs_plan *plan, const struct bs_step *step)
{
    (void)plan;
    assert(step->market != 0);
}

static bool check(struct bs_plan *plan, const struct bs_step *step)
{
    assert(step->debtor != 0);
    struct bs_debtor *debtor = &plan->debtors[step->debtor - 1];
    struct bs_leg leg = bs_plan_leg(plan, step->account, step->market);
    struct bs_taken_over taken_over;
    debtor->kept++;
    return debtor->account == step->account && leg.size != 0 &&
           !bs_taken_over_by_fund(plan, step->market, leg.size,
                                  bs_plan_value(plan, step->market, leg.size), &taken_over);
}

/* Nothing moves, so no action says so. */
static void apply(struct bs_applying *applying)
{
    (void)applying;
}

const struct bs_step_kind bs_step_kept = {.carry = carry, .check = check, .apply = apply};
