/* SPDX-License-Identifier: Apache-2.0 */
/* From durable records to answers: step, collect the rejections, answer. */
#include "daemon/core/internal.h"

#include "daemon/logger/logger.h"

#define CLOCK_STEPS 16

/* Logs what an operator must see at once, whatever command caused it. */
static void report(const struct bs_effects *effects)
{
    for (uint32_t i = 0; i < effects->actions_count; i++) {
        const struct bs_action *action = &effects->actions[i];
        if (action->type == BS_ACTION_POOL_HALTED) {
            logger_write(LOGGER_ERROR, "core", "pool halted",
                         LOGGER_FIELDS(logger_text("pool", action->pool),
                                       logger_text("reason", action->reason)));
        } else if (action->type == BS_ACTION_UNALLOCATED_DEFICIT) {
            logger_write(LOGGER_WARN, "core", "unallocated deficit",
                         LOGGER_FIELDS(logger_text("pool", action->pool),
                                       logger_text("account", action->account),
                                       logger_uint("action", action->id)));
        }
    }
    if (effects->settled) {
        const struct bs_settlement *settlement = &effects->settlement;
        logger_write(LOGGER_INFO, "core", "settled",
                     LOGGER_FIELDS(logger_text("pool", settlement->pool),
                                   logger_uint("settlement", settlement->number),
                                   logger_uint("insolvent", settlement->insolvent_accounts),
                                   logger_uint("counterparties", settlement->counterparties),
                                   logger_uint("payers", settlement->payers)));
    }
}

static void report_refused_mark(const struct bs_command *command)
{
    logger_write(LOGGER_WARN, "core", "mark out of band refused",
                 LOGGER_FIELDS(logger_text("market", command->as.mark.market),
                               logger_uint("seq", command->seq)));
}

static void step_record(struct core *core, struct request *request)
{
    const uint8_t *record = lookahead_next(&core->ahead, core->executor.engine);
    assert(record != NULL);
    struct bs_command command;
    enum bs_status status = bs_command_decode(record, bs_record_size(record), &command);
    assert(status == BS_OK); /* core_gather checked it before it became durable */
    executor_step(&core->executor, &command);
    write_answer_collect(request, core->executor.engine, &core->executor.effects, &command);
    if (core->executor.effects.status == BS_MARK_OUT_OF_BAND) {
        report_refused_mark(&command);
    }
    request->records_left--;
}

/* Whether the turn has used up its time. Small steps do not read the clock each time. */
static bool is_time_up(struct core *core)
{
    uint32_t steps = core->steps_count++;
    return steps > 0 && (core->executor.effects.more || steps % CLOCK_STEPS == 0) &&
           uv_hrtime() >= core->step_until_ns;
}

/* False: the outbox is full, and what is left of the request is stepped after a commit; or the
 * turn's time is used up, and it is stepped in the next turn. */
static bool step_request(struct core *core, struct request *request)
{
    struct executor *executor = &core->executor;
    while (executor->effects.more || request->records_left > 0) {
        if (outbox_is_full(&executor->outbox) || is_time_up(core)) {
            return false;
        }
        if (executor->effects.more) {
            executor_continue(executor);
        } else {
            step_record(core, request);
        }
        if (executor->effects.actions_count > 0 || executor->effects.settled) {
            report(&executor->effects);
        }
    }
    return true;
}

void core_answer_write(struct core *core, struct request *request)
{
    struct api_batch *batch = &request->batch;
    counter_add(&core->counters.commands_rejected, batch->rejections_count);
    counter_add(&core->counters.commands_accepted, batch->items_count - batch->rejections_count);
    if (request != &core->settle) {
        write_answer_finish(&core->first_answers, request);
    }
    request->done(request);
}

static void update_counters(struct core *core)
{
    struct executor *executor = &core->executor;
    counter_set(&core->counters.applied_seq, executor->seq);
    counter_set(&core->counters.settlements, executor->settlements_count);
    if (executor->pools_changed) {
        counter_set(&core->counters.halted_pools, executor_halted_pools(executor));
        executor->pools_changed = false;
    }
}

bool core_step(struct core *core)
{
    struct commit *commit = core->stepping;
    uint64_t start_ns = uv_hrtime();
    while (commit->requests.first != NULL && step_request(core, commit->requests.first)) {
        update_counters(core);
        core_answer_write(core, request_list_remove(&commit->requests));
    }
    update_counters(core); /* queries may see a request that is half done */
    counter_add(&core->counters.step_ns_total, uv_hrtime() - start_ns);
    return commit->requests.first == NULL;
}
