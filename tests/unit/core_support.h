/* SPDX-License-Identifier: Apache-2.0 */
/* What the tests of the core loop share: a core on a memory log, and requests from NDJSON. */
#ifndef CORE_SUPPORT_H
#define CORE_SUPPORT_H

#include <check.h>

#include "daemon/core/core.h"

struct world {
    uv_loop_t loop;
    struct command_log *log;
    struct core *core;
    struct core_options options;
    uint64_t woken_ordinal; /* the last one core_on_actions told */
    bool is_stopped;
    bool is_failed;
    char failure[LOG_ERROR_SIZE];
};

/* A small core without a timer; the options may be changed before world_start. */
void world_init(struct world *world);
int world_start(struct world *world, char error[LOG_ERROR_SIZE]);
void world_stop(struct world *world);
void world_fini(struct world *world); /* the log too */
/* Turns the loop until the condition holds; fails the test after 20 seconds. */
void world_wait(struct world *world, bool (*condition)(void *user), void *user);

/* A write of the items of an NDJSON text, "" for none; what the parser rejects is in the batch. */
void request_init(struct request *request, const char *items);
void request_fini(struct request *request);

/* Submits it and turns the loop until it is answered. */
void request_run(struct world *world, struct request *request);
bool request_is_answered(void *request);

/*
 * Pool "p" resumed, linear market "m" (tick 1, lot 1), long "a" and short "b" of 10 at 100, mark
 * 100, collateral 100 and 5000: a mark of 80 makes "a" insolvent.
 */
void world_set_up(struct world *world);

#endif
