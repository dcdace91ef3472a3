/* SPDX-License-Identifier: Apache-2.0 */
/* A growing byte buffer for JSON text and records. Running out of memory aborts with a message. */
#ifndef API_BUFFER_H
#define API_BUFFER_H

#include "lib/base/base.h"

struct buffer {
    char *bytes; /* malloc'd; always has room for a NUL past size once anything was written */
    size_t size;
    size_t capacity;
};

void buffer_grow(struct buffer *buffer, size_t more); /* what buffer_reserve does without room */

/* Makes room for `more` bytes past size. */
static inline void buffer_reserve(struct buffer *buffer, size_t more)
{
    if (more >= buffer->capacity || buffer->size >= buffer->capacity - more) {
        buffer_grow(buffer, more);
    }
}

/* Here, because JSON is made of hundreds of pieces of a byte or two. */
static inline void buffer_append(struct buffer *buffer, const void *bytes, size_t size)
{
    buffer_reserve(buffer, size);
    if (size > 0) {
        memcpy(buffer->bytes + buffer->size, bytes, size);
    }
    buffer->size += size;
    buffer->bytes[buffer->size] = '\0';
}

static inline void buffer_text(struct buffer *buffer, const char *text)
{
    buffer_append(buffer, text, strlen(text));
}

void buffer_printf(struct buffer *buffer, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void buffer_clear(struct buffer *buffer); /* keeps the memory */
void buffer_fini(struct buffer *buffer);

#endif
