/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/book/closes.h"

#include "lib/money/money.h"

#define HEADS_MASK (2 * BS_CLOSES_MAX - 1)

static uint64_t head_of(uint64_t first, uint64_t second)
{
    uint64_t words[2] = {first, second};
    return bs_hash(0, words, sizeof words) & HEADS_MASK;
}

/* Actions of a pool that follow each other have their heads side by side. */
static uint64_t *head_of_action(const struct bs_engine *engine, uint32_t pool, uint64_t action)
{
    return &engine->closes.by_action[(head_of(pool, 0) + action) & HEADS_MASK];
}

static uint64_t *head_of_place(const struct bs_engine *engine, uint32_t account, uint32_t market)
{
    return &engine->closes.by_place[head_of(account, market)];
}

struct bs_close_part bs_close_part(const struct bs_close *close, int64_t lots)
{
    bs_i128 from = close->reversed, to = from + lots, all = close->lots;
    assert(lots > 0);
    assert(to <= all);
    struct bs_close_part part = {
        .value = bs_split_floor(close->value, from, to, all),
        .mark_value = bs_split_floor(close->mark_value, from, to, all),
    };
    for (int side = 0; side < BS_SIDES; side++) {
        part.entry[side] = (int64_t)bs_split_floor(close->entry[side], from, to, all);
        part.taken[side] = (int64_t)bs_split_floor(close->taken[side], from, to, all);
    }
    return part;
}

static void forget(struct bs_engine *engine, const struct bs_close *close)
{
    struct bs_pool *pool = &engine->pools[close->pool];
    assert(pool->exclusions >= (uint32_t)close->excludes);
    pool->exclusions -= close->excludes;
    pool->closes_forgotten = close->action + (close->group == 0);
}

/* Writes the close and makes the heads of its chains lead to it. */
static void link_close(struct bs_engine *engine, uint64_t number, const struct bs_close *close)
{
    struct bs_close *entry = bs_closes_at(engine, number);
    *entry = *close;
    uint64_t *head = head_of_action(engine, close->pool, close->action);
    entry->before_action = *head;
    *head = number;
    for (int side = 0; side < BS_SIDES; side++) {
        if (close->account[side] == 0) {
            continue;
        }
        head = head_of_place(engine, close->account[side], close->market);
        entry->before_at[side] = *head;
        *head = number * BS_SIDES + (uint64_t)side;
        engine->accounts.cold[close->account[side]].in_closes = true;
    }
}

void bs_closes_add(struct bs_engine *engine, const struct bs_close *close)
{
    assert(close->lots > 0);
    assert(close->reversed == 0);
    uint64_t number = ++engine->closes.added;
    if (number > BS_CLOSES_MAX) {
        forget(engine, bs_closes_at(engine, number));
    }
    link_close(engine, number, close);
}

void bs_closes_restore(struct bs_engine *engine, uint64_t number, const struct bs_close *close)
{
    assert(number >= bs_closes_first(engine));
    assert(number <= engine->closes.added);
    link_close(engine, number, close);
    engine->pools[close->pool].exclusions += close->excludes;
}

struct bs_close *bs_closes_find(const struct bs_engine *engine, uint32_t pool, uint64_t action)
{
    uint64_t first = bs_closes_first(engine);
    for (uint64_t half = 0; half < 2 && half < action; half++) {
        uint64_t number = *head_of_action(engine, pool, action - half);
        while (number >= first) {
            struct bs_close *close = bs_closes_at(engine, number);
            bool has_next = close->group == 0; /* the other side's action */
            if (close->pool == pool && close->action == action - half && (half == 0 || has_next)) {
                return close;
            }
            number = close->before_action;
        }
    }
    return NULL;
}

/* Older closes at the same place are already marked, so the walk ends at the first marked one. */
void bs_closes_supersede(struct bs_engine *engine, uint32_t account, uint32_t market)
{
    uint64_t first = bs_closes_first(engine);
    uint64_t link = *head_of_place(engine, account, market);
    while (link / BS_SIDES >= first) {
        struct bs_close *close = bs_closes_at(engine, link / BS_SIDES);
        int side = (int)(link % BS_SIDES);
        if (close->account[side] == account && close->market == market) {
            if (close->superseded[side]) {
                return;
            }
            close->superseded[side] = true;
        }
        link = close->before_at[side];
    }
}

void bs_closes_supersede_all(struct bs_engine *engine, uint32_t account)
{
    const struct bs_pool *pool = &engine->pools[engine->accounts.hot[account].pool];
    for (uint32_t market = pool->market_head; market != 0; market = engine->markets[market].next) {
        bs_closes_supersede(engine, account, market);
    }
    engine->accounts.cold[account].in_closes = false;
}

void bs_closes_spend_exclusions(struct bs_engine *engine, uint32_t row)
{
    struct bs_pool *pool = &engine->pools[row];
    for (uint64_t number = bs_closes_first(engine);
         pool->exclusions != 0 && number <= engine->closes.added; number++) {
        struct bs_close *close = bs_closes_at(engine, number);
        if (close->pool == row && close->excludes) {
            close->excludes = false;
            pool->exclusions--;
        }
    }
    assert(pool->exclusions == 0);
}

bool bs_close_has_market(const struct bs_engine *engine, const struct bs_close *close)
{
    return engine->market_name[close->market] != 0 &&
           engine->markets[close->market].uid == close->market_uid;
}

bool bs_close_has_account(const struct bs_engine *engine, const struct bs_close *close, int side)
{
    return engine->accounts.hot[close->account[side]].pool == close->pool &&
           engine->accounts.cold[close->account[side]].uid == close->uid[side];
}

bool bs_close_stands(const struct bs_engine *engine, const struct bs_close *close)
{
    bool stands = bs_close_has_market(engine, close);
    for (int side = 0; side < BS_SIDES; side++) {
        if (close->account[side] != 0) {
            stands =
                stands && !close->superseded[side] && bs_close_has_account(engine, close, side);
        }
    }
    return stands;
}

struct bs_back_walk bs_back_begin(const struct bs_close *adl, int64_t lots)
{
    assert(adl->group != 0);
    return (struct bs_back_walk){.number = adl->group + adl->debtors, .left = lots};
}

bool bs_back_next(const struct bs_engine *engine, const struct bs_close *adl,
                  struct bs_back_walk *walk)
{
    walk->lots = 0;
    while (walk->left > 0 && walk->lots == 0) {
        assert(walk->number > adl->group); /* lots given back never exceed those closed */
        const struct bs_close *debtor = bs_closes_at(engine, --walk->number);
        walk->lots = (int64_t)bs_min(walk->left, debtor->lots - debtor->reversed);
        walk->left -= walk->lots;
    }
    return walk->lots > 0;
}
