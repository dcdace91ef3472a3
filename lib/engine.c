/* SPDX-License-Identifier: Apache-2.0 */
/* The one entry that changes state: a command in, its outcome and actions out. */
#include "lib/engine.h"

#include "lib/book/convert.h"
#include "lib/book/names.h"
#include "lib/command/commands.h"
#include "lib/command/source.h"
#include "lib/settlement/actions.h"
#include "lib/settlement/progress.h"
#include "lib/settlement/run.h"

static struct bs_outcome settle(struct bs_engine *engine, const struct bs_command *command,
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

/* pause and resume: without effect, and without an action, when the pool is already so. A halted
 * pool that is resumed runs its settlement again, from what it holds now. */
static struct bs_outcome set_state(struct bs_engine *engine, const struct bs_command *command,
                                   struct bs_effects *effects)
{
    bool pause = command->type == BS_COMMAND_PAUSE;
    uint8_t state = pause ? BS_STATE_PAUSED : BS_STATE_RUNNING;
    uint32_t row = bs_index_find(&engine->pool_index, command->as.name.name);
    if (row == 0) {
        return bs_refuse(BS_UNKNOWN_POOL, "pool");
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

static struct bs_outcome add_to_fund(struct bs_engine *engine,
                                     const struct bs_fund_command *command,
                                     struct bs_effects *effects)
{
    int64_t credit;
    struct bs_outcome outcome = bs_insurance_fund_apply(engine, command, &credit);
    if (outcome.status == BS_OK && credit > 0) {
        uint32_t row = bs_index_find(&engine->pool_index, command->pool);
        const struct bs_pool *pool = &engine->pools[row];
        struct bs_action *action = bs_action_new(engine, row, BS_ACTION_INSURANCE_CREDIT, effects);
        action->account = bs_account_text(engine, pool->backstop);
        engine->accounts.cold[pool->backstop].last_action = action->id;
        bs_action_decimal(action, BS_ACTION_DECIMAL_amount, bs_quanta_wide(pool, credit));
    }
    return outcome;
}

static struct bs_outcome dispatch(struct bs_engine *engine, const struct bs_command *command,
                                  struct bs_effects *effects)
{
    switch ((enum bs_command_type)command->type) {
    case BS_COMMAND_POSITION:
        return bs_position_apply(engine, &command->as.position);
    case BS_COMMAND_MARK:
        return bs_mark_apply(engine, &command->as.mark);
    case BS_COMMAND_FILL:
        return bs_fill_apply(engine, &command->as.fill);
    case BS_COMMAND_ACCOUNT:
        return bs_account_apply(engine, &command->as.account);
    case BS_COMMAND_TRANSFER:
        return bs_transfer_apply(engine, &command->as.transfer);
    case BS_COMMAND_SETTLE:
    case BS_COMMAND_CLOSE_PERIOD:
        return settle(engine, command, effects);
    case BS_COMMAND_INSURANCE_FUND:
        return add_to_fund(engine, &command->as.fund, effects);
    case BS_COMMAND_POOL:
        return bs_pool_apply(engine, &command->as.pool);
    case BS_COMMAND_MARKET:
        return bs_market_apply(engine, &command->as.market);
    case BS_COMMAND_RESUME:
    case BS_COMMAND_PAUSE:
        return set_state(engine, command, effects);
    case BS_COMMAND_DELETE_ACCOUNT:
        return bs_delete_account_apply(engine, command->as.name.name);
    case BS_COMMAND_DELETE_MARKET:
        return bs_delete_market_apply(engine, command->as.name.name);
    case BS_COMMAND_DELETE_POOL:
        return bs_delete_pool_apply(engine, command->as.name.name);
    case BS_COMMAND_HANDOVER:
        return bs_handover_apply(engine, &command->as.handover);
    case BS_COMMAND_UNFILLED:
        return bs_unfilled_apply(engine, &command->as.unfilled, effects);
    case BS_COMMAND_FINAL_SETTLEMENT:
        return bs_final_apply(engine, &command->as.final, effects);
    case BS_COMMAND_OPEN_WINDOW:
        return bs_open_window_apply(engine, &command->as.window, effects);
    case BS_COMMAND_CLOSE_WINDOW:
        return bs_close_window_apply(engine, &command->as.window, effects);
    case BS_COMMAND_PROVIDER:
        return bs_provider_apply(engine, &command->as.provider);
    case BS_COMMAND_OWN_FUND:
        return bs_own_fund_apply(engine, &command->as.own_fund);
    case BS_COMMAND_REQUEST:
        return BS_ACCEPTED; /* an idempotency header has no effect on the state */
    case BS_COMMAND_DELETE_SOURCE:
        return bs_delete_source_apply(engine, command->as.name.name);
    case BS_COMMAND_COUNT:
        break;
    }
    assert(false);
    return bs_refuse(BS_BAD_RECORD, NULL);
}

static void clear(struct bs_effects *effects)
{
    assert(effects->actions_max >= 2);
    effects->actions_count = 0;
    effects->more = false;
    effects->settled = false;
    effects->waiting = false;
}

void bs_engine_step(struct bs_engine *engine, const struct bs_command *command,
                    struct bs_effects *effects)
{
    assert(command->seq == engine->seq + 1);
    assert(command->time_ms >= engine->time_ms);
    assert(!engine->progress->running);
    clear(effects);
    engine->seq = command->seq;
    engine->time_ms = command->time_ms;
    struct bs_outcome outcome = {BS_OK, NULL};
    if (!command->has_source) {
        outcome = dispatch(engine, command, effects);
    } else if (bs_source_admit(engine, command, &outcome)) {
        outcome = dispatch(engine, command, effects);
        bs_source_note(engine, command, outcome.status);
    }
    effects->status = outcome.status;
    effects->field = outcome.field;
}

void bs_engine_continue(struct bs_engine *engine, struct bs_effects *effects)
{
    clear(effects);
    bs_settlement_continue(engine, effects);
}

uint64_t bs_engine_seq(const struct bs_engine *engine)
{
    return engine->seq;
}

int64_t bs_engine_time_ms(const struct bs_engine *engine)
{
    return engine->time_ms;
}

uint64_t bs_engine_actions(const struct bs_engine *engine)
{
    return engine->ordinal;
}

uint32_t bs_engine_due(const struct bs_engine *engine, uint32_t after, int64_t now_ms)
{
    for (uint32_t row = after + 1; row <= engine->pools_used; row++) {
        const struct bs_pool *pool = &engine->pools[row];
        bool period_over = pool->period_end_ms > 0 && now_ms >= pool->period_end_ms;
        if (pool->backstop != 0 && pool->state == BS_STATE_RUNNING &&
            (pool->changed || (period_over && pool->waiting == BS_WAITING_NO))) {
            return row;
        }
    }
    return 0;
}

struct bs_usage bs_engine_usage(const struct bs_engine *engine)
{
    return (struct bs_usage){
        .pools = engine->pools_count,
        .markets = engine->markets_count,
        .accounts = engine->accounts_count - engine->pools_count,
        .positions = engine->positions_count,
    };
}
