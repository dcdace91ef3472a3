/* SPDX-License-Identifier: Apache-2.0 */
/* The waterfall: the layers of a pool's policy, run for one debtor after the other; where sides are
 * pooled, each layer for all debtors before the next. */
#ifndef BS_WATERFALL_H
#define BS_WATERFALL_H

#include "lib/settlement/plan.h"

/* Ranks the counterparties of all debtors, if any account may be deleveraged. */
void bs_waterfall_rank(struct bs_plan *plan);
/* Plans the next part of it. False: all debtors are done. */
bool bs_waterfall_next(struct bs_plan *plan);
/* The fund's own inventory: deleveraged when its equity is below the floor. */
void bs_waterfall_run_fund(struct bs_plan *plan);
/* Before a period loss is divided, the fund pays what it can of it. */
void bs_waterfall_ask_fund_again(struct bs_plan *plan);
bool bs_fund_is_short(const struct bs_plan *plan);

#endif
