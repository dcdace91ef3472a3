/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads that look at a whole pool or make a long page, waiting for the second block. A bounded
 * number waits, of one client not more than a part of it, and no more than a part of it for a
 * sequence that is not executed yet, which may never come; clients take turns. Answers are kept for
 * the sequence that they were made at, so any number of clients that ask for the same pay for it
 * once. The list is guarded by the follower's mutex; what is kept is its thread's alone.
 */
#ifndef FOLLOWER_READS_H
#define FOLLOWER_READS_H

#include "daemon/core/request_list.h"

#define READS_MAX 64           /* waiting, each counted once */
#define READS_OF_CLIENT_MAX 48 /* of them */
#define READS_AHEAD_MAX 32     /* of them, for a sequence that is not executed yet */
#define READS_KEPT_MAX 32
#define READS_KEPT_SIZE_MAX (1u << 20) /* bytes: a longer answer is not kept */
#define READS_CLIENTS 256 /* clients by the low bits of their number: some share a turn */

/* An answer, and what it is the answer to. */
struct kept_read {
    struct buffer asks;
    uint64_t asks_digest;
    uint64_t seq;
    int status;
    const char *content_type;
    struct buffer body;
};

struct reads {
    struct request_list waiting;
    uint32_t different_count;      /* of them, without those that ask the same as another one */
    uint64_t turns[READS_CLIENTS]; /* when a client was served last */
    uint64_t turns_count;
    struct kept_read kept[READS_KEPT_MAX];
    uint32_t kept_next;
};

/* False: too many wait. `executed_seq`: reads of a later one wait for what is not there yet. */
BS_MUST_USE bool reads_add(struct reads *reads, struct request *request, uint64_t executed_seq);
/* Takes the next one that can be answered at `seq`, or whose time is up; NULL: none. */
struct request *reads_take(struct reads *reads, uint64_t seq, int64_t now_ms);
/* Takes all whose answer at `seq` is kept, linked; NULL: none. */
struct request *reads_take_kept(struct reads *reads, uint64_t seq);
/* When the next of them is due, at `seq`: INT64_MIN when one can be answered now; INT64_MAX: none
 * waits. */
int64_t reads_due_ms(const struct reads *reads, uint64_t seq);
/* The latest sequence up to `seq` that one of them waits for; 0: none. */
uint64_t reads_wanted_seq(const struct reads *reads, uint64_t seq);

/* Fills the answer from what is kept; false: nothing is. */
BS_MUST_USE bool reads_find_kept(const struct reads *reads, uint64_t seq, struct request *request);
void reads_keep(struct reads *reads, uint64_t seq, const struct request *request);
void reads_forget(struct reads *reads); /* what is kept: it was made from another block */
void reads_fini(struct reads *reads);

#endif
