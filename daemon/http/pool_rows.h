/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A pool as lines of JSON: the pool, its insurance fund and the changes of it that are kept, its
 * markets, its accounts with their positions, its providers. Each line is an object with one
 * member, named for what it is, and in it what the list of that kind has.
 */
#ifndef HTTP_POOL_ROWS_H
#define HTTP_POOL_ROWS_H

#include "api/buffer.h"
#include "lib/engine.h"

struct pool_rows { /* where a walk through a pool is */
    struct bs_engine *engine;
    uint32_t pool; /* a handle of it */
    uint32_t kind;
    uint32_t row;        /* of a provider */
    uint64_t number;     /* of a change of the fund */
    struct bs_text last; /* the last name of the kind; it is the engine's */
    uint64_t count;      /* lines so far */
};

/* The engine stays as it is until the walk ends. */
struct pool_rows pool_rows_begin(struct bs_engine *engine, uint32_t pool);
/* Appends the next line; false: there is none. */
bool pool_rows_next(struct pool_rows *rows, struct buffer *out);

#endif
