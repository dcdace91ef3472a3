/* SPDX-License-Identifier: Apache-2.0 */
/* The two kinds of SHA-256 chains: one over the batches of the log, one over each pool's actions.
 */
#ifndef CHAIN_H
#define CHAIN_H

#include "api/buffer.h"
#include "daemon/log/log.h"

/* A pool at some place in the log. */
struct pool_chain {
    char name[BS_ID_SIZE_MAX];
    uint32_t name_size;
    uint64_t settlement;         /* highest number stored; 0 = none */
    uint8_t hash[LOG_HASH_SIZE]; /* of its last action; zeros = none */
};

/* By name, bytewise. A zeroed one is empty. */
struct pool_chains {
    struct pool_chain *items;
    uint32_t count;
    uint32_t capacity;
    uint32_t last; /* found last: neighbours are mostly of one pool */
};

bool pool_chain_has_actions(const struct pool_chain *chain);
/* NULL when there is none. */
struct pool_chain *pool_chains_find(struct pool_chains *chains, struct bs_text pool);
/* Adds it when there is none; NULL when out of memory. Moves the others. */
struct pool_chain *pool_chains_get(struct pool_chains *chains, struct bs_text pool);
/* 0 or -ENOMEM; then the target is empty. The target is zeroed. */
BS_MUST_USE int pool_chains_copy(struct pool_chains *target, const struct pool_chains *source);
void pool_chains_fini(struct pool_chains *chains);

/* What a -EIO or -ENOMEM of the functions below means. */
const char *chain_error_text(int code);
/* ret = SHA-256(link, records); ret may be link. 0, -EIO or -ENOMEM. */
BS_MUST_USE int chain_link(uint8_t ret_link[LOG_HASH_SIZE], const uint8_t link[LOG_HASH_SIZE],
                           const void *records, size_t size);
/*
 * ret = SHA-256(hash as 64 hex digits, "\n", the canonical bytes of the action); ret may be hash.
 * -EBADMSG: not an action record, or not the row's; -EIO or -ENOMEM. `scratch` is reused from call to call.
 */
BS_MUST_USE int chain_action(uint8_t ret_hash[LOG_HASH_SIZE], const uint8_t hash[LOG_HASH_SIZE],
                             const struct log_action_row *row, struct buffer *scratch);

#endif
