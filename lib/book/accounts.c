/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Accounts: rows in pages of one pool each, and the order of all accounts by name. New accounts
 * wait in an unsorted tail of `order`; the first reader that needs the order sorts the tail and
 * merges it, so that posting stays cheap and reading exact.
 */
#include "lib/book/accounts.h"

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
    if (engine->order_holes &&
        engine->order_count == engine->config.accounts_max + engine->config.pools_max) {
        bs_order_refresh(engine);
    }
    if (engine->accounts_count == engine->config.accounts_max + engine->config.pools_max) {
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
    a->order[engine->order_count++] = row;
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
    bs_order_refresh(engine);
    bs_index_remove(&engine->account_index, account);
    bs_names_remove(&engine->names, a->cold[account].name);
    a->order[a->cold[account].rank] = 0;
    engine->order_holes = true;
    a->cold[account].name = 0;
    a->hot[account].pool = 0;
    a->hot[account].position_at = p->account_free;
    p->account_free = account;
    p->accounts--;
    engine->accounts_count--;
}

static bool before(const struct bs_engine *engine, uint32_t a, uint32_t b)
{
    return bs_text_compare(bs_account_key(engine, a), bs_account_key(engine, b)) < 0;
}

/* Merges the sorted runs [from, middle) and [middle, to) of `order`; `spare` holds the right one.
 */
static void merge_runs(const struct bs_engine *engine, uint32_t from, uint32_t middle, uint32_t to)
{
    uint32_t *order = engine->accounts.order;
    if (from == middle || middle == to || !before(engine, order[middle], order[middle - 1])) {
        return; /* already in order: the usual case when names arrive sorted */
    }
    uint32_t *spare = engine->accounts.order_spare;
    memcpy(spare, order + middle, (to - middle) * sizeof *spare);
    uint32_t left = middle, right = to - middle;
    for (uint32_t at = to; right > 0; at--) {
        if (left > from && before(engine, spare[right - 1], order[left - 1])) {
            order[at - 1] = order[--left];
        } else {
            order[at - 1] = spare[--right];
        }
    }
}

static void close_holes(struct bs_engine *engine)
{
    uint32_t *order = engine->accounts.order;
    uint32_t kept = 0, kept_sorted = 0;
    for (uint32_t i = 0; i < engine->order_count; i++) {
        if (i == engine->order_sorted) {
            kept_sorted = kept;
        }
        if (order[i] != 0) {
            order[kept++] = order[i];
        }
    }
    engine->order_sorted = engine->order_sorted == engine->order_count ? kept : kept_sorted;
    engine->order_count = kept;
    engine->order_holes = false;
}

void bs_order_refresh(struct bs_engine *engine)
{
    if (engine->order_sorted == engine->order_count && !engine->order_holes) {
        return;
    }
    if (engine->order_holes) {
        close_holes(engine);
    }
    uint32_t from = engine->order_sorted, to = engine->order_count;
    for (uint32_t run = 1; run < to - from; run *= 2) {
        for (uint32_t at = from; to - at > run; at += 2 * run) {
            uint32_t end = to - at < 2 * run ? to : at + 2 * run;
            merge_runs(engine, at, at + run, end);
            if (end == to) {
                break;
            }
        }
    }
    merge_runs(engine, 0, from, to);
    engine->order_sorted = to;
    for (uint32_t i = 0; i < to; i++) {
        engine->accounts.cold[engine->accounts.order[i]].rank = i;
    }
}
