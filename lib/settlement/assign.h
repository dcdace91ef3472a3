/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Assignments: the positions of an insolvent account move to volunteers before anybody is
 * deleveraged. Lots move at their value at mark less a spread in the volunteer's favour, which
 * the insolvent account owes on top of its debt:
 *
 *     cost = floor(|value released| * spread_ppm / 10^6)      of each assignment, and
 *     sum of costs <= floor(debt * max_cost_ppm / 10^6)       of all of one account
 *
 * with the debt as it is when the layer's turn comes. Legs go in closing order (adl.c), volunteers
 * by priority, then account id; each is asked once for a leg and takes all that its limits allow.
 */
#ifndef BS_ASSIGN_H
#define BS_ASSIGN_H

#include "lib/book/providers.h"
#include "lib/settlement/plan.h"

/* The spread on lots whose value at mark is `value`; 0 without such a layer. */
bs_i128 bs_spread_on(const struct bs_plan *plan, bs_i128 value);
/* The most that all spreads of an account may cost that owes `debt`. */
bs_i128 bs_spread_limit(const struct bs_plan *plan, bs_i128 debt);

/* The most lots of the offer that the provider takes, given what it took so far. A taking that only
 * makes its own opposite position smaller is not held against max_position and leverage. */
int64_t bs_provider_room(const struct bs_plan *plan, const struct bs_provider *provider,
                         const struct bs_provider_use *use, const struct bs_offer *offer);
/* What counts in the plan's settlement and time. */
struct bs_provider_use bs_provider_use_now(const struct bs_plan *plan,
                                           const struct bs_provider *provider,
                                           const struct bs_provider_use *use);

/* Puts the pool's volunteers in order, if the waterfall asks them. The order of ids is up to date.
 */
void bs_volunteers_begin(struct bs_plan *plan);
/* What they took so far, again as the engine has it. */
void bs_volunteers_reset(struct bs_plan *plan);
/* The place of the market's first volunteer; those that follow are of it as long as it matches. */
uint32_t bs_volunteers_first(const struct bs_plan *plan, uint32_t market);
const struct bs_provider *bs_volunteer_at(const struct bs_plan *plan, uint32_t place);
/* Room of the volunteer at a place as the plan stands. */
int64_t bs_volunteer_room(const struct bs_plan *plan, uint32_t place, const struct bs_offer *offer);
void bs_volunteer_count(struct bs_plan *plan, uint32_t place, int64_t lots, bs_i128 value);
/* Room for the positions that a checked plan gives to volunteers; false: there is none. */
BS_MUST_USE bool bs_volunteers_reserve(struct bs_engine *engine, const struct bs_plan *plan);
void bs_volunteers_write(struct bs_engine *engine, const struct bs_plan *plan);

void bs_layer_assign(struct bs_plan *plan, uint32_t case_row);

/* assign_check.c: whether an assignment is the one that is right, asked in the order of the steps
 * and before it is carried out; and whether every volunteer was asked before the account of a
 * close is deleveraged. */
BS_MUST_USE bool bs_assignment_is_exact(struct bs_plan *plan, const struct bs_step *step);
BS_MUST_USE bool bs_volunteers_were_asked(struct bs_plan *plan, const struct bs_step *close);

#endif
