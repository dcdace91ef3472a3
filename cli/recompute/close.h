/* SPDX-License-Identifier: Apache-2.0 */
/* A close as numbers; its size, price, cost to mark and profit. */
#ifndef CLI_RECOMPUTE_CLOSE_H
#define CLI_RECOMPUTE_CLOSE_H

#include "cli/member.h"
#include "cli/recompute/market.h"

struct recompute;

struct close {
    struct market market;
    bool pays;                   /* the account pays the value shown; else it receives it */
    bs_i128 lots, before, after; /* lots: closed, or taken over by a provider */
    bs_i128 ticks;               /* the mark; 0: none is shown */
    bs_i128 value, cost;         /* as shown */
};

/* Without numbers when the market is not known. */
struct close close_of(struct recompute *recompute, const json_t *action);
/* As shown: positive. 0 when it is beyond any that a server publishes. */
bs_i128 close_value_at_mark(const struct close *close);
/* The price is value / size to 12 digits. */
bool close_price_fits(const struct close *close, const char *text);
/* The checks that every close must pass. */
bool close_take(struct recompute *recompute, const json_t *action);

#endif
