/* SPDX-License-Identifier: Apache-2.0 */
/* settle and close_period: a run of the pool's settlement. */
#include "lib/command/apply.h"
#include "lib/settlement/run.h"

struct bs_outcome bs_settle_apply(struct bs_engine *engine, const struct bs_command *command,
                                  struct bs_effects *effects)
{
    uint32_t pool = bs_index_find(&engine->pool_index, command->as.name.name);
    if (pool == 0) {
        return bs_refuse(BS_UNKNOWN_POOL, "pool");
    }
    if (engine->pools[pool].state == BS_STATE_HALTED) {
        return bs_refuse(BS_POOL_HALTED, NULL);
    }
    bs_settlement_begin(engine, pool, engine->time_ms, command->type == BS_COMMAND_CLOSE_PERIOD,
                        effects);
    return BS_ACCEPTED;
}
