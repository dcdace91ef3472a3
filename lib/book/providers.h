/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Liquidity providers: what accounts have offered to take over from insolvent ones, market by
 * market, before any account is deleveraged. One table for all pools, in the order of account and
 * market id.
 */
#ifndef BS_PROVIDERS_H
#define BS_PROVIDERS_H

#include "lib/book/book.h"

/* What was taken so far, for the limits. */
struct bs_provider_use {
    uint64_t settlement; /* number of the settlement that `lots` counts for */
    int64_t lots;
    int64_t period; /* number of the quota period that `value` counts for */
    bs_i128 value;  /* at mark, quanta */
};

struct bs_provider {
    uint32_t account, market;
    uint32_t priority; /* low is asked first */
    uint32_t max_leverage_ppm, quota_ppm;
    int64_t quota_period_ms;        /* 0 = no quota */
    int64_t max_position, max_size; /* lots > 0; INT64_MAX: no max_size */
    struct bs_provider_use use;
};

/* The place of the registration in engine->providers, or where it would be inserted. */
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
