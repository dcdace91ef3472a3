/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The adl layer under an ordered ranking (pooled.h: under a split). A leg of Q lots is closed for a total value V = value at mark + its share of the
 * debt, in pieces: after P of Q lots the closing account has received ceil(V*P/Q). A counterparty
 * is clamped to the lots its equity bears and, when its principal is protected, never closed worse
 * than at its entry; what a leg cannot place that way is added to the next leg's share.
 */
#ifndef BS_DELEVERAGE_H
#define BS_DELEVERAGE_H

#include "lib/settlement/plan.h"

/* Closes the debtor's positions against the ranked counterparties. `at_mark`: nothing is taken;
 * else at the bankruptcy price, which takes what is owed. */
void bs_deleverage_run(struct bs_plan *plan, uint32_t debtor_row, const struct bs_layer *layer,
                       bool at_mark);

#endif
