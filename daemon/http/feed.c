/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/http/feed.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "api/action_cursor.h"
#include "daemon/http/action_row.h"
#include "daemon/log/identity.h"

static struct feed_block *block_new(struct feed *feed, uint64_t first, uint64_t last)
{
    struct feed_block *block = calloc(1, sizeof *block);
    if (block == NULL) {
        return NULL;
    }
    block->references = 1;
    block->first = first;
    block->last = last;
    feed->held++;
    return block;
}

void feed_release(struct feed *feed, struct feed_block *block)
{
    if (block == NULL) {
        return;
    }
    assert(block->references > 0);
    if (--block->references > 0) {
        return;
    }
    buffer_fini(&block->text);
    buffer_fini(&block->names);
    free(block);
    feed->held--;
}

/* ---- reading the log into a block ---- */

struct reading {
    const char *log; /* its identity */
    struct feed_block *block;
    uint64_t last; /* rows past it do not belong in the block */
    bool broken;
};

static bool put_event(void *user, const struct log_action_row *row,
                      const uint8_t hash[LOG_HASH_SIZE])
{
    struct reading *reading = user;
    struct feed_block *block = reading->block;
    if (row->ordinal > reading->last) {
        return false;
    }
    assert(block->count < FEED_BLOCK_EVENTS);
    buffer_text(&block->text, "id: ");
    api_cursor_print(&block->text, reading->log, row->ordinal);
    buffer_printf(&block->text, "\nevent: %s\ndata: ", bs_action_type_name(row->type));
    if (!action_row_put(&block->text, reading->log, row, hash)) {
        reading->broken = true;
        return false;
    }
    buffer_text(&block->text, "\n\n");
    buffer_append(&block->names, row->pool.bytes, row->pool.size);
    buffer_append(&block->names, row->account.bytes, row->account.size);
    block->events[block->count++] = (struct feed_event){
        .ordinal = row->ordinal,
        .end = (uint32_t)block->text.size,
        .names_end = (uint32_t)block->names.size,
        .pool_size = (uint8_t)row->pool.size,
        .type = row->type,
    };
    return true;
}

static bool read_rows(struct log_reader *reader, struct feed_block *block,
                      const struct log_filter *filter, uint64_t last, char error[LOG_ERROR_SIZE])
{
    struct reading reading = {.log = log_reader_identity(reader), .block = block, .last = last};
    int code = log_reader_actions(reader, filter, put_event, &reading, error);
    if (code == 0 && reading.broken) {
        (void)snprintf(error, LOG_ERROR_SIZE, "a stored action cannot be decoded");
    }
    if (block->text.failed || block->names.failed) {
        (void)snprintf(error, LOG_ERROR_SIZE, "out of memory for a block of events");
        return false;
    }
    return code == 0 && !reading.broken;
}

static bool read_into(struct feed *feed, struct feed_block *block, const struct log_filter *filter,
                      uint64_t last, char error[LOG_ERROR_SIZE])
{
    uint32_t count = block->count;
    bool good = read_rows(feed->reader, block, filter, last, error);
    feed->encoded += block->count - count;
    return good;
}

/* A shared block has every action up to there. */
static bool read_all(struct log_reader *reader, struct feed_block *block, uint64_t last,
                     char error[LOG_ERROR_SIZE])
{
    struct log_filter filter = {
        .after = block->last, .type = UINT8_MAX, .limit = (uint32_t)(last - block->last)};
    bool good = read_rows(reader, block, &filter, last, error);
    if (good && (block->count == 0 || block->events[block->count - 1].ordinal != last)) {
        (void)snprintf(error, LOG_ERROR_SIZE, "action %" PRIu64 " is missing in the log", last);
        good = false;
    }
    block->last = good ? last : block->last;
    return good;
}

/* ---- shared blocks ---- */

static uint64_t first_of(uint64_t after)
{
    return after / FEED_BLOCK_EVENTS * FEED_BLOCK_EVENTS + 1;
}

static uint32_t find(const struct feed *feed, uint64_t first)
{
    uint32_t i = 0;
    while (i < FEED_BLOCKS_MAX && (feed->blocks[i] == NULL || feed->blocks[i]->first != first)) {
        i++;
    }
    return i;
}

/* A free place, or that of the least recently used block. */
static uint32_t make_room(struct feed *feed)
{
    uint32_t oldest = 0;
    for (uint32_t i = 0; i < FEED_BLOCKS_MAX; i++) {
        if (feed->blocks[i] == NULL) {
            return i;
        }
        if (feed->used[i] < feed->used[oldest]) {
            oldest = i;
        }
    }
    feed_release(feed, feed->blocks[oldest]);
    feed->blocks[oldest] = NULL;
    return oldest;
}

static void forget(struct feed *feed, uint32_t place)
{
    feed_release(feed, feed->blocks[place]);
    feed->blocks[place] = NULL;
}

/* Reads what has become durable since; a block that cannot be read is dropped. */
static bool extend(struct feed *feed, uint32_t place, uint64_t durable, char error[LOG_ERROR_SIZE])
{
    struct feed_block *block = feed->blocks[place];
    uint64_t end = block->first + FEED_BLOCK_EVENTS - 1;
    uint64_t last = durable < end ? durable : end;
    if (block->last >= last) {
        return true;
    }
    uint32_t count = block->count;
    bool good = read_all(feed->reader, block, last, error);
    feed->encoded += block->count - count;
    if (!good) {
        forget(feed, place);
    }
    return good;
}

bool feed_keeps(const struct feed *feed, uint64_t after)
{
    return find(feed, first_of(after)) < FEED_BLOCKS_MAX;
}

struct feed_block *feed_shared(struct feed *feed, uint64_t after, uint64_t durable,
                               char error[LOG_ERROR_SIZE])
{
    assert(after < durable);
    uint64_t first = first_of(after);
    uint32_t place = find(feed, first);
    if (place == FEED_BLOCKS_MAX) {
        struct feed_block *block = block_new(feed, first, first - 1);
        if (block == NULL) {
            (void)snprintf(error, LOG_ERROR_SIZE, "out of memory for a block of events");
            return NULL;
        }
        place = make_room(feed);
        feed->blocks[place] = block;
    }
    feed->used[place] = ++feed->clock;
    if (!extend(feed, place, durable, error)) {
        return NULL;
    }
    feed->blocks[place]->references++;
    return feed->blocks[place];
}

/* ---- blocks that another thread reads ---- */

static void run_load(struct log_read *read, struct log_reader *reader)
{
    struct feed_load *load = (struct feed_load *)read;
    uint64_t last = load->block->first + FEED_BLOCK_EVENTS - 1;
    load->is_read = read_all(reader, load->block, last, load->error);
}

bool feed_is_loading(struct feed *feed, uint64_t after)
{
    struct feed_load *load = feed->loads;
    while (load != NULL && load->block->first != first_of(after)) {
        load = load->next;
    }
    if (load != NULL) {
        load->is_awaited = true;
    }
    return load != NULL;
}

bool feed_load_begin(struct feed *feed, struct feed_load *load, uint64_t after)
{
    assert(load->block == NULL);
    assert(!feed_keeps(feed, after));
    if (feed_is_loading(feed, after)) {
        return false;
    }
    uint64_t first = first_of(after);
    struct feed_block *block = block_new(feed, first, first - 1);
    if (block == NULL) {
        return false;
    }
    *load = (struct feed_load){
        .read = {.request = load->read.request, .run = run_load, .is_stream = true},
        .next = feed->loads,
        .block = block};
    feed->loads = load;
    return true;
}

void feed_load_end(struct feed *feed, struct feed_load *load)
{
    struct feed_load **link = &feed->loads;
    while (*link != load) {
        assert(*link != NULL);
        link = &(*link)->next;
    }
    *link = load->next;
    struct feed_block *block = load->block;
    load->block = NULL;
    if (!load->is_read || find(feed, block->first) < FEED_BLOCKS_MAX) {
        feed_release(feed, block);
        return;
    }
    uint32_t place = make_room(feed);
    feed->blocks[place] = block;
    feed->used[place] = ++feed->clock;
    feed->encoded += block->count;
}

struct feed_block *feed_selected(struct feed *feed, const struct log_filter *filter, uint64_t last,
                                 char error[LOG_ERROR_SIZE])
{
    assert(filter->after < last);
    struct log_filter limited = *filter;
    struct feed_block *block = block_new(feed, 0, last);
    if (block == NULL) {
        (void)snprintf(error, LOG_ERROR_SIZE, "out of memory for a block of events");
        return NULL;
    }
    limited.last = last;
    limited.limit = FEED_BLOCK_EVENTS;
    if (!read_into(feed, block, &limited, last, error)) {
        feed_release(feed, block);
        return NULL;
    }
    if (block->count == FEED_BLOCK_EVENTS) {
        block->last = block->events[FEED_BLOCK_EVENTS - 1].ordinal;
    }
    return block;
}

bool feed_matches(const struct feed_block *block, uint32_t index, const struct log_filter *filter)
{
    const struct feed_event *event = &block->events[index];
    uint32_t start = index == 0 ? 0 : block->events[index - 1].names_end;
    const char *names = block->names.bytes + start;
    struct bs_text pool = {names, event->pool_size};
    struct bs_text account = {names + pool.size, event->names_end - start - pool.size};
    return (filter->type == UINT8_MAX || filter->type == event->type) &&
           (filter->pool.size == 0 || bs_text_equal(filter->pool, pool)) &&
           (filter->account.size == 0 || bs_text_equal(filter->account, account));
}

void feed_fini(struct feed *feed)
{
    for (uint32_t i = 0; i < FEED_BLOCKS_MAX; i++) {
        feed_release(feed, feed->blocks[i]);
        feed->blocks[i] = NULL;
    }
    assert(feed->loads == NULL);
    assert(feed->held == 0);
}
