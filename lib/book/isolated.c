/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/book/isolated.h"

#include "lib/book/accounts.h"
#include "lib/book/names.h"
#include "lib/book/window.h"

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

struct bs_text bs_isolated_market(const struct bs_engine *engine, uint32_t isolated)
{
    struct bs_text key = bs_account_key(engine, isolated);
    uint32_t at = bs_account_text(engine, isolated).size + 1;
    assert(engine->accounts.cold[isolated].owner != 0);
    return (struct bs_text){key.bytes + at, key.size - at};
}

uint32_t bs_isolated_find(const struct bs_engine *engine, uint32_t owner, uint32_t market)
{
    char bytes[BS_KEY_SIZE_MAX];
    if (engine->accounts.cold[owner].isolated == 0) {
        return 0;
    }
    return bs_index_find(&engine->account_index, key_of(engine, owner, market, bytes));
}

/* The link that leads to the first isolated row at or after this market. */
static uint32_t *link_at(struct bs_engine *engine, uint32_t owner, struct bs_text market)
{
    uint32_t *link = &engine->accounts.cold[owner].isolated;
    while (*link != 0 && bs_text_compare(bs_isolated_market(engine, *link), market) < 0) {
        link = &engine->accounts.cold[*link].isolated;
    }
    return link;
}

void bs_isolated_link(struct bs_engine *engine, uint32_t isolated, uint32_t market)
{
    struct bs_isolated_links *links = engine->accounts.links;
    uint32_t next = engine->markets[market].isolated_head;
    links[isolated] = (struct bs_isolated_links){.next = next};
    if (next != 0) {
        links[next].before = isolated;
    }
    engine->markets[market].isolated_head = isolated;
}

static void unlink_from_market(struct bs_engine *engine, uint32_t isolated, uint32_t market)
{
    struct bs_isolated_links *links = engine->accounts.links, own = links[isolated];
    assert(own.before != 0 || engine->markets[market].isolated_head == isolated);
    if (own.before != 0) {
        links[own.before].next = own.next;
    } else {
        engine->markets[market].isolated_head = own.next;
    }
    if (own.next != 0) {
        links[own.next].before = own.before;
    }
}

uint32_t bs_isolated_new(struct bs_engine *engine, uint32_t owner, uint32_t market,
                         enum bs_status *ret_status)
{
    char bytes[BS_KEY_SIZE_MAX];
    uint32_t pool = engine->accounts.hot[owner].pool;
    assert(engine->accounts.cold[owner].owner == 0);
    assert(engine->markets[market].pool == pool);
    uint32_t isolated =
        bs_account_new(engine, pool, key_of(engine, owner, market, bytes), ret_status);
    if (isolated != 0) {
        engine->accounts.cold[isolated].owner = owner;
        engine->accounts.cold[isolated].uncapped_ppm = engine->accounts.cold[owner].uncapped_ppm;
        uint32_t *link = link_at(engine, owner, bs_market_text(engine, market));
        engine->accounts.cold[isolated].isolated = *link;
        *link = isolated;
        engine->pools[pool].accounts--; /* the pool counts accounts as sent */
        bs_isolated_link(engine, isolated, market);
    }
    return isolated;
}

void bs_isolated_delete(struct bs_engine *engine, uint32_t isolated)
{
    struct bs_text name = bs_isolated_market(engine, isolated);
    uint32_t *link = link_at(engine, engine->accounts.cold[isolated].owner, name);
    assert(*link == isolated);
    assert(bs_account_cash(engine, isolated) == 0);
    assert(engine->accounts.hot[isolated].position_count == 0);
    *link = engine->accounts.cold[isolated].isolated;
    unlink_from_market(engine, isolated, bs_index_find(&engine->market_index, name));
    engine->pools[engine->accounts.hot[isolated].pool].accounts++;
    bs_account_delete(engine, isolated);
}

static bool is_empty(const struct bs_engine *engine, uint32_t isolated)
{
    return bs_account_is_flat(engine, isolated) &&
           (!engine->accounts.any_past || engine->accounts.past[isolated].claim == 0) &&
           bs_window_taken(engine, isolated) == 0;
}

bool bs_isolated_drop(struct bs_engine *engine, uint32_t owner)
{
    struct bs_account_cold *cold = engine->accounts.cold;
    for (uint32_t isolated = cold[owner].isolated; isolated != 0;
         isolated = cold[isolated].isolated) {
        if (!is_empty(engine, isolated)) {
            return false;
        }
    }
    while (cold[owner].isolated != 0) {
        bs_isolated_delete(engine, cold[owner].isolated);
    }
    return true;
}

bool bs_isolated_drop_market(struct bs_engine *engine, uint32_t row)
{
    struct bs_market *market = &engine->markets[row];
    for (uint32_t isolated = market->isolated_head; isolated != 0;
         isolated = engine->accounts.links[isolated].next) {
        if (!is_empty(engine, isolated)) {
            return false;
        }
    }
    while (market->isolated_head != 0) {
        bs_isolated_delete(engine, market->isolated_head);
    }
    return true;
}
