/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/follower/check.h"

#include <inttypes.h>
#include <stdio.h>

#define CHECK_ACCOUNTS 4096 /* of one window */

/* On the core loop: the digest as of the last command executed. */
static void digest_query(struct request *request, struct core *core, struct bs_engine *engine)
{
    (void)core;
    struct check *check = request->user;
    struct bs_usage usage = bs_engine_usage(engine);
    check->accounts_count = usage.accounts + usage.pools; /* each pool has its backstop account */
    check->first = check->first < check->accounts_count ? check->first : 0;
    check->digest = bs_engine_digest_part(engine, check->first, CHECK_ACCOUNTS);
    check->seq = bs_engine_seq(engine);
}

static void on_done(struct request *request)
{
    struct check *check = request->user;
    atomic_store(&check->state, CHECK_ANSWERED);
    check->on_answered(check->user);
}

void check_ask(struct check *check, struct core *core, bool is_sweep)
{
    assert(atomic_load(&check->state) == CHECK_IDLE);
    check->is_sweep = is_sweep;
    check->swept_count = is_sweep ? check->swept_count : 0;
    check->request = (struct request){.query = digest_query, .done = on_done, .user = check};
    atomic_store(&check->state, CHECK_ASKED);
    if (!core_submit(core, &check->request)) {
        atomic_store(&check->state, CHECK_IDLE);
    }
}

enum check_result check_compare(struct check *check, const struct block *block,
                                char error[LOG_ERROR_SIZE])
{
    assert(atomic_load(&check->state) == CHECK_ANSWERED);
    assert(block_seq(block) >= check->seq);
    atomic_store(&check->state, CHECK_IDLE);
    if (block_seq(block) != check->seq) {
        return CHECK_PAST;
    }
    struct bs_digest digest = bs_engine_digest_part(block->engine, check->first, CHECK_ACCOUNTS);
    uint32_t first = check->first;
    check->first += CHECK_ACCOUNTS;
    if (memcmp(digest.words, check->digest.words, sizeof(digest.words)) == 0) {
        check->swept_count += CHECK_ACCOUNTS;
        return CHECK_EQUAL;
    }
    check->swept_count = 0;
    (void)snprintf(error, LOG_ERROR_SIZE,
                   "at seq %" PRIu64 " accounts from %" PRIu32 " on have the digest %016" PRIx64
                   "%016" PRIx64 " live, and %016" PRIx64 "%016" PRIx64 " from the log",
                   check->seq, first, check->digest.words[0], check->digest.words[1],
                   digest.words[0], digest.words[1]);
    return CHECK_DIFFERS;
}

bool check_has_swept(const struct check *check)
{
    return check->is_sweep && check->swept_count >= check->accounts_count;
}
