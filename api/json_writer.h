/* SPDX-License-Identifier: Apache-2.0 */
/* Members of a JSON object, one call each, in the order of the calls; commas come by themselves. */
#ifndef API_JSON_WRITER_H
#define API_JSON_WRITER_H

#include "api/buffer.h"
#include "lib/money/decimal.h"

void member_name(struct buffer *out, const char *name); /* "name": and what follows is its value */
void member_text(struct buffer *out, const char *name, struct bs_text text);
void member_word(struct buffer *out, const char *name, const char *word); /* NULL prints null */
void member_integer(struct buffer *out, const char *name, uint64_t integer);
void member_wide(struct buffer *out, const char *name, struct bs_wide value);
void member_decimal(struct buffer *out, const char *name, struct bs_decimal value);
void member_time(struct buffer *out, const char *name, int64_t time_ms);
void member_null(struct buffer *out, const char *name);

/* Without a name. */
void buffer_integer(struct buffer *out, uint64_t integer);
void buffer_wide(struct buffer *out, struct bs_wide value);

#endif
