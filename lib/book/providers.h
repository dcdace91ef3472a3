/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Liquidity providers: what accounts have volunteered to take over of insolvent ones, market by
 * market, before anybody is deleveraged. One table for all pools, in the order of account and
 * market id.
 */
#ifndef BS_PROVIDERS_H
#define BS_PROVIDERS_H

#include "lib/book/book.h"

/* What was taken of late, against the limits. */
struct bs_provider_use {
    uint64_t settlement; /* the number of the one that */
    int64_t lots;        /* were taken in */
    int64_t window;      /* the number of the one that */
    bs_i128 value;       /* at mark was taken in, quanta */
};

struct bs_provider {
    uint32_t account, market;
    uint32_t priority; /* low is asked first */
    uint32_t max_leverage_ppm, window_ppm;
    int64_t window_ms;              /* 0 = no window */
    int64_t max_position, max_size; /* lots > 0; INT64_MAX: no max_size */
    struct bs_provider_use use;
};

/* The registration, or where it would stand: its place in engine->providers. */
BS_MUST_USE bool bs_provider_find(const struct bs_engine *engine, uint32_t account, uint32_t market,
                                  uint32_t *ret_row);
/* How many registrations an account has. */
uint32_t bs_providers_of_account(const struct bs_engine *engine, uint32_t account);
/* Opens a gap at a row. False: the table is full. */
BS_MUST_USE bool bs_provider_insert(struct bs_engine *engine, uint32_t row);
void bs_provider_remove(struct bs_engine *engine, uint32_t row);
bool bs_market_has_providers(const struct bs_engine *engine, uint32_t market);
/* With their account, or their market; 0 = of none. */
void bs_providers_forget(struct bs_engine *engine, uint32_t account, uint32_t market);

#endif
