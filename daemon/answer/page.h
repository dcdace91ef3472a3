/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A page of a list: {"data":[...],"next":...}, where `next` is the cursor for the page that
 * follows, or null. A page of state ends early past PAGE_SIZE_MAX bytes.
 */
#ifndef PAGE_H
#define PAGE_H

#include "api/buffer.h"
#include "daemon/answer/cursor.h"
#include "lib/base/base.h"

#define PAGE_SIZE_MAX ((size_t)1 << 20)

void page_begin(struct buffer *out);
void page_comma(struct buffer *out); /* before each item */
/* `list` is the last word of the route's path: a cursor names the list that it is of. */
/* A list in name order, after an item of one or two names (the second may be empty). */
void page_end_name(struct buffer *out, const char *list, bool has_next, struct bs_text first,
                   struct bs_text second);
void page_end_number(struct buffer *out, const char *list, bool has_next, uint64_t next);

/* A list that moves. `next` is NULL on the last page; has_moved: the page before was made at another
 * sequence. */
void page_end_place(struct buffer *out, const char *list, const struct cursor_place *next,
                    bool has_moved);
/* Adds the sequence at which an answer was made to the object that ends there. */
void page_add_seq(struct buffer *out, uint64_t seq);
/* A list of actions, which always has a next page: `log` is the identity of their log. has_more: the
 * page ended before all was looked through. */
void page_end_actions(struct buffer *out, const char *log, uint64_t next, bool has_more);

#endif
