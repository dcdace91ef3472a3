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

uint32_t bs_account_new(struct bs_engine *engine, uint32_t row, struct bs_text name,
                        enum bs_status *ret_status)
{
    struct bs_accounts *accounts = &engine->accounts;
    struct bs_pool *pool = &engine->pools[row];
    if (engine->accounts_count >= engine->capacity.accounts_max + engine->capacity.pools_max) {
        *ret_status = BS_FULL_ACCOUNTS;
        return 0;
    }
    uint32_t offset = bs_names_add(&engine->names, name);
    if (offset == 0) {
        *ret_status = BS_FULL_NAMES;
        return 0;
    }
    uint32_t account = take_row(engine, pool);
    if (account == 0) {
        bs_names_remove(&engine->names, offset);
        *ret_status = BS_FULL_ACCOUNTS;
        return 0;
    }
    accounts->cold[account].name = offset;
    accounts->hot[account].pool = (uint16_t)row;
    bs_account_cash_set(engine, account, 0);
    bs_bound_touch(engine, account);
    accounts->cold[account].baseline = 0;
    accounts->hot[account].position_at = 0;
    accounts->hot[account].position_count = 0;
    accounts->cold[account].position_class = BS_NO_ROOM;
    accounts->cold[account].handed_over = false;
    accounts->cold[account].owner = 0;
    accounts->cold[account].isolated = 0;
    accounts->cold[account].in_closes = false;
    accounts->cold[account].last_action = 0;
    accounts->cold[account].uncapped_ppm = 0;
    accounts->cold[account].seq = 0;
    accounts->cold[account].uid = ++engine->uids;
    if (accounts->any_past) {
        accounts->past[account] = (struct bs_account_past){0};
    }
    if (accounts->any_window) {
        accounts->window[account] = (struct bs_account_window){0};
    }
    bs_account_order_add(engine, account);
    bs_index_add(&engine->account_index, account);
    engine->accounts_count++;
    pool->accounts++;
    return account;
}

void bs_account_delete(struct bs_engine *engine, uint32_t account)
{
    struct bs_accounts *accounts = &engine->accounts;
    assert(accounts->hot[account].position_count == 0);
    assert(accounts->cold[account].owner != 0 || accounts->cold[account].isolated == 0);
    bs_positions_clear(engine, account);
    struct bs_pool *pool = &engine->pools[accounts->hot[account].pool];
    pool->handovers -= accounts->cold[account].handed_over;
    bs_account_order_remove(engine, account);
    bs_index_remove(&engine->account_index, account);
    bs_names_remove(&engine->names, accounts->cold[account].name);
    accounts->cold[account].name = 0;
    accounts->hot[account].pool = 0;
    accounts->hot[account].position_at = pool->account_free;
    pool->account_free = account;
    pool->accounts--;
    engine->accounts_count--;
}
