/* SPDX-License-Identifier: Apache-2.0 */
/* The window since a default is opened and closed by name, so that no repeat does it twice. */
#include "lib/book/window.h"
#include "lib/book/policy.h"
#include "lib/command/apply.h"
#include "lib/settlement/actions.h"

static struct bs_outcome find_pool(const struct bs_engine *engine,
                                   const struct bs_window_command *command, uint32_t *ret_pool)
{
    uint32_t row = bs_index_find(&engine->pool_index, command->pool);
    if (row == 0) {
        return bs_refuse(BS_UNKNOWN_POOL, "pool");
    }
    if (engine->pools[row].state == BS_STATE_HALTED) {
        return bs_refuse(BS_POOL_HALTED, NULL);
    }
    *ret_pool = row;
    return BS_ACCEPTED;
}

struct bs_outcome bs_open_window_apply(struct bs_engine *engine,
                                       const struct bs_window_command *command,
                                       struct bs_effects *effects)
{
    uint32_t row;
    struct bs_outcome outcome = find_pool(engine, command, &row);
    if (outcome.status != BS_OK) {
        return outcome;
    }
    const struct bs_pool *pool = &engine->pools[row];
    if (pool->window.open) {
        return bs_text_equal(bs_window_name(pool), command->name)
                   ? BS_ACCEPTED
                   : bs_refuse(BS_WINDOW_OPEN, "name");
    }
    if (!bs_policy_has_window(&pool->policy)) {
        return bs_refuse(BS_NO_WINDOW_BASIS, NULL);
    }
    bs_window_open(engine, row, command->name);
    bs_action_window(engine, row, effects);
    return BS_ACCEPTED;
}

struct bs_outcome bs_close_window_apply(struct bs_engine *engine,
                                        const struct bs_window_command *command,
                                        struct bs_effects *effects)
{
    uint32_t row;
    struct bs_outcome outcome = find_pool(engine, command, &row);
    if (outcome.status != BS_OK) {
        return outcome;
    }
    const struct bs_pool *pool = &engine->pools[row];
    if (!pool->window.open || !bs_text_equal(bs_window_name(pool), command->name)) {
        return bs_refuse(BS_UNKNOWN_WINDOW, "name");
    }
    if (pool->period_loss > 0) {
        return bs_refuse(BS_LOSS_OPEN, NULL);
    }
    bs_window_close(engine, row);
    bs_action_window(engine, row, effects);
    return BS_ACCEPTED;
}
