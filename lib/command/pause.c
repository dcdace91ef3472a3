/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pause and resume: without effect, and without an action, when the pool is already so. A halted
 * pool that is resumed runs its settlement again, from what it holds now.
 */
#include "lib/book/feature.h"
#include "lib/command/apply.h"
#include "lib/settlement/actions.h"
#include "lib/settlement/run.h"

struct bs_outcome bs_pause_apply(struct bs_engine *engine, const struct bs_command *command,
                                 struct bs_effects *effects)
{
    bool pause = command->type == BS_COMMAND_PAUSE;
    uint8_t state = pause ? BS_STATE_PAUSED : BS_STATE_RUNNING;
    uint32_t row = bs_index_find(&engine->pool_index, command->as.name.name);
    if (row == 0) {
        return bs_refuse(BS_UNKNOWN_POOL, "pool");
    }
    if (pause && command->as.name.reason.size == 0 &&
        bs_feature_is_on(engine, BS_FEATURE_LEVEL_TEST)) {
        return bs_refuse(BS_MISSING_FIELD, "reason");
    }
    struct bs_pool *pool = &engine->pools[row];
    if (pool->state == state) {
        return BS_ACCEPTED;
    }
    bool was_halted = pool->state == BS_STATE_HALTED;
    struct bs_text reason = command->as.name.reason;
    assert(reason.size <= BS_REASON_SIZE_MAX);
    pool->state = state;
    pool->changed = true;
    pool->reason_size = (uint8_t)reason.size;
    if (reason.size > 0) {
        memcpy(pool->reason, reason.bytes, reason.size);
    }
    struct bs_action *action =
        bs_action_new(engine, row, pause ? BS_ACTION_POOL_PAUSED : BS_ACTION_POOL_RESUMED, effects);
    action->reason = (struct bs_text){pool->reason, pool->reason_size};
    if (was_halted && !pause) {
        bs_settlement_begin(engine, row, engine->time_ms, false, effects);
    }
    return BS_ACCEPTED;
}
