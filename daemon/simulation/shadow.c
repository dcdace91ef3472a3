/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/simulation/shadow.h"

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
#define DROP_SIZE ((size_t)4 << 20)
#define RECORDS_PER_LOOK 1024 /* at the clock */

struct advance {
    struct shadow *shadow;
    const struct shadow_limit *limit;
    shadow_stop_fn stop_at; /* NULL: nothing stops it */
    void *user;
    uint8_t *record;
    bool found;
    int result;
    char *error;
};

int64_t shadow_now_ms(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

int shadow_limit_reached(const struct shadow_limit *limit)
{
    if (limit->stop != NULL && atomic_load(limit->stop)) {
        return -ECANCELED;
    }
    return limit->until_ms != 0 && shadow_now_ms() >= limit->until_ms ? -ETIMEDOUT : 0;
}

static int open_block(struct shadow *shadow, char *error)
{
    const char *what = "make the file of";
    shadow->file = memfd_create("backstop-shadow", MFD_CLOEXEC);
    if (shadow->file < 0 || ftruncate(shadow->file, (off_t)shadow->size) != 0) {
        goto err_block;
    }
    what = "map";
    shadow->block = mmap(NULL, shadow->size, PROT_READ | PROT_WRITE, MAP_SHARED, shadow->file, 0);
    shadow->view = mmap(NULL, shadow->size, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (shadow->block != MAP_FAILED && shadow->view != MAP_FAILED) {
        /* Only faster with huge pages: a kernel without them is fine. */
        (void)madvise(shadow->view, shadow->size, MADV_HUGEPAGE);
        return 0;
    }
err_block:;
    int code = -errno;
    (void)snprintf(error, LOG_ERROR_SIZE, "cannot %s the second engine block of %zu bytes: %s",
                   what, shadow->size, strerror(-code));
    return code;
}

int shadow_open(struct shadow *shadow, const struct bs_config *config, struct log_reader *reader,
                char error[LOG_ERROR_SIZE])
{
    *shadow = (struct shadow){.size = bs_engine_size(config),
                              .file = -1,
                              .block = MAP_FAILED,
                              .view = MAP_FAILED,
                              .reader = reader};
    int code = open_block(shadow, error);
    if (code == 0) {
        shadow->effects.actions = calloc(EFFECTS_ACTIONS_MAX, sizeof(struct bs_action));
        shadow->effects.actions_max = EFFECTS_ACTIONS_MAX;
        if (shadow->effects.actions == NULL) {
            (void)snprintf(error, LOG_ERROR_SIZE, "out of memory for the second engine block");
            code = -ENOMEM;
        }
    }
    if (code != 0) {
        shadow_close(shadow);
        return code;
    }
    shadow->engine = bs_engine_init(shadow->block, shadow->size, config);
    return 0;
}

void shadow_close(struct shadow *shadow)
{
    if (shadow->size == 0) {
        return;
    }
    free(shadow->effects.actions);
    if (shadow->view != MAP_FAILED) {
        (void)munmap(shadow->view, shadow->size);
    }
    if (shadow->block != MAP_FAILED) {
        (void)munmap(shadow->block, shadow->size);
    }
    if (shadow->file >= 0) {
        (void)close(shadow->file);
    }
    *shadow = (struct shadow){0};
}

static bool fail(struct advance *advance, int result)
{
    advance->result = result;
    return false;
}

static bool step_record(struct advance *advance, const uint8_t *record, uint64_t seq)
{
    struct shadow *shadow = advance->shadow;
    struct bs_command command;
    if (!executor_decode(shadow->engine, record, seq, &command, advance->error)) {
        return fail(advance, -EBADMSG);
    }
    if (advance->stop_at != NULL && advance->stop_at(advance->user, shadow, &command)) {
        memcpy(advance->record, record, bs_record_size(record));
        advance->found = true;
        return false;
    }
    bs_engine_step(shadow->engine, &command, &shadow->effects);
    while (shadow->effects.more) {
        bs_engine_continue(shadow->engine, &shadow->effects);
    }
    return true;
}

/*
 * A batch is stepped whole or not at all, because the reader's place is after it then: a limit is
 * checked before it, and only a stop ends it halfway.
 */
static bool on_records(void *user, uint64_t first_seq, uint32_t count, const uint8_t *records,
                       size_t size)
{
    struct advance *advance = user;
    struct lookahead ahead;
    lookahead_begin(&ahead, advance->shadow->engine, records, size);
    for (uint32_t i = 0; i < count; i++) {
        const uint8_t *record = lookahead_next(&ahead, advance->shadow->engine);
        if (!step_record(advance, record, first_seq + i)) {
            return false;
        }
        if (i % RECORDS_PER_LOOK == 0 && advance->limit->stop != NULL &&
            atomic_load(advance->limit->stop)) {
            return fail(advance, -ECANCELED);
        }
    }
    advance->result = shadow_limit_reached(advance->limit);
    return advance->result == 0;
}

static int advance(struct advance *advance, uint64_t last_seq)
{
    struct shadow *shadow = advance->shadow;
    int code = log_reader_records(shadow->reader, &shadow->place, last_seq, on_records, advance,
                                  advance->error);
    return code != 0 ? code : advance->result;
}

int shadow_advance(struct shadow *shadow, uint64_t last_seq, const struct shadow_limit *limit,
                   char error[LOG_ERROR_SIZE])
{
    struct advance whole = {.shadow = shadow, .limit = limit, .error = error};
    int code = advance(&whole, last_seq);
    return code == -ETIMEDOUT && shadow->place.seq >= last_seq ? 0 : code;
}

int shadow_advance_to(struct shadow *shadow, uint64_t last_seq, const struct shadow_limit *limit,
                      shadow_stop_fn stop_at, void *user, uint8_t *record,
                      char error[LOG_ERROR_SIZE])
{
    struct advance part = {.shadow = shadow,
                           .limit = limit,
                           .stop_at = stop_at,
                           .user = user,
                           .record = record,
                           .error = error};
    int code = advance(&part, last_seq);
    return code == 0 && !part.found ? -ENOENT : code;
}

/* Piece by piece, because the kernel holds the process's memory map for as long as one call takes,
 * and the core loop may be about to ask for some. */
void shadow_drop_view(struct shadow *shadow)
{
    for (size_t at = 0; at < shadow->size; at += DROP_SIZE) {
        size_t left = shadow->size - at;
        int code =
            madvise((char *)shadow->view + at, left < DROP_SIZE ? left : DROP_SIZE, MADV_DONTNEED);
        assert(code == 0);
    }
}

struct bs_engine *shadow_view(struct shadow *shadow)
{
    shadow_drop_view(shadow);
    off_t end = 0;
    for (;;) {
        off_t begin = lseek(shadow->file, end, SEEK_DATA);
        if (begin < 0) {
            assert(errno == ENXIO); /* the rest was never written */
            return bs_engine_attach(shadow->view);
        }
        end = lseek(shadow->file, begin, SEEK_HOLE);
        assert(end > begin);
        size_t past = (size_t)end < shadow->size ? (size_t)end : shadow->size;
        memcpy((char *)shadow->view + begin, (const char *)shadow->block + begin,
               past - (size_t)begin);
    }
}
