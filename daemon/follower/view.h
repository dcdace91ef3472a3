/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A copy of the second block, for work that takes long or writes. Only what was ever written is
 * copied. (A private mapping of the file would copy page by page as they are written; with a
 * large book the page faults, and the interruptions of the other threads' processors that come with
 * them, cost more than the copy.)
 */
#ifndef FOLLOWER_VIEW_H
#define FOLLOWER_VIEW_H

#include "daemon/follower/block.h"

struct view_part {
    size_t begin, end;
};

struct view {
    size_t size;
    void *memory;
    struct bs_engine *engine; /* NULL: it holds no copy */
    struct view_part *parts;  /* of the copy */
    uint32_t parts_count, parts_capacity;
};

/* Address space for copies of an engine of that config; no memory yet. 0 or negative with a
 * message. */
BS_MUST_USE int view_open(struct view *view, const struct bs_config *config,
                          char error[LOG_ERROR_SIZE]);
void view_close(struct view *view); /* zeroed is fine */

/* Each replaces the copy before. The configs are equal. */
void view_take(struct view *view, const struct block *block);
void view_copy(struct view *view, const struct view *from); /* `from` was not written since */
/* Gives the memory back. */
void view_drop(struct view *view);

#endif
