/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The price of a close: a total value for a number of lots, handed out piece by piece.
 *
 * Bankruptcy price of a leg (after dYdX v4, x/perpetuals/lib and x/clob/keeper/liquidations.go):
 * the closing account receives
 *     value(closed lots) - floor(equity * weight of the closed lots / sum of weights)
 * with the floor toward -inf, so that it keeps the ratio of equity to maintenance, and a full
 * close of its only leg leaves exactly 0.
 */
#ifndef BS_CLOSE_PRICE_H
#define BS_CLOSE_PRICE_H

#include "lib/base/base.h"
#include "lib/money/money.h"

struct bs_piecewise {
    bs_i128 value; /* V, signed: what the closing account receives for all lots */
    int64_t lots;  /* Q > 0 */
};

/* What the next `lots` bring after `done` lots: ceil(V*(done+lots)/Q) - ceil(V*done/Q). */
static inline bs_i128 bs_piece(const struct bs_piecewise *price, int64_t done, int64_t lots)
{
    return bs_split_ceil(price->value, done, (bs_i128)done + lots, price->lots);
}

/* Total value for closing a part whose value at mark is `value` (signed) and whose weight
 * (maintenance released by the close) is `weight` of `weights_total` > 0. equity: of the account.
 */
static inline bs_i128 bs_bankruptcy_value(bs_i128 value, bs_i128 equity, bs_i128 weight,
                                          bs_i128 weights_total)
{
    return value - bs_muldiv_floor(equity, weight, weights_total);
}

#endif
