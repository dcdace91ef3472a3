/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Actions as server-sent events, encoded once for all streams. A shared block holds the events of
 * FEED_BLOCK_EVENTS consecutive actions, aligned by their ordinals, so all streams at that place
 * read the same bytes; the newest block grows. FEED_BLOCKS_MAX of them are kept, the least recently
 * used one is dropped; a block that is held stays. Only the HTTP thread uses it.
 */
#ifndef HTTP_FEED_H
#define HTTP_FEED_H

#include "api/buffer.h"
#include "daemon/http/log_reads.h"
#include "daemon/log/log.h"

#define FEED_BLOCK_EVENTS 64
#define FEED_BLOCKS_MAX 64

struct feed_event {
    uint64_t ordinal;
    uint32_t end;       /* in the block's text */
    uint32_t names_end; /* in its names: pool, then account */
    uint8_t pool_size;
    uint8_t type; /* enum bs_action_type */
};

struct feed_block {
    uint32_t references;
    uint64_t first; /* shared: of its first action; 0 = made for one reader alone */
    uint64_t last;  /* it has all of its events up to here */
    uint32_t count;
    struct feed_event events[FEED_BLOCK_EVENTS];
    struct buffer text;
    struct buffer names;
};

/* A whole block that the thread of log_reads.h reads, for a stream that lags far. */
struct feed_load {
    struct log_read read; /* first; its request is the caller's */
    struct feed_load *next;
    struct feed_block *block; /* NULL: it is not going on */
    bool is_awaited;          /* another stream wants the block, too */
    bool is_read;
    char error[LOG_ERROR_SIZE];
};

struct feed { /* zeroed but for the reader */
    struct log_reader *reader;
    struct feed_block *blocks[FEED_BLOCKS_MAX];
    uint64_t used[FEED_BLOCKS_MAX]; /* when each was last asked for */
    uint64_t clock;
    uint64_t encoded;        /* actions, cumulative */
    uint64_t held;           /* blocks that exist, kept or held */
    struct feed_load *loads; /* that go on */
};

/* The shared block with the action after `after`, which is at most `durable`; read from the log as
 * far as that if need be. The caller releases it. NULL: the log cannot be read. */
struct feed_block *feed_shared(struct feed *feed, uint64_t after, uint64_t durable,
                               char error[LOG_ERROR_SIZE]);
/* True if that block is there, so the log need not be read. */
bool feed_keeps(const struct feed *feed, uint64_t after);
/* Begins to read that block, all of whose actions are durable: submit load->read, which has its
 * request. False: it is being read already. */
BS_MUST_USE bool feed_load_begin(struct feed *feed, struct feed_load *load, uint64_t after);
/* True if that block is being read; a load that is, is awaited from then on. */
bool feed_is_loading(struct feed *feed, uint64_t after);
/* Back from its thread: the block is kept, if it was read. */
void feed_load_end(struct feed *feed, struct feed_load *load);
/*
 * A block of the next actions after filter->after, up to `last`, that match: for a stream with a
 * filter that lags so far that the log's indexes find them faster. It looks at all in between.
 */
struct feed_block *feed_selected(struct feed *feed, const struct log_filter *filter, uint64_t last,
                                 char error[LOG_ERROR_SIZE]);
void feed_release(struct feed *feed, struct feed_block *block); /* NULL is fine */

/* Of the filter only pool, account and type count. */
bool feed_matches(const struct feed_block *block, uint32_t index, const struct log_filter *filter);

void feed_fini(struct feed *feed);

#endif
