/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What deleveraging has done to an account of late, against the limits of the adl layer: what it
 * lost (against mark) and what of it was closed (value at mark), in the settlement in hand and in
 * the day (UTC), as shares of its equity and of its positions' value at mark before the first close
 * of either.
 */
#ifndef BS_TALLY_H
#define BS_TALLY_H

#include "lib/settlement/plan.h"

/* The adl layer of the policy, if it limits what one account may lose or have closed; or NULL. */
const struct bs_layer *bs_limits_of(const struct bs_policy *policy);

/* What may still be taken of a counterparty; a huge number where nothing limits it. */
struct bs_allowance {
    bs_i128 loss, close; /* quanta, may be below 0 after inverse roundings */
};
struct bs_allowance bs_allowance_of(const struct bs_plan *plan, uint32_t account);

/* Counts a close that moved the account's equity from `equity` and its value at mark from `gross`
 * to what they are now. Only where there are limits. */
void bs_tally_close(struct bs_plan *plan, uint32_t account, const struct bs_tally_base *before);
struct bs_tally_base bs_tally_base_of(const struct bs_plan *plan, uint32_t account);
/* Closes of the account in the day of the plan. */
uint32_t bs_tally_hits(const struct bs_plan *plan, uint32_t account);

#endif
