/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Positions: an account's are contiguous, in market-name order, in a room of a power of two rows.
 * An account that outgrows its room moves to the next larger one; rooms that it leaves are kept
 * in free lists by size.
 */
#include "lib/book/positions.h"

#include "lib/book/bounds.h"
#include "lib/book/names.h"
#include "lib/book/unrealized.h"
#include "lib/money/money.h"

static uint32_t class_of(uint32_t count)
{
    uint32_t class = 0;
    while ((1u << class) < count) {
        class ++;
    }
    return class;
}

static uint32_t take_room(struct bs_engine *engine, uint32_t class)
{
    uint32_t at = engine->position_free[class];
    if (at != 0) {
        engine->position_free[class] = engine->positions.rows[at].market;
        return at;
    }
    if (engine->positions_rows - engine->positions_used < 1u << class) {
        return 0;
    }
    at = engine->positions_used;
    engine->positions_used += 1u << class;
    return at;
}

static void give_room(struct bs_engine *engine, uint32_t at, uint32_t class)
{
    assert(at != 0);
    assert(class < BS_POSITION_CLASSES);
    engine->positions.rows[at].market = engine->position_free[class];
    engine->position_free[class] = at;
}

uint32_t bs_position_rooms_free(const struct bs_engine *engine, uint32_t class)
{
    uint32_t count = 0;
    assert(class < BS_POSITION_CLASSES);
    for (uint32_t at = engine->position_free[class]; at != 0; count++) {
        at = engine->positions.rows[at].market;
    }
    return count;
}

bool bs_position_add_free(struct bs_engine *engine, uint32_t class)
{
    assert(class < BS_POSITION_CLASSES);
    if (engine->positions_rows - engine->positions_used < 1u << class) {
        return false;
    }
    engine->positions_used += 1u << class;
    give_room(engine, engine->positions_used - (1u << class), class);
    return true;
}

static void copy_row(struct bs_positions *p, uint32_t to, uint32_t from)
{
    p->rows[to] = p->rows[from];
    bs_taken_set(p, to, bs_taken_get(p, from));
}

bool bs_position_room(struct bs_engine *engine, uint32_t account, uint32_t count)
{
    struct bs_accounts *accounts = &engine->accounts;
    uint32_t class = accounts->cold[account].position_class;
    if (count == 0 || (class != BS_NO_ROOM && (1u << class) >= count)) {
        return true;
    }
    uint32_t larger = class_of(count);
    uint32_t at = larger < BS_POSITION_CLASSES ? take_room(engine, larger) : 0;
    if (at == 0) {
        return false;
    }
    for (uint32_t i = 0; i < accounts->hot[account].position_count; i++) {
        copy_row(&engine->positions, at + i, accounts->hot[account].position_at + i);
    }
    if (class != BS_NO_ROOM) {
        give_room(engine, accounts->hot[account].position_at, class);
    }
    accounts->hot[account].position_at = at;
    accounts->cold[account].position_class = (uint8_t)larger;
    assert(count <= 1u << larger);
    return true;
}

bool bs_position_reserve(struct bs_engine *engine, uint32_t account, uint32_t more)
{
    uint32_t count = engine->accounts.hot[account].position_count + more;
    return count <= BS_ACCOUNT_POSITIONS_MAX &&
           engine->capacity.positions_max - engine->positions_count >= more &&
           bs_position_room(engine, account, count);
}

uint32_t bs_position_find(const struct bs_engine *engine, uint32_t account, uint32_t market)
{
    uint32_t first = engine->accounts.hot[account].position_at;
    uint32_t count = engine->accounts.hot[account].position_count;
    for (uint32_t i = first; i < first + count; i++) {
        if (engine->positions.rows[i].market == market) {
            return i;
        }
    }
    return 0;
}

static void count_open(struct bs_market *market, int64_t size, int sign)
{
    if (size != 0) {
        uint32_t side = size < 0;
        market->holders[side] += (uint32_t)sign;
        market->open[side] += sign * bs_abs((bs_i128)size);
        assert(market->open[side] >= 0);
        assert((market->open[side] == 0) == (market->holders[side] == 0));
    }
}

static void insert(struct bs_engine *engine, uint32_t account, uint32_t market, int64_t size,
                   int64_t entry)
{
    struct bs_positions *positions = &engine->positions;
    uint32_t first = engine->accounts.hot[account].position_at;
    uint32_t count = engine->accounts.hot[account].position_count++;
    assert(engine->accounts.cold[account].position_class != BS_NO_ROOM);
    assert(count < 1u << engine->accounts.cold[account].position_class);
    uint32_t at = first + count;
    struct bs_text name = bs_market_text(engine, market);
    while (at > first &&
           bs_text_compare(name, bs_market_text(engine, positions->rows[at - 1].market)) < 0) {
        copy_row(positions, at, at - 1);
        at--;
    }
    positions->rows[at] = (struct bs_position_row){size, entry, market, BS_PRIORITY_NONE};
    bs_taken_set(positions, at, 0);
    engine->positions_count++;
    engine->pools[engine->accounts.hot[account].pool].positions++;
}

static void erase(struct bs_engine *engine, uint32_t account, uint32_t position)
{
    uint32_t end =
        engine->accounts.hot[account].position_at + --engine->accounts.hot[account].position_count;
    for (uint32_t i = position; i < end; i++) {
        copy_row(&engine->positions, i, i + 1);
    }
    engine->positions_count--;
    engine->pools[engine->accounts.hot[account].pool].positions--;
}

void bs_position_put(struct bs_engine *engine, uint32_t account, uint32_t row, int64_t size,
                     int64_t entry)
{
    struct bs_market *market = &engine->markets[row];
    assert(bs_abs64(size) <= BS_MONEY_MAX);
    assert(bs_abs64(entry) <= BS_MONEY_MAX);
    assert(market->pool == engine->accounts.hot[account].pool);
    bs_bound_touch(engine, account);
    bs_unrealized_forget(engine, account);
    uint32_t position = bs_position_find(engine, account, row);
    count_open(market, position == 0 ? 0 : engine->positions.rows[position].size, -1);
    count_open(market, size, 1);
    int64_t held = position == 0 ? 0 : engine->positions.rows[position].size;
    if (bs_abs64(size) >= market->size_peak) {
        market->size_peak = bs_abs64(size);
        market->size_peak_is_old = false;
    } else if (bs_abs64(held) == market->size_peak) {
        market->size_peak_is_old = true; /* unless another position is as large */
    }
    if (position == 0) {
        if (size != 0) {
            insert(engine, account, row, size, entry);
        }
    } else if (size == 0) {
        erase(engine, account, position);
    } else {
        engine->positions.rows[position].size = size;
        engine->positions.rows[position].entry = entry;
        if ((held > 0) != (size > 0)) { /* another position than the one that had it */
            engine->positions.rows[position].priority = BS_PRIORITY_NONE;
        }
    }
}

void bs_positions_clear(struct bs_engine *engine, uint32_t account)
{
    struct bs_accounts *accounts = &engine->accounts;
    while (accounts->hot[account].position_count > 0) {
        uint32_t last =
            accounts->hot[account].position_at + accounts->hot[account].position_count - 1;
        bs_position_put(engine, account, engine->positions.rows[last].market, 0, 0);
    }
    if (accounts->cold[account].position_class != BS_NO_ROOM) {
        give_room(engine, accounts->hot[account].position_at,
                  accounts->cold[account].position_class);
        accounts->cold[account].position_class = BS_NO_ROOM;
        accounts->hot[account].position_at = 0;
    }
}

int64_t bs_leg_close(struct bs_leg *leg, int64_t lots)
{
    int64_t held = bs_abs64(leg->size);
    assert(lots > 0);
    assert(lots <= held);
    if (lots == held) {
        int64_t entry = leg->entry;
        *leg = (struct bs_leg){0, 0, 0};
        return entry;
    }
    int64_t share = (int64_t)bs_muldiv_floor(leg->entry, lots, held);
    int64_t released = leg->taken == 0 ? 0 : (int64_t)bs_muldiv_floor(leg->taken, lots, held);
    leg->entry -= share;
    leg->taken -= released;
    leg->size += leg->size > 0 ? -lots : lots;
    return share;
}

bool bs_leg_trade(struct bs_leg *leg, int64_t lots, bs_i128 value, bs_i128 *ret_realized)
{
    struct bs_leg result = *leg;
    bs_i128 realized = 0;
    bs_i128 opened = value;
    int64_t left = lots;
    assert(lots != 0);
    if (result.size != 0 && (result.size > 0) != (lots > 0)) {
        int64_t closed =
            bs_abs64(lots) < bs_abs64(result.size) ? bs_abs64(lots) : bs_abs64(result.size);
        bs_i128 received = -bs_muldiv_floor(value, closed, bs_abs64(lots));
        opened = value + received;
        left = lots > 0 ? lots - closed : lots + closed;
        realized = received - bs_leg_close(&result, closed);
    }
    if (left != 0) {
        bs_i128 entry = result.entry + opened;
        bs_i128 size = (bs_i128)result.size + left;
        if (bs_abs(entry) > BS_MONEY_MAX || bs_abs(size) > BS_MONEY_MAX) {
            return false;
        }
        result.entry = (int64_t)entry;
        result.size = (int64_t)size;
    }
    *leg = result;
    *ret_realized = realized;
    return true;
}
