/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the fund may pay for a market's debts in one period, and what is kept for markets with an
 * own fund: only that fund pays their debts, and it pays nothing else. A debt goes to markets by
 * the legs held at detection, as under scope market; a market's part is paid up to what is left of
 * its budget. A debt without legs belongs to no market.
 *
 * `used` is, by market, what the period has used: plan->budget_used, or the check's own count.
 */
#ifndef BS_BUDGETS_H
#define BS_BUDGETS_H

#include "lib/settlement/plan.h"

void bs_budgets_begin(struct bs_plan *plan);       /* of a settlement */
void bs_budgets_check_begin(struct bs_plan *plan); /* of a chunk */
/* How much of `owed` the own fund of the market of leg i may pay under its budget, ignoring its
 * balance; 0 without one. */
bs_i128 bs_budgets_own_part(const struct bs_plan *plan, const struct bs_debtor *debtor,
                            bs_i128 owed, uint32_t i, const int64_t *used);
/* How much of `owed` the markets' budgets let the pool's fund pay. */
bs_i128 bs_budgets_allow(const struct bs_plan *plan, const struct bs_debtor *debtor, bs_i128 owed,
                         const int64_t *used);
/* Counts a payment of the pool's fund towards `owed`. */
void bs_budgets_pay(const struct bs_plan *plan, const struct bs_debtor *debtor, bs_i128 owed,
                    bs_i128 paid, int64_t *used);
void bs_budgets_write(struct bs_engine *engine, const struct bs_plan *plan); /* a checked chunk's */
void bs_budgets_renew(struct bs_engine *engine, uint32_t pool);              /* with the period */

#endif
