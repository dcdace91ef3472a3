/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/command/cash.h"

#include "lib/book/bounds.h"
#include "lib/book/fund.h"
#include "lib/book/isolated.h"
#include "lib/book/unrealized.h"
#include "lib/money/money.h"

struct bs_outcome bs_isolated_named(const struct bs_engine *engine, uint32_t owner,
                                    struct bs_text market, uint32_t *ret_isolated)
{
    assert(owner != 0);
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

struct bs_outcome bs_cash_seen(const struct bs_engine *engine, const struct bs_dedupe_key *key,
                               const char *field, bool *ret_repeat)
{
    *ret_repeat = false;
    if (key->has_time && key->time_ms > engine->time_ms + BS_TIME_AHEAD_MAX_MS) {
        return bs_refuse(BS_TIME_IN_FUTURE, "time");
    }
    if (key->id.size == 0) {
        return BS_ACCEPTED;
    }
    enum bs_seen before = bs_dedupe_check(engine, key);
    if (before == BS_SEEN_OTHER) {
        return bs_refuse(BS_ID_REUSED, field);
    }
    if (before == BS_SEEN_FORGOTTEN) {
        return bs_refuse(BS_ID_TOO_OLD, "time");
    }
    *ret_repeat = before == BS_SEEN_SAME;
    return BS_ACCEPTED;
}

void bs_cash_remember(struct bs_engine *engine, const struct bs_dedupe_key *key)
{
    if (key->id.size > 0) {
        bs_dedupe_add(engine, key);
    }
}

void bs_account_touched(struct bs_engine *engine, uint32_t account)
{
    assert(account != 0);
    engine->accounts.cold[account].seq = engine->seq;
    engine->pools[engine->accounts.hot[account].pool].changed = true;
}

void bs_cash_note_fund(struct bs_engine *engine, uint32_t account, enum bs_fund_cause cause,
                       bs_i128 amount)
{
    uint32_t pool = engine->accounts.hot[account].pool;
    if (account == engine->pools[pool].backstop) {
        bs_fund_record_move(engine, pool, cause, amount);
    }
}

struct bs_outcome bs_cash_move(struct bs_engine *engine, uint32_t account, int64_t amount,
                               bool shifts_baseline)
{
    assert(account != 0);
    bs_i128 collateral = bs_account_cash(engine, account) + amount;
    if (!bs_account_cash_may_be(engine, account, collateral)) {
        return bs_refuse(BS_OUT_OF_RANGE, "amount");
    }
    struct bs_pool *pool = &engine->pools[engine->accounts.hot[account].pool];
    bs_i128 equity = bs_equity_kept(engine, account);
    bool stays_solvent = equity >= 0 && equity + amount >= 0; /* then the deficits are as before */
    bool known = pool->deficits_known && (stays_solvent || account == pool->backstop);
    bs_account_cash_set(engine, account, collateral);
    bs_bound_touch(engine, account);
    pool->deficits_known = known;
    if (shifts_baseline) {
        engine->accounts.cold[account].baseline += amount;
    }
    bs_account_touched(engine, account);
    return BS_ACCEPTED;
}
