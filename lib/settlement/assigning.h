/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The check of assignments walks the account's legs and their providers again, in their order. A
 * provider that was passed over must have no room where it was passed over; one that takes lots
 * must take all it has room for, at the one amount that the spread leaves. So a plan that asks a
 * provider out of turn, or deleverages an account while a provider was not asked, does not pass.
 */
#ifndef BS_ASSIGNING_H
#define BS_ASSIGNING_H

#include "lib/settlement/plan.h"

/* Whether an assignment is the next one that is right: asked in the order of the steps, before it
 * is carried out. */
BS_MUST_USE bool bs_assigning_is_exact(struct bs_plan *plan, const struct bs_step *step);
/* Where sides are pooled: whether the debtor whose turn it was got all that its providers had room for.
 * Asked before every other kind of step, and at the end of a chunk, which no turn outlasts. */
BS_MUST_USE bool bs_assigning_turn_ends(struct bs_plan *plan);
/* Whether every provider was asked before the account of this close is deleveraged; of a step without
 * a debtor, for all debtors before their sides are closed together. */
BS_MUST_USE bool bs_assigning_is_done(struct bs_plan *plan, const struct bs_step *close);

#endif
