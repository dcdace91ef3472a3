/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Positions: found by account and market; their values at mark; and the transitions of one of them
 * (struct bs_leg), used on the engine's and on working positions alike.
 */
#ifndef BS_POSITIONS_H
#define BS_POSITIONS_H

#include "lib/book/book.h"

/* Of an inverse contract, at a price of `ticks` > 0. */
static inline bs_i128 bs_inverse_value(int64_t unit, int64_t lots, int64_t ticks)
{
    bs_i128 value = (bs_i128)(lots < 0 ? -(bs_i128)lots : lots) * unit / ticks;
    return lots > 0 ? -value : value;
}

/* At mark; the market has one. */
static inline bs_i128 bs_market_value(const struct bs_market *market, int64_t lots)
{
    return market->contract == BS_CONTRACT_LINEAR
               ? (bs_i128)lots * market->lot_value
               : bs_inverse_value(market->unit, lots, market->mark);
}

/* Value at mark less entry value; 0 without a mark. */
static inline int64_t bs_position_profit(const struct bs_engine *engine, uint32_t position)
{
    const struct bs_position_row *row = &engine->positions.rows[position];
    const struct bs_market *market = &engine->markets[row->market];
    if (!market->has_mark) {
        return 0;
    }
    return market->contract == BS_CONTRACT_LINEAR
               ? row->size * market->lot_value - row->entry
               : (int64_t)bs_inverse_value(market->unit, row->size, market->mark) - row->entry;
}

/* Value at mark, or at entry without a mark. */
static inline bs_i128 bs_position_value(const struct bs_engine *engine, uint32_t position)
{
    return (bs_i128)engine->positions.rows[position].entry + bs_position_profit(engine, position);
}

static inline int64_t bs_taken_get(const struct bs_positions *positions, uint32_t position)
{
    return positions->any_taken ? positions->taken[position] : 0;
}

static inline void bs_taken_set(struct bs_positions *positions, uint32_t position, int64_t taken)
{
    positions->any_taken = positions->any_taken || taken != 0;
    if (positions->any_taken) {
        positions->taken[position] = taken;
    }
}

uint32_t bs_position_find(const struct bs_engine *engine, uint32_t account, uint32_t market);
/* Makes room for `count` positions in all, whatever the table's count allows. */
BS_MUST_USE bool bs_position_room(struct bs_engine *engine, uint32_t account, uint32_t count);
/* Makes sure `more` new positions in new markets can be added to the account. */
BS_MUST_USE bool bs_position_reserve(struct bs_engine *engine, uint32_t account, uint32_t more);
/* Adds, changes or (size 0) removes; room must be reserved. Keeps the market's open interest. */
void bs_position_put(struct bs_engine *engine, uint32_t account, uint32_t market, int64_t size,
                     int64_t entry);
/* Rooms of 1 << class that were left and are not taken again. */
uint32_t bs_position_rooms_free(const struct bs_engine *engine, uint32_t class);
/* Makes such a room. False: there are no rows for it. */
BS_MUST_USE bool bs_position_add_free(struct bs_engine *engine, uint32_t class);
void bs_positions_clear(struct bs_engine *engine, uint32_t account);

struct bs_leg {
    int64_t size, entry, taken;
};

/* Closes `lots` (> 0, at most |size|): returns the released share of entry (floor toward -inf). */
int64_t bs_leg_close(struct bs_leg *leg, int64_t lots);
/* Trades `lots` (signed) for `value` = what they are worth, signed as lots: closes, opens or flips.
 * *ret_realized is what goes to collateral. False when the result leaves the money range. */
BS_MUST_USE bool bs_leg_trade(struct bs_leg *leg, int64_t lots, bs_i128 value,
                              bs_i128 *ret_realized);

#endif
