/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/core/internal.h"

#include <time.h>

#include "daemon/logger/logger.h"

void request_list_append(struct request_list *list, struct request *request)
{
    request->next = NULL;
    if (list->first == NULL) {
        list->first = request;
    } else {
        list->last->next = request;
    }
    list->last = request;
}

struct request *request_list_remove(struct request_list *list)
{
    struct request *request = list->first;
    list->first = request->next;
    request->next = NULL;
    return request;
}

int64_t core_now_ms(const struct core *core)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_REALTIME, &now);
    int64_t now_ms = (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
    return now_ms > core->time_ms ? now_ms : core->time_ms;
}

/* Stamps the records from `offset` on. What cannot be replayed must never become durable: a record
 * that does not decode is a bug of the encoder and ends here. */
static void stamp(struct core *core, struct commit *commit, size_t offset, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        uint8_t *record = (uint8_t *)commit->records.bytes + offset;
        uint32_t size = bs_record_size(record);
        assert(size >= BS_RECORD_HEADER_SIZE);
        assert(size <= commit->records.size - offset);
        bs_record_stamp(record, ++core->seq, core->time_ms);
        struct bs_command command;
        enum bs_status status = bs_command_decode(record, size, &command);
        assert(status == BS_OK);
        offset += size;
    }
    assert(offset == commit->records.size);
}

/* The record of its key comes first. */
static uint32_t records_count(const struct request *request)
{
    return request->batch.records_count + (request->key_record.size > 0 ? 1 : 0);
}

void core_gather(struct core *core, struct request *request)
{
    struct commit *commit = core->gathering;
    const struct api_batch *batch = &request->batch;
    if (commit->records_count == 0) {
        commit->first_seq = core->seq + 1;
    }
    size_t offset = commit->records.size;
    uint32_t count = records_count(request);
    if (request->key_record.size > 0) {
        buffer_append(&commit->records, request->key_record.bytes, request->key_record.size);
    }
    buffer_append(&commit->records, batch->records.bytes, batch->records.size);
    core->time_ms = core_now_ms(core);
    stamp(core, commit, offset, count);
    commit->records_count += count;
    request->records_left = count;
    request->last_seq = core->seq;
    request_list_append(&commit->requests, request);
}

static bool has_room(const struct core *core, const struct request *request)
{
    const struct commit *commit = core->gathering;
    if (commit->records_count == 0) {
        return true;
    }
    return commit->records_count + records_count(request) <= core->options.batch_records_max &&
           commit->records.size + request->batch.records.size <= COMMIT_BYTES_MAX;
}

static void gather_writes(struct core *core)
{
    while (core->writes.first != NULL && has_room(core, core->writes.first)) {
        struct request *request = request_list_remove(&core->writes);
        queue_done(&core->queue, request);
        core_gather(core, request);
    }
}

/* Into the log, unless there is nothing to log or the request came before. */
static void take_write(struct core *core, struct request *request)
{
    if (request->key_record.size > 0 && !reply_admit(&core->answers, request)) {
        queue_done(&core->queue, request);
        request->done(request);
    } else if (records_count(request) > 0) {
        request_list_append(&core->writes, request);
    } else {
        queue_done(&core->queue, request);
        request->last_seq = core->machine.seq;
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
    outbox_release(&core->machine.outbox, segment);
    if (count == 0) {
        return;
    }
    counter_add(&core->counters.actions, count);
    counter_set(&core->counters.durable_ordinal, ordinal);
    if (core->on_actions != NULL) {
        core->on_actions(core->on_actions_user, ordinal);
    }
}

/* Nothing that waits is answered: whether it is durable nobody knows. The next start will. */
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
    assert(commit->stepped_size == commit->records.size);
    if (commit->records.capacity > COMMIT_KEEP_MAX) {
        buffer_fini(&commit->records);
    }
    buffer_clear(&commit->records);
    commit->records_count = 0;
    commit->stepped_size = 0;
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
    assert(false); /* there is one buffer more than can be busy */
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

/* While a durable commit waits for a paused stepping only actions are committed: the buffers are
 * all in use. */
static void start_commit(struct core *core)
{
    if (core->is_in_flight) {
        return;
    }
    bool has_records = core->gathering->records_count > 0 && core->ready == NULL;
    struct outbox_segment *segment = outbox_take(&core->machine.outbox);
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
        lookahead_begin(&core->ahead, core->machine.engine,
                        (const uint8_t *)core->stepping->records.bytes,
                        core->stepping->records.size);
    }
}

static void step_durable(struct core *core)
{
    while (core->stepping != NULL && core_step(core)) {
        clear_commit(core->stepping);
        core->stepping = NULL;
        begin_stepping(core);
    }
}

/* After a paused stepping they wait: a settlement must not be seen half done. */
static void run_queries(struct core *core)
{
    while (core->queries.first != NULL && core->stepping == NULL) {
        struct request *request = request_list_remove(&core->queries);
        queue_done(&core->queue, request);
        request->query(request, core, core->machine.engine);
        request->done(request);
    }
}

bool core_is_idle(const struct core *core)
{
    return counter_get(&core->queue.requests_count) == 0 && core->gathering->records_count == 0 &&
           !core->is_in_flight && core->ready == NULL && core->stepping == NULL &&
           core->machine.outbox.first == NULL;
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
    start_commit(core);
    gather_writes(core);
    run_queries(core);
    if (core->is_stopping && core_is_idle(core)) {
        core_finish_stop(core);
    }
}
