/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Gains by age. At a period's end its gain becomes the youngest of the older ones; a loss eats the
 * youngest first. Age 0 is the period in hand, age k the k-th before it.
 */
#ifndef BS_SENIORITY_H
#define BS_SENIORITY_H

#include "lib/book/book.h"

/* The gain of this age that is left after the losses of younger periods; for age 0 signed. */
bs_i128 bs_gain_of_age(const struct bs_account_past *past, bs_i128 period_gain, uint32_t age);
/* What the haircut layer could charge the account for: the gain of the period and of the ages
 * before it that the layer looks at. Signed where there are none. */
bs_i128 bs_gain_at_stake(const struct bs_account_past *past, bs_i128 period_gain, uint32_t ages);
/* The period of an account ends with this gain; `ages` are remembered. */
void bs_gains_grow_older(struct bs_account_past *past, bs_i128 period_gain, uint32_t ages);

#endif
