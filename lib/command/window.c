/* SPDX-License-Identifier: Apache-2.0 */
/* The window since a default is opened and closed by name, so that a repeat changes nothing. */
#include "lib/book/window.h"
#include "lib/book/policy.h"
#include "lib/command/apply.h"
#include "lib/settlement/actions.h"

/* Whether the window may be opened; *ret_done when it is open already. */
static struct bs_outcome check_open(const struct bs_pool *pool, struct bs_text name, bool *ret_done)
{
    if (pool->window.open) {
        *ret_done = bs_text_equal(bs_window_name(pool), name);
        return *ret_done ? BS_ACCEPTED : bs_refuse(BS_WINDOW_OPEN, "name");
    }
    return bs_policy_has_window(&pool->policy) ? BS_ACCEPTED : bs_refuse(BS_NO_WINDOW_BASIS, NULL);
}

static struct bs_outcome check_close(const struct bs_pool *pool, struct bs_text name)
{
    if (!pool->window.open || !bs_text_equal(bs_window_name(pool), name)) {
        return bs_refuse(BS_UNKNOWN_WINDOW, "name");
    }
    return pool->period_loss > 0 ? bs_refuse(BS_LOSS_OPEN, NULL) : BS_ACCEPTED;
}

struct bs_outcome bs_window_apply(struct bs_engine *engine, const struct bs_command *command,
                                  struct bs_effects *effects)
{
    const struct bs_window_command *window = &command->as.window;
    bool opens = command->type == BS_COMMAND_OPEN_WINDOW, done = false;
    uint32_t row = bs_index_find(&engine->pool_index, window->pool);
    if (row == 0) {
        return bs_refuse(BS_UNKNOWN_POOL, "pool");
    }
    const struct bs_pool *pool = &engine->pools[row];
    if (pool->state == BS_STATE_HALTED) {
        return bs_refuse(BS_POOL_HALTED, NULL);
    }
    struct bs_outcome outcome =
        opens ? check_open(pool, window->name, &done) : check_close(pool, window->name);
    if (outcome.status != BS_OK || done) {
        return outcome;
    }
    if (opens) {
        bs_window_open(engine, row, window->name);
    } else {
        bs_window_close(engine, row);
    }
    assert(pool->window.open == opens);
    bs_action_window(engine, row, effects);
    return BS_ACCEPTED;
}
