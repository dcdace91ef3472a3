/* SPDX-License-Identifier: Apache-2.0 */
/* The one entry that changes state: a command in, its outcome and actions out. */
#include "lib/engine.h"

#include "lib/command/apply.h"
#include "lib/command/source.h"
#include "lib/settlement/progress.h"
#include "lib/settlement/run.h"

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
        return bs_settle_apply(engine, command, effects);
    case BS_COMMAND_INSURANCE_FUND:
        return bs_insurance_fund_apply(engine, &command->as.fund, effects);
    case BS_COMMAND_POOL:
        return bs_pool_apply(engine, &command->as.pool);
    case BS_COMMAND_MARKET:
        return bs_market_apply(engine, &command->as.market);
    case BS_COMMAND_RESUME:
    case BS_COMMAND_PAUSE:
        return bs_pause_apply(engine, command, effects);
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
    case BS_COMMAND_CLOSE_WINDOW:
        return bs_window_apply(engine, command, effects);
    case BS_COMMAND_PROVIDER:
        return bs_provider_apply(engine, &command->as.provider);
    case BS_COMMAND_OWN_FUND:
        return bs_own_fund_apply(engine, &command->as.own_fund);
    case BS_COMMAND_REQUEST:
        return BS_ACCEPTED; /* the header of an idempotent request: no effect on the state */
    case BS_COMMAND_DELETE_SOURCE:
        return bs_delete_source_apply(engine, command->as.name.name);
    case BS_COMMAND_CAPACITY:
        return bs_capacity_apply(engine, &command->as.capacity);
    case BS_COMMAND_FEATURE_LEVEL:
        return bs_feature_level_apply(engine, &command->as.feature_level);
    case BS_COMMAND_IDENTITY:
        return BS_ACCEPTED; /* names the log, not the state */
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
