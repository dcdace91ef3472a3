/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The engine with its memory, its effects and the outbox they are collected in. Both the live loop
 * and replay run it, so both produce the same rows.
 */
#ifndef MACHINE_H
#define MACHINE_H

#include "daemon/core/outbox.h"

#define MACHINE_ACTIONS_MAX 256 /* handed out by one step: small enough to stay in the cache */

struct machine {
    void *memory; /* mapped; resident only as far as it was touched */
    size_t memory_size;
    struct bs_engine *engine;
    struct bs_effects effects;
    uint64_t seq; /* of the last step */
    struct outbox outbox;
    uint64_t settlements_count;
    bool pools_changed; /* a pool may have been halted or resumed; cleared by who looks */
};

/* 0 or a negative code with a message for the operator. */
BS_MUST_USE int machine_init(struct machine *machine, const struct bs_config *config,
                             char error[LOG_ERROR_SIZE]);
void machine_fini(struct machine *machine);

/* Executes one command; while effects.more, machine_continue must follow before the next. */
void machine_step(struct machine *machine, const struct bs_command *command);
void machine_continue(struct machine *machine);
uint32_t machine_halted_pools(const struct machine *machine);

#endif
