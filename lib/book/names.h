/* SPDX-License-Identifier: Apache-2.0 */
/* The names of rows. They live until the next step. */
#ifndef BS_NAMES_H
#define BS_NAMES_H

#include "lib/book/book.h"

/* What a row goes by: the account's id; for an isolated row the owner's, a NUL and the market's,
 * which no id contains, so that it comes right after its owner in the order of ids. */
static inline struct bs_text bs_account_key(const struct bs_engine *engine, uint32_t account)
{
    return bs_names_get(&engine->names, engine->accounts.cold[account].name);
}

/* The account of a row: itself, or the owner of an isolated one. */
static inline uint32_t bs_account_owner(const struct bs_engine *engine, uint32_t account)
{
    uint32_t owner = engine->accounts.cold[account].owner;
    return owner != 0 ? owner : account;
}

static inline struct bs_text bs_account_text(const struct bs_engine *engine, uint32_t account)
{
    return bs_account_key(engine, bs_account_owner(engine, account));
}

static inline struct bs_text bs_market_text(const struct bs_engine *engine, uint32_t market)
{
    return bs_names_get(&engine->names, engine->market_name[market]);
}

static inline struct bs_text bs_pool_text(const struct bs_engine *engine, uint32_t pool)
{
    return bs_names_get(&engine->names, engine->pool_name[pool]);
}

#endif
