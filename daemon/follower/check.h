/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The self-check: the digest of a window of accounts (or of everything) as the core loop has it,
 * beside that of the second block at the same sequence. It is asked for, comes from the core loop,
 * and is compared when the block has come to its sequence.
 */
#ifndef FOLLOWER_CHECK_H
#define FOLLOWER_CHECK_H

#include "daemon/core/core.h"
#include "daemon/follower/block.h"

enum check_state {
    CHECK_IDLE,
    CHECK_ASKED,    /* the core loop has it */
    CHECK_ANSWERED, /* to be compared */
};

struct check {
    struct request request;
    _Atomic uint32_t state; /* enum check_state: the core loop's while it is asked */
    bool is_whole;
    uint64_t seq;
    uint32_t first; /* of the window of accounts */
    struct bs_digest digest;
    void (*on_answered)(void *user); /* on the core loop */
    void *user;
};

/* It stays idle when the core takes no more requests. */
void check_ask(struct check *check, struct core *core, bool is_whole);

enum check_result {
    CHECK_EQUAL,
    CHECK_DIFFERS, /* with a message */
    CHECK_PAST,    /* the block is past the sequence already */
};

/* Of an answered check; it is idle afterwards. The block has come to its sequence, or past it. */
enum check_result check_compare(struct check *check, const struct block *block,
                                char error[LOG_ERROR_SIZE]);

#endif
