/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/state/window.h"

static struct bs_text key_of(const struct bs_engine *engine, uint32_t owner, uint32_t market,
                             char bytes[BS_KEY_SIZE_MAX])
{
    struct bs_text first = bs_account_key(engine, owner), second = bs_market_text(engine, market);
    assert(first.size + 1 + second.size <= BS_KEY_SIZE_MAX);
    memcpy(bytes, first.bytes, first.size);
    bytes[first.size] = '\0';
    memcpy(bytes + first.size + 1, second.bytes, second.size);
    return (struct bs_text){bytes, first.size + 1 + second.size};
}

struct bs_text bs_bucket_market(const struct bs_engine *engine, uint32_t bucket)
{
    struct bs_text key = bs_account_key(engine, bucket);
    uint32_t at = bs_account_text(engine, bucket).size + 1;
    assert(engine->accounts.cold[bucket].owner != 0);
    return (struct bs_text){key.bytes + at, key.size - at};
}

uint32_t bs_bucket_find(const struct bs_engine *engine, uint32_t owner, uint32_t market)
{
    char bytes[BS_KEY_SIZE_MAX];
    if (engine->accounts.cold[owner].bucket == 0) {
        return 0;
    }
    return bs_index_find(&engine->account_index, key_of(engine, owner, market, bytes));
}

/* The link that leads to the first bucket not before this market. */
static uint32_t *link_at(struct bs_engine *engine, uint32_t owner, struct bs_text market)
{
    uint32_t *link = &engine->accounts.cold[owner].bucket;
    while (*link != 0 && bs_text_compare(bs_bucket_market(engine, *link), market) < 0) {
        link = &engine->accounts.cold[*link].bucket;
    }
    return link;
}

uint32_t bs_bucket_new(struct bs_engine *engine, uint32_t owner, uint32_t market,
                       enum bs_status *ret_status)
{
    char bytes[BS_KEY_SIZE_MAX];
    uint32_t pool = engine->accounts.hot[owner].pool;
    uint32_t bucket =
        bs_account_new(engine, pool, key_of(engine, owner, market, bytes), ret_status);
    if (bucket != 0) {
        engine->accounts.cold[bucket].owner = owner;
        engine->accounts.cold[bucket].uncapped_ppm = engine->accounts.cold[owner].uncapped_ppm;
        uint32_t *link = link_at(engine, owner, bs_market_text(engine, market));
        engine->accounts.cold[bucket].bucket = *link;
        *link = bucket;
        engine->pools[pool].accounts--; /* the pool counts accounts as sent */
        engine->markets[market].buckets++;
    }
    return bucket;
}

void bs_bucket_delete(struct bs_engine *engine, uint32_t bucket)
{
    struct bs_text name = bs_bucket_market(engine, bucket);
    uint32_t *link = link_at(engine, engine->accounts.cold[bucket].owner, name);
    assert(*link == bucket);
    *link = engine->accounts.cold[bucket].bucket;
    engine->markets[bs_index_find(&engine->market_index, name)].buckets--;
    engine->pools[engine->accounts.hot[bucket].pool].accounts++;
    bs_account_delete(engine, bucket);
}

static bool is_empty(const struct bs_engine *engine, uint32_t bucket)
{
    return engine->accounts.hot[bucket].collateral == 0 &&
           engine->accounts.hot[bucket].position_count == 0 &&
           (!engine->accounts.any_past || engine->accounts.past[bucket].claim == 0) &&
           bs_window_taken(engine, bucket) == 0;
}

bool bs_buckets_drop(struct bs_engine *engine, uint32_t owner)
{
    struct bs_account_cold *cold = engine->accounts.cold;
    for (uint32_t bucket = cold[owner].bucket; bucket != 0; bucket = cold[bucket].bucket) {
        if (!is_empty(engine, bucket)) {
            return false;
        }
    }
    while (cold[owner].bucket != 0) {
        bs_bucket_delete(engine, cold[owner].bucket);
    }
    return true;
}

bool bs_market_buckets_drop(struct bs_engine *engine, uint32_t market)
{
    const struct bs_pool *pool = &engine->pools[engine->markets[market].pool];
    for (int pass = 0; pass < 2 && engine->markets[market].buckets > 0; pass++) {
        struct bs_account_walk walk = bs_account_walk_begin(pool);
        for (uint32_t account; (account = bs_account_walk_next(engine, &walk)) != 0;) {
            uint32_t bucket = engine->accounts.cold[account].owner == 0
                                  ? bs_bucket_find(engine, account, market)
                                  : 0;
            if (bucket != 0 && pass == 0 && !is_empty(engine, bucket)) {
                return false;
            }
            if (bucket != 0 && pass == 1) {
                bs_bucket_delete(engine, bucket);
            }
        }
    }
    return true;
}
