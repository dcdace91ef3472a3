/* SPDX-License-Identifier: Apache-2.0 */
/* Loads accounts and positions, which are nearly all of a large snapshot, and what providers offer. */
#include "lib/book/account_cash.h"
#include "lib/book/account_order.h"
#include "lib/book/accounts.h"
#include "lib/book/isolated.h"
#include "lib/money/money.h"
#include "lib/snapshot/fields.h"
#include "lib/snapshot/loading.h"

/* The next row of the pool's pages; 0 = they are full. */
static uint32_t take_row(const struct bs_engine *engine, struct bs_pool *pool)
{
    uint32_t row = pool->account_free;
    if (row == 0 || row / BS_PAGE_ACCOUNTS > pool->page_tail ||
        engine->accounts_count == engine->capacity.accounts_max + engine->capacity.pools_max) {
        return 0;
    }
    pool->account_free++;
    return row;
}

static bool has_zero(struct bs_text text)
{
    bool has = false;
    for (uint32_t i = 0; i < text.size; i++) {
        has = has || text.bytes[i] == '\0';
    }
    return has;
}

/* What the account goes by: as sent, or of the last owner and a market. Empty where it cannot be. */
static struct bs_text key_of(const struct bs_snapshot_loader *loader, struct bs_text name,
                             uint32_t pool, char bytes[BS_KEY_SIZE_MAX])
{
    const struct bs_engine *engine = loader->engine;
    if (loader->market == 0) {
        return has_zero(name) ? (struct bs_text){0} : name;
    }
    if (loader->owner == 0 || name.size != 0 || engine->accounts.hot[loader->owner].pool != pool ||
        engine->markets[loader->market].pool != pool) {
        return (struct bs_text){0};
    }
    struct bs_text owner = bs_account_key(engine, loader->owner);
    struct bs_text market = bs_market_text(engine, loader->market);
    assert(owner.size + 1 + market.size <= BS_KEY_SIZE_MAX);
    memcpy(bytes, owner.bytes, owner.size);
    bytes[owner.size] = '\0';
    memcpy(bytes + owner.size + 1, market.bytes, market.size);
    return (struct bs_text){bytes, owner.size + 1 + market.size};
}

/* Gives it a place in the order now, and one in the index when that place is in the cache. */
static void list_account(struct bs_snapshot_loader *loader, uint32_t account)
{
    struct bs_engine *engine = loader->engine;
    uint32_t number = engine->accounts_count++;
    bs_account_order_append(engine, account);
    __builtin_prefetch(bs_index_home(&engine->account_index, bs_account_key(engine, account)), 1);
    if (number - loader->added == BS_SNAPSHOT_AHEAD) {
        bs_index_add(&engine->account_index, loader->ahead[loader->added++ % BS_SNAPSHOT_AHEAD]);
    }
    loader->ahead[number % BS_SNAPSHOT_AHEAD] = account;
}

void bs_load_finish_index(struct bs_snapshot_loader *loader)
{
    struct bs_engine *engine = loader->engine;
    while (loader->added < engine->accounts_count) {
        bs_index_add(&engine->account_index, loader->ahead[loader->added++ % BS_SNAPSHOT_AHEAD]);
    }
}

static void link_account(struct bs_snapshot_loader *loader, uint32_t account)
{
    struct bs_engine *engine = loader->engine;
    struct bs_account_cold *cold = engine->accounts.cold;
    if (loader->market == 0) {
        loader->owner = account;
        engine->pools[engine->accounts.hot[account].pool].accounts++;
    } else {
        cold[account].owner = loader->owner;
        cold[loader->account].isolated = account; /* of the owner, or of the one before */
        bs_isolated_link(engine, account, loader->market);
    }
    loader->account = account;
}

/* A room of 1 << (room - 1) positions; 0 = none. */
static bool take_room(struct bs_engine *engine, uint32_t account, uint32_t room)
{
    engine->accounts.cold[account].position_class = BS_NO_ROOM;
    assert(room <= BS_POSITION_CLASSES);
    if (room == 0) {
        return true;
    }
    uint32_t rows = 1u << (room - 1);
    if (engine->positions_rows - engine->positions_used < rows) {
        return false;
    }
    engine->accounts.cold[account].position_class = (uint8_t)(room - 1);
    engine->accounts.hot[account].position_at = engine->positions_used;
    engine->positions_used += rows;
    return true;
}

bool bs_load_account_row(struct bs_snapshot_loader *loader, struct bs_row_reader *row)
{
    struct bs_engine *engine = loader->engine;
    char bytes[BS_KEY_SIZE_MAX];
    uint32_t pool = bs_load_pool(engine, row);
    uint32_t market = (uint32_t)bs_row_get_most(row, engine->markets_used);
    struct bs_text name = bs_row_get_text(row, BS_ID_SIZE_MAX);
    if (row->bad || (market != 0 && engine->market_name[market] == 0)) {
        return false;
    }
    loader->market = market;
    struct bs_text key = key_of(loader, name, pool, bytes);
    bool is_in_order =
        loader->account == 0 || bs_text_compare(bs_account_key(engine, loader->account), key) < 0;
    uint32_t account = key.size == 0 || !is_in_order ? 0 : take_row(engine, &engine->pools[pool]);
    if (account == 0) {
        return false;
    }
    struct bs_account_cold *to = &engine->accounts.cold[account];
    struct bs_account_hot *hot = &engine->accounts.hot[account];
    to->name = bs_names_add(&engine->names, key);
    if (to->name == 0) {
        return false;
    }
    hot->pool = (uint16_t)pool;
    bs_account_cash_set(engine, account, bs_row_get_wide(row));
    to->seq = bs_row_get(row);
    to->uid = bs_row_get_most(row, engine->uids);
    uint32_t room = (uint32_t)bs_row_get_most(row, BS_POSITION_CLASSES);
    BS_ACCOUNT_KEPT(BS_LOAD)
    if (row->bad || !take_room(engine, account, room)) {
        return false;
    }
    link_account(loader, account);
    list_account(loader, account);
    engine->pools[pool].handovers += to->handed_over;
    return to->uid != 0 && to->uncapped_ppm <= BS_PPM;
}

/* Whether the account may hold this, after the positions that it has already. */
static bool position_is_good(const struct bs_snapshot_loader *loader,
                             const struct bs_position_row *position)
{
    const struct bs_engine *engine = loader->engine;
    const struct bs_account_hot *hot = &engine->accounts.hot[loader->account];
    const struct bs_account_cold *cold = &engine->accounts.cold[loader->account];
    const struct bs_market *market = &engine->markets[position->market];
    const struct bs_position_row *before =
        &engine->positions.rows[hot->position_at + hot->position_count - 1u];
    if (market->pool != hot->pool || (loader->market != 0 && loader->market != position->market) ||
        cold->position_class == BS_NO_ROOM || hot->position_count >= 1u << cold->position_class ||
        engine->positions_count == engine->capacity.positions_max) {
        return false;
    }
    if (hot->position_count > 0 && bs_text_compare(bs_market_text(engine, before->market),
                                                   bs_market_text(engine, position->market)) >= 0) {
        return false;
    }
    return position->size != 0 && position->size >= -market->size_peak &&
           position->size <= market->size_peak && position->entry >= -BS_MONEY_MAX &&
           position->entry <= BS_MONEY_MAX &&
           (!market->has_mark || bs_abs(bs_market_value(market, position->size)) <= BS_MONEY_MAX);
}

static void add_position(struct bs_snapshot_loader *loader, const struct bs_position_row *position,
                         int64_t taken)
{
    struct bs_engine *engine = loader->engine;
    struct bs_account_hot *hot = &engine->accounts.hot[loader->account];
    struct bs_market *market = &engine->markets[position->market];
    uint32_t at = hot->position_at + hot->position_count++, side = position->size < 0;
    assert(at != 0);
    assert(position->size != 0);
    engine->positions.rows[at] = *position;
    bs_taken_set(&engine->positions, at, taken);
    market->holders[side]++;
    market->open[side] += bs_abs64(position->size);
    engine->pools[hot->pool].positions++;
    engine->positions_count++;
}

bool bs_load_positions(struct bs_snapshot_loader *loader, struct bs_row_reader *row)
{
    assert(loader->account != 0);
    struct bs_engine *engine = loader->engine;
    uint64_t columns = bs_row_get(row);
    if (columns < 3 || columns > 5 || row->at == row->end) {
        row->newer = columns > 5;
        return false;
    }
    while (row->at != row->end) {
        struct bs_position_row position = {.market = bs_load_market(engine, row)};
        position.size = bs_row_get_signed(row);
        position.entry = bs_row_get_signed(row);
        uint64_t priority = columns > 3 ? bs_row_get_most(row, UINT32_MAX) : 0;
        position.priority = (uint32_t)priority - 1u; /* none is 0 */
        int64_t taken = columns > 4 ? bs_row_get_signed(row) : 0;
        if (row->bad || taken < -BS_MONEY_MAX || taken > BS_MONEY_MAX ||
            !position_is_good(loader, &position)) {
            return false;
        }
        add_position(loader, &position, taken);
    }
    return true;
}

bool bs_load_past(struct bs_snapshot_loader *loader, struct bs_row_reader *row)
{
    assert(loader->account != 0);
    struct bs_account_past *to = &loader->engine->accounts.past[loader->account];
    loader->engine->accounts.any_past = true;
    BS_PAST_SAVED(BS_LOAD)
    return to->claim >= 0;
}

bool bs_load_window(struct bs_snapshot_loader *loader, struct bs_row_reader *row)
{
    assert(loader->account != 0);
    struct bs_engine *engine = loader->engine;
    struct bs_account_window *to = &engine->accounts.window[loader->account];
    BS_ACCOUNT_WINDOW_SAVED(BS_LOAD)
    return engine->pools[engine->accounts.hot[loader->account].pool].window.open && to->taken >= 0;
}

bool bs_load_provider(struct bs_snapshot_loader *loader, struct bs_row_reader *row)
{
    struct bs_engine *engine = loader->engine;
    uint32_t at = engine->providers_count, place;
    if (at == BS_PROVIDERS_MAX) {
        return false;
    }
    struct bs_provider *to = &engine->providers[at];
    BS_PROVIDER_KEPT(BS_LOAD)
    if (row->bad || bs_provider_find(engine, to->account, to->market, &place) || place != at) {
        return false;
    }
    engine->providers_count++;
    return engine->accounts.hot[to->account].pool == engine->markets[to->market].pool &&
           engine->accounts.cold[to->account].owner == 0 && to->max_position > 0 &&
           to->max_size > 0 && to->quota_period_ms >= 0 && bs_load_is_time(to->quota_period_ms);
}
