/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The window since a default. Its gain is measured like the period's, from a baseline of its own.
 * Whatever moves the one baseline (deposits, absolute updates, what lifts an account back to 0)
 * moves the other by as much, so only their difference is kept: it changes when the window opens
 * and when a period ends, and nowhere else.
 *
 *              open_window: the baseline is now's equity, nothing is taken yet
 *     closed ---------------------------------------------------------------> open
 *            <---------------------------------------------------------------
 *              close_window, or the layer that divides by it goes: what is taken is final
 */
#ifndef BS_WINDOW_H
#define BS_WINDOW_H

#include "lib/book/book.h"

void bs_window_open(struct bs_engine *engine, uint32_t pool, struct bs_text name);
void bs_window_close(struct bs_engine *engine, uint32_t pool);
/* The period of the account ends with this gain. */
void bs_window_carry(struct bs_engine *engine, uint32_t account, bs_i128 period_gain);

static inline bs_i128 bs_window_carried(const struct bs_engine *engine, uint32_t account)
{
    return engine->accounts.any_window ? engine->accounts.window[account].carried : 0;
}

static inline bs_i128 bs_window_taken(const struct bs_engine *engine, uint32_t account)
{
    return engine->accounts.any_window ? engine->accounts.window[account].taken : 0;
}

static inline struct bs_text bs_window_name(const struct bs_pool *pool)
{
    return (struct bs_text){pool->window.name, pool->window.name_size};
}

#endif
