/* SPDX-License-Identifier: Apache-2.0 */
/* The hash chain of a pool, its ids, times and seqs: docs/records.md. */
#ifndef CLI_RECOMPUTE_CHAIN_H
#define CLI_RECOMPUTE_CHAIN_H

#include <stdbool.h>

#include "api/buffer.h"
#include "cli/member.h"
#include "cli/sha256.h"

struct recompute;

struct chain {
    bool from_begin;  /* the first action taken was the pool's first */
    uint64_t last_id; /* 0: none yet */
    char last_hash[SHA256_TEXT_SIZE];
    char last_time[32]; /* RFC 3339 */
    uint64_t last_seq;
    struct buffer canonical;
};

/* False: the action does not follow the one before it. */
bool chain_take(struct recompute *recompute, json_t *action);
void chain_fini(struct chain *chain);

#endif
