/* SPDX-License-Identifier: Apache-2.0 */
#include "api/buffer.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#define CAPACITY_MIN 256
#define PRINTF_ROOM 128 /* most formats need no second pass */

void buffer_grow(struct buffer *buffer, size_t more)
{
    size_t needed = buffer->size + more + 1;
    size_t capacity = buffer->capacity < CAPACITY_MIN ? CAPACITY_MIN : buffer->capacity;
    while (capacity < needed && capacity <= SIZE_MAX / 2) {
        capacity *= 2;
    }
    char *bytes = capacity < needed || needed <= more ? NULL : realloc(buffer->bytes, capacity);
    if (bytes == NULL) {
        fprintf(stderr, "out of memory: a buffer of %zu bytes cannot grow by %zu\n", buffer->size,
                more);
        abort();
    }
    buffer->bytes = bytes;
    buffer->capacity = capacity;
}

void buffer_printf(struct buffer *buffer, const char *format, ...)
{
    va_list arguments;
    buffer_reserve(buffer, PRINTF_ROOM);
    size_t room = buffer->capacity - buffer->size;
    va_start(arguments, format);
    int size = vsnprintf(buffer->bytes + buffer->size, room, format, arguments);
    va_end(arguments);
    assert(size >= 0);
    if ((size_t)size >= room) {
        buffer_reserve(buffer, (size_t)size);
        va_start(arguments, format);
        (void)vsnprintf(buffer->bytes + buffer->size, (size_t)size + 1, format, arguments);
        va_end(arguments);
    }
    buffer->size += (size_t)size;
}

void buffer_clear(struct buffer *buffer)
{
    buffer->size = 0;
}

void buffer_fini(struct buffer *buffer)
{
    free(buffer->bytes);
    *buffer = (struct buffer){0};
}
