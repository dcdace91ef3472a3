/* SPDX-License-Identifier: Apache-2.0 */
/* Fills, transfers and money for the insurance fund: each id counts once. */
#include "lib/book/accounts.h"
#include "lib/book/bounds.h"
#include "lib/book/convert.h"
#include "lib/book/dedupe.h"
#include "lib/book/fund.h"
#include "lib/book/isolated.h"
#include "lib/book/positions.h"
#include "lib/book/window.h"
#include "lib/command/commands.h"
#include "lib/money/money.h"
#include "lib/rules/seniority.h"
#include "lib/rules/solvency_bound.h"

struct bs_outcome bs_find_isolated(const struct bs_engine *engine, uint32_t owner,
                                   struct bs_text market, uint32_t *ret_isolated)
{
    uint32_t row = bs_index_find(&engine->market_index, market);
    if (row == 0) {
        return bs_refuse(BS_UNKNOWN_MARKET, "market");
    }
    if (engine->markets[row].pool != engine->accounts.hot[owner].pool) {
        return bs_refuse(BS_MARKET_IN_OTHER_POOL, "market");
    }
    *ret_isolated = bs_isolated_find(engine, owner, row);
    return *ret_isolated == 0 ? bs_refuse(BS_UNKNOWN_ISOLATED, "market") : BS_ACCEPTED;
}

static struct bs_outcome read_fill(const struct bs_engine *engine, uint32_t account,
                                   const struct bs_fill_command *command, uint32_t *ret_market,
                                   int64_t *ret_lots, int64_t *ret_ticks)
{
    uint32_t market = bs_index_find(&engine->market_index, command->market);
    if (market == 0) {
        return bs_refuse(BS_UNKNOWN_MARKET, "market");
    }
    const struct bs_market *m = &engine->markets[market];
    if (m->pool != engine->accounts.hot[account].pool) {
        return bs_refuse(BS_MARKET_IN_OTHER_POOL, "market");
    }
    if (m->settled) {
        return bs_refuse(BS_MARKET_SETTLED, "market");
    }
    enum bs_status status = bs_to_lots(m, command->size, ret_lots);
    if (status != BS_OK) {
        return bs_refuse(status, "size");
    }
    if (*ret_lots == 0) {
        return bs_refuse(BS_INVALID_VALUE, "size");
    }
    status = bs_to_ticks(m, command->price, ret_ticks);
    if (status != BS_OK) {
        return bs_refuse(status, "price");
    }
    *ret_market = market;
    return BS_ACCEPTED;
}

/* The position after the fill and the cash it moves; checks every range. */
static struct bs_outcome trade(const struct bs_engine *engine, uint32_t account, uint32_t market,
                               int64_t lots, int64_t ticks, struct bs_leg *ret_leg,
                               bs_i128 *ret_realized)
{
    const struct bs_market *m = &engine->markets[market];
    uint32_t row = bs_position_find(engine, account, market);
    struct bs_leg leg = {0, 0, 0};
    bs_i128 value;
    if (row != 0) {
        leg = (struct bs_leg){engine->positions.rows[row].size, engine->positions.rows[row].entry,
                              bs_taken_get(&engine->positions, row)};
    }
    if (!bs_value_at(m, lots, ticks, &value)) {
        return bs_refuse(BS_OUT_OF_RANGE, "price");
    }
    if (!bs_leg_trade(&leg, lots, value, ret_realized) ||
        (m->has_mark && bs_abs(bs_market_value(m, leg.size)) > BS_MONEY_MAX)) {
        return bs_refuse(BS_OUT_OF_RANGE, "size");
    }
    *ret_leg = leg;
    return BS_ACCEPTED;
}

static struct bs_outcome seen(const struct bs_engine *engine, const struct bs_dedupe_key *key,
                              const char *field, bool *ret_repeat)
{
    *ret_repeat = false;
    if (key->id.size == 0) {
        return BS_ACCEPTED;
    }
    enum bs_seen before = bs_dedupe_check(engine, key);
    if (before == BS_SEEN_OTHER) {
        return bs_refuse(BS_ID_REUSED, field);
    }
    *ret_repeat = before == BS_SEEN_SAME;
    return BS_ACCEPTED;
}

static void remember(struct bs_engine *engine, const struct bs_dedupe_key *key)
{
    if (key->id.size > 0) {
        bs_dedupe_add(engine, key);
    }
}

static void touched(struct bs_engine *engine, uint32_t account)
{
    engine->accounts.cold[account].seq = engine->seq;
    engine->pools[engine->accounts.hot[account].pool].changed = true;
}

/* A change that may be to a fund's cash. */
static void note_fund(struct bs_engine *engine, uint32_t account, enum bs_fund_cause cause,
                      bs_i128 amount)
{
    uint32_t pool = engine->accounts.hot[account].pool;
    if (account == engine->pools[pool].backstop) {
        bs_fund_record_move(engine, pool, cause, amount);
    }
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
    bs_i128 collateral = engine->accounts.hot[account].collateral + realized - key->content[2];
    if (bs_abs(collateral) > BS_MONEY_MAX) {
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
    bs_i128 moved = collateral - engine->accounts.hot[account].collateral;
    engine->accounts.hot[account].collateral = (int64_t)collateral;
    bs_bound_touch(engine, account);
    note_fund(engine, account, BS_FUND_FILL, moved);
    remember(engine, key);
    touched(engine, account);
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
        outcome = bs_find_isolated(engine, account, command->market, &account);
        if (outcome.status != BS_OK) {
            return outcome;
        }
    }
    const struct bs_pool *pool = &engine->pools[engine->accounts.hot[account].pool];
    enum bs_status status = bs_to_quanta(pool, command->fee, &fee);
    if (status != BS_OK) {
        return bs_refuse(status, "fee");
    }
    struct bs_dedupe_key key = {.account_uid = engine->accounts.cold[account].uid,
                                .market_uid = engine->markets[market].uid,
                                .id = command->trade_id,
                                .content = {lots, ticks, fee},
                                .side = lots < 0};
    bool repeat;
    outcome = seen(engine, &key, "trade_id", &repeat);
    if (outcome.status != BS_OK || repeat) {
        return outcome;
    }
    return book_fill(engine, account, market, &key);
}

/* How far a withdrawal may take the equity down. */
static struct bs_outcome check_withdrawal(const struct bs_engine *engine, uint32_t account,
                                          int64_t amount)
{
    const struct bs_pool *pool = &engine->pools[engine->accounts.hot[account].pool];
    bs_i128 equity = bs_account_equity(engine, account);
    if (equity + amount < (account == pool->backstop ? pool->own_funds : 0)) {
        return bs_refuse(BS_INSUFFICIENT_EQUITY, "amount");
    }
    uint32_t layers = pool->policy.layers_count;
    uint32_t ages = layers > 0 ? pool->policy.layers[layers - 1].options[BS_OPTION_SENIORITY] : 0;
    bs_i128 gain = bs_gain_at_stake(engine->accounts.past[account].gains,
                                    equity - engine->accounts.cold[account].baseline, ages) +
                   bs_window_carried(engine, account);
    if (pool->period_loss > 0 && equity + amount < bs_min(equity, gain)) {
        return bs_refuse(BS_GAIN_WITHHELD, "amount");
    }
    return BS_ACCEPTED;
}

static struct bs_outcome move_cash(struct bs_engine *engine, uint32_t account, int64_t amount,
                                   bool shifts_baseline)
{
    bs_i128 collateral = (bs_i128)engine->accounts.hot[account].collateral + amount;
    if (bs_abs(collateral) > BS_MONEY_MAX) {
        return bs_refuse(BS_OUT_OF_RANGE, "amount");
    }
    engine->accounts.hot[account].collateral = (int64_t)collateral;
    bs_bound_touch(engine, account);
    if (shifts_baseline) {
        engine->accounts.cold[account].baseline += amount;
    }
    touched(engine, account);
    return BS_ACCEPTED;
}

/* The row a transfer that names a market moves the cash of; the first deposit makes it. Nothing can
 * refuse a deposit into a row that has just been made. */
static struct bs_outcome open_isolated(struct bs_engine *engine, struct bs_text market,
                                       uint8_t kind, uint32_t *account)
{
    uint32_t owner = *account;
    if (engine->pools[engine->accounts.hot[owner].pool].backstop == owner) {
        return bs_refuse(BS_RESERVED_ACCOUNT, "market");
    }
    struct bs_outcome outcome = bs_find_isolated(engine, owner, market, account);
    if (outcome.status == BS_UNKNOWN_ISOLATED && kind == BS_TRANSFER_DEPOSIT) {
        enum bs_status status;
        uint32_t row = bs_index_find(&engine->market_index, market);
        *account = bs_isolated_new(engine, owner, row, &status);
        return *account == 0 ? bs_refuse(status, NULL) : BS_ACCEPTED;
    }
    return outcome;
}

struct bs_outcome bs_transfer_apply(struct bs_engine *engine,
                                    const struct bs_transfer_command *command)
{
    uint32_t account = bs_index_find(&engine->account_index, command->account);
    if (account == 0) {
        return bs_refuse(BS_UNKNOWN_ACCOUNT, "account");
    }
    int64_t amount;
    const struct bs_pool *pool = &engine->pools[engine->accounts.hot[account].pool];
    enum bs_status status = bs_to_quanta(pool, command->amount, &amount);
    if (status != BS_OK) {
        return bs_refuse(status, "amount");
    }
    uint8_t kind = command->kind;
    if (kind == BS_TRANSFER_BY_SIGN) {
        kind = amount < 0 ? BS_TRANSFER_WITHDRAWAL : BS_TRANSFER_DEPOSIT;
    }
    if ((kind == BS_TRANSFER_DEPOSIT && amount < 0) ||
        (kind == BS_TRANSFER_WITHDRAWAL && amount > 0)) {
        return bs_refuse(BS_WRONG_SIGN, "amount");
    }
    struct bs_outcome outcome = BS_ACCEPTED;
    if (command->market.size > 0) {
        outcome = open_isolated(engine, command->market, kind, &account);
        if (outcome.status != BS_OK) {
            return outcome;
        }
    }
    struct bs_dedupe_key key = {.account_uid = engine->accounts.cold[account].uid,
                                .id = command->transfer_id,
                                .content = {amount, kind, 0}};
    bool repeat;
    outcome = seen(engine, &key, "transfer_id", &repeat);
    if (outcome.status != BS_OK || repeat) {
        return outcome;
    }
    if (kind == BS_TRANSFER_WITHDRAWAL) {
        outcome = check_withdrawal(engine, account, amount);
    }
    if (outcome.status == BS_OK) {
        bool shifts = kind == BS_TRANSFER_DEPOSIT || kind == BS_TRANSFER_WITHDRAWAL;
        outcome = move_cash(engine, account, amount, shifts);
    }
    if (outcome.status == BS_OK) {
        note_fund(engine, account, BS_FUND_TRANSFER, amount);
        remember(engine, &key);
    }
    return outcome;
}

/* Two rows when part of it pays down the unallocated deficit: in, and out again. */
static void note_top_up(struct bs_engine *engine, uint32_t pool, int64_t amount, int64_t credit)
{
    uint32_t backstop = engine->pools[pool].backstop;
    struct bs_fund_change change = {
        .time_ms = engine->time_ms,
        .amount = amount,
        .balance = (bs_i128)engine->accounts.hot[backstop].collateral + credit,
        .equity = bs_account_equity(engine, backstop) + credit,
        .own_funds = engine->pools[pool].own_funds,
        .cause = amount < 0 ? BS_FUND_WITHDRAWAL : BS_FUND_TOP_UP,
    };
    bs_fund_history_add(engine, pool, &change);
    bs_fund_record_move(engine, pool, BS_FUND_CREDIT, -(bs_i128)credit);
}

struct bs_outcome bs_insurance_fund_apply(struct bs_engine *engine,
                                          const struct bs_fund_command *command,
                                          int64_t *ret_credit)
{
    *ret_credit = 0;
    uint32_t row = bs_index_find(&engine->pool_index, command->pool);
    if (row == 0) {
        return bs_refuse(BS_UNKNOWN_POOL, "pool");
    }
    struct bs_pool *pool = &engine->pools[row];
    int64_t amount;
    enum bs_status status = bs_to_quanta(pool, command->amount, &amount);
    if (status != BS_OK) {
        return bs_refuse(status, "amount");
    }
    struct bs_dedupe_key key = {.account_uid = engine->accounts.cold[pool->backstop].uid,
                                .id = command->transfer_id,
                                .content = {amount, BS_TRANSFER_COUNT, 0}};
    bool repeat;
    struct bs_outcome outcome = seen(engine, &key, "transfer_id", &repeat);
    if (outcome.status != BS_OK || repeat) {
        return outcome;
    }
    if (amount < 0 && bs_account_equity(engine, pool->backstop) + amount < pool->own_funds) {
        return bs_refuse(BS_INSUFFICIENT_EQUITY, "amount");
    }
    int64_t credit = (int64_t)bs_max(0, bs_min(amount, pool->unallocated));
    outcome = move_cash(engine, pool->backstop, amount - credit, true);
    if (outcome.status == BS_OK) {
        pool->unallocated -= credit;
        note_top_up(engine, row, amount, credit);
        bs_fund_observe(engine, row, engine->time_ms, false);
        *ret_credit = credit;
        remember(engine, &key);
    }
    return outcome;
}

/* The cash of the pool's fund above its floor, without the markets' own funds. */
static bs_i128 free_of_fund(const struct bs_engine *engine, const struct bs_pool *pool)
{
    bs_i128 cash = engine->accounts.hot[pool->backstop].collateral;
    bs_i128 own = bs_min(cash, bs_account_equity(engine, pool->backstop));
    return own - pool->policy.floor - pool->own_funds;
}

struct bs_outcome bs_own_fund_apply(struct bs_engine *engine,
                                    const struct bs_own_fund_command *command)
{
    uint32_t row = bs_index_find(&engine->market_index, command->market);
    if (row == 0) {
        return bs_refuse(BS_UNKNOWN_MARKET, "market");
    }
    struct bs_market *market = &engine->markets[row];
    struct bs_pool *pool = &engine->pools[market->pool];
    int64_t amount;
    enum bs_status status = bs_to_quanta(pool, command->amount, &amount);
    if (status != BS_OK) {
        return bs_refuse(status, "amount");
    }
    struct bs_dedupe_key key = {.account_uid = engine->accounts.cold[pool->backstop].uid,
                                .id = command->transfer_id,
                                .content = {amount, BS_TRANSFER_COUNT + 1, (int64_t)market->uid}};
    bool repeat;
    struct bs_outcome outcome = seen(engine, &key, "transfer_id", &repeat);
    if (outcome.status != BS_OK || repeat) {
        return outcome;
    }
    if (!market->own_fund) {
        return bs_refuse(BS_NO_OWN_FUND, "market");
    }
    if (amount > 0 ? amount > free_of_fund(engine, pool) : -amount > market->own_fund_balance) {
        return bs_refuse(BS_INSUFFICIENT_EQUITY, "amount");
    }
    market->own_fund_balance += amount;
    pool->own_funds += amount;
    touched(engine, pool->backstop);
    bs_fund_record_move(engine, market->pool, BS_FUND_OWN_FUND, -(bs_i128)amount);
    bs_fund_observe(engine, market->pool, engine->time_ms, false);
    remember(engine, &key);
    return BS_ACCEPTED;
}
