/* SPDX-License-Identifier: Apache-2.0 */
/* A small engine whose every step can be audited, whatever command it is given. */
#ifndef TESTS_FUZZ_ENGINE_H
#define TESTS_FUZZ_ENGINE_H

#include "lib/engine.h"

#define FUZZ_ACTIONS_MAX 64
#define FUZZ_POOLS_MAX 3
#define FUZZ_MARKETS_MAX 5

/* What every step is held against. Handles count from 1. */
struct fuzz_books {
    bs_i128 cash[FUZZ_POOLS_MAX + 1]; /* collateral less entry values, losses and deficits */
    bs_i128 lots[FUZZ_MARKETS_MAX + 1];
    struct bs_digest digest;
};

struct fuzz_engine {
    uint32_t actions_max; /* handed out at a time, at most FUZZ_ACTIONS_MAX */
    uint64_t hash_seed;
    bool is_audited;
    bool is_exact;    /* numbers stay small: no check of a plan fails but one that is told to */
    bool is_refusing; /* fuzz_engine_refuse, until no pool is halted any more */
    int64_t time_ms;
    struct bs_engine *engine;
    uint64_t ordinal;     /* of the last action */
    uint32_t actions_crc; /* over the records of all actions */
    void *memory;
    size_t size;
    struct fuzz_books books; /* after the last step */
};

/* Empty, as new. The memory is kept for ever. */
void fuzz_engine_clear(struct fuzz_engine *engine);

/*
 * Stamps the command and steps it. Audited:
 *   a refused one changes nothing,
 *   money and open interest are conserved by all that is no payment, fill or position,
 *   a settlement leaves nobody insolvent that it may resolve, and halts no pool (is_exact) unless
 *   its check was told to fail,
 *   actions are numbered without gaps, and decode and encode to themselves.
 */
enum bs_status fuzz_engine_step(struct fuzz_engine *engine, struct bs_command *command);

/* The check of a plan after the next `skipped` ones fails. */
void fuzz_engine_refuse(struct fuzz_engine *engine, uint32_t skipped);

#endif
