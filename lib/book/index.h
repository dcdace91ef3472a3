/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Names and the hash index over them. A name arena holds length-prefixed names at 8-byte steps; an
 * index maps a name to a 32-bit slot number (never 0) by open addressing with backward-shift
 * deletion. The seed spreads the names and never changes an outcome.
 */
#ifndef BS_INDEX_H
#define BS_INDEX_H

#include "lib/base/base.h"
#include "lib/base/limits.h"

#define BS_NAME_STEP 8u
#define BS_NAME_CLASSES 17u /* 1..17 steps: 1 + BS_KEY_SIZE_MAX bytes */

struct bs_names {
    uint8_t *bytes;
    uint32_t steps_max;
    uint32_t steps_used;                /* step 0 is never handed out: offset 0 = no name */
    uint32_t free[BS_NAME_CLASSES + 1]; /* by steps; the link is in the freed bytes */
};

/* 0 when the arena is full. */
uint32_t bs_names_add(struct bs_names *names, struct bs_text name);
void bs_names_remove(struct bs_names *names, uint32_t offset);
/* Pieces of so many steps, 1 to BS_NAME_CLASSES, that were removed and are not taken again. */
uint32_t bs_names_free(const struct bs_names *names, uint32_t steps);
/* Makes a piece as if a name had been removed. False: the arena is full. */
BS_MUST_USE bool bs_names_add_free(struct bs_names *names, uint32_t steps);

static inline struct bs_text bs_names_get(const struct bs_names *names, uint32_t offset)
{
    const uint8_t *at = names->bytes + (size_t)offset * BS_NAME_STEP;
    return (struct bs_text){(const char *)at + 1, at[0]};
}

struct bs_index_slot {
    uint32_t hash;
    uint32_t value; /* 0 = empty */
};

struct bs_index {
    struct bs_index_slot *slots;
    uint32_t mask; /* slots - 1 */
    uint64_t seed;
    const struct bs_names *names;
    const void *name_of; /* value -> name offset: a uint32_t every name_stride bytes */
    size_t name_stride;
};

/* Slots for `count` values: a power of two, at most half full. */
uint32_t bs_index_slots(uint32_t count);
uint32_t bs_index_find(const struct bs_index *index, struct bs_text name); /* 0 = none */
/* The name must not be in the index yet; name_of[value] must be set. */
/*
 * The place where the search for a name begins, and the value there whose hash matches it (0 =
 * none): for prefetching only, names are not compared.
 */
const struct bs_index_slot *bs_index_home(const struct bs_index *index, struct bs_text name);
uint32_t bs_index_guess(const struct bs_index *index, struct bs_text name);
void bs_index_add(struct bs_index *index, uint32_t value);
void bs_index_remove(struct bs_index *index, uint32_t value);

/* A table's rows in name order: `order` holds row numbers. */
void bs_order_insert(const struct bs_index *index, uint32_t *order, uint32_t *count, uint32_t row);
void bs_order_remove(uint32_t *order, uint32_t *count, uint32_t row);
/* Rows that have a name. */
uint32_t bs_rows_taken(const uint32_t *name_of, uint32_t used);
/* A free row of a table of `max` rows, given the name offsets of its rows; 0 = full. */
uint32_t bs_free_row(const uint32_t *name_of, uint32_t *used, uint32_t max);

uint64_t bs_hash(uint64_t seed, const void *bytes, size_t size);

#endif
