/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Loads a snapshot: takes rows apart, one after the other, in the order of their stages. The bytes may
 * be anything: each row is checked against what came before it before the engine is touched by it,
 * and what only all rows together can say is checked at the last one.
 */
#include "lib/book/book.h"
#include "lib/engine.h"
#include "lib/snapshot/loading.h"

enum often { IS_ONCE, IS_ANY, IS_OF };

struct kind {
    uint8_t stage;
    enum often often;
    enum bs_snapshot_kind of; /* that must have come before; 0 = none */
};

static const struct kind kinds[] = {
#define ONCE IS_ONCE, (enum bs_snapshot_kind)0
#define ANY IS_ANY, (enum bs_snapshot_kind)0
#define OF(kind) IS_OF, BS_ROW_##kind
#define X(code, number, stage, ...) [number] = {stage, __VA_ARGS__},
#include "lib/snapshot/rows.def"
#undef X
#undef OF
#undef ANY
#undef ONCE
};

_Static_assert(BS_ROW_KINDS <= 64, "a bit of loader->seen for each kind");

static bool load_row(struct bs_snapshot_loader *loader, enum bs_snapshot_kind kind,
                     struct bs_row_reader *row)
{
    switch (kind) {
    case BS_ROW_ENGINE:
        return bs_load_engine(loader, row);
    case BS_ROW_CAPACITY:
        return bs_load_capacity(loader, row);
    case BS_ROW_LARGEST:
        return bs_load_largest(loader, row);
    case BS_ROW_POOL:
        return bs_load_pool_row(loader, row);
    case BS_ROW_POOL_NUMBERS:
        return bs_load_pool_numbers(loader, row);
    case BS_ROW_POOL_PAUSE:
        return bs_load_pool_pause(loader, row);
    case BS_ROW_FUND:
        return bs_load_fund(loader, row);
    case BS_ROW_FUND_PART:
        return bs_load_fund_part(loader, row);
    case BS_ROW_FUND_CHANGE:
        return bs_load_fund_change(loader, row);
    case BS_ROW_MARKET:
        return bs_load_market_row(loader, row);
    case BS_ROW_MARKET_LOSS:
        return bs_load_market_loss(loader, row);
    case BS_ROW_ACCOUNT:
        return bs_load_account_row(loader, row);
    case BS_ROW_POSITIONS:
        return bs_load_positions(loader, row);
    case BS_ROW_PAST:
        return bs_load_past(loader, row);
    case BS_ROW_WINDOW:
        return bs_load_window(loader, row);
    case BS_ROW_PROVIDER:
        return bs_load_provider(loader, row);
    case BS_ROW_OUTCOME:
        return bs_load_outcome(loader, row);
    case BS_ROW_SOURCE:
        return bs_load_source(loader, row);
    case BS_ROW_SOURCE_ITEMS:
        return bs_load_source_items(loader, row);
    case BS_ROW_TRADES:
        return bs_load_trades(loader, row);
    case BS_ROW_TRADE_ID:
        return bs_load_trade_id(loader, row);
    case BS_ROW_TRANSFERS:
        return bs_load_transfers(loader, row);
    case BS_ROW_TRANSFER_ID:
        return bs_load_transfer_id(loader, row);
    case BS_ROW_CLOSE:
        return bs_load_close(loader, row);
    case BS_ROW_ROOM:
        return bs_load_room(loader, row);
    case BS_ROW_END:
        return bs_load_end(loader, row);
    case BS_ROW_KINDS:
        break;
    }
    assert(false);
    return false;
}

/* Whether every row has come that each snapshot has, and that comes before a stage. */
static bool has_all_before(const struct bs_snapshot_loader *loader, uint8_t stage)
{
    for (uint32_t i = 1; i < BS_ROW_KINDS; i++) {
        bool is_due = kinds[i].often == IS_ONCE && kinds[i].stage < stage;
        if (is_due && (loader->seen & UINT64_C(1) << i) == 0) {
            return false;
        }
    }
    return true;
}

/* Whether a row of the kind may come now. */
static bool is_in_turn(const struct bs_snapshot_loader *loader, const struct kind *kind)
{
    bool has_its = kind->of == 0 || (loader->seen & UINT64_C(1) << kind->of) != 0;
    bool is_later = kind->stage > loader->stage;
    return has_its && (is_later || (kind->stage == loader->stage && kind->often != IS_ONCE)) &&
           (!is_later || has_all_before(loader, kind->stage));
}

static enum bs_status take_row(struct bs_snapshot_loader *loader, const uint8_t *at, size_t size)
{
    struct bs_row_reader row = {.at = at + BS_ROW_HEADER_SIZE, .end = at + size};
    if (at[2] == 0 || at[2] >= BS_ROW_KINDS) {
        return at[2] == 0 ? BS_BAD_RECORD : BS_NEWER_RECORD;
    }
    enum bs_snapshot_kind kind = (enum bs_snapshot_kind)at[2];
    if (!is_in_turn(loader, &kinds[kind])) {
        return BS_BAD_RECORD;
    }
    if (kinds[kind].stage > kinds[BS_ROW_ACCOUNT].stage) {
        bs_load_finish_index(loader);
    }
    loader->stage = kinds[kind].stage;
    loader->seen |= UINT64_C(1) << kind;
    bool is_good = load_row(loader, kind, &row);
    if (loader->status != BS_OK) {
        return loader->status;
    }
    if (row.newer || (is_good && !row.bad && row.at != row.end)) {
        return BS_NEWER_RECORD;
    }
    return is_good && !row.bad ? BS_OK : BS_BAD_RECORD;
}

void bs_snapshot_load_begin(struct bs_snapshot_loader *loader, struct bs_engine *engine)
{
    assert(engine->seq == 0);
    assert(engine->pools_used == 0);
    *loader = (struct bs_snapshot_loader){.engine = engine};
}

enum bs_status bs_snapshot_load(struct bs_snapshot_loader *loader, const uint8_t *rows, size_t size,
                                size_t *ret_used)
{
    size_t used = 0;
    while (loader->status == BS_OK && size - used >= BS_ROW_HEADER_SIZE) {
        size_t row = (size_t)rows[used] | (size_t)rows[used + 1] << 8;
        if (row < BS_ROW_HEADER_SIZE || row > BS_SNAPSHOT_ROW_MAX) {
            loader->status = BS_BAD_RECORD;
        } else if (row > size - used) {
            break;
        } else {
            loader->status = take_row(loader, rows + used, row);
            used += row;
        }
    }
    *ret_used = used;
    assert(used <= size);
    return loader->status;
}

enum bs_status bs_snapshot_load_end(struct bs_snapshot_loader *loader)
{
    bool has_ended = (loader->seen & UINT64_C(1) << BS_ROW_END) != 0;
    if (loader->status == BS_OK && !has_ended) {
        loader->status = BS_BAD_RECORD;
    }
    return loader->status;
}
