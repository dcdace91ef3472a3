/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The providers that a settlement asks, in the order in which it asks them: by market, then by
 * priority, then by account id. A place is an index of plan->asked.
 */
#ifndef BS_ASKED_H
#define BS_ASKED_H

#include "lib/settlement/plan.h"

/* Lists the pool's providers if its waterfall asks them. The order of ids is up to date. */
void bs_asked_begin(struct bs_plan *plan);
/* The first place of a market; its other providers follow. */
uint32_t bs_asked_first(const struct bs_plan *plan, uint32_t market);
const struct bs_provider *bs_asked_at(const struct bs_plan *plan, uint32_t place);
/* Lots of the offer that the provider at a place takes as the plan stands. */
int64_t bs_asked_room(const struct bs_plan *plan, uint32_t place, const struct bs_offer *offer);
/* Counts an assignment of `lots`, worth `value` at mark, against the provider's limits. */
void bs_asked_count(struct bs_plan *plan, uint32_t place, int64_t lots, bs_i128 value);
/* Makes room in the engine for the positions that a checked plan gives to providers. */
BS_MUST_USE bool bs_asked_reserve(struct bs_engine *engine, const struct bs_plan *plan);
/* Writes what the providers took in an applied plan. */
void bs_asked_write(struct bs_engine *engine, const struct bs_plan *plan);

#endif
