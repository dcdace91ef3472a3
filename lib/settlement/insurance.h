/* SPDX-License-Identifier: Apache-2.0 */
/* The insurance layer: the fund pays debts, and takes over the positions of the accounts it paid
 * for. */
#ifndef BS_INSURANCE_H
#define BS_INSURANCE_H

#include "lib/settlement/plan.h"

/* How much of `wanted` the fund pays; counts it, and notes when the drawdown limit cut it short. */
bs_i128 bs_insurance_pays(struct bs_plan *plan, bs_i128 wanted);
void bs_insurance_run(struct bs_plan *plan, uint32_t debtor_row);
/* The positions that the account still has move to the backstop account at mark, but for those that
 * would take its own out of range. */
void bs_insurance_take_over(struct bs_plan *plan, uint32_t debtor_row);
/* Notes the positions that are left after that: they stay with the account, whose equity is 0. */
void bs_insurance_leave_rest(struct bs_plan *plan, uint32_t debtor_row);

#endif
