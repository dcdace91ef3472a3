/* SPDX-License-Identifier: Apache-2.0 */
/* What a snapshot remembers of what came: numbered items, ids, closes. */
#include "lib/book/dedupe.h"
#include "lib/command/source.h"
#include "lib/snapshot/fields.h"
#include "lib/snapshot/sections.h"

#define ITEM_SIZE 8u /* bytes of an item of a source in its row */

static void write_source(const struct bs_source *from, struct bs_row_writer *row)
{
    bs_row_is(row, BS_ROW_SOURCE);
    bs_row_put_text(row, bs_source_name(from));
    bs_row_put(row, from->first_seq);
    BS_SOURCE_KEPT(BS_SAVE)
}

/* As many of the source's items, from writer->number on, as fit. */
static void write_items(struct bs_snapshot_writer *writer, struct bs_row_writer *row,
                        const struct bs_source *source)
{
    assert(writer->number < source->next_seq);
    bs_row_is(row, BS_ROW_SOURCE_ITEMS);
    for (; writer->number < source->next_seq && bs_row_left(row) >= ITEM_SIZE; writer->number++) {
        uint8_t bytes[ITEM_SIZE];
        bs_wire_put_u64(bytes, *bs_source_entry(writer->engine, source, writer->number));
        bs_row_put_bytes(row, bytes, sizeof bytes);
    }
}

/* Outcomes stand in the items by number, and their numbers change from build to build: their names
 * come first. */
bool bs_section_sources(struct bs_snapshot_writer *writer, struct bs_row_writer *row)
{
    const struct bs_engine *engine = writer->engine;
    if (engine->sources_count == 0) {
        return false;
    }
    if (writer->part < BS_STATUS_COUNT) {
        const char *name = bs_status_name((enum bs_status)writer->part++);
        bs_row_is(row, BS_ROW_OUTCOME);
        bs_row_put_text(row, (struct bs_text){name, (uint32_t)strlen(name)});
        return true;
    }
    if (writer->row != 0) {
        const struct bs_source *source = &engine->sources[writer->row - 1];
        if (writer->number < source->next_seq) {
            write_items(writer, row, source);
            return true;
        }
    }
    if (writer->at == engine->sources_count) {
        return false;
    }
    writer->row = ++writer->at;
    const struct bs_source *source = &engine->sources[writer->row - 1];
    writer->number = bs_source_oldest(engine, source);
    write_source(source, row);
    return true;
}

static void write_ring(const struct bs_dedupe *ring, struct bs_row_writer *row)
{
    bs_row_put(row, ring->forgotten);
    bs_row_put(row, ring->added);
    bs_row_put_signed(row, ring->forgotten_ms);
}

static void write_id(const struct bs_dedupe_key *key, struct bs_row_writer *row)
{
    bs_row_put_text(row, key->id);
    bs_row_put(row, key->account_uid);
    bs_row_put_signed(row, key->time_ms);
    bs_row_put(row, key->side);
    bs_row_put(row, key->market_uid);
    for (int i = 0; i < 3; i++) {
        bs_row_put_signed(row, key->content[i]);
    }
}

/* Trade ids, then transfer ids, each with the oldest first. */
bool bs_section_ids(struct bs_snapshot_writer *writer, struct bs_row_writer *row)
{
    const struct bs_engine *engine = writer->engine;
    while (writer->part < 2) {
        bool is_trade = writer->part == 0;
        const struct bs_dedupe *ring = is_trade ? &engine->trades : &engine->transfers;
        if (writer->at == 0) {
            writer->at = 1;
            writer->number = ring->forgotten;
            bs_row_is(row, is_trade ? BS_ROW_TRADES : BS_ROW_TRANSFERS);
            write_ring(ring, row);
            return true;
        }
        if (writer->number < ring->added) {
            struct bs_dedupe_key key;
            bs_dedupe_get(engine, is_trade, writer->number++, &key);
            bs_row_is(row, is_trade ? BS_ROW_TRADE_ID : BS_ROW_TRANSFER_ID);
            write_id(&key, row);
            return true;
        }
        writer->part++;
        writer->at = 0;
    }
    return false;
}

bool bs_section_closes(struct bs_snapshot_writer *writer, struct bs_row_writer *row)
{
    const struct bs_engine *engine = writer->engine;
    uint64_t number = bs_closes_first(engine) + writer->number++;
    if (number > engine->closes.added) {
        return false;
    }
    const struct bs_close *from = bs_closes_at(engine, number);
    assert(from->lots > 0);
    bs_row_is(row, BS_ROW_CLOSE);
    bs_row_put(row, from->pool);
    bs_row_put(row, bs_close_has_market(engine, from) ? from->market : 0);
    for (int side = 0; side < BS_SIDES; side++) {
        bool is_there = bs_close_has_account(engine, from, side);
        bs_row_put(row, from->account[side] != 0);
        bs_row_put_text(row, is_there ? bs_account_key(engine, from->account[side])
                                      : (struct bs_text){0});
    }
    BS_CLOSE_SAVED(BS_SAVE)
    return true;
}
