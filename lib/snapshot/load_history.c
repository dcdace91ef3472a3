/* SPDX-License-Identifier: Apache-2.0 */
/* Loads what is remembered of what came: numbered items, ids, closes. */
#include "lib/book/accounts.h"
#include "lib/book/dedupe.h"
#include "lib/command/source.h"
#include "lib/snapshot/fields.h"
#include "lib/snapshot/loading.h"

#define ACCOUNT_GONE 1u /* no page has this row: it is nobody's for ever */

bool bs_load_outcome(struct bs_snapshot_loader *loader, struct bs_row_reader *row)
{
    enum bs_status status;
    struct bs_text name = bs_row_get_text(row, UINT8_MAX);
    if (loader->outcomes_count == BS_SNAPSHOT_OUTCOMES_MAX) {
        row->newer = true;
        return false;
    }
    bool is_known = bs_status_find(name, &status);
    loader->outcomes[loader->outcomes_count++] = is_known ? (uint16_t)status : BS_STATUS_COUNT;
    return name.size > 0;
}

bool bs_load_source_is_whole(const struct bs_snapshot_loader *loader)
{
    return loader->source == 0 ||
           loader->number == loader->engine->sources[loader->source - 1].next_seq;
}

bool bs_load_source(struct bs_snapshot_loader *loader, struct bs_row_reader *row)
{
    struct bs_engine *engine = loader->engine;
    uint32_t at = engine->sources_count;
    struct bs_text name = bs_row_get_text(row, BS_ID_SIZE_MAX);
    if (!bs_load_source_is_whole(loader) || at == BS_SOURCES_MAX || name.size == 0 ||
        (at > 0 && bs_text_compare(bs_source_name(&engine->sources[at - 1]), name) >= 0)) {
        return false;
    }
    struct bs_source *to = &engine->sources[at];
    *to = (struct bs_source){.name_size = name.size, .ring = at, .first_seq = bs_row_get(row)};
    memcpy(to->name, name.bytes, name.size);
    BS_SOURCE_KEPT(BS_LOAD)
    if (row->bad || to->first_seq > to->next_seq) {
        return false;
    }
    loader->source = ++engine->sources_count;
    loader->number = bs_source_oldest(engine, to);
    return true;
}

bool bs_load_source_items(struct bs_snapshot_loader *loader, struct bs_row_reader *row)
{
    assert(loader->source != 0);
    const struct bs_source *source = &loader->engine->sources[loader->source - 1];
    const uint64_t outcome_mask = (UINT64_C(1) << BS_SOURCE_OUTCOME_BITS) - 1;
    for (; row->end - row->at >= 8; row->at += 8) {
        uint64_t item = bs_wire_u64(row->at);
        uint64_t outcome = item & outcome_mask;
        if (outcome >= loader->outcomes_count || loader->number >= source->next_seq) {
            return false;
        }
        if (loader->outcomes[outcome] == BS_STATUS_COUNT) {
            row->newer = true;
            return false;
        }
        *bs_source_entry(loader->engine, source, loader->number++) =
            (item & ~outcome_mask) | loader->outcomes[outcome];
    }
    return row->at == row->end;
}

static bool load_ring(struct bs_snapshot_loader *loader, struct bs_row_reader *row,
                      struct bs_dedupe *ring, uint32_t window)
{
    ring->forgotten = bs_row_get(row);
    loader->number = bs_row_get(row);
    ring->forgotten_ms = bs_row_get_signed(row);
    ring->added = ring->forgotten;
    return loader->number >= ring->forgotten && loader->number - ring->forgotten <= window;
}

static bool load_id(struct bs_snapshot_loader *loader, struct bs_row_reader *row, bool is_trade)
{
    struct bs_engine *engine = loader->engine;
    const struct bs_dedupe *ring = is_trade ? &engine->trades : &engine->transfers;
    struct bs_dedupe_key key = {.is_trade = is_trade, .has_time = true};
    key.id = bs_row_get_text(row, BS_ID_SIZE_MAX);
    key.account_uid = bs_row_get(row);
    key.time_ms = bs_row_get_signed(row);
    key.side = (uint8_t)bs_row_get_most(row, UINT8_MAX);
    key.market_uid = bs_row_get(row);
    for (int i = 0; i < 3; i++) {
        key.content[i] = bs_row_get_signed(row);
    }
    if (row->bad || ring->added == loader->number) {
        return false;
    }
    bs_dedupe_restore(engine, &key);
    return true;
}

bool bs_load_trades(struct bs_snapshot_loader *loader, struct bs_row_reader *row)
{
    struct bs_engine *engine = loader->engine;
    return bs_load_source_is_whole(loader) &&
           load_ring(loader, row, &engine->trades, engine->capacity.dedupe_window);
}

bool bs_load_trade_id(struct bs_snapshot_loader *loader, struct bs_row_reader *row)
{
    assert(loader->engine->trades.added <= loader->number);
    return load_id(loader, row, true);
}

bool bs_load_transfers(struct bs_snapshot_loader *loader, struct bs_row_reader *row)
{
    struct bs_engine *engine = loader->engine;
    return engine->trades.added == loader->number &&
           load_ring(loader, row, &engine->transfers, engine->capacity.transfer_window);
}

bool bs_load_transfer_id(struct bs_snapshot_loader *loader, struct bs_row_reader *row)
{
    assert(loader->engine->transfers.added <= loader->number);
    return load_id(loader, row, false);
}

/* A side of a close: none, an account, or one that is gone. */
static bool load_side(const struct bs_engine *engine, struct bs_row_reader *row,
                      struct bs_close *close, int side)
{
    bool has_side = bs_row_get_most(row, 1) != 0;
    struct bs_text name = bs_row_get_text(row, BS_KEY_SIZE_MAX);
    if (!has_side || name.size == 0) {
        close->account[side] = has_side ? ACCOUNT_GONE : 0;
        return name.size == 0;
    }
    uint32_t account = bs_index_find(&engine->account_index, name);
    close->account[side] = account;
    close->uid[side] = engine->accounts.cold[account].uid;
    return account != 0 && engine->accounts.hot[account].pool == close->pool;
}

static bool close_is_good(const struct bs_close *close, uint64_t number)
{
    bool is_pooled = close->account[BS_SIDE_CLOSED] == 0 || close->account[BS_SIDE_COUNTER] == 0;
    bool is_grouped = close->group != 0 && close->debtors > 0 && close->group <= number;
    return close->lots > 0 && close->reversed >= 0 && close->reversed <= close->lots &&
           is_pooled == (close->group != 0) && (!is_pooled || is_grouped) &&
           (close->account[BS_SIDE_CLOSED] != 0 || close->debtors <= number - close->group) &&
           close->account[BS_SIDE_CLOSED] + close->account[BS_SIDE_COUNTER] != 0;
}

bool bs_load_close(struct bs_snapshot_loader *loader, struct bs_row_reader *row)
{
    struct bs_engine *engine = loader->engine;
    struct bs_close close = {0}, *to = &close;
    close.pool = (uint32_t)bs_row_get_most(row, engine->pools_used);
    close.market = (uint32_t)bs_row_get_most(row, engine->markets_used);
    if (close.pool == 0 || engine->pool_name[close.pool] == 0 ||
        loader->close > engine->closes.added ||
        (close.market != 0 && engine->market_name[close.market] == 0)) {
        return false;
    }
    close.market_uid = engine->markets[close.market].uid;
    for (int side = 0; side < BS_SIDES; side++) {
        if (!load_side(engine, row, to, side)) {
            return false;
        }
    }
    BS_CLOSE_SAVED(BS_LOAD)
    if (row->bad || !close_is_good(to, loader->close)) {
        return false;
    }
    bs_closes_restore(engine, loader->close++, to);
    return true;
}

bool bs_load_room(struct bs_snapshot_loader *loader, struct bs_row_reader *row)
{
    struct bs_engine *engine = loader->engine;
    for (uint32_t steps = 1; steps <= BS_NAME_CLASSES; steps++) {
        for (uint64_t count = bs_row_get(row); count > 0; count--) {
            if (!bs_names_add_free(&engine->names, steps)) {
                return false;
            }
        }
    }
    for (uint32_t class = 0; class < BS_POSITION_CLASSES; class ++) {
        for (uint64_t count = bs_row_get(row); count > 0; count--) {
            if (!bs_position_add_free(engine, class)) {
                return false;
            }
        }
    }
    return true;
}

/* The rows of a pool's pages that no account has, in one list. */
static void list_free_rows(struct bs_engine *engine, struct bs_pool *pool)
{
    uint32_t first = pool->account_free, end = (pool->page_tail + 1) * BS_PAGE_ACCOUNTS;
    pool->account_free = 0;
    for (uint32_t row = end; pool->page_tail != 0 && row-- > first;) {
        engine->accounts.hot[row].position_at = pool->account_free;
        pool->account_free = row;
    }
}

/* The account that is the pool's fund: by its name. */
static uint32_t find_backstop(const struct bs_engine *engine, uint32_t pool)
{
    char name[BS_ID_SIZE_MAX];
    struct bs_text of = bs_pool_text(engine, pool);
    assert(of.size <= BS_ID_SIZE_MAX - 9);
    memcpy(name, "backstop:", 9);
    memcpy(name + 9, of.bytes, of.size);
    uint32_t account = bs_index_find(&engine->account_index, (struct bs_text){name, 9 + of.size});
    return engine->accounts.hot[account].pool == pool ? account : 0;
}

/* What a pool's numbers say of its markets and accounts. */
static bool sums_agree(const struct bs_engine *engine, const struct bs_pool *pool)
{
    bs_i128 own_funds = 0, claims = 0;
    for (uint32_t row = pool->market_head; row != 0; row = engine->markets[row].next) {
        own_funds += engine->markets[row].own_fund_balance;
    }
    struct bs_account_walk walk = bs_account_walk_begin(pool);
    for (uint32_t account;
         engine->accounts.any_past && (account = bs_account_walk_next(engine, &walk)) != 0;) {
        claims += engine->accounts.past[account].claim;
    }
    return own_funds == pool->own_funds && claims == pool->claims;
}

static bool finish_pool(struct bs_engine *engine, uint32_t number)
{
    struct bs_pool *pool = &engine->pools[number];
    list_free_rows(engine, pool);
    if (pool->name == 0 || pool->retired) {
        return pool->exclusions == 0;
    }
    pool->backstop = find_backstop(engine, number);
    if (pool->backstop == 0) {
        return false;
    }
    pool->accounts--;
    bool is_known = pool->again_final == 0 || (engine->market_name[pool->again_final] != 0 &&
                                               engine->markets[pool->again_final].pool == number);
    return is_known && sums_agree(engine, pool);
}

bool bs_load_end(struct bs_snapshot_loader *loader, struct bs_row_reader *row)
{
    struct bs_engine *engine = loader->engine;
    (void)row;
    for (uint32_t i = engine->markets_count; i-- > 0;) { /* each list by name */
        uint32_t number = engine->market_order[i];
        struct bs_pool *pool = &engine->pools[engine->markets[number].pool];
        engine->markets[number].next = pool->market_head;
        pool->market_head = number;
    }
    for (uint32_t number = 1; number <= engine->pools_used; number++) {
        if (!finish_pool(engine, number)) {
            return false;
        }
    }
    return engine->transfers.added == loader->number && loader->close == engine->closes.added + 1 &&
           engine->accounts_count == loader->accounts &&
           engine->positions_count == loader->positions;
}
