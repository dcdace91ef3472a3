/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where the haircut layer says so, what haircuts took is a claim on the fund. Whenever the fund has
 * cash above its floor and no loss is open, it pays claims back, in proportion to them (prefix
 * differences in account-id order). Money that comes back is not a gain of the period. The debt of
 * an insolvent claimant that others bear is set off against its claim.
 */
#ifndef BS_RESTITUTE_H
#define BS_RESTITUTE_H

#include "lib/settlement/plan.h"

bool bs_restitution_due(const struct bs_plan *plan);
void bs_restitute(struct bs_plan *plan);

#endif
