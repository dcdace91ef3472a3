/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The solvency bound of every account (rules/solvency_bound.h), one byte an account; the least of
 * each page of accounts in one byte a page. Level 0 is looked at in any case: the account has
 * changed since, or has next to nothing. All of it follows from the state; nothing of it is in the
 * digest; an engine that has just been replayed only looks at more accounts.
 *
 * The references become the marks again when looking at accounts has cost some full passes.
 */
#ifndef BS_BOUNDS_H
#define BS_BOUNDS_H

#include "lib/book/book.h"
#include "lib/rules/solvency_bound.h"

struct bs_bound_walk {
    uint32_t pool, page, slot;
    uint8_t reach; /* levels below it are looked at */
};

/* Collateral or positions of the account have changed. */
static inline void bs_bound_touch(struct bs_engine *engine, uint32_t account)
{
    engine->accounts.bound[account] = 0;
    engine->page_bound[account / BS_PAGE_ACCOUNTS] = 0;
    engine->pools[engine->accounts.hot[account].pool].deficits_known = false;
}

/* Begins a walk over the accounts of a pool that may be insolvent at the marks. */
struct bs_bound_walk bs_bound_begin(struct bs_engine *engine, uint32_t pool);
/* The next one, in the order of bs_account_walk_next and without the backstop account; 0 = none. */
uint32_t bs_bound_next(struct bs_engine *engine, struct bs_bound_walk *walk);
/* What the account that bs_bound_next has just returned was found to have. */
void bs_bound_found(struct bs_engine *engine, uint32_t account, bs_i128 equity);

/* The sum of the deficits of all accounts of the pool at the marks held now; the fund's is none. */
bs_i128 bs_pool_deficits(struct bs_engine *engine, uint32_t pool);

#endif
