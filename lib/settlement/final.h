/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Final settlement of a market: at the final price every position in it is closed at its value, in
 * account-id order, each account against a clearing house that exists only meanwhile. It changes no
 * account's equity, so that the order does not matter; accounts that are insolvent at that price go
 * through the waterfall afterwards, within the same settlement.
 *
 * The clearing house ends with the value of what the longs and shorts of the book differ by: 0
 * where they are the same. What the roundings of inverse values leave beyond it goes to the
 * backstop account.
 */
#ifndef BS_FINAL_H
#define BS_FINAL_H

#include "lib/money/money.h"
#include "lib/settlement/plan.h"

/* Closes the market's position of the next account from place *at of the order of ids on, and moves
 * *at; after the last one the dust. False: all positions of the market are closed. */
bool bs_final_next(struct bs_plan *plan, uint32_t market, uint32_t *at);

/* What so many lots are worth at mark: those of all accounts together may be beyond BS_MONEY_MAX. */
static inline bs_i128 bs_cleared_value(const struct bs_market *market, bs_i128 lots)
{
    if (market->contract == BS_CONTRACT_LINEAR) {
        return lots * market->lot_value;
    }
    bs_i128 value = bs_muldiv_floor(bs_abs(lots), market->unit, market->mark);
    return lots > 0 ? -value : value;
}

#endif
