/* SPDX-License-Identifier: Apache-2.0 */
/* Wire decimals <-> lots, ticks and quanta of a market or pool. */
#ifndef BS_CONVERT_H
#define BS_CONVERT_H

#include "lib/book/book.h"

BS_MUST_USE enum bs_status bs_to_quanta(const struct bs_pool *pool, struct bs_decimal amount,
                                        int64_t *ret_quanta);
BS_MUST_USE enum bs_status bs_to_lots(const struct bs_market *market, struct bs_decimal size,
                                      int64_t *ret_lots);
BS_MUST_USE enum bs_status bs_to_ticks(const struct bs_market *market, struct bs_decimal price,
                                       int64_t *ret_ticks);
/* Entry value of `lots` at a price that may be finer than a tick, rounded up; |value| bounded. */
BS_MUST_USE enum bs_status bs_to_entry(const struct bs_market *market, int64_t lots,
                                       struct bs_decimal price, int64_t *ret_entry);
/* market->unit from its tick, lot, multiplier and contract: linear tick * lot * multiplier /
 * quantum, inverse lot * multiplier / (tick * quantum); BS_UNIT_NOT_INTEGER unless it is a whole
 * number >= 1, BS_OUT_OF_RANGE beyond BS_MONEY_MAX. */
BS_MUST_USE enum bs_status bs_market_unit(const struct bs_market *market, uint32_t decimals,
                                          int64_t *ret_unit);
/* The value of `lots` at a price of `ticks` > 0; false when |value| is above BS_MONEY_MAX. */
BS_MUST_USE bool bs_value_at(const struct bs_market *market, int64_t lots, int64_t ticks,
                             bs_i128 *ret_value);
struct bs_wide bs_quanta_wide(const struct bs_pool *pool, bs_i128 quanta);
struct bs_wide bs_lots_wide(const struct bs_market *market, bs_i128 lots);
struct bs_wide bs_ticks_wide(const struct bs_market *market, bs_i128 ticks);
/* The value of a position that is shown: size * price, or size / price, positive for positive
 * prices. */
bs_i128 bs_value_shown(const struct bs_market *market, bool is_long, bs_i128 value);
/* The price at which `lots` (> 0) have the value shown: 12 significant digits; 0 for an inverse
 * contract without value. */
struct bs_wide bs_price_wide(const struct bs_market *market, bs_i128 value, int64_t lots);
/* ceil(|value| * ppm / 10^6) */
bs_i128 bs_maintenance(const struct bs_market *market, bs_i128 value);

#endif
