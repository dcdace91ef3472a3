/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Changes to a copy of the engine that no command could make, to see what would follow. The copy is
 * the caller's, made by bs_engine_attach from a block's bytes; after its settle command it is
 * thrown away. Never on an engine that follows a log.
 *
 *     bs_what_if_begin, bs_what_if_mark..., bs_what_if_fund, bs_what_if_waterfall
 *     bs_what_if_accounts                       what every account had
 *     bs_engine_step(settle), bs_engine_continue...
 *     bs_what_if_totals                         what is still open
 */
#ifndef BS_WHAT_IF_H
#define BS_WHAT_IF_H

#include "lib/engine.h"

struct bs_what_if_mark {
    struct bs_text market;
    bool by_price; /* else the mark moves by move_ppm of itself, to the nearest tick */
    struct bs_decimal price;
    int64_t
        move_ppm; /* half a tick goes away from zero; -1,000,000 and below: price_not_positive */
};

/* Marks have no age in this pool from here on. */
void bs_what_if_begin(struct bs_engine *engine, uint32_t pool);
/* BS_UNKNOWN_MARKET, BS_MARKET_IN_OTHER_POOL, BS_NO_MARK (nothing to move), or what is wrong with
 * the price. No band applies. */
BS_MUST_USE enum bs_status bs_what_if_mark(struct bs_engine *engine, uint32_t pool,
                                           const struct bs_what_if_mark *mark);
/* The fund's cash becomes this amount (>= 0); its positions stay. */
BS_MUST_USE enum bs_status bs_what_if_fund(struct bs_engine *engine, uint32_t pool,
                                           struct bs_decimal amount);
/* The pool's waterfall at once, its period unchanged; *ret_field is set when it is refused. */
BS_MUST_USE enum bs_status bs_what_if_waterfall(struct bs_engine *engine, uint32_t pool,
                                                const struct bs_layer *layers, uint32_t count,
                                                const char **ret_field);
/* Whether a market of the pool with open positions has no mark. */
BS_MUST_USE bool bs_what_if_lacks_mark(const struct bs_engine *engine, uint32_t pool);

struct bs_what_if_account {
    bs_i128 equity, gain; /* quanta of the pool's asset; 0 for a row that is not of the pool */
};

/* Rows that account handles index: handles are smaller than this. */
uint32_t bs_what_if_rows(const struct bs_engine *engine);
/* Writes the pool's accounts, the backstop account left out, into rows by handle. */
void bs_what_if_accounts(const struct bs_engine *engine, uint32_t pool,
                         struct bs_what_if_account *rows);

struct bs_what_if_totals { /* quanta */
    bs_i128 fund_equity;
    bs_i128 period_loss;
    bs_i128 unallocated;
};

void bs_what_if_totals_get(const struct bs_engine *engine, uint32_t pool,
                           struct bs_what_if_totals *ret_totals);
/* Puts accounts in the order of their ids, an isolated margin after its account; not for
 * display. */
struct bs_text bs_what_if_key(const struct bs_engine *engine, uint32_t account);

#endif
