/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The settlement timer. Ticks follow an absolute schedule, so a slow turn delays one tick and
 * shifts none. Missed ticks are counted and not repeated.
 */
#include "daemon/core/internal.h"

#include "daemon/logger/logger.h"

#define NS_PER_MS ((uint64_t)1000000)

static void count_lag(struct core *core, uint64_t lag_ns)
{
    static const uint64_t bounds_ms[CORE_LAG_BUCKETS - 1] = CORE_LAG_BOUNDS;
    uint32_t bucket = 0;
    while (bucket < CORE_LAG_BUCKETS - 1 && lag_ns > bounds_ms[bucket] * NS_PER_MS) {
        bucket++;
    }
    counter_add(&core->counters.settle_lags[bucket], 1);
    counter_add(&core->counters.settle_lag_ns_total, lag_ns);
    if (core->options.on_settled != NULL) {
        core->options.on_settled(core->options.user, lag_ns);
    }
}

static void on_settled(struct request *request)
{
    struct core *core = request->user;
    api_batch_clear(&request->batch);
    core->is_settling = false;
    uint64_t now_ns = uv_hrtime(); /* libuv's timers may be early by a part of a millisecond */
    count_lag(core, now_ns > core->settle_due_ns ? now_ns - core->settle_due_ns : 0);
}

/* One request settles them all. Settlements are writes like any other: none begins while the disk is
 * low, when no mark can come in either. One that is half done goes on: it must end. */
void core_settle_due_pools(struct core *core)
{
    assert(!core->executor.effects.more);
    if (disk_watch_is_low(core->options.disk)) {
        return;
    }
    struct request *settle = &core->settle;
    const struct bs_engine *engine = core->executor.engine;
    int64_t now_ms = core_now_ms(core);
    for (uint32_t pool = bs_engine_due(engine, 0, now_ms); pool != 0;
         pool = bs_engine_due(engine, pool, now_ms)) {
        struct bs_pool_view view;
        bs_pool_view_get(engine, pool, &view);
        struct bs_command command = {.type = BS_COMMAND_SETTLE, .as.name.name = view.pool};
        api_batch_add(&settle->batch, &command);
    }
    if (api_batch_failed(&settle->batch) || !write_answer_reserve(settle) ||
        !core_reserve(core, settle)) {
        api_batch_clear(&settle->batch);
        logger_write(LOGGER_ERROR, "core", "out of memory: no settlement until the next tick",
                     NULL);
        return;
    }
    if (settle->batch.records_count == 0) {
        return;
    }
    core->is_settling = true;
    core->settle_due_ns = core->tick_due_ns;
    settle->done = on_settled;
    settle->user = core;
    core_gather(core, settle);
}

static void schedule(struct core *core);

/* Counts the tick that is due and the ticks before it that were missed. */
static void count_ticks(struct core *core, uint64_t now_ns)
{
    uint64_t interval_ns = core->options.settle_interval_ms * NS_PER_MS;
    uint64_t due_ns = core->schedule_ns + core->ticks_count * interval_ns;
    uint64_t lag_ns = now_ns > due_ns ? now_ns - due_ns : 0;
    if (lag_ns > counter_get(&core->counters.loop_lag_ns_max)) {
        counter_set(&core->counters.loop_lag_ns_max, lag_ns);
    }
    core->tick_due_ns = due_ns;
    counter_add(&core->counters.settle_overruns, lag_ns / interval_ns);
    core->ticks_count += 1 + lag_ns / interval_ns;
}

static void on_tick(uv_timer_t *timer)
{
    struct core *core = timer->data;
    count_ticks(core, uv_hrtime());
    schedule(core);
    if (core->options.on_tick != NULL) {
        core->options.on_tick(core->options.user);
    }
    if (core->is_settling) {
        counter_add(&core->counters.settle_overruns,
                    1); /* the previous settlement is not done yet */
    } else if (core->executor.effects.more) {
        core->is_tick_waiting = true;
    } else {
        core_settle_due_pools(core);
        core_turn(core);
    }
}

static void schedule(struct core *core)
{
    uint64_t interval_ns = core->options.settle_interval_ms * NS_PER_MS;
    uint64_t due_ns = core->schedule_ns + core->ticks_count * interval_ns;
    counter_set(&core->counters.tick_ns, due_ns);
    uv_update_time(core->loop);
    uint64_t now_ns = uv_hrtime();
    uint64_t wait_ms = due_ns > now_ns ? (due_ns - now_ns + NS_PER_MS - 1) / NS_PER_MS : 0;
    (void)uv_timer_start(&core->timer, on_tick, wait_ms, 0);
}

void core_timer_start(struct core *core)
{
    core->schedule_ns = uv_hrtime();
    core->ticks_count = 1;
    schedule(core);
}
