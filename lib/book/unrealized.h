/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The unrealized profit of an account. That of an account with many positions is kept from one
 * command to the next, so that a thousand withdrawals from it cost one sum and not a thousand. It
 * follows from the state; nothing of it is in the digest.
 */
#ifndef BS_UNREALIZED_H
#define BS_UNREALIZED_H

#include "lib/book/account_cash.h"

/* Of all positions at the marks held now, in quanta. */
struct bs_unrealized bs_unrealized_of(struct bs_engine *engine, uint32_t account);

/* As bs_account_equity, from what is kept. */
static inline bs_i128 bs_equity_kept(struct bs_engine *engine, uint32_t account)
{
    return bs_account_cash(engine, account) + bs_unrealized_of(engine, account).profit;
}

/* A position of the account has changed. A changed mark counts in pool.mark_changes instead. */
static inline void bs_unrealized_forget(struct bs_engine *engine, uint32_t account)
{
    struct bs_kept_unrealized *kept = &engine->kept_unrealized[account % BS_KEPT_UNREALIZED];
    if (kept->account == account) {
        kept->account = 0;
    }
}

#endif
