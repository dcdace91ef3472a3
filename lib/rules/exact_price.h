/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The price of a close: a total value for a number of lots, handed out piece by piece.
 *
 * Bankruptcy price of a leg (after dYdX v4, x/perpetuals/lib and x/clob/keeper/liquidations.go):
 * the closing account receives
 *     value(closed lots) + ceil(debt * weight of the closed lots / sum of weights)
 * with the ceiling toward +inf, so that it keeps the ratio of equity (the debt is -equity) to
 * maintenance, and a full close of its only leg leaves exactly 0.
 *
 * It is checked by StarkEx's rule for a fair deleverage. With TV the total value of the closing
 * account (its equity), TR its total risk (the weights of its legs), 0 before the first close and 1
 * with the current leg closed in full at its planned value V,
 *
 *     TV1 * TR0 >= TV0 * TR1    and    (TV1 - 1) * TR0 < TV0 * TR1 :
 *
 * one single V passes, whatever legs before could not place. Where the leg pays to be closed V is at
 * most 0: a V above it stands for a price below 0, and 0 is planned instead. At mark V is the value at mark. Each
 * piece is then the difference of ceil(V*P/Q), P the lots placed, or what leaves a protected
 * counterparty with a realised profit of 0, if that is less: again one single amount.
 */
#ifndef BS_EXACT_PRICE_H
#define BS_EXACT_PRICE_H

#include "lib/money/money.h"

struct bs_piecewise {
    bs_i128 value; /* V, signed: what the closing account receives for all lots */
    bs_i128 lots;  /* Q > 0 */
};

/* What the next `lots` bring after `done` lots: ceil(V*(done+lots)/Q) - ceil(V*done/Q). */
static inline bs_i128 bs_piece(const struct bs_piecewise *price, bs_i128 done, int64_t lots)
{
    return bs_split_ceil(price->value, done, done + lots, price->lots);
}

/* The same at the counterparty's entry: it realises 0. `held` is its size, signed or not. */
static inline bs_i128 bs_piece_at_entry(int64_t entry, int64_t lots, int64_t held)
{
    return -bs_muldiv_floor(entry, lots, bs_abs64(held));
}

/* Whether TV1 is the least equity that the rule allows with TV0, TR1 and TR0. */
static inline bool bs_exact_equity_after(bs_i128 value_after, bs_i128 value_before,
                                         bs_i128 risk_after, bs_i128 risk_before)
{
    return bs_compare_products(value_after, risk_before, value_before, risk_after) >= 0 &&
           bs_compare_products(value_after - 1, risk_before, value_before, risk_after) < 0;
}

/* Whether TV1 is more than the least equity that the rule allows. */
static inline bool bs_exceeds_equity_after(bs_i128 value_after, bs_i128 value_before,
                                           bs_i128 risk_after, bs_i128 risk_before)
{
    return bs_compare_products(value_after - 1, risk_before, value_before, risk_after) >= 0;
}

#endif
