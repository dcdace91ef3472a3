/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A growing byte buffer for JSON text and records. When memory runs out it fails for good: what it holds is
 * no longer whole, and later appends do nothing. So text is built without looking, and the code that sends or
 * stores the whole looks once at `failed`. Clearing makes it good again.
 */
#ifndef API_BUFFER_H
#define API_BUFFER_H

#include "lib/base/base.h"

struct buffer {
    char *bytes; /* malloc'd; always has room for a NUL past size once anything was written */
    size_t size;
    size_t capacity;
    bool failed; /* some of it is missing */
};

bool buffer_grow(struct buffer *buffer, size_t more); /* what buffer_reserve does without room */
/* What happens without memory: the buffer has failed. backstopctl, which runs once, ends instead. */
void buffer_out_of_memory(struct buffer *buffer);

/* Makes room for `more` bytes past size. False: the buffer has failed. */
static inline bool buffer_reserve(struct buffer *buffer, size_t more)
{
    if (buffer->failed) {
        return false;
    }
    return (more < buffer->capacity && buffer->size < buffer->capacity - more) ||
           buffer_grow(buffer, more);
}

/* Here, because JSON is made of hundreds of pieces of a byte or two. */
static inline void buffer_append(struct buffer *buffer, const void *bytes, size_t size)
{
    if (!buffer_reserve(buffer, size)) {
        return;
    }
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

/* What it holds, to be shown to a person. */
static inline const char *buffer_string(const struct buffer *buffer)
{
    return buffer->failed ? "out of memory\n" : buffer->size == 0 ? "" : buffer->bytes;
}

/* Whether the last byte is this one; not when the buffer has failed. */
static inline bool buffer_ends_with(const struct buffer *buffer, char byte)
{
    return !buffer->failed && buffer->size > 0 && buffer->bytes[buffer->size - 1] == byte;
}

void buffer_printf(struct buffer *buffer, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void buffer_clear(struct buffer *buffer); /* keeps the memory */
void buffer_fini(struct buffer *buffer);

#endif
