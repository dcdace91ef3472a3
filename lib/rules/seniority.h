/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Gains by age. At a period's end its gain becomes the youngest of the older ones; a loss eats the
 * youngest first. Age 0 is the current period, age k the k-th before it: `gains` holds what is left
 * of those of age 1 and above, the youngest first.
 */
#ifndef BS_SENIORITY_H
#define BS_SENIORITY_H

#include "lib/money/money.h"
#include "lib/record/command.h"

/* The gain of this age that is left after the losses of younger periods; for age 0 signed. */
bs_i128 bs_gain_of_age(const bs_i128 gains[BS_AGES_MAX], bs_i128 period_gain, uint32_t age);
/* What the haircut layer could charge the account for: the gain of the period and of the ages
 * before it that the layer looks at. Signed where there are none. */
bs_i128 bs_gain_at_stake(const bs_i128 gains[BS_AGES_MAX], bs_i128 period_gain, uint32_t ages);
/* The period of an account ends with this gain; `ages` are remembered. */
void bs_gains_grow_older(bs_i128 gains[BS_AGES_MAX], bs_i128 period_gain, uint32_t ages);

#endif
