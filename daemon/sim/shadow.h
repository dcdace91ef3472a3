/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A second engine that follows the log on a thread of its own. Its block is memory shared by two
 * mappings: `engine` steps the log through the one; the other is private, so that what a simulation
 * writes there are copies of pages, dropped as a whole when the next one begins. Nothing of a
 * simulation can stay behind, whatever the engine writes, and the block is never copied. Only pages
 * that were written are resident.
 */
#ifndef SIM_SHADOW_H
#define SIM_SHADOW_H

#include <stdatomic.h>

#include "daemon/log/log.h"
#include "lib/engine.h"

/* When to give up: at a moment of CLOCK_MONOTONIC (0 = never), or when somebody says stop. */
struct shadow_limit {
    int64_t until_ms;
    atomic_bool *stop;
};

struct shadow {
    size_t size;
    int file;
    void *shared, *private;
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
 * record is copied to `record` (BS_RECORD_SIZE_MAX bytes). The shadow can not go on after it. */
typedef bool (*shadow_stop_fn)(void *user, struct shadow *shadow, const struct bs_command *command);
BS_MUST_USE int shadow_advance_to(struct shadow *shadow, uint64_t last_seq,
                                  const struct shadow_limit *limit, shadow_stop_fn stop_at,
                                  void *user, uint8_t *record, char error[LOG_ERROR_SIZE]);

/* A private copy of the engine as it is now; the copy before it is gone. */
struct bs_engine *shadow_view(struct shadow *shadow);

int64_t shadow_now_ms(void);
/* 0, -ETIMEDOUT or -ECANCELED. */
int shadow_limit_reached(const struct shadow_limit *limit);

#endif
