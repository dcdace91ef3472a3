/* SPDX-License-Identifier: Apache-2.0 */
/* Fills: a trade of an account changes its position and its cash. */
#include "lib/book/account_cash.h"
#include "lib/book/bounds.h"
#include "lib/book/convert.h"
#include "lib/book/positions.h"
#include "lib/command/apply.h"
#include "lib/command/cash.h"
#include "lib/money/money.h"

static struct bs_outcome read_fill(const struct bs_engine *engine, uint32_t account,
                                   const struct bs_fill_command *command, uint32_t *ret_market,
                                   int64_t *ret_lots, int64_t *ret_ticks)
{
    uint32_t row = bs_index_find(&engine->market_index, command->market);
    if (row == 0) {
        return bs_refuse(BS_UNKNOWN_MARKET, "market");
    }
    const struct bs_market *market = &engine->markets[row];
    if (market->pool != engine->accounts.hot[account].pool) {
        return bs_refuse(BS_MARKET_IN_OTHER_POOL, "market");
    }
    if (market->settled) {
        return bs_refuse(BS_MARKET_SETTLED, "market");
    }
    enum bs_status status = bs_to_lots(market, command->size, ret_lots);
    if (status != BS_OK) {
        return bs_refuse(status, "size");
    }
    if (*ret_lots == 0) {
        return bs_refuse(BS_INVALID_VALUE, "size");
    }
    status = bs_to_ticks(market, command->price, ret_ticks);
    if (status != BS_OK) {
        return bs_refuse(status, "price");
    }
    *ret_market = row;
    return BS_ACCEPTED;
}

/* The position after the fill and the cash it moves; checks every range. */
static struct bs_outcome trade(const struct bs_engine *engine, uint32_t account, uint32_t row,
                               int64_t lots, int64_t ticks, struct bs_leg *ret_leg,
                               bs_i128 *ret_realized)
{
    const struct bs_market *market = &engine->markets[row];
    uint32_t position = bs_position_find(engine, account, row);
    struct bs_leg leg = {0, 0, 0};
    bs_i128 value;
    if (position != 0) {
        leg = (struct bs_leg){engine->positions.rows[position].size,
                              engine->positions.rows[position].entry,
                              bs_taken_get(&engine->positions, position)};
    }
    if (!bs_value_at(market, lots, ticks, &value)) {
        return bs_refuse(BS_OUT_OF_RANGE, "price");
    }
    if (!bs_leg_trade(&leg, lots, value, ret_realized) ||
        (market->has_mark && bs_abs(bs_market_value(market, leg.size)) > BS_MONEY_MAX)) {
        return bs_refuse(BS_OUT_OF_RANGE, "size");
    }
    *ret_leg = leg;
    return BS_ACCEPTED;
}

static struct bs_outcome book_fill(struct bs_engine *engine, uint32_t account, uint32_t market,
                                   const struct bs_dedupe_key *key)
{
    struct bs_leg leg;
    bs_i128 realized;
    struct bs_outcome outcome =
        trade(engine, account, market, key->content[0], key->content[1], &leg, &realized);
    if (outcome.status != BS_OK) {
        return outcome;
    }
    bs_i128 collateral = bs_account_cash(engine, account) + realized - key->content[2];
    if (!bs_account_cash_may_be(engine, account, collateral)) {
        return bs_refuse(BS_OUT_OF_RANGE, "fee");
    }
    if (leg.size != 0 && bs_position_find(engine, account, market) == 0 &&
        !bs_position_reserve(engine, account, 1)) {
        return bs_refuse(BS_FULL_POSITIONS, NULL);
    }
    bs_position_put(engine, account, market, leg.size, leg.entry);
    if (leg.size != 0) {
        bs_taken_set(&engine->positions, bs_position_find(engine, account, market), leg.taken);
    }
    bs_i128 moved = collateral - bs_account_cash(engine, account);
    bs_account_cash_set(engine, account, collateral);
    bs_bound_touch(engine, account);
    bs_cash_note_fund(engine, account, BS_FUND_FILL, moved);
    bs_cash_remember(engine, key);
    bs_account_touched(engine, account);
    return BS_ACCEPTED;
}

struct bs_outcome bs_fill_apply(struct bs_engine *engine, const struct bs_fill_command *command)
{
    uint32_t account = bs_index_find(&engine->account_index, command->account);
    if (account == 0) {
        return bs_refuse(BS_UNKNOWN_ACCOUNT, "account");
    }
    uint32_t market;
    int64_t lots, ticks, fee;
    struct bs_outcome outcome = read_fill(engine, account, command, &market, &lots, &ticks);
    if (outcome.status != BS_OK) {
        return outcome;
    }
    if (command->isolated) {
        outcome = bs_isolated_named(engine, account, command->market, &account);
        if (outcome.status != BS_OK) {
            return outcome;
        }
    }
    const struct bs_pool *pool = &engine->pools[engine->accounts.hot[account].pool];
    enum bs_status status = bs_to_quanta(pool, command->fee, &fee);
    if (status != BS_OK) {
        return bs_refuse(status, "fee");
    }
    struct bs_dedupe_key key = {.is_trade = true,
                                .account_uid = engine->accounts.cold[account].uid,
                                .market_uid = engine->markets[market].uid,
                                .id = command->trade_id,
                                .has_time = command->has_time,
                                .time_ms = command->time_ms,
                                .content = {lots, ticks, fee},
                                .side = lots < 0};
    bool repeat;
    outcome = bs_cash_seen(engine, &key, "trade_id", &repeat);
    if (outcome.status != BS_OK || repeat) {
        return outcome;
    }
    return book_fill(engine, account, market, &key);
}
