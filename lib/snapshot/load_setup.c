/* SPDX-License-Identifier: Apache-2.0 */
/* Loads what an engine is made for, its pools and its markets. */
#include "lib/book/convert.h"
#include "lib/book/feature.h"
#include "lib/engine.h"
#include "lib/money/money.h"
#include "lib/record/codec.h"
#include "lib/settlement/plan.h"
#include "lib/sizes.h"
#include "lib/snapshot/fields.h"
#include "lib/snapshot/loading.h"

static bool has_version(struct bs_row_reader *row)
{
    uint64_t version = bs_row_get(row);
    row->newer = version > BS_SNAPSHOT_VERSION;
    return version == BS_SNAPSHOT_VERSION;
}

bool bs_load_engine(struct bs_snapshot_loader *loader, struct bs_row_reader *row)
{
    struct bs_engine *to = loader->engine;
    if (!has_version(row)) {
        return false;
    }
    BS_ENGINE_SAVED(BS_LOAD)
    loader->accounts = to->accounts_count;
    loader->positions = to->positions_count;
    loader->close = bs_closes_first(to);
    to->accounts_count = 0;
    to->positions_count = 0;
    if (to->feature_level == 0) {
        to->feature_level = BS_FEATURE_LEVEL_FIRST;
    }
    if (to->feature_level > bs_feature_newest(to)) {
        loader->status = BS_NEWER_RECORD;
        return false;
    }
    return to->closes.added < UINT64_MAX / 2 / BS_SIDES && to->time_ms <= BS_TIME_MAX_MS &&
           to->time_ms >= BS_TIME_MIN_MS;
}

static void read_capacity(struct bs_row_reader *row, struct bs_capacity_command *to)
{
    BS_CAPACITY_SAVED(BS_LOAD)
}

bool bs_load_capacity(struct bs_snapshot_loader *loader, struct bs_row_reader *row)
{
    struct bs_engine *engine = loader->engine;
    read_capacity(row, &engine->capacity);
    return bs_capacity_is_valid(&engine->capacity);
}

/* Whether each of `inner` is at most that of `outer`. */
static bool is_within(const struct bs_capacity_command *inner,
                      const struct bs_capacity_command *outer)
{
    struct bs_capacity_command larger = bs_capacity_larger(inner, outer);
    return memcmp(&larger, outer, sizeof larger) == 0;
}

bool bs_load_largest(struct bs_snapshot_loader *loader, struct bs_row_reader *row)
{
    struct bs_engine *engine = loader->engine;
    struct bs_capacity_command room =
        bs_capacity_larger(&engine->config.capacity, &engine->config.room);
    read_capacity(row, &engine->largest);
    if (!bs_capacity_is_valid(&engine->largest) ||
        !is_within(&engine->capacity, &engine->largest)) {
        return false;
    }
    if (!is_within(&engine->largest, &room)) {
        loader->status = BS_OUT_OF_RANGE;
        return false;
    }
    bs_limits_set(engine);
    return true;
}

enum bs_status bs_snapshot_capacity(const uint8_t *rows, size_t size,
                                    struct bs_capacity_command *ret_in_force,
                                    struct bs_capacity_command *ret_largest)
{
    for (uint8_t kind = BS_ROW_ENGINE; kind <= BS_ROW_LARGEST; kind++) {
        size_t row_size = size < BS_ROW_HEADER_SIZE ? 0 : (size_t)rows[0] | (size_t)rows[1] << 8;
        if (row_size < BS_ROW_HEADER_SIZE || row_size > size || rows[2] != kind) {
            return BS_BAD_RECORD;
        }
        struct bs_row_reader row = {.at = rows + BS_ROW_HEADER_SIZE, .end = rows + row_size};
        if (kind == BS_ROW_ENGINE) {
            if (!has_version(&row)) {
                return row.newer ? BS_NEWER_RECORD : BS_BAD_RECORD;
            }
        } else {
            read_capacity(&row, kind == BS_ROW_CAPACITY ? ret_in_force : ret_largest);
            if (row.bad || row.at != row.end) {
                return row.bad ? BS_BAD_RECORD : BS_NEWER_RECORD;
            }
        }
        rows += row_size;
        size -= row_size;
    }
    bool is_good = bs_capacity_is_valid(ret_in_force) && bs_capacity_is_valid(ret_largest) &&
                   is_within(ret_in_force, ret_largest);
    return is_good ? BS_OK : BS_BAD_RECORD;
}

/* The pages that the pool had, side by side; account_free is the first row that is not taken. */
static bool take_pages(struct bs_engine *engine, struct bs_pool *pool, uint64_t pages)
{
    if (pages > engine->pages_max - engine->pages_used) {
        return false;
    }
    if (pages > 0) {
        pool->page_head = engine->pages_used + 1;
        engine->pages_used += (uint32_t)pages;
        pool->page_tail = engine->pages_used;
        pool->account_free = pool->page_head * BS_PAGE_ACCOUNTS;
    }
    for (uint32_t page = pool->page_head; page < pool->page_tail; page++) {
        engine->page_next[page] = page + 1;
    }
    return true;
}

static bool pool_is_good(const struct bs_pool *pool)
{
    return pool->asset != 0 && pool->decimals <= BS_ASSET_DECIMALS_MAX &&
           pool->state <= BS_STATE_HALTED && pool->waiting <= BS_WAITING_STALE_MARK &&
           pool->trigger < BS_TRIGGER_COUNT && bs_load_is_time(pool->period_start_ms) &&
           bs_load_is_time(pool->period_end_ms) && pool->period_loss >= 0 &&
           pool->unallocated >= 0 && pool->claims >= 0 && pool->own_funds >= 0 &&
           pool->over_budget >= 0 && pool->over_budget <= pool->period_loss;
}

/* Puts a live pool where its name is looked for. They come by name. */
static bool list_pool(struct bs_engine *engine, uint32_t number)
{
    assert(engine->pool_name[number] != 0);
    uint32_t count = engine->pools_count;
    struct bs_text name = bs_pool_text(engine, number);
    if (count == engine->capacity.pools_max ||
        (count > 0 &&
         bs_text_compare(bs_pool_text(engine, engine->pool_order[count - 1]), name) >= 0)) {
        return false;
    }
    engine->pool_order[engine->pools_count++] = number;
    bs_index_add(&engine->pool_index, number);
    return true;
}

bool bs_load_pool_row(struct bs_snapshot_loader *loader, struct bs_row_reader *row)
{
    struct bs_engine *engine = loader->engine;
    uint32_t number = (uint32_t)bs_row_get_most(row, engine->largest.pools_max);
    struct bs_pool *to = &engine->pools[number];
    uint64_t pages = bs_row_get(row);
    if (number == 0 || engine->pool_name[number] != 0 || to->page_head != 0 ||
        !take_pages(engine, to, pages)) {
        return false;
    }
    engine->pools_used = number > engine->pools_used ? number : engine->pools_used;
    loader->pool = number;
    to->name = bs_load_name(engine, row);
    to->retired = bs_row_get_most(row, 1) != 0;
    BS_POOL_KEPT(BS_LOAD)
    if (row->bad) {
        return false;
    }
    engine->pool_name[number] = to->name;
    if (to->name == 0 || to->retired) {
        return to->name != 0 || (pages != 0 && !to->retired);
    }
    return pool_is_good(to) && bs_pool_text(engine, number).size <= BS_ID_SIZE_MAX - 9 &&
           list_pool(engine, number);
}

bool bs_load_pool_numbers(struct bs_snapshot_loader *loader, struct bs_row_reader *row)
{
    assert(loader->pool != 0);
    struct bs_engine *engine = loader->engine;
    struct bs_pool *to = &engine->pools[loader->pool];
    BS_POOL_KEPT_TOO(BS_LOAD)
    engine->accounts.any_window = engine->accounts.any_window || to->window.open;
    return bs_load_is_time(to->window.opened_ms);
}

bool bs_load_pool_pause(struct bs_snapshot_loader *loader, struct bs_row_reader *row)
{
    assert(loader->pool != 0);
    struct bs_pool *pool = &loader->engine->pools[loader->pool];
    struct bs_text reason = bs_row_get_text(row, BS_REASON_SIZE_MAX);
    pool->reason_size = (uint8_t)reason.size;
    memcpy(pool->reason, reason.bytes, reason.size);
    pool->again_ends_period = bs_row_get_most(row, 1) != 0;
    pool->again_final = (uint32_t)bs_row_get_most(row, loader->engine->largest.markets_max);
    return true;
}

bool bs_load_fund(struct bs_snapshot_loader *loader, struct bs_row_reader *row)
{
    assert(loader->pool != 0);
    struct bs_fund *to = &loader->engine->funds[loader->pool];
    BS_FUND_SAVED(BS_LOAD)
    loader->number = to->changes < BS_FUND_CHANGES_MAX ? 0 : to->changes - BS_FUND_CHANGES_MAX;
    return to->drawdown.part_ms >= 0 && to->drawdown.part_ms <= BS_LOAD_TIME_MAX;
}

bool bs_load_fund_part(struct bs_snapshot_loader *loader, struct bs_row_reader *row)
{
    assert(loader->pool != 0);
    struct bs_drawdown_history *history = &loader->engine->funds[loader->pool].drawdown;
    uint32_t at = (uint32_t)bs_row_get_most(row, BS_DRAWDOWN_PARTS - 1);
    struct bs_drawdown_part *to = &history->parts[at];
    to->known = true;
    BS_DRAWDOWN_PART_SAVED(BS_LOAD)
    return history->part_ms > 0 && bs_load_is_time(to->number);
}

bool bs_load_fund_change(struct bs_snapshot_loader *loader, struct bs_row_reader *row)
{
    assert(loader->pool != 0);
    struct bs_fund *fund = &loader->engine->funds[loader->pool];
    if (loader->number >= fund->changes) {
        return false;
    }
    struct bs_fund_change *to = &fund->history[loader->number++ % BS_FUND_CHANGES_MAX];
    BS_FUND_CHANGE_SAVED(BS_LOAD)
    return to->cause < BS_FUND_CAUSE_COUNT && bs_load_is_time(to->time_ms);
}

static bool market_is_good(const struct bs_market *market)
{
    return market->uid != 0 && market->contract < BS_CONTRACT_COUNT &&
           market->maintenance_ppm <= BS_PPM && market->tick.mantissa > 0 &&
           market->lot.mantissa > 0 && market->multiplier.mantissa > 0 && market->budget >= 0 &&
           market->budget_used >= 0 && market->own_fund_balance >= 0 && market->size_peak >= 0 &&
           market->size_peak <= BS_MONEY_MAX && (!market->has_mark || market->mark > 0) &&
           bs_load_is_time(market->mark_time_ms) && bs_load_is_time(market->pending_time_ms) &&
           bs_load_is_time(market->pending_first_ms) && market->pending_mark >= 0;
}

/* What follows from its terms and its mark. */
static bool derive_market(const struct bs_engine *engine, struct bs_market *market)
{
    uint32_t decimals = engine->pools[market->pool].decimals;
    bs_i128 value;
    if (bs_market_unit(market, decimals, &market->unit) != BS_OK) {
        return false;
    }
    if (market->has_mark) {
        if (!bs_value_at(market, 1, market->mark, &value)) {
            return false;
        }
        market->lot_value =
            market->contract == BS_CONTRACT_LINEAR ? market->mark * market->unit : 0;
    }
    return true;
}

/* Puts it where its name is looked for. Markets come by name. */
static bool list_market(struct bs_engine *engine, uint32_t number, struct bs_text name)
{
    assert(number != 0);
    uint32_t count = engine->markets_count;
    if (count == engine->capacity.markets_max || name.size == 0 ||
        (count > 0 &&
         bs_text_compare(bs_market_text(engine, engine->market_order[count - 1]), name) >= 0)) {
        return false;
    }
    engine->market_name[number] = bs_names_add(&engine->names, name);
    if (engine->market_name[number] == 0) {
        return false;
    }
    engine->markets_used = number > engine->markets_used ? number : engine->markets_used;
    engine->market_order[engine->markets_count++] = number;
    bs_index_add(&engine->market_index, number);
    return true;
}

bool bs_load_market_row(struct bs_snapshot_loader *loader, struct bs_row_reader *row)
{
    struct bs_engine *engine = loader->engine;
    uint32_t number = (uint32_t)bs_row_get_most(row, engine->largest.markets_max);
    struct bs_text name = bs_row_get_text(row, BS_ID_SIZE_MAX);
    if (number == 0 || engine->market_name[number] != 0 || !list_market(engine, number, name)) {
        return false;
    }
    struct bs_market *to = &engine->markets[number];
    to->name = engine->market_name[number];
    to->uid = bs_row_get_most(row, engine->uids);
    BS_MARKET_KEPT(BS_LOAD)
    if (row->bad || !market_is_good(to) || !derive_market(engine, to)) {
        return false;
    }
    assert(to->unit > 0);
    engine->pools[to->pool].markets++;
    return true;
}

bool bs_load_market_loss(struct bs_snapshot_loader *loader, struct bs_row_reader *row)
{
    struct bs_engine *engine = loader->engine;
    size_t number = bs_row_get_most(row, engine->largest.markets_max);
    for (size_t at = number * 2; at < number * 2 + 2; at++) {
        bs_i128 loss = bs_row_get_wide(row);
        engine->plan->market_loss[at] = loss;
        engine->plan->market_loss_applied[at] = loss;
        row->bad = row->bad || loss < 0;
    }
    return number != 0;
}
