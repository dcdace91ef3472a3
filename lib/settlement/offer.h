/* SPDX-License-Identifier: Apache-2.0 */
/* An offer to a provider, and how much of it the provider has room for. */
#ifndef BS_OFFER_H
#define BS_OFFER_H

#include "lib/book/providers.h"

struct bs_plan;

/* A leg of an insolvent account that providers are asked to take over. */
struct bs_offer {
    uint32_t account, market;
    int64_t size;      /* what is left of it, signed lots */
    bs_i128 cost_left; /* spreads that may still be paid, quanta */
};

/* The spread on lots whose value at mark is `value`; 0 without an assign layer. */
bs_i128 bs_offer_spread(const struct bs_plan *plan, bs_i128 value);
/* The most that all spreads of an account may cost that owes `debt`. */
bs_i128 bs_offer_cost_limit(const struct bs_plan *plan, bs_i128 debt);
/* Whether the account could hold one more position. */
bool bs_offer_position_fits(const struct bs_plan *plan, uint32_t account);
/* The most lots of the offer that the provider takes, given what it took so far. An assignment that
 * only shrinks its own opposite position does not count against max_position and leverage. */
int64_t bs_offer_room(const struct bs_plan *plan, const struct bs_provider *provider,
                      const struct bs_provider_use *use, const struct bs_offer *offer);
/* What of `use` counts in the plan's settlement and quota period. */
struct bs_provider_use bs_offer_use_now(const struct bs_plan *plan,
                                        const struct bs_provider *provider,
                                        const struct bs_provider_use *use);

#endif
