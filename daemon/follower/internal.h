/* SPDX-License-Identifier: Apache-2.0 */
/* The follower from the inside: follower.c has the thread, serve.c what others want of its block. */
#ifndef FOLLOWER_INTERNAL_H
#define FOLLOWER_INTERNAL_H

#include "daemon/follower/check.h"
#include "daemon/follower/follower.h"
#include "daemon/follower/reads.h"

/* A copy that somebody waits for. */
struct lend {
    struct lend *next;
    uint64_t seq;
    struct view *view;
    int code;
    bool is_done;
};

struct follower {
    struct core *core;
    struct command_log *log;
    struct follower_options options;
    struct log_reader *reader;
    pthread_t thread;
    pthread_mutex_t mutex; /* guards the lends and the reads that wait */
    pthread_cond_t changed;
    pthread_cond_t lent;
    struct lend *lends;
    struct reads reads;
    atomic_bool stop;
    atomic_bool sleeps;            /* until it is signalled: nothing else wakes it */
    _Atomic uint64_t executed_seq; /* by the live block, to the end of a batch */
    _Atomic uint64_t seq, checks, mismatches, reads_refused, reads_shared, reads_behind;
    /* the thread's own */
    struct block block;
    bool is_open;
    bool is_doubted; /* it differed: no answers from it until a check finds it equal */
    int64_t open_due_ms;
    int64_t follow_due_ms;
    int64_t asked_ms; /* for the last check */
    struct check check;
};

static inline bool follower_is_checking(const struct follower *follower)
{
    return atomic_load(&follower->check.state) != CHECK_IDLE;
}

/* serve.c, all on the follower's thread. Everything that waits is refused at once. */
bool follower_cannot_serve(const struct follower *follower);
/* With the mutex: somebody waits for a copy that can be made now, or refused. */
bool follower_has_lend(const struct follower *follower);
/* With the mutex: when there is something to do for a read. The block does not move while a digest is
 * made. */
int64_t follower_read_due_ms(const struct follower *follower);
void follower_serve_lends(struct follower *follower);
/* Those that can be answered now, for a while; at the end all of them. */
void follower_serve_reads(struct follower *follower);

#endif
