/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Steps records on the engine: owns the engine's memory, its effects and the outbox that collects
 * them. The live loop and replay both run it, so both produce the same rows.
 */
#ifndef EXECUTOR_H
#define EXECUTOR_H

#include "daemon/core/outbox.h"

#define EXECUTOR_ACTIONS_MAX 256 /* of one step: few enough to stay in the cache */

struct executor {
    struct bs_config config;
    void *memory; /* mapped; only touched pages are resident */
    size_t memory_size;
    struct bs_engine *engine;
    struct bs_effects effects;
    uint64_t seq; /* of the last step */
    struct outbox outbox;
    uint64_t settlements_count;
    bool pools_changed; /* a pool may have been halted or resumed; the reader clears it */
};

/* 0 or a negative code with a message for the operator. */
BS_MUST_USE int executor_init(struct executor *executor, const struct bs_config *config,
                              char error[LOG_ERROR_SIZE]);
void executor_fini(struct executor *executor);
/* An engine that has stepped nothing, for these capacities, replaces the one there is. On failure
 * there is none. */
BS_MUST_USE int executor_begin_again(struct executor *executor, const struct bs_config *config,
                                     char error[LOG_ERROR_SIZE]);

/* The command of the record at `seq`, which the engine may execute next. False, with a message: it
 * is damaged, of another version, or before the engine's time. */
BS_MUST_USE bool executor_decode(const struct bs_engine *engine, const uint8_t *record,
                                 uint64_t seq, struct bs_command *ret_command,
                                 char error[LOG_ERROR_SIZE]);
/* Executes one command; while effects.more, executor_continue must follow before the next. */
void executor_step(struct executor *executor, const struct bs_command *command);
void executor_continue(struct executor *executor);
uint32_t executor_halted_pools(const struct executor *executor);

#endif
