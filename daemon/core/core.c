/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/core/core.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "daemon/core/internal.h"
#include "daemon/core/replay.h"
#include "daemon/logger/logger.h"
#include "daemon/snapshot/snapshot_start.h"

#define LONG_DOWNTIME_MS 60000

void core_options_defaults(struct core_options *options)
{
    *options = (struct core_options){
        .settle_interval_ms = 100,
        .queue_max = 4096,
        .queue_bytes_max = (uint64_t)256 << 20,
        .batch_records_max = 65536,
        .answers_max = 65536,
        .step_budget_us = 5000,
        .read_clock = clock_of_machine,
    };
    bs_config_defaults(&options->engine);
}

static void on_wake(uv_async_t *handle)
{
    core_turn(handle->data);
}

/* On the log thread. One commit is in flight, so nothing else writes the error. */
static void on_durable(void *user, int error, const char *message)
{
    struct core *core = user;
    core->log_error = error;
    if (error != 0) {
        (void)snprintf(core->log_message, sizeof(core->log_message), "%s", message);
    }
    atomic_store(&core->is_durable, true);
    (void)uv_async_send(&core->wake);
}

/* At a start only the last stamp and the wall clock are known. */
static void start_clock(struct core *core)
{
    struct clock_reading now = core->options.read_clock(core->options.user);
    int64_t ahead_ms = clock_start(&core->clock, core->time_ms, now);
    core_count_clock(core);
    if (clock_offset_ms(&core->clock) < 0) {
        logger_write(LOGGER_WARN, "core",
                     "the wall clock is behind the log: engine time runs at half speed until it "
                     "has caught up",
                     LOGGER_FIELDS(logger_uint("behind_ms", (uint64_t)-ahead_ms)));
    } else if (core->time_ms > 0 && ahead_ms > LONG_DOWNTIME_MS) {
        logger_write(LOGGER_INFO, "core", "the last command of the log is old",
                     LOGGER_FIELDS(logger_uint("seconds", (uint64_t)ahead_ms / 1000)));
    }
}

static int replay_from(struct core *core, const struct snapshot_start *start, char *error)
{
    struct replay_options options = {.on_progress = core->options.on_replay,
                                     .answers = &core->first_answers,
                                     .start = start->header.seq > 0 ? &start->replay : NULL,
                                     .user = core->options.user};
    struct replay_result result;
    uint64_t start_ns = uv_hrtime();
    if (options.start != NULL) {
        logger_write(LOGGER_INFO, "core", "loaded a snapshot",
                     LOGGER_FIELDS(logger_uint("seq", start->header.seq),
                                   logger_uint("milliseconds", start->load_ns / 1000000)));
    }
    int code = replay_run(&core->executor, core->log, &options, &result, error);
    if (code == 0) {
        core->snapshot_seq = start->header.seq;
        core->snapshots_passed_over = start->passed_over_count;
        logger_write(
            LOGGER_INFO, "core", "replayed the log",
            LOGGER_FIELDS(logger_uint("records", result.records_count),
                          logger_uint("actions_compared", result.actions_compared),
                          logger_uint("milliseconds", (uv_hrtime() - start_ns) / 1000000)));
    }
    return code;
}

static int replay(struct core *core, char *error)
{
    struct snapshot_start start;
    int code = snapshot_start_init(&start, core->options.snapshots, &core->executor,
                                   &core->first_answers, core->log, error);
    if (code == 0) {
        code = replay_from(core, &start, error);
    }
    snapshot_start_fini(&start);
    if (code < 0) {
        return code;
    }
    core->seq = core->executor.seq;
    core->time_ms = bs_engine_time_ms(core->executor.engine);
    start_clock(core);
    core->executor.settlements_count = 0; /* the counters count from the start of the process */
    counter_set(&core->counters.applied_seq, core->seq);
    counter_set(&core->counters.durable_ordinal, log_last_ordinal(core->log));
    uint32_t halted_count = executor_halted_pools(&core->executor);
    counter_set(&core->counters.halted_pools, halted_count);
    core->executor.pools_changed = false;
    if (halted_count > 0) {
        logger_write(LOGGER_WARN, "core", "pools are halted",
                     LOGGER_FIELDS(logger_uint("pools", halted_count)));
    }
    return 0;
}

static int init_answers(struct core *core, char *error)
{
    int code = first_answers_init(&core->first_answers, core->options.answers_max,
                                  core->options.engine.hash_seed);
    if (code < 0) {
        (void)snprintf(error, LOG_ERROR_SIZE, "no memory for %u answers",
                       core->options.answers_max);
    }
    return code;
}

static int start(struct core *core, char *error)
{
    int code = log_start(core->log, on_durable, core);
    if (code < 0) {
        (void)snprintf(error, LOG_ERROR_SIZE, "cannot start the log thread: %s", strerror(-code));
        return code;
    }
    code = uv_async_init(core->loop, &core->wake, on_wake);
    if (code < 0) {
        (void)snprintf(error, LOG_ERROR_SIZE, "cannot start the core loop: %s", uv_strerror(code));
        log_stop(core->log);
        return code;
    }
    core->wake.data = core;
    (void)uv_timer_init(core->loop, &core->timer);
    core->timer.data = core;
    if (core->options.settle_interval_ms > 0) {
        core_timer_start(core);
    }
    return uv_async_send(&core->wake); /* stores the rows that replay rebuilt */
}

int core_new(struct core **ret_core, uv_loop_t *loop, struct command_log *log,
             const struct core_options *options, char error[LOG_ERROR_SIZE])
{
    struct core *core = calloc(1, sizeof(*core));
    if (core == NULL) {
        (void)snprintf(error, LOG_ERROR_SIZE, "out of memory");
        return -ENOMEM;
    }
    core->loop = loop;
    core->log = log;
    core->options = *options;
    core->gathering = &core->commits[0];
    int code = queue_init(&core->queue, options->queue_max, options->queue_bytes_max);
    if (code < 0) {
        (void)snprintf(error, LOG_ERROR_SIZE, "cannot make the queue: %s", strerror(-code));
        free(core);
        return code;
    }
    code = executor_init(&core->executor, &options->engine, error);
    if (code == 0) {
        code = init_answers(core, error);
    }
    if (code == 0) {
        code = replay(core, error);
    }
    bool is_new = code == 0 && core_is_log_new(core);
    if (code == 0) {
        code = core_put_capacities(core, error);
    }
    if (code == 0) {
        code = core_put_feature_level(core, is_new, error);
    }
    if (code == 0) {
        code = start(core, error);
    }
    if (code < 0) {
        core_free(core);
        return code;
    }
    *ret_core = core;
    return 0;
}

bool core_submit(struct core *core, struct request *request)
{
    assert(request->done != NULL);
    (void)atomic_fetch_add(&core->submitters_count, 1);
    bool is_taken = queue_push(&core->queue, request);
    if (is_taken) {
        (void)uv_async_send(&core->wake);
    } else {
        counter_add(&core->counters.queue_full, 1);
    }
    (void)atomic_fetch_sub(&core->submitters_count, 1);
    return is_taken;
}

void core_on_actions(struct core *core, void (*fn)(void *user, uint64_t last_ordinal), void *user)
{
    core->on_actions = fn;
    core->on_actions_user = user;
}

void core_on_executed(struct core *core, void (*fn)(void *user, uint64_t seq), void *user)
{
    core->on_executed = fn;
    core->on_executed_user = user;
}

struct core_stats core_stats_get(const struct core *core)
{
    const struct core_counters *counters = &core->counters;
    struct core_stats stats = {
        .commands_accepted = counter_get(&counters->commands_accepted),
        .commands_rejected = counter_get(&counters->commands_rejected),
        .batches = counter_get(&counters->batches),
        .settlements = counter_get(&counters->settlements),
        .actions = counter_get(&counters->actions),
        .settle_overruns = counter_get(&counters->settle_overruns),
        .loop_lag_ns_max = counter_get(&counters->loop_lag_ns_max),
        .step_ns_total = counter_get(&counters->step_ns_total),
        .applied_seq = counter_get(&counters->applied_seq),
        .queue_depth = counter_get(&core->queue.requests_count),
        .queue_full = counter_get(&counters->queue_full),
        .halted_pools = counter_get(&counters->halted_pools),
        .clock_jumps = counter_get(&counters->clock_jumps),
        .clock_apart_ns = counter_get(&counters->clock_apart_ns),
        .settle_lag_ns_total = counter_get(&counters->settle_lag_ns_total),
    };
    for (uint32_t i = 0; i < CORE_LAG_BUCKETS; i++) {
        stats.settle_lags[i] = counter_get(&counters->settle_lags[i]);
    }
    return stats;
}

static uint64_t since(const _Atomic uint64_t *moment, uint64_t now_ns)
{
    uint64_t then_ns = counter_get(moment);
    return then_ns != 0 && now_ns > then_ns ? now_ns - then_ns : 0;
}

struct core_health core_health_get(const struct core *core)
{
    uint64_t now_ns = uv_hrtime();
    return (struct core_health){.quiet_ns = since(&core->counters.tick_ns, now_ns),
                                .writing_ns = since(&core->counters.write_ns, now_ns)};
}

const struct core_options *core_options_get(const struct core *core)
{
    return &core->options;
}

const struct bs_config *core_engine_config(const struct core *core)
{
    return &core->executor.config;
}

uint64_t core_snapshots_passed_over(const struct core *core)
{
    return core->snapshots_passed_over;
}

uint64_t core_snapshot_seq(const struct core *core)
{
    return core->snapshot_seq;
}

const struct command_log *core_log(const struct core *core)
{
    return core->log;
}

uint64_t core_durable_ordinal(const struct core *core)
{
    return counter_get(&core->counters.durable_ordinal);
}

void core_stop(struct core *core, void (*on_stopped)(void *user), void *user)
{
    assert(!core->is_stopping);
    core->is_stopping = true;
    core->on_stopped = on_stopped;
    core->on_stopped_user = user;
    queue_close(&core->queue);
    (void)uv_timer_stop(&core->timer);
    counter_set(&core->counters.tick_ns, 0);
    if (core->is_failed) {
        core_finish_stop(core);
    } else {
        (void)uv_async_send(&core->wake);
    }
}

void core_free(struct core *core)
{
    if (core == NULL) {
        return;
    }
    for (uint32_t i = 0; i < COMMITS_COUNT; i++) {
        buffer_fini(&core->commits[i].records);
    }
    api_batch_fini(&core->settle.batch);
    buffer_fini(&core->settle.body);
    if (core->flight_segment != NULL) { /* of a commit that failed */
        outbox_release(&core->executor.outbox, core->flight_segment);
    }
    first_answers_fini(&core->first_answers);
    executor_fini(&core->executor);
    queue_fini(&core->queue);
    free(core);
}
