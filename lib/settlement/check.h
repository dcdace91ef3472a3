/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The one gate between planning and applying. The steps are carried out once more from the
 * untouched state; each must be allowed where it stands, and at the end money and sizes must be
 * conserved and no more may have been taken than was owed.
 *
 * Conservation and the exact amounts are checked independently of the layers; how lots and losses
 * are split is checked with the layers' own formulas. The tests' oracle computes those again.
 */
#ifndef BS_CHECK_H
#define BS_CHECK_H

#include "lib/settlement/plan.h"

/* False: nothing of the plan may be applied. The working copies are forgotten either way. */
BS_MUST_USE bool bs_plan_check(struct bs_plan *plan);

#endif
