/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A second engine that follows the log on a thread of its own, and copies of it for simulations.
 * The engine's block is a memory file, so that it is known which parts of it were ever written:
 * only those are copied to the view, a block of its own. A simulation runs on the view, and the
 * next one begins with a new copy, so nothing is left over, whatever the engine writes. (A private
 * mapping of the file would copy page by page as they are written; with a large book the page
 * faults, and the interruptions of the other threads' processors that come with them, cost more
 * than the copy.)
 */
#ifndef SIM_SHADOW_H
#define SIM_SHADOW_H

#include <stdatomic.h>

#include "daemon/log/log.h"
#include "lib/engine.h"

/* When to give up: at a moment of CLOCK_MONOTONIC (0 = never), or when `stop` is set. */
struct shadow_limit {
    int64_t until_ms;
    atomic_bool *stop;
};

struct shadow {
    size_t size;
    int file;
    void *block; /* of `engine` */
    void *view;
    struct bs_engine *engine;
    struct bs_effects effects; /* of the steps of both */
    struct log_reader *reader;
    struct log_reader_place place;
};

/* 0 or negative with a message. The reader is the caller's. */
BS_MUST_USE int shadow_open(struct shadow *shadow, const struct bs_config *config,
                            struct log_reader *reader, char error[LOG_ERROR_SIZE]);
void shadow_close(struct shadow *shadow); /* zeroed is fine */

/* Steps the log up to a durable sequence. -ETIMEDOUT and -ECANCELED: not all of it, and it may go
 * on; anything else: the log could not be read or executed. */
BS_MUST_USE int shadow_advance(struct shadow *shadow, uint64_t last_seq,
                               const struct shadow_limit *limit, char error[LOG_ERROR_SIZE]);
/* Steps the log to before the first record for which `stop_at` is true; -ENOENT when none is. The
 * record is copied to `record` (BS_RECORD_SIZE_MAX bytes). The shadow cannot go on after it. */
typedef bool (*shadow_stop_fn)(void *user, struct shadow *shadow, const struct bs_command *command);
BS_MUST_USE int shadow_advance_to(struct shadow *shadow, uint64_t last_seq,
                                  const struct shadow_limit *limit, shadow_stop_fn stop_at,
                                  void *user, uint8_t *record, char error[LOG_ERROR_SIZE]);

/* A copy of the engine as it is now; it replaces the copy before. */
struct bs_engine *shadow_view(struct shadow *shadow);
/* Gives its memory back. */
void shadow_drop_view(struct shadow *shadow);

int64_t shadow_now_ms(void);
/* 0, -ETIMEDOUT or -ECANCELED. */
int shadow_limit_reached(const struct shadow_limit *limit);

#endif
