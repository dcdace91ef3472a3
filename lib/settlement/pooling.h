/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A side that is closed together, checked: what each debtor is due is worked out again by the rule of
 * rules/exact_price.h, and of every step exactly one amount passes. Asked of every step in its order,
 * before it is carried out.
 */
#ifndef BS_POOLING_H
#define BS_POOLING_H

#include "lib/settlement/plan.h"

BS_MUST_USE bool bs_pooling_begins(struct bs_plan *plan, const struct bs_step *pool);
BS_MUST_USE bool bs_pooling_close_is_exact(struct bs_plan *plan, const struct bs_step *close);
BS_MUST_USE bool bs_pooling_adl_is_exact(struct bs_plan *plan, const struct bs_step *adl);
/* No side was begun and not ended. */
bool bs_pooling_is_done(const struct bs_plan *plan);
/* The roundings of inverse values that one of the side's debtors may have to bear. */
bs_i128 bs_pooling_dust(const struct bs_plan *plan);

#endif
