/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/follower/block.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "daemon/core/executor.h"
#include "daemon/core/lookahead.h"

#define EFFECTS_ACTIONS_MAX 4096
#define RECORDS_PER_LOOK 1024 /* at `stop` */

struct advance {
    struct block *block;
    uint64_t last_seq; /* no command past it */
    const struct block_limit *limit;
    block_stop_fn stop_at; /* NULL: nothing stops it */
    void *user;
    uint8_t *record;
    bool found;
    bool is_whole; /* the batch was stepped to its end */
    int result;
    char *error;
};

int64_t block_now_ms(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

int block_limit_reached(const struct block_limit *limit)
{
    if (limit->stop != NULL && atomic_load(limit->stop)) {
        return -ECANCELED;
    }
    return limit->until_ms != 0 && block_now_ms() >= limit->until_ms ? -ETIMEDOUT : 0;
}

static int open_memory(struct block *block, char *error)
{
    const char *what = "make the file of";
    block->file = memfd_create("backstop-second-block", MFD_CLOEXEC);
    if (block->file < 0 || ftruncate(block->file, (off_t)block->size) != 0) {
        goto err_memory;
    }
    what = "map";
    block->memory = mmap(NULL, block->size, PROT_READ | PROT_WRITE, MAP_SHARED, block->file, 0);
    if (block->memory != MAP_FAILED) {
        return 0;
    }
err_memory:;
    int code = -errno;
    (void)snprintf(error, LOG_ERROR_SIZE, "cannot %s the second engine block of %zu bytes: %s",
                   what, block->size, strerror(-code));
    return code;
}

int block_open(struct block *block, const struct bs_config *config, struct log_reader *reader,
               char error[LOG_ERROR_SIZE])
{
    *block = (struct block){
        .size = bs_engine_size(config), .file = -1, .memory = MAP_FAILED, .reader = reader};
    int code = open_memory(block, error);
    if (code == 0) {
        block->effects.actions = calloc(EFFECTS_ACTIONS_MAX, sizeof(struct bs_action));
        block->effects.actions_max = EFFECTS_ACTIONS_MAX;
        if (block->effects.actions == NULL) {
            (void)snprintf(error, LOG_ERROR_SIZE, "out of memory for the second engine block");
            code = -ENOMEM;
        }
    }
    if (code != 0) {
        block_close(block);
        return code;
    }
    block->engine = bs_engine_init(block->memory, block->size, config);
    return 0;
}

void block_close(struct block *block)
{
    if (block->size == 0) {
        return;
    }
    free(block->effects.actions);
    if (block->memory != MAP_FAILED) {
        (void)munmap(block->memory, block->size);
    }
    if (block->file >= 0) {
        (void)close(block->file);
    }
    *block = (struct block){0};
}

uint64_t block_seq(const struct block *block)
{
    return bs_engine_seq(block->engine);
}

static void note_step(struct block *block, const struct bs_command *command)
{
    block->settlements_count += block->effects.settled ? 1 : 0;
    if (block->on_stepped != NULL) {
        block->on_stepped(block->user, block, command);
    }
}

static void step(struct block *block, const struct bs_command *command)
{
    bs_engine_step(block->engine, command, &block->effects);
    note_step(block, command);
    while (block->effects.more) {
        bs_engine_continue(block->engine, &block->effects);
        note_step(block, command);
    }
}

static bool fail(struct advance *advance, int result)
{
    advance->result = result;
    return false;
}

static bool step_record(struct advance *advance, const uint8_t *record, uint64_t seq)
{
    struct block *block = advance->block;
    struct bs_command command;
    if (!executor_decode(block->engine, record, seq, &command, advance->error)) {
        return fail(advance, -EBADMSG);
    }
    if (advance->stop_at != NULL && advance->stop_at(advance->user, block, &command)) {
        memcpy(advance->record, record, bs_record_size(record));
        advance->found = true;
        return false;
    }
    step(block, &command);
    return true;
}

/* Steps those of a batch that are not stepped yet and not past the last one that is wanted. */
static bool on_batch(void *user, uint64_t first_seq, uint32_t count, const uint8_t *records,
                     size_t size)
{
    struct advance *advance = user;
    struct block *block = advance->block;
    uint64_t stepped = block_seq(block);
    uint64_t end = first_seq + count;
    struct lookahead ahead;
    lookahead_begin(&ahead, block->engine, records, size);
    for (uint64_t seq = first_seq; seq < end && seq <= advance->last_seq; seq++) {
        const uint8_t *record = lookahead_next(&ahead, block->engine);
        if (seq > stepped && !step_record(advance, record, seq)) {
            return false;
        }
        if (seq % RECORDS_PER_LOOK == 0 && advance->limit->stop != NULL &&
            atomic_load(advance->limit->stop)) {
            return fail(advance, -ECANCELED);
        }
    }
    advance->is_whole = block_seq(block) + 1 == end;
    return false;
}

/* Batch by batch; the limit is looked at between two. */
static int advance(struct advance *advance)
{
    struct block *block = advance->block;
    while (block_seq(block) < advance->last_seq) {
        struct log_reader_place next = block->place;
        advance->is_whole = false;
        int code = log_reader_records(block->reader, &next, next.seq + 1, on_batch, advance,
                                      advance->error);
        code = code != 0 ? code : advance->result;
        if (code != 0 || advance->found) {
            return code;
        }
        if (advance->is_whole) {
            block->place = next;
        }
        code = block_limit_reached(advance->limit);
        if (code != 0 && block_seq(block) < advance->last_seq) {
            return code;
        }
    }
    return 0;
}

int block_advance(struct block *block, uint64_t seq, const struct block_limit *limit,
                  char error[LOG_ERROR_SIZE])
{
    struct advance whole = {.block = block, .last_seq = seq, .limit = limit, .error = error};
    return advance(&whole);
}

int block_advance_to(struct block *block, uint64_t last_seq, const struct block_limit *limit,
                     block_stop_fn stop_at, void *user, uint8_t *record, char error[LOG_ERROR_SIZE])
{
    struct advance part = {.block = block,
                           .last_seq = last_seq,
                           .limit = limit,
                           .stop_at = stop_at,
                           .user = user,
                           .record = record,
                           .error = error};
    int code = advance(&part);
    return code == 0 && !part.found ? -ENOENT : code;
}
