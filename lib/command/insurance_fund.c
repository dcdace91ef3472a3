/* SPDX-License-Identifier: Apache-2.0 */
/* Money into and out of a pool's insurance fund. */
#include "lib/book/accounts.h"
#include "lib/book/convert.h"
#include "lib/book/fund.h"
#include "lib/book/names.h"
#include "lib/command/apply.h"
#include "lib/command/cash.h"
#include "lib/command/withheld.h"
#include "lib/money/money.h"
#include "lib/settlement/actions.h"

/* Two rows when part of it pays down the unallocated deficit: in, and out again. */
static void note_top_up(struct bs_engine *engine, uint32_t pool, int64_t amount, int64_t credit)
{
    uint32_t backstop = engine->pools[pool].backstop;
    assert(credit >= 0);
    assert(credit == 0 || credit <= amount);
    struct bs_fund_change change = {
        .time_ms = engine->time_ms,
        .amount = amount,
        .balance = bs_account_cash(engine, backstop) + credit,
        .equity = bs_account_equity(engine, backstop) + credit,
        .own_funds = engine->pools[pool].own_funds,
        .cause = amount < 0 ? BS_FUND_WITHDRAWAL : BS_FUND_TOP_UP,
    };
    bs_fund_history_add(engine, pool, &change);
    bs_fund_record_move(engine, pool, BS_FUND_CREDIT, -(bs_i128)credit);
}

/* *ret_credit: what paid down an unallocated deficit. */
static struct bs_outcome pay_in(struct bs_engine *engine, const struct bs_fund_command *command,
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
                                .has_time = command->has_time,
                                .time_ms = command->time_ms,
                                .content = {amount, BS_TRANSFER_COUNT, 0}};
    bool repeat;
    struct bs_outcome outcome = bs_cash_seen(engine, &key, "transfer_id", &repeat);
    if (outcome.status != BS_OK || repeat) {
        return outcome;
    }
    if (amount < 0) {
        outcome = bs_fund_leaving_check(engine, row, amount);
    }
    if (outcome.status != BS_OK) {
        return outcome;
    }
    int64_t credit = (int64_t)bs_max(0, bs_min(amount, pool->unallocated));
    outcome = bs_cash_move(engine, pool->backstop, amount - credit, true);
    if (outcome.status == BS_OK) {
        pool->unallocated -= credit;
        assert(pool->unallocated >= 0);
        note_top_up(engine, row, amount, credit);
        bs_fund_observe(engine, row, engine->time_ms, false);
        *ret_credit = credit;
        bs_cash_remember(engine, &key);
    }
    return outcome;
}

struct bs_outcome bs_insurance_fund_apply(struct bs_engine *engine,
                                          const struct bs_fund_command *command,
                                          struct bs_effects *effects)
{
    int64_t credit;
    struct bs_outcome outcome = pay_in(engine, command, &credit);
    if (outcome.status == BS_OK && credit > 0) {
        uint32_t row = bs_index_find(&engine->pool_index, command->pool);
        const struct bs_pool *pool = &engine->pools[row];
        struct bs_action *action = bs_action_new(engine, row, BS_ACTION_INSURANCE_CREDIT, effects);
        action->account = bs_account_text(engine, pool->backstop);
        engine->accounts.cold[pool->backstop].last_action = action->id;
        bs_action_decimal(action, BS_ACTION_DECIMAL_amount, bs_quanta_wide(pool, credit));
    }
    return outcome;
}
