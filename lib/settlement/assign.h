/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The assign layer: the positions of an insolvent account move to providers before any account is
 * deleveraged. Lots move at their value at mark less a spread in the provider's favour, which the
 * insolvent account owes on top of its debt (rules/spread.h), with the debt as it is when the
 * layer's turn comes. Legs go in closing order, providers by priority, then account id; each is
 * asked once for a leg and takes all that its limits allow.
 */
#ifndef BS_ASSIGN_H
#define BS_ASSIGN_H

#include "lib/settlement/plan.h"

void bs_assign_run(struct bs_plan *plan, uint32_t debtor_row);

#endif
