/* SPDX-License-Identifier: Apache-2.0 */
/* Writes a snapshot: section after section, a row a call; and all but the largest of the sections. */
#include "lib/book/account_order.h"
#include "lib/book/accounts.h"
#include "lib/settlement/plan.h"
#include "lib/settlement/progress.h"
#include "lib/snapshot/fields.h"
#include "lib/snapshot/sections.h"

static bool (*const sections[])(struct bs_snapshot_writer *, struct bs_row_writer *) = {
    bs_section_engine,   bs_section_pools,     bs_section_markets,
    bs_section_accounts, bs_section_providers, bs_section_sources,
    bs_section_ids,      bs_section_closes,    bs_section_end,
};

#define SECTIONS (sizeof sections / sizeof sections[0])

void bs_snapshot_begin(struct bs_snapshot_writer *writer, struct bs_engine *engine)
{
    assert(!engine->progress->running); /* half a settlement has no snapshot */
    bs_account_order_refresh(engine);
    *writer = (struct bs_snapshot_writer){.engine = engine};
}

size_t bs_snapshot_next(struct bs_snapshot_writer *writer, uint8_t *buffer, size_t size)
{
    size_t used = 0;
    assert(size >= BS_SNAPSHOT_ROW_MAX);
    while (writer->section < SECTIONS && size - used >= BS_SNAPSHOT_ROW_MAX) {
        struct bs_row_writer row;
        bs_row_begin(&row, buffer + used);
        if (sections[writer->section](writer, &row)) {
            used += bs_row_end(&row);
        } else {
            *writer = (struct bs_snapshot_writer){.engine = writer->engine,
                                                  .section = writer->section + 1};
        }
    }
    return used;
}

static void write_capacity(struct bs_row_writer *row, const struct bs_capacity_command *from)
{
    BS_CAPACITY_SAVED(BS_SAVE)
}

bool bs_section_engine(struct bs_snapshot_writer *writer, struct bs_row_writer *row)
{
    const struct bs_engine *from = writer->engine;
    uint32_t at = writer->at++;
    if (at == 0) {
        bs_row_is(row, BS_ROW_ENGINE);
        bs_row_put(row, BS_SNAPSHOT_VERSION);
        BS_ENGINE_SAVED(BS_SAVE)
    } else if (at == 1) {
        bs_row_is(row, BS_ROW_CAPACITY);
        write_capacity(row, &from->capacity);
    } else if (at == 2) {
        bs_row_is(row, BS_ROW_LARGEST);
        write_capacity(row, &from->largest);
    }
    return at < 3;
}

static uint32_t pages_of(const struct bs_engine *engine, const struct bs_pool *pool)
{
    uint32_t pages = 0;
    for (uint32_t page = pool->page_head; page != 0; page = engine->page_next[page]) {
        pages++;
    }
    return pages;
}

static void write_pool(const struct bs_engine *engine, struct bs_row_writer *row, uint32_t number)
{
    assert(number != 0);
    const struct bs_pool *from = &engine->pools[number];
    bs_row_is(row, BS_ROW_POOL);
    bs_row_put(row, number);
    bs_row_put(row, pages_of(engine, from));
    bs_row_put_text(row, bs_pool_text(engine, number));
    bs_row_put(row, from->retired);
    BS_POOL_KEPT(BS_SAVE)
}

static void write_numbers(const struct bs_pool *from, struct bs_row_writer *row)
{
    bs_row_is(row, BS_ROW_POOL_NUMBERS);
    BS_POOL_KEPT_TOO(BS_SAVE)
}

static void write_pause(const struct bs_pool *pool, struct bs_row_writer *row)
{
    bs_row_is(row, BS_ROW_POOL_PAUSE);
    bs_row_put_text(row, (struct bs_text){pool->reason, pool->reason_size});
    bs_row_put(row, pool->again_ends_period);
    bs_row_put(row, pool->again_final);
}

static void write_fund(const struct bs_fund *from, struct bs_row_writer *row)
{
    bs_row_is(row, BS_ROW_FUND);
    BS_FUND_SAVED(BS_SAVE)
}

static void write_drawdown_part(const struct bs_drawdown_part *from, uint32_t at,
                                struct bs_row_writer *row)
{
    bs_row_is(row, BS_ROW_FUND_PART);
    if (from->known) {
        bs_row_put(row, at);
        BS_DRAWDOWN_PART_SAVED(BS_SAVE)
    }
}

/* The changes that are kept, the oldest first. */
static void write_fund_change(const struct bs_fund *fund, uint32_t at, struct bs_row_writer *row)
{
    uint64_t first = fund->changes < BS_FUND_CHANGES_MAX ? 0 : fund->changes - BS_FUND_CHANGES_MAX;
    bs_row_is(row, BS_ROW_FUND_CHANGE);
    if (first + at < fund->changes) {
        const struct bs_fund_change *from = &fund->history[(first + at) % BS_FUND_CHANGES_MAX];
        BS_FUND_CHANGE_SAVED(BS_SAVE)
    }
}

/* The rows that are of a pool, by `part`; one without fields is not written. */
static bool write_of_pool(struct bs_snapshot_writer *writer, struct bs_row_writer *row)
{
    const struct bs_pool *pool = &writer->engine->pools[writer->row];
    const struct bs_fund *fund = &writer->engine->funds[writer->row];
    const uint32_t first_change = 3 + BS_DRAWDOWN_PARTS;
    uint32_t end = fund->changes != 0            ? first_change + BS_FUND_CHANGES_MAX
                   : fund->drawdown.part_ms != 0 ? first_change
                                                 : 3;
    while (writer->part < end) {
        uint32_t part = writer->part++;
        bs_row_begin(row, row->begin);
        if (part == 0) {
            write_numbers(pool, row);
        } else if (part == 1) {
            write_pause(pool, row);
        } else if (part == 2) {
            write_fund(fund, row);
        } else if (part < first_change) {
            write_drawdown_part(&fund->drawdown.parts[part - 3], part - 3, row);
        } else {
            write_fund_change(fund, part - first_change, row);
        }
        if (bs_row_has_fields(row)) {
            return true;
        }
    }
    writer->row = 0;
    return false;
}

bool bs_section_pools(struct bs_snapshot_writer *writer, struct bs_row_writer *row)
{
    const struct bs_engine *engine = writer->engine;
    if (writer->row != 0 && write_of_pool(writer, row)) {
        return true;
    }
    while (writer->at < engine->pools_count + engine->pools_used) {
        uint32_t at = writer->at++;
        bool is_live = at < engine->pools_count;
        uint32_t number = is_live ? engine->pool_order[at] : at - engine->pools_count + 1;
        const struct bs_pool *pool = &engine->pools[number];
        if (is_live || pool->retired || (pool->name == 0 && pool->page_head != 0)) {
            bs_row_begin(row, row->begin);
            write_pool(engine, row, number);
            writer->row = number;
            writer->part = 0;
            return true;
        }
    }
    return false;
}

/* The markets by name; then the losses by row, which outlive their market in a halted pool. */
bool bs_section_markets(struct bs_snapshot_writer *writer, struct bs_row_writer *row)
{
    const struct bs_engine *engine = writer->engine;
    uint32_t count = engine->markets_count;
    if (writer->at < count) {
        uint32_t number = engine->market_order[writer->at++];
        const struct bs_market *from = &engine->markets[number];
        bs_row_is(row, BS_ROW_MARKET);
        bs_row_put(row, number);
        bs_row_put_text(row, bs_market_text(engine, number));
        bs_row_put(row, from->uid);
        BS_MARKET_KEPT(BS_SAVE)
        return true;
    }
    while (writer->at < count + engine->markets_used) {
        uint32_t number = 1 + writer->at++ - count;
        const bs_i128 *loss = &engine->plan->market_loss[(size_t)number * 2];
        if (loss[0] != 0 || loss[1] != 0) {
            bs_row_is(row, BS_ROW_MARKET_LOSS);
            bs_row_put(row, number);
            bs_row_put_wide(row, loss[0]);
            bs_row_put_wide(row, loss[1]);
            return true;
        }
    }
    return false;
}

bool bs_section_providers(struct bs_snapshot_writer *writer, struct bs_row_writer *row)
{
    const struct bs_engine *engine = writer->engine;
    if (writer->at == engine->providers_count) {
        return false;
    }
    const struct bs_provider *from = &engine->providers[writer->at++];
    bs_row_is(row, BS_ROW_PROVIDER);
    BS_PROVIDER_KEPT(BS_SAVE)
    return true;
}

/* Pieces that were freed and not taken again: what fits later follows from them. */
bool bs_section_end(struct bs_snapshot_writer *writer, struct bs_row_writer *row)
{
    const struct bs_engine *engine = writer->engine;
    uint32_t at = writer->at++;
    if (at == 0) {
        bs_row_is(row, BS_ROW_ROOM);
        for (uint32_t steps = 1; steps <= BS_NAME_CLASSES; steps++) {
            bs_row_put(row, bs_names_free(&engine->names, steps));
        }
        for (uint32_t class = 0; class < BS_POSITION_CLASSES; class ++) {
            bs_row_put(row, bs_position_rooms_free(engine, class));
        }
    } else if (at == 1) {
        bs_row_is(row, BS_ROW_END);
    }
    return at < 2;
}
