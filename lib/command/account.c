/* SPDX-License-Identifier: Apache-2.0 */
/* Accounts: an absolute update sets what one holds. */
#include "lib/book/accounts.h"
#include "lib/book/bounds.h"
#include "lib/book/closes.h"
#include "lib/book/convert.h"
#include "lib/book/dedupe.h"
#include "lib/book/isolated.h"
#include "lib/book/providers.h"
#include "lib/book/window.h"
#include "lib/command/absolute.h"
#include "lib/command/apply.h"
#include "lib/money/money.h"

#define NAMED_CROSS 1u
#define NAMED_ISOLATED 2u

/* No money may vanish with an isolated row that the item does not list. */
static bool isolated_are_listed(const struct bs_engine *engine, uint32_t account)
{
    uint32_t isolated = account == 0 ? 0 : engine->accounts.cold[account].isolated;
    for (; isolated != 0; isolated = engine->accounts.cold[isolated].isolated) {
        uint32_t market =
            bs_index_find(&engine->market_index, bs_isolated_market(engine, isolated));
        if ((engine->scratch_markets[market] & NAMED_ISOLATED) == 0 &&
            bs_account_cash(engine, isolated) != 0) {
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
    struct bs_absolute position;
    uint32_t cursor = 0;
    *ret_new = 0;
    while (outcome.status == BS_OK && bs_command_position(command, &cursor, &item)) {
        outcome = bs_absolute_read(engine, pool, &item, &position);
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

/* Opens the isolated rows that the item needs; when one cannot be opened, those just made are
 * deleted. */
static struct bs_outcome open_listed_isolated(struct bs_engine *engine, uint32_t account,
                                              const struct bs_account_command *command)
{
    assert(account != 0);
    uint64_t uid_before = engine->uids;
    struct bs_outcome outcome = BS_ACCEPTED;
    struct bs_position_item item;
    struct bs_absolute position;
    uint32_t isolated;
    for (uint32_t cursor = 0;
         outcome.status == BS_OK && bs_command_position(command, &cursor, &item);) {
        (void)bs_absolute_read(engine, engine->accounts.hot[account].pool, &item, &position);
        if (position.isolated) {
            outcome = bs_absolute_open_isolated(engine, account, &position, &isolated);
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

/* Isolated rows that are not listed hold no collateral; a position in them is closed. */
static void close_unlisted_isolated(struct bs_engine *engine, uint32_t account)
{
    uint32_t isolated = engine->accounts.cold[account].isolated;
    for (; isolated != 0; isolated = engine->accounts.cold[isolated].isolated) {
        uint32_t market =
            bs_index_find(&engine->market_index, bs_isolated_market(engine, isolated));
        if ((engine->scratch_markets[market] & NAMED_ISOLATED) == 0) {
            bs_absolute_write_isolated(engine, isolated, &(struct bs_absolute){.market = market});
        }
    }
}

static void replace_positions(struct bs_engine *engine, uint32_t account,
                              const struct bs_account_command *command)
{
    uint8_t *named = engine->scratch_markets;
    struct bs_position_item item;
    struct bs_absolute position;
    uint32_t pool = engine->accounts.hot[account].pool;
    for (uint32_t cursor = 0; bs_command_position(command, &cursor, &item);) {
        struct bs_outcome outcome = bs_absolute_read(engine, pool, &item, &position);
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
        (void)bs_absolute_read(engine, pool, &item, &position);
        named[position.market] = 0;
        if (!position.isolated) {
            (void)bs_absolute_write(engine, account, &position);
            continue;
        }
        uint32_t isolated = bs_isolated_find(engine, account, position.market);
        assert(isolated != 0 || position.size == 0);
        if (isolated != 0) {
            bs_absolute_write_isolated(engine, isolated, &position);
        }
    }
}

/* The fund's cash is never set from outside: transfers, fills and insurance_fund move it. */
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

/* The cap belongs to the account: its isolated margins have the same. */
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
    bool is_new = account == 0;
    uint64_t last_action = is_new ? bs_deleted_last_action(engine, pool, command->account)
                                  : engine->accounts.cold[account].last_action;
    outcome = bs_absolute_check_seen(engine, pool, command->seen_action, last_action);
    if (outcome.status != BS_OK) {
        return outcome;
    }
    if (is_new) {
        account = bs_account_new(engine, pool, command->account, &status);
        if (account == 0) {
            return bs_refuse(status, NULL);
        }
        engine->accounts.cold[account].last_action = last_action;
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
    bs_account_cash_set(engine, account, collateral);
    bs_bound_touch(engine, account);
    if (command->has_haircut_cap_ppm) {
        set_haircut_cap(engine, account, command->haircut_cap_ppm);
    }
    if (command->has_positions) {
        replace_positions(engine, account, command);
    }
    if (engine->accounts.cold[account].in_closes) {
        bs_closes_supersede_all(engine, account);
    }
    bs_absolute_finish(engine, account, bs_account_equity(engine, account) - before);
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
    if (!bs_account_is_flat(engine, account) || !bs_isolated_drop(engine, account)) {
        return bs_refuse(BS_NOT_FLAT, NULL);
    }
    assert(engine->accounts.cold[account].isolated == 0);
    bs_deleted_remember(engine, account);
    bs_providers_forget(engine, account, 0);
    bs_account_delete(engine, account);
    return BS_ACCEPTED;
}
