/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/command/absolute.h"

#include "lib/book/accounts.h"
#include "lib/book/bounds.h"
#include "lib/book/closes.h"
#include "lib/book/convert.h"
#include "lib/book/isolated.h"
#include "lib/book/names.h"
#include "lib/money/money.h"

struct bs_outcome bs_absolute_read(const struct bs_engine *engine, uint32_t pool,
                                   const struct bs_position_item *item,
                                   struct bs_absolute *ret_position)
{
    assert(pool != 0);
    uint32_t row = bs_index_find(&engine->market_index, item->market);
    if (row == 0) {
        return bs_refuse(BS_UNKNOWN_MARKET, "market");
    }
    const struct bs_market *market = &engine->markets[row];
    if (market->pool != pool) {
        return bs_refuse(BS_MARKET_IN_OTHER_POOL, "market");
    }
    struct bs_absolute position = {.market = row,
                                   .priority = item->adl_priority,
                                   .isolated = item->isolated,
                                   .has_collateral = item->has_collateral};
    enum bs_status status = bs_to_lots(market, item->size, &position.size);
    if (status != BS_OK) {
        return bs_refuse(status, "size");
    }
    if (item->has_collateral) {
        status = bs_to_quanta(&engine->pools[pool], item->collateral, &position.collateral);
        if (status != BS_OK) {
            return bs_refuse(status, "collateral");
        }
    }
    if (position.size != 0) {
        if (market->settled) {
            return bs_refuse(BS_MARKET_SETTLED, "market");
        }
        if (!item->has_entry_price) {
            return bs_refuse(BS_ENTRY_PRICE_REQUIRED, "entry_price");
        }
        status = bs_to_entry(market, position.size, item->entry_price, &position.entry);
        if (status != BS_OK) {
            return bs_refuse(status, "entry_price");
        }
        if (market->has_mark && bs_abs(bs_market_value(market, position.size)) > BS_MONEY_MAX) {
            return bs_refuse(BS_OUT_OF_RANGE, "size");
        }
    }
    *ret_position = position;
    return BS_ACCEPTED;
}

/* What earlier haircuts took stays with the same side; a smaller size releases its part. */
static int64_t keep_taken(const struct bs_leg *old, int64_t size)
{
    if (old->size == 0 || size == 0 || (old->size > 0) != (size > 0)) {
        return 0;
    }
    int64_t held = bs_abs64(old->size), left = bs_abs64(size);
    if (left >= held) {
        return old->taken;
    }
    return old->taken - (int64_t)bs_muldiv_floor(old->taken, held - left, held);
}

bs_i128 bs_absolute_write(struct bs_engine *engine, uint32_t account,
                          const struct bs_absolute *position)
{
    struct bs_positions *positions = &engine->positions;
    assert(position->market != 0);
    uint32_t row = bs_position_find(engine, account, position->market);
    struct bs_leg old = row == 0
                            ? (struct bs_leg){0, 0, 0}
                            : (struct bs_leg){positions->rows[row].size, positions->rows[row].entry,
                                              bs_taken_get(positions, row)};
    bs_i128 before = row == 0 ? 0 : bs_position_profit(engine, row);
    bs_position_put(engine, account, position->market, position->size, position->entry);
    if (position->size == 0) {
        return -before;
    }
    row = bs_position_find(engine, account, position->market);
    assert(row != 0);
    positions->rows[row].priority = position->priority;
    bs_taken_set(positions, row, keep_taken(&old, position->size));
    return bs_position_profit(engine, row) - before;
}

void bs_absolute_finish(struct bs_engine *engine, uint32_t account, bs_i128 equity_change)
{
    engine->accounts.cold[account].baseline += equity_change;
    engine->accounts.cold[account].seq = engine->seq;
    engine->pools[engine->accounts.hot[account].pool].changed = true;
}

struct bs_outcome bs_absolute_open_isolated(struct bs_engine *engine, uint32_t owner,
                                            const struct bs_absolute *position,
                                            uint32_t *ret_isolated)
{
    uint32_t isolated = bs_isolated_find(engine, owner, position->market);
    assert(position->isolated);
    assert(engine->accounts.cold[owner].owner == 0);
    *ret_isolated = isolated;
    if (engine->pools[engine->accounts.hot[owner].pool].backstop == owner) {
        return bs_refuse(BS_RESERVED_ACCOUNT, "margin");
    }
    if (isolated == 0 && !position->has_collateral) {
        return position->size == 0 ? BS_ACCEPTED : bs_refuse(BS_COLLATERAL_REQUIRED, "collateral");
    }
    if (isolated == 0) {
        enum bs_status status;
        isolated = bs_isolated_new(engine, owner, position->market, &status);
        if (isolated == 0) {
            return bs_refuse(status, NULL);
        }
    }
    if (position->size != 0 && engine->accounts.hot[isolated].position_count == 0 &&
        !bs_position_reserve(engine, isolated, 1)) {
        if (*ret_isolated == 0) {
            bs_isolated_delete(engine, isolated);
        }
        return bs_refuse(BS_FULL_POSITIONS, NULL);
    }
    *ret_isolated = isolated;
    return BS_ACCEPTED;
}

void bs_absolute_write_isolated(struct bs_engine *engine, uint32_t isolated,
                                const struct bs_absolute *position)
{
    assert(engine->accounts.cold[isolated].owner != 0);
    bs_i128 before = bs_account_equity(engine, isolated);
    if (position->has_collateral) {
        bs_account_cash_set(engine, isolated, position->collateral);
        bs_bound_touch(engine, isolated);
    }
    (void)bs_absolute_write(engine, isolated, position);
    if (engine->accounts.cold[isolated].in_closes) {
        bs_closes_supersede(engine, isolated, position->market);
    }
    engine->accounts.cold[bs_account_owner(engine, isolated)].seq = engine->seq;
    bs_absolute_finish(engine, isolated, bs_account_equity(engine, isolated) - before);
}

struct bs_outcome bs_absolute_check_seen(const struct bs_engine *engine, uint32_t pool,
                                         uint64_t seen, uint64_t last_action)
{
    assert(last_action <= engine->pools[pool].actions);
    if (seen > engine->pools[pool].actions) {
        return bs_refuse(BS_UNKNOWN_ACTION, "seen_action");
    }
    return seen < last_action ? bs_refuse(BS_STALE_UPDATE, "seen_action") : BS_ACCEPTED;
}
