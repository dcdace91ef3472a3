/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A gap is put before nearly every row. Where the gaps near a place are used up, the rows of the
 * smallest window around it that is not too dense are spread evenly: the larger the window, the
 * less dense it must be, so a spread of many rows makes room for many more.
 */
#include "lib/book/account_order.h"

#include "lib/book/names.h"

#define WAITS (1u << 31) /* in `rank`: the rest is the place among the rows that wait */
#define LEAF 64u         /* places of the smallest window */
#define MERGE_SHARE 128u /* more waiting rows than one in so many are merged at once */
#define SPARSE_SHARE 8u  /* fewer rows than one place in so many are spread over fewer places */

/* Half of the places are gaps after a spread of everything. */
uint64_t bs_account_order_places(uint64_t accounts)
{
    return 2 * accounts + LEAF;
}

static bool before(const struct bs_engine *engine, uint32_t a, uint32_t b)
{
    return bs_text_compare(bs_account_key(engine, a), bs_account_key(engine, b)) < 0;
}

static void put(struct bs_engine *engine, uint32_t place, uint32_t account)
{
    engine->accounts.order[place] = account;
    engine->accounts.cold[account].rank = place;
}

/* Removes the gaps of `rows`; returns how many are left. */
static uint32_t pack(uint32_t *rows, uint32_t count)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < count; i++) {
        if (rows[i] != 0) {
            rows[kept++] = rows[i];
        }
    }
    return kept;
}

/* Merges the sorted runs [from, middle) and [middle, to) of `rows`; `spare` holds the right one. */
static void merge_runs(const struct bs_engine *engine, uint32_t *rows, uint32_t from,
                       uint32_t middle, uint32_t to)
{
    if (from == middle || middle == to || !before(engine, rows[middle], rows[middle - 1])) {
        return; /* already in order: the usual case when names arrive sorted */
    }
    uint32_t *spare = engine->accounts.order_spare;
    memcpy(spare, rows + middle, (to - middle) * sizeof *spare);
    uint32_t left = middle, right = to - middle;
    for (uint32_t at = to; right > 0; at--) {
        if (left > from && before(engine, spare[right - 1], rows[left - 1])) {
            rows[at - 1] = rows[--left];
        } else {
            rows[at - 1] = spare[--right];
        }
    }
}

static void sort(const struct bs_engine *engine, uint32_t *rows, uint32_t count)
{
    for (uint32_t run = 1; run < count; run *= 2) {
        for (uint32_t at = 0; count - at > run; at += 2 * run) {
            uint32_t end = count - at < 2 * run ? count : at + 2 * run;
            merge_runs(engine, rows, at, at + run, end);
            if (end == count) {
                break;
            }
        }
    }
}

/* Spreads all rows, which are packed at the front, over twice as many places. */
static void spread_all(struct bs_engine *engine)
{
    uint32_t *order = engine->accounts.order;
    uint32_t count = engine->order.count, end = (uint32_t)bs_account_order_places(count);
    engine->order.places = end;
    for (uint32_t i = count; i-- > 0;) {
        uint32_t account = order[i], place = (uint32_t)((uint64_t)i * 2 + 1);
        memset(order + place + 1, 0, (end - place - 1) * sizeof *order);
        put(engine, place, account);
        end = place;
    }
    memset(order, 0, end * sizeof *order);
}

/* Packs what has places, merges `more` sorted rows into it, and spreads them all. */
static void merge_all(struct bs_engine *engine, const uint32_t *rows, uint32_t more)
{
    uint32_t *order = engine->accounts.order;
    uint32_t count = pack(order, engine->order.places);
    assert(count == engine->order.count);
    memcpy(order + count, rows, more * sizeof *order);
    engine->order.count = count + more;
    merge_runs(engine, order, 0, count, count + more);
    spread_all(engine);
}

uint32_t bs_account_order_after(const struct bs_engine *engine, struct bs_text after)
{
    const uint32_t *order = engine->accounts.order;
    uint32_t low = 0, high = engine->order.places;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2, at = middle;
        while (at < high && order[at] == 0) {
            at++;
        }
        if (at < high && bs_text_compare(bs_account_key(engine, order[at]), after) <= 0) {
            low = at + 1;
        } else {
            high = middle;
        }
    }
    while (low < engine->order.places && order[low] == 0) {
        low++;
    }
    return low;
}

/* Writes the window's rows evenly, with the new one before what was at `place`. */
static void spread(struct bs_engine *engine, uint32_t from, uint32_t to, uint32_t place,
                   uint32_t account)
{
    uint32_t *order = engine->accounts.order, *spare = engine->accounts.order_spare;
    uint32_t count = 0;
    for (uint32_t at = from; at <= to; at++) {
        if (at == place) {
            spare[count++] = account;
        }
        if (at < to && order[at] != 0) {
            spare[count++] = order[at];
        }
    }
    assert(count <= to - from);
    memset(order + from, 0, (to - from) * sizeof *order);
    for (uint32_t i = 0; i < count; i++) {
        put(engine, from + (uint32_t)((uint64_t)i * (to - from) / count), spare[i]);
    }
}

static uint32_t count_rows(const uint32_t *order, uint32_t from, uint32_t to)
{
    uint32_t count = 0;
    for (uint32_t at = from; at < to; at++) {
        count += order[at] != 0;
    }
    return count;
}

/* From 7 rows in 8 places of a leaf down to 5 in 8 of everything. */
static bool is_too_dense(uint32_t rows, uint32_t level, uint32_t levels, uint32_t places)
{
    uint64_t most = (uint64_t)places * 7 / 8 - (uint64_t)places * level / (4 * (uint64_t)levels);
    return rows > most;
}

/* Puts the row before what is at `place`, whose gaps are used up. */
static void make_room(struct bs_engine *engine, uint32_t place, uint32_t account)
{
    const uint32_t *order = engine->accounts.order;
    uint32_t places = engine->order.places, levels = 1;
    while (((uint64_t)LEAF << levels) < places) {
        levels++;
    }
    for (uint32_t level = 0; level < levels; level++) {
        uint32_t size = LEAF << level;
        uint32_t from = (place < places ? place : places - 1) / size * size;
        uint32_t to = places - from < size ? places : from + size;
        if (!is_too_dense(count_rows(order, from, to) + 1, level, levels, to - from)) {
            spread(engine, from, to, place, account);
            engine->order.count++;
            return;
        }
    }
    merge_all(engine, &account, 1);
}

static void insert(struct bs_engine *engine, uint32_t account)
{
    uint32_t place = bs_account_order_after(engine, bs_account_key(engine, account));
    if (place > 0 && engine->accounts.order[place - 1] == 0) {
        put(engine, place - 1, account);
        engine->order.count++;
    } else {
        make_room(engine, place, account);
    }
}

void bs_account_order_refresh(struct bs_engine *engine)
{
    uint32_t *waiting = engine->accounts.order_waiting;
    uint32_t count = pack(waiting, engine->order.waiting);
    engine->order.waiting = 0;
    if (count > engine->order.count / MERGE_SHARE) {
        sort(engine, waiting, count);
        merge_all(engine, waiting, count);
        return;
    }
    for (uint32_t i = 0; i < count; i++) {
        insert(engine, waiting[i]);
    }
    if (engine->order.places > LEAF + SPARSE_SHARE * engine->order.count) {
        merge_all(engine, NULL, 0);
    }
}

void bs_account_order_add(struct bs_engine *engine, uint32_t account)
{
    struct bs_account_order *order = &engine->order;
    if (order->waiting == engine->largest.accounts_max + engine->largest.pools_max) {
        bs_account_order_refresh(engine); /* only rows that came and went can fill it */
    }
    engine->accounts.order_waiting[order->waiting] = account;
    engine->accounts.cold[account].rank = WAITS | order->waiting++;
}

void bs_account_order_append(struct bs_engine *engine, uint32_t account)
{
    uint32_t count = engine->order.count++;
    assert(engine->order.waiting == 0);
    engine->order.places = (uint32_t)bs_account_order_places(engine->order.count);
    put(engine, 2 * count + 1, account);
}

void bs_account_order_remove(struct bs_engine *engine, uint32_t account)
{
    uint32_t rank = engine->accounts.cold[account].rank, place = rank & ~WAITS;
    uint32_t *rows = rank == place ? engine->accounts.order : engine->accounts.order_waiting;
    assert(rows[place] == account);
    rows[place] = 0;
    engine->order.count -= rank == place;
}
