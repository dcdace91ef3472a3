/* SPDX-License-Identifier: Apache-2.0 */
/* Bounds of the core. Every loop and every table is bounded by one of these or by a capacity. */
#ifndef BS_LIMITS_H
#define BS_LIMITS_H

#include <stdint.h>

#define BS_ID_SIZE_MAX 64 /* bytes of an account, market, pool, trade or transfer id */
#define BS_KEY_SIZE_MAX                                                                            \
    (2 * BS_ID_SIZE_MAX + 1) /* owner, NUL, market: key of an isolated position */
#define BS_AGES_MAX 7        /* periods whose gains are remembered */
#define BS_LAYERS_MAX 8      /* layers of one waterfall */
#define BS_ACCOUNT_POSITIONS_MAX 10000
#define BS_PROVIDERS_MAX 4096u /* registrations of liquidity providers in all pools */
#define BS_SOURCES_MAX 256u    /* producers that number their items */
#define BS_ASSET_DECIMALS_MAX 18
#define BS_RECORD_SIZE_MAX (1u << 20) /* bytes of one command record */
#define BS_REASON_SIZE_MAX 200        /* bytes of the reason of a pause */
#define BS_REQUEST_KEY_SIZE_MAX 128   /* bytes of an Idempotency-Key */
#define BS_FINGERPRINT_SIZE 32        /* SHA-256 */
#define BS_DETAIL_SIZE_MAX 159        /* bytes of the detail of a rejection */

#define BS_TIME_AHEAD_MAX_MS 5000 /* of a time from outside, of engine time */

/* Money and value of one position or one account's collateral stay within +-BS_MONEY_MAX quanta. */
#define BS_MONEY_MAX ((int64_t)1 << 62)

#define BS_PPM 1000000
#define BS_SPREAD_MAX_PPM 100000    /* what a provider gets, of the value at mark */
#define BS_COST_MAX_PPM 1000000000u /* all spreads of one debtor, of what it owes */

#endif
