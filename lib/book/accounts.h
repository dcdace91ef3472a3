/* SPDX-License-Identifier: Apache-2.0 */
/* Accounts: made and deleted, and walked by pool. */
#ifndef BS_ACCOUNTS_H
#define BS_ACCOUNTS_H

#include "lib/book/account_cash.h"
#include "lib/book/positions.h"

/* Collateral plus the profit of all positions at current marks. */
static inline bs_i128 bs_account_equity(const struct bs_engine *engine, uint32_t account)
{
    bs_i128 equity = bs_account_cash(engine, account);
    uint32_t first = engine->accounts.hot[account].position_at;
    uint32_t count = engine->accounts.hot[account].position_count;
    for (uint32_t i = first; i < first + count; i++) {
        equity += bs_position_profit(engine, i);
    }
    return equity;
}

/* Holds neither money nor positions, and no gain or loss of the period, which would leave with it. */
static inline bool bs_account_is_flat(const struct bs_engine *engine, uint32_t account)
{
    const struct bs_account_hot *hot = &engine->accounts.hot[account];
    return hot->collateral == 0 && hot->position_count == 0 &&
           engine->accounts.cold[account].baseline == 0;
}

/* Walks the accounts of a pool, the backstop account included, page by page. */
struct bs_account_walk {
    uint32_t page, slot;
};

static inline struct bs_account_walk bs_account_walk_begin(const struct bs_pool *pool)
{
    return (struct bs_account_walk){pool->page_head, 0};
}

static inline uint32_t bs_account_walk_next(const struct bs_engine *engine,
                                            struct bs_account_walk *walk)
{
    while (walk->page != 0) {
        while (walk->slot < BS_PAGE_ACCOUNTS) {
            uint32_t account = walk->page * BS_PAGE_ACCOUNTS + walk->slot++;
            if (engine->accounts.hot[account].pool != 0) {
                return account;
            }
        }
        walk->page = engine->page_next[walk->page];
        walk->slot = 0;
    }
    return 0;
}

uint32_t bs_account_new(struct bs_engine *engine, uint32_t pool, struct bs_text name,
                        enum bs_status *ret_status); /* 0 and a status when a table is full */
void bs_account_delete(struct bs_engine *engine, uint32_t account);

#endif
