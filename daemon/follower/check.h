/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The self-check: the digest of a window of accounts as the core loop has it, beside that of the
 * second block at the same sequence. It is asked for, comes from the core loop, and is compared when
 * the block has come to its sequence. A sweep is windows in a row, each at a sequence of its own,
 * until they have covered all accounts.
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
    bool is_sweep;
    uint64_t seq;
    uint32_t first;          /* of the window of accounts */
    uint32_t accounts_count; /* at that sequence */
    uint64_t swept_count;    /* accounts of the windows that were equal since the sweep began */
    struct bs_digest digest;
    void (*on_answered)(void *user); /* on the core loop */
    void *user;
};

/* It stays idle when the core takes no more requests. */
void check_ask(struct check *check, struct core *core, bool is_sweep);

enum check_result {
    CHECK_EQUAL,
    CHECK_DIFFERS, /* with a message */
    CHECK_PAST,    /* the block is past the sequence already */
};

/* Of an answered check; it is idle afterwards. The block has come to its sequence, or past it. */
enum check_result check_compare(struct check *check, const struct block *block,
                                char error[LOG_ERROR_SIZE]);
/* The sweep has been over all accounts; the last window was equal at the block's sequence. */
bool check_has_swept(const struct check *check);

#endif
