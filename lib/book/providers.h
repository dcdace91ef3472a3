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

#define BS_PROVIDER_KEPT(X)                                                                        \
    X(ACCOUNT, account, ALWAYS)                                                                    \
    X(MARKET, market, ALWAYS)                                                                      \
    X(U32, priority, ALWAYS) /* low is asked first */                                              \
    X(U32, max_leverage_ppm, ALWAYS)                                                               \
    X(U32, quota_ppm, ALWAYS)                                                                      \
    X(I64, quota_period_ms, ALWAYS) /* 0 = no quota */                                             \
    X(I64, max_position, ALWAYS)    /* lots > 0 */                                                 \
    X(I64, max_size, ALWAYS)        /* lots > 0; INT64_MAX: none */                                \
    X(PART(bs_provider_use), use, ALWAYS)

struct bs_provider {
    BS_PROVIDER_KEPT(BS_KEPT_MEMBER)
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
