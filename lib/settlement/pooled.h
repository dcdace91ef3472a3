/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The adl layer under a split ranking: the debtors of a market side are closed together, so that
 * steps grow with debtors + counterparties and all counterparties of a side get one price.
 *
 * Debtor d has Q_d lots and is due V_d, its value at mark and its share of its debt; Q and V are the
 * sums. X of the Q lots find a place by the split, as if n lots cost ceil(V*n/Q), and go to the
 * debtors in order, which are due W_d = ceil(V_d*x_d/Q_d), W in all. The price is N/D, the lower of
 * V/Q and W/X; what counterparties bear less than W the debtors go without, by their shares.
 */
#ifndef BS_POOLED_H
#define BS_POOLED_H

#include "lib/settlement/plan.h"

/* Begins with the debtors in rows [first, end): what each owes is divided among its legs. */
void bs_sides_begin(struct bs_plan *plan, struct bs_side_walk *walk, uint32_t first, uint32_t end,
                    bool at_mark);
/* Closes the next side that has counterparties. False: there is none. */
bool bs_sides_next(struct bs_plan *plan, struct bs_side_walk *walk);

/* Whether the debtor in a row is closed on a side of the market. */
static inline bool bs_debtor_is_on_side(const struct bs_plan *plan, uint32_t row, uint32_t market,
                                        bool is_long)
{
    int64_t size = bs_plan_leg(plan, plan->debtors[row].account, market).size;
    return size != 0 && (size > 0) == is_long && !plan->debtors[row].solvent;
}

#endif
