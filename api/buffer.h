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

void buffer_reserve(struct buffer *buffer, size_t more); /* room for `more` bytes past size */
void buffer_append(struct buffer *buffer, const void *bytes, size_t size);
void buffer_text(struct buffer *buffer, const char *text);
void buffer_printf(struct buffer *buffer, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void buffer_clear(struct buffer *buffer); /* keeps the memory */
void buffer_fini(struct buffer *buffer);

#endif
