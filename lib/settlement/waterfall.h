/* SPDX-License-Identifier: Apache-2.0 */
/* The waterfall: the layers of a pool's policy, run for one debtor after the other. */
#ifndef BS_WATERFALL_H
#define BS_WATERFALL_H

#include "lib/settlement/plan.h"

/* Ranks the counterparties of all debtors, if any account may be deleveraged. */
void bs_waterfall_rank(struct bs_plan *plan);
void bs_waterfall_run(struct bs_plan *plan, uint32_t debtor_row);
/* The fund's own inventory: deleveraged when its equity is below the floor. */
void bs_waterfall_run_fund(struct bs_plan *plan);
/* Before a period loss is divided, the fund pays what it can of it. */
void bs_waterfall_ask_fund_again(struct bs_plan *plan);
bool bs_fund_is_short(const struct bs_plan *plan);

#endif
