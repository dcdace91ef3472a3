/* SPDX-License-Identifier: Apache-2.0 */
/* Transfers: deposits, withdrawals and other movements of an account's cash. */
#include "lib/book/convert.h"
#include "lib/book/isolated.h"
#include "lib/command/apply.h"
#include "lib/command/cash.h"
#include "lib/command/withheld.h"

/* A trader's withdrawal, and all that leaves the fund, may be held back; the venue decides on fees
 * and funding of traders. */
static struct bs_outcome check_leaving(struct bs_engine *engine, uint32_t account, uint8_t kind,
                                       int64_t amount)
{
    uint32_t pool = engine->accounts.hot[account].pool;
    if (account == engine->pools[pool].backstop) {
        return amount < 0 ? bs_fund_leaving_check(engine, pool, amount) : BS_ACCEPTED;
    }
    return kind == BS_TRANSFER_WITHDRAWAL ? bs_withdrawal_check(engine, account, amount)
                                          : BS_ACCEPTED;
}

/* What the transfer is known by, on the account of this number. */
static struct bs_dedupe_key key_of(const struct bs_transfer_command *command, uint64_t account_uid)
{
    return (struct bs_dedupe_key){.account_uid = account_uid,
                                  .id = command->transfer_id,
                                  .has_time = command->has_time,
                                  .time_ms = command->time_ms};
}

/* Finds the row whose cash a transfer that names a market moves; the first deposit makes it. Only
 * the transfer's time can refuse a deposit into a new row, so it is checked before, as of an id of
 * nobody. */
static struct bs_outcome open_isolated(struct bs_engine *engine,
                                       const struct bs_transfer_command *command, uint8_t kind,
                                       uint32_t *account)
{
    uint32_t owner = *account;
    struct bs_text market = command->market;
    assert(engine->accounts.cold[owner].owner == 0);
    if (engine->pools[engine->accounts.hot[owner].pool].backstop == owner) {
        return bs_refuse(BS_RESERVED_ACCOUNT, "market");
    }
    struct bs_outcome outcome = bs_isolated_named(engine, owner, market, account);
    if (outcome.status == BS_UNKNOWN_ISOLATED && kind == BS_TRANSFER_DEPOSIT) {
        bool repeat;
        struct bs_dedupe_key key = key_of(command, 0);
        outcome = bs_cash_seen(engine, &key, "transfer_id", &repeat);
        if (outcome.status != BS_OK) {
            return outcome;
        }
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
        outcome = open_isolated(engine, command, kind, &account);
        if (outcome.status != BS_OK) {
            return outcome;
        }
    }
    struct bs_dedupe_key key = key_of(command, engine->accounts.cold[account].uid);
    key.content[0] = amount;
    key.content[1] = kind;
    bool repeat;
    outcome = bs_cash_seen(engine, &key, "transfer_id", &repeat);
    if (outcome.status != BS_OK || repeat) {
        return outcome;
    }
    outcome = check_leaving(engine, account, kind, amount);
    if (outcome.status == BS_OK) {
        bool shifts = kind == BS_TRANSFER_DEPOSIT || kind == BS_TRANSFER_WITHDRAWAL;
        outcome = bs_cash_move(engine, account, amount, shifts);
    }
    if (outcome.status == BS_OK) {
        bs_cash_note_fund(engine, account, BS_FUND_TRANSFER, amount);
        bs_cash_remember(engine, &key);
    }
    return outcome;
}
