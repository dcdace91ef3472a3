/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/book/window.h"

#include "lib/book/accounts.h"

void bs_window_open(struct bs_engine *engine, uint32_t row, struct bs_text name)
{
    struct bs_pool *pool = &engine->pools[row];
    assert(!pool->window.open);
    assert(name.size <= BS_ID_SIZE_MAX);
    pool->window = (struct bs_window){
        .open = true, .name_size = (uint8_t)name.size, .opened_ms = engine->time_ms};
    memcpy(pool->window.name, name.bytes, name.size);
    engine->accounts.any_window = true;
    struct bs_account_walk walk = bs_account_walk_begin(pool);
    for (uint32_t account; (account = bs_account_walk_next(engine, &walk)) != 0;) {
        engine->accounts.window[account].carried =
            engine->accounts.cold[account].baseline - bs_account_equity(engine, account);
    }
}

void bs_window_close(struct bs_engine *engine, uint32_t row)
{
    struct bs_pool *pool = &engine->pools[row];
    assert(pool->window.open);
    assert(pool->window.loss >= 0);
    pool->window.open = false; /* the name stays readable for the action that says so */
    pool->window.loss = 0;
    struct bs_account_walk walk = bs_account_walk_begin(pool);
    for (uint32_t account; (account = bs_account_walk_next(engine, &walk)) != 0;) {
        engine->accounts.window[account] = (struct bs_account_window){0};
    }
}

void bs_window_carry(struct bs_engine *engine, uint32_t account, bs_i128 period_gain)
{
    assert(engine->accounts.any_window);
    engine->accounts.window[account].carried += period_gain;
}
