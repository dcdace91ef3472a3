/* SPDX-License-Identifier: Apache-2.0 */
/*
 * All accounts in the order of their names: an array of places with gaps, in which `cold.rank` is a
 * row's place. A row that goes leaves a gap, a row that comes takes one near its neighbours, so
 * neither costs more the more accounts there are. New rows wait, unsorted, until somebody reads.
 */
#ifndef BS_ACCOUNT_ORDER_H
#define BS_ACCOUNT_ORDER_H

#include "lib/book/book.h"

uint64_t bs_account_order_places(uint64_t accounts); /* most that so many accounts need */
void bs_account_order_add(struct bs_engine *engine, uint32_t account);
/* An account of an engine to which all come in the order of their names: it has its place at once. */
void bs_account_order_append(struct bs_engine *engine, uint32_t account);
void bs_account_order_remove(struct bs_engine *engine, uint32_t account);
/* Gives every account its place. Readers call it first; places stay until the next call. */
void bs_account_order_refresh(struct bs_engine *engine);
/* The first place of an account whose name is greater than `after`, or the end. */
uint32_t bs_account_order_after(const struct bs_engine *engine, struct bs_text after);

/* The first account at or after place *at, which moves past it; 0 at the end. */
static inline uint32_t bs_account_order_next(const struct bs_engine *engine, uint32_t *at)
{
    uint32_t account = 0;
    while (account == 0 && *at < engine->order.places) {
        account = engine->accounts.order[(*at)++];
    }
    return account;
}

#endif
