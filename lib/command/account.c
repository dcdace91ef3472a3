/* SPDX-License-Identifier: Apache-2.0 */
/* Absolute updates: they make no gain, so the baseline moves with the equity. */
#include "lib/book/accounts.h"
#include "lib/book/bounds.h"
#include "lib/book/closes.h"
#include "lib/book/convert.h"
#include "lib/book/isolated.h"
#include "lib/book/names.h"
#include "lib/book/positions.h"
#include "lib/book/providers.h"
#include "lib/book/window.h"
#include "lib/command/commands.h"
#include "lib/money/money.h"
#include "lib/rules/solvency_bound.h"

/* A wire position in the integers of its market. */
struct absolute {
    uint32_t market;
    int64_t size, entry;
    uint32_t priority;
    bool isolated, has_collateral;
    int64_t collateral;
};

static struct bs_outcome read_position(const struct bs_engine *engine, uint32_t pool,
                                       const struct bs_position_item *item,
                                       struct absolute *ret_position)
{
    uint32_t market = bs_index_find(&engine->market_index, item->market);
    if (market == 0) {
        return bs_refuse(BS_UNKNOWN_MARKET, "market");
    }
    const struct bs_market *m = &engine->markets[market];
    if (m->pool != pool) {
        return bs_refuse(BS_MARKET_IN_OTHER_POOL, "market");
    }
    struct absolute position = {.market = market,
                                .priority = item->adl_priority,
                                .isolated = item->isolated,
                                .has_collateral = item->has_collateral};
    enum bs_status status = bs_to_lots(m, item->size, &position.size);
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
        if (m->settled) {
            return bs_refuse(BS_MARKET_SETTLED, "market");
        }
        if (!item->has_entry_price) {
            return bs_refuse(BS_ENTRY_PRICE_REQUIRED, "entry_price");
        }
        status = bs_to_entry(m, position.size, item->entry_price, &position.entry);
        if (status != BS_OK) {
            return bs_refuse(status, "entry_price");
        }
        if (m->has_mark && bs_abs(bs_market_value(m, position.size)) > BS_MONEY_MAX) {
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

/* Room must be reserved. */
static void write_position(struct bs_engine *engine, uint32_t account,
                           const struct absolute *position)
{
    struct bs_positions *p = &engine->positions;
    uint32_t row = bs_position_find(engine, account, position->market);
    struct bs_leg old =
        row == 0 ? (struct bs_leg){0, 0, 0}
                 : (struct bs_leg){p->rows[row].size, p->rows[row].entry, bs_taken_get(p, row)};
    bs_position_put(engine, account, position->market, position->size, position->entry);
    if (position->size != 0) {
        row = bs_position_find(engine, account, position->market);
        p->rows[row].priority = position->priority;
        bs_taken_set(p, row, keep_taken(&old, position->size));
    }
}

/*
 * Ends an absolute update: the baseline moves with the equity, so an update is never a gain, and
 * earlier closes of the account can no longer be taken back.
 */
static void finish(struct bs_engine *engine, uint32_t account, bs_i128 equity_before)
{
    engine->accounts.cold[account].baseline += bs_account_equity(engine, account) - equity_before;
    engine->accounts.cold[account].seq = engine->seq;
    engine->pools[engine->accounts.hot[account].pool].changed = true;
}

/* The isolated of a position item, made if need be; 0 and BS_ACCEPTED when there is nothing to do.
 */
static struct bs_outcome open_isolated(struct bs_engine *engine, uint32_t owner,
                                       const struct absolute *position, uint32_t *ret_isolated)
{
    uint32_t isolated = bs_isolated_find(engine, owner, position->market);
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

static void write_isolated(struct bs_engine *engine, uint32_t isolated,
                           const struct absolute *position)
{
    bs_i128 before = bs_account_equity(engine, isolated);
    if (position->has_collateral) {
        engine->accounts.hot[isolated].collateral = position->collateral;
        bs_bound_touch(engine, isolated);
    }
    write_position(engine, isolated, position);
    if (engine->accounts.cold[isolated].in_closes) {
        bs_closes_supersede(engine, isolated, position->market);
    }
    engine->accounts.cold[bs_account_owner(engine, isolated)].seq = engine->seq;
    finish(engine, isolated, before);
}

struct bs_outcome bs_position_apply(struct bs_engine *engine,
                                    const struct bs_position_command *command)
{
    uint32_t account = bs_index_find(&engine->account_index, command->account);
    if (account == 0) {
        return bs_refuse(BS_UNKNOWN_ACCOUNT, "account");
    }
    struct absolute position;
    struct bs_outcome outcome =
        read_position(engine, engine->accounts.hot[account].pool, &command->item, &position);
    if (outcome.status != BS_OK) {
        return outcome;
    }
    if (command->seen_action < engine->accounts.cold[account].last_action) {
        return bs_refuse(BS_STALE_UPDATE, "seen_action");
    }
    if (position.isolated) {
        uint32_t isolated;
        outcome = open_isolated(engine, account, &position, &isolated);
        if (isolated != 0 && outcome.status == BS_OK) {
            write_isolated(engine, isolated, &position);
        }
        return outcome;
    }
    bool adds = position.size != 0 && bs_position_find(engine, account, position.market) == 0;
    if (adds && !bs_position_reserve(engine, account, 1)) {
        return bs_refuse(BS_FULL_POSITIONS, NULL);
    }
    bs_i128 before = bs_account_equity(engine, account);
    write_position(engine, account, &position);
    if (engine->accounts.cold[account].in_closes) {
        bs_closes_supersede(engine, account, position.market);
    }
    finish(engine, account, before);
    return BS_ACCEPTED;
}

#define NAMED_CROSS 1u
#define NAMED_ISOLATED 2u

/* No money may vanish with a isolated that the item does not list. */
static bool isolated_are_listed(const struct bs_engine *engine, uint32_t account)
{
    uint32_t isolated = account == 0 ? 0 : engine->accounts.cold[account].isolated;
    for (; isolated != 0; isolated = engine->accounts.cold[isolated].isolated) {
        uint32_t market =
            bs_index_find(&engine->market_index, bs_isolated_market(engine, isolated));
        if ((engine->scratch_markets[market] & NAMED_ISOLATED) == 0 &&
            engine->accounts.hot[isolated].collateral != 0) {
            return false;
        }
    }
    return true;
}

/* Reads and checks all positions of the item; *ret_new counts the cross ones in markets where the
 * account (0 = new) holds nothing. */
static struct bs_outcome check_positions(const struct bs_engine *engine, uint32_t pool,
                                         uint32_t account, const struct bs_account_command *command,
                                         uint32_t *ret_new)
{
    uint8_t *named = engine->scratch_markets;
    struct bs_outcome outcome = BS_ACCEPTED;
    struct bs_position_item item;
    struct absolute position;
    uint32_t cursor = 0;
    *ret_new = 0;
    while (outcome.status == BS_OK && bs_command_position(command, &cursor, &item)) {
        outcome = read_position(engine, pool, &item, &position);
        if (outcome.status != BS_OK) {
            break;
        }
        uint8_t kind = position.isolated ? NAMED_ISOLATED : NAMED_CROSS;
        if ((named[position.market] & kind) != 0) {
            outcome = bs_refuse(BS_DUPLICATE_MARKET, "positions");
            break;
        }
        named[position.market] |= kind;
        bool holds = account != 0 && bs_position_find(engine, account, position.market) != 0;
        *ret_new += !position.isolated && position.size != 0 && !holds;
    }
    if (outcome.status == BS_OK && command->has_positions &&
        !isolated_are_listed(engine, account)) {
        outcome = bs_refuse(BS_ISOLATED_LEFT, "positions");
    }
    for (cursor = 0; bs_command_position(command, &cursor, &item);) {
        named[bs_index_find(&engine->market_index, item.market)] = 0;
    }
    return outcome;
}

/*
 * The isolated_count that the item needs; if one cannot be made, those already made for it are
 * deleted again.
 */
static struct bs_outcome open_listed_isolated(struct bs_engine *engine, uint32_t account,
                                              const struct bs_account_command *command)
{
    uint64_t uid_before = engine->uids;
    struct bs_outcome outcome = BS_ACCEPTED;
    struct bs_position_item item;
    struct absolute position;
    uint32_t isolated;
    for (uint32_t cursor = 0;
         outcome.status == BS_OK && bs_command_position(command, &cursor, &item);) {
        (void)read_position(engine, engine->accounts.hot[account].pool, &item, &position);
        if (position.isolated) {
            outcome = open_isolated(engine, account, &position, &isolated);
        }
    }
    isolated = outcome.status == BS_OK ? 0 : engine->accounts.cold[account].isolated;
    for (uint32_t after; isolated != 0; isolated = after) {
        after = engine->accounts.cold[isolated].isolated;
        if (engine->accounts.cold[isolated].uid > uid_before) {
            bs_isolated_delete(engine, isolated);
        }
    }
    return outcome;
}

/* Buckets that are not listed hold no collateral; what position they have is closed. */
static void close_unlisted_isolated(struct bs_engine *engine, uint32_t account)
{
    uint32_t isolated = engine->accounts.cold[account].isolated;
    for (; isolated != 0; isolated = engine->accounts.cold[isolated].isolated) {
        uint32_t market =
            bs_index_find(&engine->market_index, bs_isolated_market(engine, isolated));
        if ((engine->scratch_markets[market] & NAMED_ISOLATED) == 0) {
            write_isolated(engine, isolated, &(struct absolute){.market = market});
        }
    }
}

static void replace_positions(struct bs_engine *engine, uint32_t account,
                              const struct bs_account_command *command)
{
    uint8_t *named = engine->scratch_markets;
    struct bs_position_item item;
    struct absolute position;
    uint32_t pool = engine->accounts.hot[account].pool;
    for (uint32_t cursor = 0; bs_command_position(command, &cursor, &item);) {
        struct bs_outcome outcome = read_position(engine, pool, &item, &position);
        assert(outcome.status == BS_OK);
        named[position.market] |= position.isolated    ? NAMED_ISOLATED
                                  : position.size != 0 ? NAMED_CROSS
                                                       : 0;
    }
    close_unlisted_isolated(engine, account);
    for (uint32_t i = engine->accounts.hot[account].position_count; i-- > 0;) {
        uint32_t market =
            engine->positions.rows[engine->accounts.hot[account].position_at + i].market;
        if ((named[market] & NAMED_CROSS) == 0) {
            bs_position_put(engine, account, market, 0, 0);
        }
    }
    for (uint32_t cursor = 0; bs_command_position(command, &cursor, &item);) {
        (void)read_position(engine, pool, &item, &position);
        named[position.market] = 0;
        if (!position.isolated) {
            write_position(engine, account, &position);
            continue;
        }
        uint32_t isolated = bs_isolated_find(engine, account, position.market);
        if (isolated != 0) {
            write_isolated(engine, isolated, &position);
        }
    }
}

/* The fund's cash is never set from outside: it moves by transfers, fills and the insurance-fund.
 */
static struct bs_outcome find_account(const struct bs_engine *engine, uint32_t pool,
                                      const struct bs_account_command *command,
                                      uint32_t *ret_account)
{
    if (command->account.size >= 9 && memcmp(command->account.bytes, "backstop:", 9) == 0) {
        return bs_refuse(BS_RESERVED_ACCOUNT, "account");
    }
    *ret_account = bs_index_find(&engine->account_index, command->account);
    if (*ret_account != 0 && engine->accounts.hot[*ret_account].pool != pool) {
        return bs_refuse(BS_ACCOUNT_IN_OTHER_POOL, "pool");
    }
    return BS_ACCEPTED;
}

/* The cap is of the account: its isolated margins have the same. */
static void set_haircut_cap(struct bs_engine *engine, uint32_t account, uint32_t cap_ppm)
{
    struct bs_account_cold *cold = engine->accounts.cold;
    for (; account != 0; account = cold[account].isolated) {
        cold[account].uncapped_ppm = BS_PPM - cap_ppm;
    }
}

struct bs_outcome bs_account_apply(struct bs_engine *engine,
                                   const struct bs_account_command *command)
{
    uint32_t pool = bs_index_find(&engine->pool_index, command->pool);
    if (pool == 0) {
        return bs_refuse(BS_UNKNOWN_POOL, "pool");
    }
    uint32_t account, added = 0;
    int64_t collateral;
    struct bs_outcome outcome = find_account(engine, pool, command, &account);
    if (outcome.status != BS_OK) {
        return outcome;
    }
    enum bs_status status = bs_to_quanta(&engine->pools[pool], command->collateral, &collateral);
    if (status != BS_OK) {
        return bs_refuse(status, "collateral");
    }
    outcome = check_positions(engine, pool, account, command, &added);
    if (outcome.status != BS_OK) {
        return outcome;
    }
    if (account != 0 && command->seen_action < engine->accounts.cold[account].last_action) {
        return bs_refuse(BS_STALE_UPDATE, "seen_action");
    }
    bool is_new = account == 0;
    if (is_new) {
        account = bs_account_new(engine, pool, command->account, &status);
        if (account == 0) {
            return bs_refuse(status, NULL);
        }
    }
    outcome = added > 0 && !bs_position_reserve(engine, account, added)
                  ? bs_refuse(BS_FULL_POSITIONS, NULL)
                  : open_listed_isolated(engine, account, command);
    if (outcome.status != BS_OK) {
        if (is_new) {
            bs_account_delete(engine, account);
        }
        return outcome;
    }
    bs_i128 before = bs_account_equity(engine, account);
    engine->accounts.hot[account].collateral = collateral;
    bs_bound_touch(engine, account);
    if (command->has_haircut_cap) {
        set_haircut_cap(engine, account, command->haircut_cap_ppm);
    }
    if (command->has_positions) {
        replace_positions(engine, account, command);
    }
    if (engine->accounts.cold[account].in_closes) {
        bs_closes_supersede_all(engine, account);
    }
    finish(engine, account, before);
    return BS_ACCEPTED;
}

struct bs_outcome bs_delete_account_apply(struct bs_engine *engine, struct bs_text name)
{
    uint32_t account = bs_index_find(&engine->account_index, name);
    if (account == 0) {
        return bs_refuse(BS_UNKNOWN_ACCOUNT, NULL);
    }
    if (engine->pools[engine->accounts.hot[account].pool].backstop == account) {
        return bs_refuse(BS_RESERVED_ACCOUNT, NULL);
    }
    if (engine->accounts.any_past && engine->accounts.past[account].claim != 0) {
        return bs_refuse(BS_OPEN_CLAIM, NULL);
    }
    if (bs_window_taken(engine, account) != 0) {
        return bs_refuse(BS_IN_WINDOW, NULL);
    }
    if (engine->accounts.hot[account].position_count != 0 ||
        engine->accounts.hot[account].collateral != 0 || !bs_isolated_drop(engine, account)) {
        return bs_refuse(BS_NOT_FLAT, NULL);
    }
    bs_providers_forget(engine, account, 0);
    bs_account_delete(engine, account);
    return BS_ACCEPTED;
}
