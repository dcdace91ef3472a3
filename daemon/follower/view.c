/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/follower/view.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#define DROP_SIZE ((size_t)4 << 20)

int view_open(struct view *view, const struct bs_config *config, char error[LOG_ERROR_SIZE])
{
    size_t size = bs_engine_size(config);
    void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (memory == MAP_FAILED) {
        int code = -errno;
        (void)snprintf(error, LOG_ERROR_SIZE,
                       "cannot map %zu bytes for a copy of the second engine block: %s", size,
                       strerror(-code));
        return code;
    }
    /* Only faster with huge pages: a kernel without them is fine. */
    (void)madvise(memory, size, MADV_HUGEPAGE);
    *view = (struct view){.size = size, .memory = memory};
    return 0;
}

void view_close(struct view *view)
{
    if (view->size > 0) {
        (void)munmap(view->memory, view->size);
        free(view->parts);
    }
    *view = (struct view){0};
}

/* Piece by piece, because the kernel holds the process's memory map for as long as one call takes,
 * and the core loop may be about to ask for some. */
void view_drop(struct view *view)
{
    for (size_t at = 0; at < view->size; at += DROP_SIZE) {
        size_t left = view->size - at;
        int code =
            madvise((char *)view->memory + at, left < DROP_SIZE ? left : DROP_SIZE, MADV_DONTNEED);
        assert(code == 0);
    }
    view->engine = NULL;
    view->parts_count = 0;
}

static void copy_part(struct view *view, const void *memory, struct view_part part)
{
    assert(part.begin < part.end);
    assert(part.end <= view->size);
    if (view->parts_count == view->parts_capacity) {
        uint32_t capacity = view->parts_capacity > 0 ? 2 * view->parts_capacity : 64;
        view->parts = realloc(view->parts, capacity * sizeof(*view->parts));
        assert(view->parts != NULL);
        view->parts_capacity = capacity;
    }
    view->parts[view->parts_count++] = part;
    memcpy((char *)view->memory + part.begin, (const char *)memory + part.begin,
           part.end - part.begin);
}

void view_take(struct view *view, const struct block *block)
{
    assert(view->size == block->size);
    view_drop(view);
    off_t end = 0;
    for (;;) {
        off_t begin = lseek(block->file, end, SEEK_DATA);
        if (begin < 0) {
            assert(errno == ENXIO); /* the rest was never written */
            break;
        }
        end = lseek(block->file, begin, SEEK_HOLE);
        size_t past = (size_t)end < block->size ? (size_t)end : block->size;
        copy_part(view, block->memory, (struct view_part){(size_t)begin, past});
    }
    view->engine = bs_engine_attach(view->memory);
}

void view_copy(struct view *view, const struct view *from)
{
    assert(view->size == from->size);
    assert(from->engine != NULL);
    view_drop(view);
    for (uint32_t i = 0; i < from->parts_count; i++) {
        copy_part(view, from->memory, from->parts[i]);
    }
    view->engine = bs_engine_attach(view->memory);
}
