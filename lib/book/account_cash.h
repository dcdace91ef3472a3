/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The realised cash of an account, its collateral. What is sent stays within BS_MONEY_MAX, but closes
 * may add up to more. What is more stands apart, so that the row that every pass reads stays small.
 */
#ifndef BS_ACCOUNT_CASH_H
#define BS_ACCOUNT_CASH_H

#include "lib/book/book.h"
#include "lib/money/money.h"

static inline bs_i128 bs_account_cash(const struct bs_engine *engine, uint32_t account)
{
    bs_i128 cash = engine->accounts.hot[account].collateral;
    return engine->accounts.any_beyond ? cash + engine->accounts.beyond[account] : cash;
}

static inline void bs_account_cash_set(struct bs_engine *engine, uint32_t account, bs_i128 cash)
{
    struct bs_accounts *accounts = &engine->accounts;
    bs_i128 within = bs_max(-BS_MONEY_MAX, bs_min(cash, BS_MONEY_MAX));
    accounts->hot[account].collateral = (int64_t)within;
    accounts->any_beyond = accounts->any_beyond || cash != within;
    if (accounts->any_beyond) {
        accounts->beyond[account] = cash - within;
    }
    assert(bs_account_cash(engine, account) == cash);
}

/* Whether a command may leave that much: nothing beyond BS_MONEY_MAX that is further out than before. */
static inline bool bs_account_cash_may_be(const struct bs_engine *engine, uint32_t account,
                                          bs_i128 cash)
{
    return bs_abs(cash) <= bs_max(BS_MONEY_MAX, bs_abs(bs_account_cash(engine, account)));
}

#endif
