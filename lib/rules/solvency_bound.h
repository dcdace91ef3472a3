/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which accounts may have become insolvent: so that detection costs what moves and who is thin, not
 * how many there are.
 *
 * Each market has a reference price p0. With E0 an account's equity at the references and G the sum
 * of its |value| there, its equity at the marks p is at least E0 - R * G, where R is the largest
 * relative move |p - p0| / p0 of all markets of the pool. So whoever has E0 / G >= R is solvent and
 * need not be looked at. (Inverse: |p - p0| / min(p, p0), and one quantum a leg for the rounding of
 * its value, taken off E0 and added to G.)
 *
 * E0 / G is kept rounded down to a level of one byte an account; the least level of each page of
 * accounts in one byte a page. Level 0 is looked at in any case: what has changed since, and what
 * is next to nothing. All of it follows from the state; nothing of it is in the digest; an engine
 * that has just been replayed only looks at more.
 *
 * References are taken anew when looking at accounts again and again has cost some full passes.
 */
#ifndef BS_WATCH_H
#define BS_WATCH_H

#include "lib/book/book.h"

#define BS_WATCH_NEVER UINT8_MAX /* no position that could lose */

struct bs_watch {
    uint32_t pool, page, slot;
    uint8_t reach; /* levels below it are looked at */
};

/* Collateral or positions of the account have changed. */
static inline void bs_watch_touch(struct bs_engine *engine, uint32_t account)
{
    engine->accounts.watch[account] = 0;
    engine->page_watch[account / BS_PAGE_ACCOUNTS] = 0;
}

/* Begins a walk over the accounts of a pool that may be insolvent at the marks. */
struct bs_watch bs_watch_begin(struct bs_engine *engine, uint32_t pool);
/* The next one, in the order of bs_account_walk_next and without the backstop account; 0 = none. */
uint32_t bs_watch_next(struct bs_engine *engine, struct bs_watch *watch);
/* What the account that bs_watch_next has just returned was found to have. */
void bs_watch_found(struct bs_engine *engine, uint32_t account, bs_i128 equity);

#endif
