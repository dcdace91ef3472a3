/* SPDX-License-Identifier: Apache-2.0 */
/* Pools: whether one can be settled, its periods and its handovers. */
#ifndef BS_POOLS_H
#define BS_POOLS_H

#include "lib/book/book.h"

/* Whether every market of the pool with open positions has a mark that is fresh. */
bool bs_pool_is_ready(const struct bs_engine *engine, uint32_t pool, int64_t now_ms);
/* The period that contains now_ms begins. */
void bs_pool_period_open(struct bs_pool *pool, int64_t now_ms);
/* Forgets all handovers of the pool. */
void bs_pool_handovers_clear(struct bs_engine *engine, uint32_t pool);

#endif
