/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Haircuts of the gains since a default (docs/policies.md "Window"). While a window is open, what
 * its payers bear is divided again whenever a loss comes in, whenever the fund pays some of it
 * back, and at each period's end: L is what has been taken so far and what is new, a payer's weight
 * its gain since the window opened, before anything was taken. Only differences are settled:
 *
 *     share > taken: haircut          share < taken: refund, out of what others pay
 *
 * so that the sum of what is taken is the loss that the payers bear, at every point. When gains
 * have gone and no other payer can bear their part, those it was taken from keep bearing it: a
 * refund is never paid by the venue. A debtor is left out until its debt is resolved.
 */
#ifndef BS_REDIVIDE_H
#define BS_REDIVIDE_H

#include "lib/settlement/plan.h"

/* The basis of the layer; without an open window it is the gain of the period. */
uint8_t bs_basis_in_force(const struct bs_plan *plan, const struct bs_layer *haircut);
/* At a period's end, without a new loss. */
bool bs_redivide_due(const struct bs_plan *plan);
/* What the fund may pay back: all that is taken, except from accounts that are left out. */
bs_i128 bs_redivide_payable(const struct bs_plan *plan);
/* Divides again, with `paid_back` of it paid by the fund. */
void bs_redivide(struct bs_plan *plan, bs_i128 paid_back);

#endif
