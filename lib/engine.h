/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The engine: all state of all pools in one block of memory that the caller gives, one entry that
 * changes it (bs_engine_step), and const views (lib/view/views.h). Deterministic: the same commands
 * give the same actions, byte for byte, on any machine.
 *
 *     struct bs_engine *engine = bs_engine_init(memory, bs_engine_size(&config), &config);
 *     bs_engine_step(engine, &command, &effects);
 *     while (effects.more) { use(effects.actions); bs_engine_continue(engine, &effects); }
 *
 * One thread at a time. Zeroed memory that is never written need not be resident.
 */
#ifndef BS_ENGINE_H
#define BS_ENGINE_H

#include "lib/base/limits.h"
#include "lib/config.h"
#include "lib/effects.h"
#include "lib/record/command.h"
#include "lib/view/views.h"

struct bs_engine;

/* No capacity is 0 or larger than an engine can have, and windows are powers of two. */
bool bs_capacity_is_valid(const struct bs_capacity_command *capacity);
/* The larger of both, each by each. */
struct bs_capacity_command bs_capacity_larger(const struct bs_capacity_command *a,
                                              const struct bs_capacity_command *b);

/* Bytes of memory the engine needs; 0 when a capacity is not valid. */
size_t bs_engine_size(const struct bs_config *config);
/* `memory` is zeroed (fresh anonymous mmap), aligned to 64 and outlives the engine. */
struct bs_engine *bs_engine_init(void *memory, size_t size, const struct bs_config *config);

/* The block was copied, or mapped at a second address: puts its pointers right. It must not be in
 * the middle of a settlement. */
struct bs_engine *bs_engine_attach(void *memory);

/* Executes one command. command->seq must be the last one + 1, time_ms must not go back. */
void bs_engine_step(struct bs_engine *engine, const struct bs_command *command,
                    struct bs_effects *effects);
/* Hands out the next actions of the settlement that the last step began. */
void bs_engine_continue(struct bs_engine *engine, struct bs_effects *effects);

/*
 * Hints: the record (checked by bs_command_decode before it was logged) will be stepped soon. Call
 * the stages in their order, each a few records before the next one and the step. No effect but on
 * caches.
 */
enum bs_prefetch { BS_PREFETCH_SLOT, BS_PREFETCH_ACCOUNT, BS_PREFETCH_NAME };

void bs_engine_prefetch(const struct bs_engine *engine, const uint8_t *record,
                        enum bs_prefetch stage);

uint64_t bs_engine_seq(const struct bs_engine *engine);
int64_t bs_engine_time_ms(const struct bs_engine *engine);
uint64_t bs_engine_actions(const struct bs_engine *engine); /* ordinal of the last action */

/* The next pool, after `after` (0 to begin), for which a settle command would do something at
 * now_ms: not paused, not halted, changed since its last run or past its period's end. 0 = none.
 * The result is a handle for bs_pool_view_get. */
uint32_t bs_engine_due(const struct bs_engine *engine, uint32_t after, int64_t now_ms);

/* 128 bits over the whole logical state in name order: equal state, equal digest. */
struct bs_digest {
    uint64_t words[2];
};
struct bs_digest bs_engine_digest(struct bs_engine *engine);
/* The same over the pools, the markets and `count` accounts from number `first` in name order:
 * small enough for a self-check during traffic. */
struct bs_digest bs_engine_digest_part(struct bs_engine *engine, uint32_t first, uint32_t count);

/* What is in force; false: no record of the log has said so, it is the config's. */
bool bs_engine_capacity(const struct bs_engine *engine, struct bs_capacity_command *ret_capacity);
/* BS_OK, or why a record could not put it in force now, with the member at fault and, where that is
 * too small, what is held of it. */
enum bs_status bs_engine_capacity_check(const struct bs_engine *engine,
                                        const struct bs_capacity_command *capacity,
                                        const char **ret_member, uint32_t *ret_held);

/* The level of behaviour in force, and the newest that this engine knows. */
uint32_t bs_engine_feature_level(const struct bs_engine *engine);
uint32_t bs_engine_feature_newest(const struct bs_engine *engine);
/* BS_OK; BS_NEWER_RECORD for a level that this engine does not know, BS_INVALID_VALUE for one below
 * that in force. */
enum bs_status bs_engine_feature_level_check(const struct bs_engine *engine, uint32_t level);

/* How full the tables are. */
struct bs_usage {
    uint32_t pools, markets, accounts, positions;
};
struct bs_usage bs_engine_usage(const struct bs_engine *engine);

#endif
