/* SPDX-License-Identifier: Apache-2.0 */
#include "api/buffer.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#define CAPACITY_MIN 256
#define PRINTF_ROOM 128 /* most formats need no second pass */

bool buffer_grow(struct buffer *buffer, size_t more)
{
    size_t needed = buffer->size + more + 1;
    size_t capacity = buffer->capacity < CAPACITY_MIN ? CAPACITY_MIN : buffer->capacity;
    while (capacity < needed && capacity <= SIZE_MAX / 2) {
        capacity *= 2;
    }
    char *bytes = capacity < needed || needed <= more ? NULL : realloc(buffer->bytes, capacity);
    if (bytes == NULL) {
        buffer_out_of_memory(buffer);
        return false;
    }
    buffer->bytes = bytes;
    buffer->capacity = capacity;
    return true;
}

void buffer_printf(struct buffer *buffer, const char *format, ...)
{
    va_list arguments;
    if (!buffer_reserve(buffer, PRINTF_ROOM)) {
        return;
    }
    size_t room = buffer->capacity - buffer->size;
    va_start(arguments, format);
    int size = vsnprintf(buffer->bytes + buffer->size, room, format, arguments);
    va_end(arguments);
    assert(size >= 0);
    if ((size_t)size >= room) {
        if (!buffer_reserve(buffer, (size_t)size)) {
            return;
        }
        va_start(arguments, format);
        (void)vsnprintf(buffer->bytes + buffer->size, (size_t)size + 1, format, arguments);
        va_end(arguments);
    }
    buffer->size += (size_t)size;
}

void buffer_clear(struct buffer *buffer)
{
    buffer->size = 0;
    buffer->failed = false;
}

void buffer_fini(struct buffer *buffer)
{
    free(buffer->bytes);
    *buffer = (struct buffer){0};
}
