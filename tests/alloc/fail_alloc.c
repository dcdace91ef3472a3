/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Loaded before the daemon (LD_PRELOAD): counts allocations and fails one of them. The control block is a file
 * that the test maps too, named by FAIL_ALLOC_CONTROL:
 *
 *     armed      1: allocations are counted. Set by the test; cleared here when one fails
 *     fail_at    which one fails, from 1
 *     count      allocations since it was armed
 *     fired      1: one has failed
 *     live       blocks that were allocated and not freed
 *     stack      who asked for it: a module and an offset per line, from the allocation outwards
 *
 * Freed memory is overwritten, so a pointer that outlives its block is seen.
 */
#include <dlfcn.h>
#include <errno.h>
#include <execinfo.h>
#include <fcntl.h>
#include <malloc.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define STACK_SIZE 4096
#define FRAMES_MAX 40
#define FREED_BYTE 0xdb
#define EARLY_SIZE 4096

struct control {
    _Atomic uint64_t armed, fail_at, count, fired;
    _Atomic int64_t live;
    char stack[STACK_SIZE];
};

static struct control no_control;
static struct control *control = &no_control;
static _Thread_local bool is_inside __attribute__((tls_model("initial-exec")));

static struct {
    void *(*malloc)(size_t);
    void *(*calloc)(size_t, size_t);
    void *(*realloc)(void *, size_t);
    void *(*memalign)(size_t, size_t);
    void *(*mmap)(void *, size_t, int, int, int, off_t);
    void (*free)(void *);
    size_t (*usable)(void *);
} real;

/* What dlsym itself may ask for while the real functions are not known. Never freed. */
static char early[EARLY_SIZE] __attribute__((aligned(16)));
static size_t early_size;

static void *early_block(size_t size)
{
    size_t at = early_size;
    early_size += (size + 15) & ~(size_t)15;
    return early_size <= sizeof(early) ? early + at : NULL;
}

static bool is_early(const void *block)
{
    return (const char *)block >= early && (const char *)block < early + sizeof(early);
}

static void find(void *function, const char *name)
{
    void *found = dlsym(RTLD_NEXT, name);
    memcpy(function, &found, sizeof(found));
}

static bool find_real(void)
{
    if (real.usable == NULL && !is_inside) {
        is_inside = true;
        find(&real.malloc, "malloc");
        find(&real.calloc, "calloc");
        find(&real.realloc, "realloc");
        find(&real.memalign, "memalign");
        find(&real.mmap, "mmap");
        find(&real.free, "free");
        find(&real.usable, "malloc_usable_size");
        is_inside = false;
    }
    return real.usable != NULL;
}

static void note_stack(void)
{
    void *frames[FRAMES_MAX];
    size_t size = 0;
    int count = backtrace(frames, FRAMES_MAX);
    for (int i = 2; i < count && size < STACK_SIZE; i++) {
        Dl_info info;
        if (dladdr(frames[i], &info) != 0 && info.dli_fname != NULL) {
            int added =
                snprintf(control->stack + size, STACK_SIZE - size, "%s 0x%zx\n", info.dli_fname,
                         (size_t)((char *)frames[i] - (char *)info.dli_fbase - 1));
            size += added > 0 ? (size_t)added : 0;
        }
    }
}

static bool fails(void)
{
    if (is_inside || atomic_load(&control->armed) == 0 ||
        atomic_fetch_add(&control->count, 1) + 1 != atomic_load(&control->fail_at)) {
        return false;
    }
    is_inside = true;
    atomic_store(&control->armed, 0);
    note_stack();
    atomic_store(&control->fired, 1);
    is_inside = false;
    errno = ENOMEM;
    return true;
}

static void *counted(void *block)
{
    if (block != NULL) {
        (void)atomic_fetch_add_explicit(&control->live, 1, memory_order_relaxed);
    }
    return block;
}

void *malloc(size_t size)
{
    if (!find_real()) {
        return early_block(size);
    }
    return fails() ? NULL : counted(real.malloc(size));
}

void *calloc(size_t count, size_t size)
{
    if (!find_real()) {
        return early_block(count * size);
    }
    return fails() ? NULL : counted(real.calloc(count, size));
}

void *realloc(void *block, size_t size)
{
    if (!find_real() || is_early(block)) {
        void *copy = malloc(size);
        if (copy != NULL && block != NULL) {
            memcpy(copy, block, size);
        }
        return copy;
    }
    if (fails()) {
        return NULL;
    }
    return block == NULL ? counted(real.realloc(NULL, size)) : real.realloc(block, size);
}

void *reallocarray(void *block, size_t count, size_t size)
{
    size_t bytes;
    if (__builtin_mul_overflow(count, size, &bytes)) {
        errno = ENOMEM;
        return NULL;
    }
    return realloc(block, bytes);
}

void *memalign(size_t alignment, size_t size)
{
    return !find_real() || fails() ? NULL : counted(real.memalign(alignment, size));
}

void *aligned_alloc(size_t alignment, size_t size)
{
    return memalign(alignment, size);
}

int posix_memalign(void **ret_block, size_t alignment, size_t size)
{
    void *block = memalign(alignment, size);
    if (block == NULL) {
        return ENOMEM;
    }
    *ret_block = block;
    return 0;
}

/* Of memory, not of files. */
void *mmap(void *address, size_t size, int protection, int flags, int fd, off_t offset)
{
    if (!find_real() || ((flags & MAP_ANONYMOUS) != 0 && fails())) {
        return MAP_FAILED;
    }
    return real.mmap(address, size, protection, flags, fd, offset);
}

void free(void *block)
{
    if (block == NULL || is_early(block) || !find_real()) {
        return;
    }
    (void)atomic_fetch_sub_explicit(&control->live, 1, memory_order_relaxed);
    int error = errno;
    memset(block, FREED_BYTE, real.usable(block));
    real.free(block);
    errno = error;
}

__attribute__((constructor)) static void start(void)
{
    const char *path = getenv("FAIL_ALLOC_CONTROL");
    void *frames[2];
    if (path == NULL || !find_real()) {
        return;
    }
    (void)backtrace(frames, 2); /* the first call loads a library */
    int fd = open(path, O_RDWR | O_CLOEXEC);
    void *memory =
        fd < 0 ? MAP_FAILED
               : real.mmap(NULL, sizeof(*control), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (memory == MAP_FAILED) {
        (void)fputs("fail_alloc: no control block\n", stderr);
        _exit(99);
    }
    (void)close(fd);
    control = memory;
    atomic_store(&control->live, 0);
}
