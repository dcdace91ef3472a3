/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/log/chain.h"

#include <errno.h>
#include <stdlib.h>

#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>

#include "api/json_state.h"

static struct bs_text name_of(const struct pool_chain *chain)
{
    return (struct bs_text){.bytes = chain->name, .size = chain->name_size};
}

bool pool_chain_has_actions(const struct pool_chain *chain)
{
    static const uint8_t none[LOG_HASH_SIZE];
    return memcmp(chain->hash, none, LOG_HASH_SIZE) != 0;
}

/* The first item whose name is not before `pool`. */
static uint32_t place_of(const struct pool_chains *chains, struct bs_text pool)
{
    uint32_t low = 0;
    uint32_t high = chains->count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (bs_text_compare(name_of(&chains->items[middle]), pool) < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

struct pool_chain *pool_chains_find(struct pool_chains *chains, struct bs_text pool)
{
    uint32_t place = chains->last;
    if (place >= chains->count || !bs_text_equal(name_of(&chains->items[place]), pool)) {
        place = place_of(chains, pool);
        if (place == chains->count || !bs_text_equal(name_of(&chains->items[place]), pool)) {
            return NULL;
        }
        chains->last = place;
    }
    return &chains->items[place];
}

struct pool_chain *pool_chains_get(struct pool_chains *chains, struct bs_text pool)
{
    assert(pool.size <= BS_ID_SIZE_MAX);
    struct pool_chain *found = pool_chains_find(chains, pool);
    if (found != NULL) {
        return found;
    }
    if (chains->count == chains->capacity) {
        uint32_t capacity = chains->capacity == 0 ? 16 : chains->capacity * 2;
        struct pool_chain *items = realloc(chains->items, capacity * sizeof(*items));
        if (items == NULL) {
            return NULL;
        }
        chains->items = items;
        chains->capacity = capacity;
    }
    uint32_t place = place_of(chains, pool);
    struct pool_chain *item = &chains->items[place];
    memmove(item + 1, item, (chains->count - place) * sizeof(*item));
    memset(item, 0, sizeof(*item));
    memcpy(item->name, pool.bytes, pool.size);
    item->name_size = pool.size;
    chains->count++;
    chains->last = place;
    return item;
}

int pool_chains_copy(struct pool_chains *target, const struct pool_chains *source)
{
    *target = (struct pool_chains){0};
    if (source->count == 0) {
        return 0;
    }
    target->items = calloc(source->count, sizeof(*target->items));
    if (target->items == NULL) {
        return -ENOMEM;
    }
    memcpy(target->items, source->items, source->count * sizeof(*target->items));
    target->count = target->capacity = source->count;
    return 0;
}

void pool_chains_fini(struct pool_chains *chains)
{
    free(chains->items);
    memset(chains, 0, sizeof(*chains));
}

const char *chain_error_text(int code)
{
    return code == -ENOMEM ? "out of memory for a hash"
                           : "SHA-256 is not available, perhaps for want of memory";
}

int chain_link(uint8_t ret_link[LOG_HASH_SIZE], const uint8_t link[LOG_HASH_SIZE],
               const void *records, size_t size)
{
    gnutls_hash_hd_t hash;
    int code = gnutls_hash_init(&hash, GNUTLS_DIG_SHA256);
    if (code != GNUTLS_E_SUCCESS) {
        return code == GNUTLS_E_MEMORY_ERROR ? -ENOMEM : -EIO;
    }
    int link_result = gnutls_hash(hash, link, LOG_HASH_SIZE);
    int records_result = gnutls_hash(hash, records, size);
    gnutls_hash_deinit(hash, ret_link);
    return link_result == GNUTLS_E_SUCCESS && records_result == GNUTLS_E_SUCCESS ? 0 : -EIO;
}

/* The columns that repeat the record, for the indexes, agree with it. */
static bool agrees(const struct log_action_row *row, const struct bs_action *action)
{
    return row->ordinal == action->ordinal && row->id == action->id &&
           row->settlement == action->settlement && row->type == action->type &&
           bs_text_equal(row->pool, action->pool) && bs_text_equal(row->account, action->account);
}

int chain_action(uint8_t ret_hash[LOG_HASH_SIZE], const uint8_t hash[LOG_HASH_SIZE],
                 const struct log_action_row *row, struct buffer *scratch)
{
    struct bs_action action;
    if (bs_action_decode(row->record, row->record_size, &action) != BS_OK ||
        !agrees(row, &action)) {
        return -EBADMSG;
    }
    static const char digits[] = "0123456789abcdef";
    char text[2 * LOG_HASH_SIZE + 1];
    for (size_t i = 0; i < LOG_HASH_SIZE; i++) {
        text[2 * i] = digits[hash[i] >> 4];
        text[2 * i + 1] = digits[hash[i] & 15];
    }
    text[2 * LOG_HASH_SIZE] = '\n';
    buffer_clear(scratch);
    buffer_append(scratch, text, sizeof(text));
    api_action_canonical(scratch, &action);
    if (scratch->failed) {
        return -ENOMEM;
    }
    int code = gnutls_hash_fast(GNUTLS_DIG_SHA256, scratch->bytes, scratch->size, ret_hash);
    return code == GNUTLS_E_SUCCESS ? 0 : code == GNUTLS_E_MEMORY_ERROR ? -ENOMEM : -EIO;
}
