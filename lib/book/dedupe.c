/* SPDX-License-Identifier: Apache-2.0 */
/* Ids already taken: a ring of the last ones, with hash chains over it. */
#include "lib/book/dedupe.h"
#include "lib/book/names.h"

#define DELETED 2 /* no side of a fill: the entry is a deleted account */

struct bs_dedupe_entry {
    uint64_t account_uid, market_uid;
    int64_t content[3];
    int64_t time_ms; /* the latest that the same id could be sent with again */
    uint32_t next;   /* entry + 1 of the same chain, older */
    uint8_t side;
    uint8_t id_size;
    char id[BS_ID_SIZE_MAX];
};

_Static_assert(sizeof(struct bs_dedupe_entry) == 120, "bs_dedupe_get gives every member");

size_t bs_dedupe_entry_size(void)
{
    return sizeof(struct bs_dedupe_entry);
}

static const struct bs_dedupe *ring_of(const struct bs_engine *engine,
                                       const struct bs_dedupe_key *key)
{
    return key->is_trade ? &engine->trades : &engine->transfers;
}

static uint32_t *head_of(const struct bs_engine *engine, const struct bs_dedupe_key *key)
{
    const struct bs_dedupe *d = ring_of(engine, key);
    uint64_t words[3] = {key->account_uid, key->market_uid, key->side};
    uint64_t hash = bs_hash(bs_hash(engine->config.hash_seed, words, sizeof words), key->id.bytes,
                            key->id.size);
    return &d->heads[hash & d->heads_mask];
}

static bool same_id(const struct bs_dedupe_entry *entry, const struct bs_dedupe_key *key)
{
    return entry->account_uid == key->account_uid && entry->market_uid == key->market_uid &&
           entry->side == key->side &&
           bs_text_equal((struct bs_text){entry->id, entry->id_size}, key->id);
}

/* The newest of the id. */
static const struct bs_dedupe_entry *find(const struct bs_engine *engine,
                                          const struct bs_dedupe_key *key)
{
    const struct bs_dedupe_entry *entries = ring_of(engine, key)->entries;
    for (uint32_t at = *head_of(engine, key); at != 0; at = entries[at - 1].next) {
        if (same_id(&entries[at - 1], key)) {
            return &entries[at - 1];
        }
    }
    return NULL;
}

enum bs_seen bs_dedupe_check(const struct bs_engine *engine, const struct bs_dedupe_key *key)
{
    const struct bs_dedupe_entry *entry = find(engine, key);
    if (entry == NULL) {
        const struct bs_dedupe *d = ring_of(engine, key);
        bool may_be_forgotten =
            d->forgotten > 0 && key->has_time && key->time_ms <= d->forgotten_ms;
        return may_be_forgotten ? BS_SEEN_FORGOTTEN : BS_SEEN_NEW;
    }
    bool same = memcmp(entry->content, key->content, sizeof key->content) == 0;
    return same ? BS_SEEN_SAME : BS_SEEN_OTHER;
}

static void forget(struct bs_engine *engine, struct bs_dedupe *d)
{
    uint32_t at = (uint32_t)d->forgotten & d->entries_mask;
    struct bs_dedupe_entry *entry = &d->entries[at];
    struct bs_dedupe_key key = {.is_trade = d == &engine->trades,
                                .account_uid = entry->account_uid,
                                .market_uid = entry->market_uid,
                                .id = {entry->id, entry->id_size},
                                .side = entry->side};
    uint32_t *link = head_of(engine, &key);
    while (*link != at + 1) {
        assert(*link != 0);
        link = &d->entries[*link - 1].next;
    }
    *link = entry->next;
    d->forgotten++;
    d->forgotten_ms = entry->time_ms > d->forgotten_ms ? entry->time_ms : d->forgotten_ms;
}

static void trim(struct bs_engine *engine, struct bs_dedupe *d, uint64_t most)
{
    assert(most <= (uint64_t)d->entries_mask + 1);
    while (d->added - d->forgotten > most) {
        forget(engine, d);
    }
}

void bs_dedupe_trim(struct bs_engine *engine)
{
    trim(engine, &engine->trades, engine->capacity.dedupe_window);
    trim(engine, &engine->transfers, engine->capacity.transfer_window);
}

void bs_dedupe_add(struct bs_engine *engine, const struct bs_dedupe_key *key)
{
    struct bs_dedupe *d = key->is_trade ? &engine->trades : &engine->transfers;
    uint32_t window =
        key->is_trade ? engine->capacity.dedupe_window : engine->capacity.transfer_window;
    trim(engine, d, window - 1);
    uint32_t at = (uint32_t)d->added & d->entries_mask;
    struct bs_dedupe_entry *entry = &d->entries[at];
    uint32_t *head = head_of(engine, key);
    int64_t latest_ms = key->has_time ? key->time_ms : engine->time_ms + BS_TIME_AHEAD_MAX_MS;
    *entry = (struct bs_dedupe_entry){.account_uid = key->account_uid,
                                      .market_uid = key->market_uid,
                                      .time_ms = latest_ms,
                                      .next = *head,
                                      .side = key->side,
                                      .id_size = (uint8_t)key->id.size};
    memcpy(entry->content, key->content, sizeof entry->content);
    memcpy(entry->id, key->id.bytes, key->id.size);
    *head = at + 1;
    d->added++;
}

void bs_dedupe_get(const struct bs_engine *engine, bool is_trade, uint64_t number,
                   struct bs_dedupe_key *ret_key)
{
    const struct bs_dedupe *d = is_trade ? &engine->trades : &engine->transfers;
    assert(number >= d->forgotten);
    assert(number < d->added);
    const struct bs_dedupe_entry *entry = &d->entries[(uint32_t)number & d->entries_mask];
    *ret_key = (struct bs_dedupe_key){.is_trade = is_trade,
                                      .account_uid = entry->account_uid,
                                      .market_uid = entry->market_uid,
                                      .id = {entry->id, entry->id_size},
                                      .side = entry->side,
                                      .has_time = true,
                                      .time_ms = entry->time_ms};
    memcpy(ret_key->content, entry->content, sizeof entry->content);
}

void bs_dedupe_restore(struct bs_engine *engine, const struct bs_dedupe_key *key)
{
    assert(key->has_time);
    assert(key->id.size <= BS_ID_SIZE_MAX);
    if (!key->is_trade && key->side == DELETED) {
        engine->transfers.any_deleted = true;
    }
    bs_dedupe_add(engine, key);
}

/* No account has the number 0. The number of the pool's fund stands where a market's does. */
static struct bs_dedupe_key deleted_key(const struct bs_engine *engine, uint32_t pool,
                                        struct bs_text account)
{
    uint64_t uid = engine->accounts.cold[engine->pools[pool].backstop].uid;
    return (struct bs_dedupe_key){
        .market_uid = uid, .id = account, .side = DELETED, .has_time = true, .time_ms = 0};
}

void bs_deleted_remember(struct bs_engine *engine, uint32_t account)
{
    struct bs_dedupe_key key =
        deleted_key(engine, engine->accounts.hot[account].pool, bs_account_text(engine, account));
    key.content[0] = (int64_t)engine->accounts.cold[account].last_action;
    assert(engine->accounts.cold[account].owner == 0);
    if (key.content[0] != 0) {
        engine->transfers.any_deleted = true;
        bs_dedupe_add(engine, &key);
    }
}

uint64_t bs_deleted_last_action(const struct bs_engine *engine, uint32_t pool,
                                struct bs_text account)
{
    if (!engine->transfers.any_deleted) {
        return 0;
    }
    struct bs_dedupe_key key = deleted_key(engine, pool, account);
    const struct bs_dedupe_entry *entry = find(engine, &key);
    return entry == NULL ? 0 : (uint64_t)entry->content[0];
}
