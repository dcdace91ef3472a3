/* SPDX-License-Identifier: Apache-2.0 */
/* Accounts: rows in pages of one pool each. */
#include "lib/book/accounts.h"

#include "lib/book/account_order.h"
#include "lib/book/bounds.h"
#include "lib/book/names.h"

static uint32_t take_row(struct bs_engine *engine, struct bs_pool *pool)
{
    if (pool->account_free == 0) {
        if (engine->pages_used == engine->pages_max) {
            return 0;
        }
        uint32_t page = ++engine->pages_used;
        if (pool->page_tail != 0) {
            engine->page_next[pool->page_tail] = page;
        } else {
            pool->page_head = page;
        }
        pool->page_tail = page;
        for (uint32_t slot = BS_PAGE_ACCOUNTS; slot-- > 0;) {
            uint32_t row = page * BS_PAGE_ACCOUNTS + slot;
            engine->accounts.hot[row].position_at = pool->account_free;
            pool->account_free = row;
        }
    }
    uint32_t row = pool->account_free;
    pool->account_free = engine->accounts.hot[row].position_at;
    return row;
}

uint32_t bs_account_new(struct bs_engine *engine, uint32_t pool, struct bs_text name,
                        enum bs_status *ret_status)
{
    struct bs_accounts *a = &engine->accounts;
    struct bs_pool *p = &engine->pools[pool];
    if (engine->accounts_count >= engine->capacity.accounts_max + engine->capacity.pools_max) {
        *ret_status = BS_FULL_ACCOUNTS;
        return 0;
    }
    uint32_t offset = bs_names_add(&engine->names, name);
    if (offset == 0) {
        *ret_status = BS_FULL_NAMES;
        return 0;
    }
    uint32_t row = take_row(engine, p);
    if (row == 0) {
        bs_names_remove(&engine->names, offset);
        *ret_status = BS_FULL_ACCOUNTS;
        return 0;
    }
    a->cold[row].name = offset;
    a->hot[row].pool = (uint16_t)pool;
    a->hot[row].collateral = 0;
    bs_bound_touch(engine, row);
    a->cold[row].baseline = 0;
    a->hot[row].position_at = 0;
    a->hot[row].position_count = 0;
    a->cold[row].position_class = BS_NO_ROOM;
    a->cold[row].handed_over = false;
    a->cold[row].owner = 0;
    a->cold[row].isolated = 0;
    a->cold[row].in_closes = false;
    a->cold[row].last_action = 0;
    a->cold[row].uncapped_ppm = 0;
    a->cold[row].seq = 0;
    a->cold[row].uid = ++engine->uids;
    if (a->any_past) {
        a->past[row] = (struct bs_account_past){0};
    }
    if (a->any_window) {
        a->window[row] = (struct bs_account_window){0};
    }
    bs_account_order_add(engine, row);
    bs_index_add(&engine->account_index, row);
    engine->accounts_count++;
    p->accounts++;
    return row;
}

void bs_account_delete(struct bs_engine *engine, uint32_t account)
{
    struct bs_accounts *a = &engine->accounts;
    assert(a->hot[account].position_count == 0);
    assert(a->cold[account].owner != 0 || a->cold[account].isolated == 0);
    bs_positions_clear(engine, account);
    struct bs_pool *p = &engine->pools[a->hot[account].pool];
    p->handovers -= a->cold[account].handed_over;
    bs_account_order_remove(engine, account);
    bs_index_remove(&engine->account_index, account);
    bs_names_remove(&engine->names, a->cold[account].name);
    a->cold[account].name = 0;
    a->hot[account].pool = 0;
    a->hot[account].position_at = p->account_free;
    p->account_free = account;
    p->accounts--;
    engine->accounts_count--;
}
