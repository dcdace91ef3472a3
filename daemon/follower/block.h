/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The second block: an engine that steps the commands of the log, as the live one did. Its memory
 * is a file without a name, so that it is known which parts of it were ever written (view.h copies
 * only those). It belongs to one thread. After each call it has executed whole commands: a
 * settlement is never half done.
 */
#ifndef FOLLOWER_BLOCK_H
#define FOLLOWER_BLOCK_H

#include <stdatomic.h>

#include "daemon/log/log.h"
#include "lib/engine.h"

/* When to give up: at a moment of CLOCK_MONOTONIC (0 = never), or when `stop` is set. */
struct block_limit {
    int64_t until_ms;
    const atomic_bool *stop;
};

struct block;

/* After each step, and each continuation of it: `block->effects` is what it did. */
typedef void (*block_stepped_fn)(void *user, struct block *block, const struct bs_command *command);

struct block {
    size_t size;
    int file;
    void *memory;
    struct bs_engine *engine;
    struct bs_effects effects; /* of the last step */
    struct log_reader *reader; /* the caller's */
    /* After the last batch that is stepped whole. The engine may be some commands further. */
    struct log_reader_place place;
    uint64_t settlements_count;  /* of all pools: the log's ordinal of the last settlement */
    block_stepped_fn on_stepped; /* optional, with `user` */
    void *user;
};

/* An engine that has executed nothing. 0 or negative with a message. */
BS_MUST_USE int block_open(struct block *block, const struct bs_config *config,
                           struct log_reader *reader, char error[LOG_ERROR_SIZE]);
void block_close(struct block *block);         /* zeroed is fine */
uint64_t block_seq(const struct block *block); /* of the last command executed */

/*
 * Steps the log up to `seq`, which is durable, and not past it. -ETIMEDOUT and -ECANCELED: not all
 * of it, and it may go on; at least one batch was stepped before -ETIMEDOUT. Anything else: the log
 * could not be read or executed.
 */
BS_MUST_USE int block_advance(struct block *block, uint64_t seq, const struct block_limit *limit,
                              char error[LOG_ERROR_SIZE]);
/* Steps the log to before the first command for which `stop_at` is true; -ENOENT when none is. The
 * command's record is copied to `record` (BS_RECORD_SIZE_MAX bytes). */
typedef bool (*block_stop_fn)(void *user, struct block *block, const struct bs_command *command);
BS_MUST_USE int block_advance_to(struct block *block, uint64_t last_seq,
                                 const struct block_limit *limit, block_stop_fn stop_at, void *user,
                                 uint8_t *record, char error[LOG_ERROR_SIZE]);

int64_t block_now_ms(void); /* CLOCK_MONOTONIC */
/* 0, -ETIMEDOUT or -ECANCELED. */
int block_limit_reached(const struct block_limit *limit);

#endif
