/* SPDX-License-Identifier: Apache-2.0 */
/* Looking things up in a policy: a pool's waterfall. */
#ifndef BS_POLICY_H
#define BS_POLICY_H

#include "lib/book/book.h"

/* The layer of a type, or NULL. */
const struct bs_layer *bs_policy_layer(const struct bs_policy *policy, uint8_t type);
/* The insurance layer, if it limits the fund's drawdown; or NULL. */
const struct bs_layer *bs_policy_drawdown(const struct bs_policy *policy);
/* The layer that limits what one account may lose or have closed, if one does; or NULL. */
const struct bs_layer *bs_policy_limits(const struct bs_policy *policy);
/* Whether lots are split among counterparties: then the debtors of a market side are closed together. */
bool bs_policy_splits(const struct bs_policy *policy);
/* Whether it has a layer of the type, and an insurance layer comes after that. */
bool bs_policy_insures_after(const struct bs_policy *policy, uint8_t type);
/* Whether its haircut layer divides by the gain of a window. */
bool bs_policy_has_window(const struct bs_policy *policy);

#endif
