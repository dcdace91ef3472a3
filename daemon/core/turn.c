/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <stdio.h>

#include "daemon/answer/answer.h"
#include "daemon/core/internal.h"
#include "daemon/logger/logger.h"

static bool has_room(const struct core *core, const struct request *request)
{
    const struct commit *commit = core->gathering;
    if (commit->records_count == 0) {
        return true;
    }
    return commit->records_count + core_records_count(request) <= core->options.batch_records_max &&
           commit->records.size + request->batch.records.size <= COMMIT_BYTES_MAX;
}

/* Nothing of the write was done. */
static void refuse_without_memory(struct request *request)
{
    answer_problem(request, BS_OUT_OF_MEMORY, NULL);
    request->done(request);
}

static void gather_writes(struct core *core)
{
    while (core->writes.first != NULL && has_room(core, core->writes.first)) {
        struct request *request = request_list_remove(&core->writes);
        queue_done(&core->queue, request);
        if (core_reserve(core, request)) {
            core_gather(core, request);
        } else {
            write_answer_withdraw(&core->first_answers, request);
            refuse_without_memory(request);
        }
    }
}

static void refuse_for_room(struct core *core, struct request *request)
{
    char detail[100];
    struct disk_state disk = disk_watch_state(core->options.disk);
    (void)snprintf(detail, sizeof(detail), "%" PRIu64 " bytes of the log's disk are free",
                   disk.room.free);
    answer_problem(request, BS_DISK_LOW, detail);
}

/* Queues the write for the log, unless it has no records, its key came before, or the disk is low. A
 * repeat gets the first answer also then: it writes nothing. */
static void take_write(struct core *core, struct request *request)
{
    bool may_run = core_records_count(request) == 0 || !disk_watch_is_low(core->options.disk);
    if (!write_answer_reserve(request)) {
        queue_done(&core->queue, request);
        refuse_without_memory(request);
    } else if (request->key_record.size > 0 &&
               !write_answer_admit(&core->first_answers, request, may_run)) {
        queue_done(&core->queue, request);
        request->done(request);
    } else if (!may_run) {
        queue_done(&core->queue, request);
        refuse_for_room(core, request);
        request->done(request);
    } else if (core_records_count(request) > 0) {
        request_list_append(&core->writes, request);
    } else {
        queue_done(&core->queue, request);
        request->last_seq = core->executor.seq;
        core_answer_write(core, request);
    }
}

static void drain(struct core *core)
{
    struct request *request = queue_take(&core->queue);
    while (request != NULL) {
        struct request *next = request->next;
        if (request->query != NULL) {
            request_list_append(&core->queries, request);
        } else {
            take_write(core, request);
        }
        request = next;
    }
    gather_writes(core);
}

static void publish(struct core *core, struct outbox_segment *segment)
{
    uint32_t count = segment->actions_count - segment->actions_first;
    uint64_t ordinal = count > 0 ? segment->actions[segment->actions_count - 1].ordinal : 0;
    outbox_release(&core->executor.outbox, segment);
    if (count == 0) {
        return;
    }
    counter_add(&core->counters.actions, count);
    counter_set(&core->counters.durable_ordinal, ordinal);
    if (core->on_actions != NULL) {
        core->on_actions(core->on_actions_user, ordinal);
    }
}

/* Leaves waiting requests unanswered: their durability is unknown until replay. */
static void fail(struct core *core)
{
    core->is_failed = true;
    queue_close(&core->queue);
    (void)uv_timer_stop(&core->timer);
    logger_write(LOGGER_ERROR, "core", "the log failed: nothing more is acknowledged",
                 LOGGER_FIELDS(logger_string("error", core->log_message)));
    if (core->options.on_failure != NULL) {
        core->options.on_failure(core->options.user, core->log_message);
    }
    if (core->is_stopping) {
        core_finish_stop(core);
    }
}

static void finish_commit(struct core *core)
{
    assert(core->is_in_flight);
    assert(core->flight == NULL || core->ready == NULL);
    if (core->log_error != 0) {
        fail(core);
        return;
    }
    struct outbox_segment *segment = core->flight_segment;
    core->is_in_flight = false;
    counter_set(&core->counters.write_ns, 0);
    core->flight_segment = NULL;
    if (core->flight != NULL) {
        core->ready = core->flight;
        core->flight = NULL;
    }
    counter_add(&core->counters.batches, 1);
    if (segment != NULL) {
        publish(core, segment);
    }
}

static void clear_commit(struct commit *commit)
{
    if (commit->records.capacity > COMMIT_KEEP_MAX) {
        buffer_fini(&commit->records);
    }
    buffer_clear(&commit->records);
    commit->records_count = 0;
}

static void take_rows(struct log_batch *batch, struct outbox_segment *segment)
{
    batch->actions = segment->actions + segment->actions_first;
    batch->actions_count = segment->actions_count - segment->actions_first;
    batch->settlements_count = segment->settlements_count - segment->settlements_first;
    if (batch->settlements_count > 0) {
        batch->settlements = segment->settlements + segment->settlements_first;
    }
}

static struct commit *free_commit(struct core *core)
{
    for (uint32_t i = 0; i < COMMITS_COUNT; i++) {
        struct commit *commit = &core->commits[i];
        if (commit != core->flight && commit != core->ready && commit != core->stepping) {
            assert(commit->records_count == 0);
            return commit;
        }
    }
    assert(false); /* one buffer more than can be busy */
    return NULL;
}

static void take_records(struct core *core)
{
    struct commit *commit = core->gathering;
    core->batch.first_seq = commit->first_seq;
    core->batch.records_count = commit->records_count;
    core->batch.records = (const uint8_t *)commit->records.bytes;
    core->batch.records_size = commit->records.size;
    core->flight = commit;
    core->gathering = free_commit(core);
}

/* While a durable commit waits for a paused stepping, all buffers are in use and only actions are
 * committed. */
static void start_commit(struct core *core)
{
    if (core->is_in_flight) {
        return;
    }
    bool has_records = core->gathering->records_count > 0 && core->ready == NULL;
    struct outbox_segment *segment = outbox_take(&core->executor.outbox);
    if (!has_records && segment == NULL) {
        return;
    }
    core->batch = (struct log_batch){0};
    if (segment != NULL) {
        take_rows(&core->batch, segment);
    }
    if (has_records) {
        take_records(core);
    }
    core->flight_segment = segment;
    core->is_in_flight = true;
    counter_set(&core->counters.write_ns, uv_hrtime());
    log_append(core->log, &core->batch);
}

static void begin_stepping(struct core *core)
{
    if (core->stepping == NULL && core->ready != NULL) {
        core->stepping = core->ready;
        core->ready = NULL;
        lookahead_begin(&core->ahead, core->executor.engine,
                        (const uint8_t *)core->stepping->records.bytes,
                        core->stepping->records.size);
    }
}

static void step_durable(struct core *core)
{
    core->steps_count = 0;
    core->step_until_ns = uv_hrtime() + (uint64_t)core->options.step_budget_us * 1000;
    while (core->stepping != NULL && core_step(core)) {
        assert(core->ahead.stepped == core->stepping->records.size);
        clear_commit(core->stepping);
        core->stepping = NULL;
        if (core->on_executed != NULL) {
            core->on_executed(core->on_executed_user, core->executor.seq);
        }
        begin_stepping(core);
    }
    if (core->stepping != NULL && !outbox_is_full(&core->executor.outbox)) {
        (void)uv_async_send(&core->wake); /* timers come first */
    }
}

/* Serves the tick that came while a settlement was half done. */
static void make_up_for_tick(struct core *core)
{
    if (core->is_tick_waiting && !core->executor.effects.more && !core->is_stopping) {
        core->is_tick_waiting = false;
        core_settle_due_pools(core);
    }
}

/* Queries wait for a settlement that is half done: no reader may see that. */
static void run_queries(struct core *core)
{
    while (core->queries.first != NULL && !core->executor.effects.more) {
        struct request *request = request_list_remove(&core->queries);
        queue_done(&core->queue, request);
        request->query(request, core, core->executor.engine);
        request->done(request);
    }
}

static bool is_idle(const struct core *core)
{
    return counter_get(&core->queue.requests_count) == 0 && core->gathering->records_count == 0 &&
           !core->is_in_flight && core->ready == NULL && core->stepping == NULL &&
           core->executor.outbox.first == NULL;
}

void core_turn(struct core *core)
{
    if (core->is_failed || core->is_stopped) {
        return;
    }
    if (atomic_exchange(&core->is_durable, false)) {
        finish_commit(core);
        if (core->is_failed) {
            return;
        }
    }
    drain(core);
    begin_stepping(core);
    start_commit(core);
    step_durable(core);
    make_up_for_tick(core);
    start_commit(core);
    gather_writes(core);
    run_queries(core);
    if (core->is_stopping && is_idle(core)) {
        core_finish_stop(core);
    }
}
