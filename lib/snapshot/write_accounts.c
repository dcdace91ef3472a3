/* SPDX-License-Identifier: Apache-2.0 */
/* The accounts of a snapshot, by name, each followed by its positions. */
#include "lib/book/account_cash.h"
#include "lib/book/account_order.h"
#include "lib/book/accounts.h"
#include "lib/book/isolated.h"
#include "lib/snapshot/fields.h"
#include "lib/snapshot/sections.h"

#define POSITION_SIZE_MAX 40u /* bytes of one in its row */
#define FETCH_ROW 24u         /* places ahead */
#define FETCH_NAME 12u

/* The rows of accounts that come soon, then what they lead to. */
static void fetch_ahead(const struct bs_engine *engine, uint32_t place)
{
    const struct bs_accounts *accounts = &engine->accounts;
    if (place + FETCH_ROW < engine->order.places) {
        uint32_t account = accounts->order[place + FETCH_ROW];
        __builtin_prefetch(&accounts->hot[account]);
        __builtin_prefetch(&accounts->cold[account]);
        account = accounts->order[place + FETCH_NAME];
        __builtin_prefetch(bs_account_key(engine, account).bytes);
        __builtin_prefetch(&engine->positions.rows[accounts->hot[account].position_at]);
    }
}

/* An isolated account goes by its market: its owner came before it. */
static void write_account(const struct bs_engine *engine, struct bs_row_writer *row,
                          uint32_t account)
{
    const struct bs_account_hot *hot = &engine->accounts.hot[account];
    const struct bs_account_cold *from = &engine->accounts.cold[account];
    bool is_isolated = from->owner != 0;
    uint32_t market =
        is_isolated ? bs_index_find(&engine->market_index, bs_isolated_market(engine, account)) : 0;
    assert(is_isolated == (market != 0));
    bs_row_is(row, BS_ROW_ACCOUNT);
    bs_row_put(row, hot->pool);
    bs_row_put(row, market);
    bs_row_put_text(row, is_isolated ? (struct bs_text){0} : bs_account_key(engine, account));
    bs_row_put_wide(row, bs_account_cash(engine, account));
    bs_row_put(row, from->seq);
    bs_row_put(row, from->uid);
    bs_row_put(row, from->position_class == BS_NO_ROOM ? 0 : from->position_class + 1u);
    BS_ACCOUNT_KEPT(BS_SAVE)
}

/* How many columns the positions have: those at the end that are 0 in all of them are left out. */
static uint32_t columns_of(const struct bs_engine *engine, uint32_t first, uint32_t end)
{
    uint32_t columns = 3;
    for (uint32_t i = first; i < end; i++) {
        bool has_priority = engine->positions.rows[i].priority != BS_PRIORITY_NONE;
        columns = bs_taken_get(&engine->positions, i) != 0 ? 5
                  : has_priority && columns < 4            ? 4
                                                           : columns;
    }
    return columns;
}

/* As many of the account's positions as fit. */
static void write_positions(const struct bs_engine *engine, struct bs_row_writer *row,
                            uint32_t account, uint32_t *at)
{
    const struct bs_account_hot *hot = &engine->accounts.hot[account];
    uint32_t end = hot->position_at + hot->position_count;
    assert(*at < hot->position_count);
    uint32_t columns = columns_of(engine, hot->position_at + *at, end);
    bs_row_is(row, BS_ROW_POSITIONS);
    bs_row_put(row, columns);
    for (uint32_t i = hot->position_at + *at; i < end && bs_row_left(row) >= POSITION_SIZE_MAX;
         i++) {
        const struct bs_position_row *position = &engine->positions.rows[i];
        bs_row_put(row, position->market);
        bs_row_put_signed(row, position->size);
        bs_row_put_signed(row, position->entry);
        if (columns > 3) {
            bs_row_put(row, (uint32_t)(position->priority + 1)); /* none is 0 */
        }
        if (columns > 4) {
            bs_row_put_signed(row, bs_taken_get(&engine->positions, i));
        }
        ++*at;
    }
}

static void write_past(const struct bs_engine *engine, struct bs_row_writer *row, uint32_t account)
{
    bs_row_is(row, BS_ROW_PAST);
    if (engine->accounts.any_past) {
        const struct bs_account_past *from = &engine->accounts.past[account];
        BS_PAST_SAVED(BS_SAVE)
    }
}

static void write_window(const struct bs_engine *engine, struct bs_row_writer *row,
                         uint32_t account)
{
    bs_row_is(row, BS_ROW_WINDOW);
    if (engine->accounts.any_window) {
        const struct bs_account_window *from = &engine->accounts.window[account];
        BS_ACCOUNT_WINDOW_SAVED(BS_SAVE)
    }
}

/* The rows that are of an account; one without fields is not written. */
static bool write_of_account(struct bs_snapshot_writer *writer, struct bs_row_writer *row)
{
    const struct bs_engine *engine = writer->engine;
    uint32_t account = writer->row, at = (uint32_t)writer->number;
    assert(account != 0);
    if (at < engine->accounts.hot[account].position_count) {
        write_positions(engine, row, account, &at);
        writer->number = at;
        return true;
    }
    while (writer->part < 2) {
        bs_row_begin(row, row->begin);
        if (writer->part++ == 0) {
            write_past(engine, row, account);
        } else {
            write_window(engine, row, account);
        }
        if (bs_row_has_fields(row)) {
            return true;
        }
    }
    writer->row = 0;
    return false;
}

bool bs_section_accounts(struct bs_snapshot_writer *writer, struct bs_row_writer *row)
{
    const struct bs_engine *engine = writer->engine;
    if (writer->row != 0 && write_of_account(writer, row)) {
        return true;
    }
    writer->row = bs_account_order_next(engine, &writer->at);
    if (writer->row == 0) {
        return false;
    }
    fetch_ahead(engine, writer->at);
    writer->part = 0;
    writer->number = 0;
    bs_row_begin(row, row->begin);
    write_account(engine, row, writer->row);
    return true;
}
