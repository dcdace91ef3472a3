/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The publisher's thread. Its loop is woken by the core (new actions), by the HTTP thread (jobs),
 * by sockets, and by three timers: the next message that is due, saving, and patience at the end.
 *
 * What changed is saved at most SAVE_INTERVAL_MS later, all endpoints in one transaction. A crash
 * in between repeats what was sent meanwhile, under the same ids; so does a loss of power, for only
 * what a client asks for is synced to the disk, before it is answered.
 */
#include "daemon/webhooks/publisher.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "daemon/log/log_backend.h"
#include "daemon/logger/logger.h"
#include "daemon/webhooks/internal.h"

#define SAVE_INTERVAL_MS 100
#define PATIENCE_MS 1000 /* at the end, for requests under way */
#define RETRY_MAX_MS 60000
#define ENDPOINTS_CAPACITY 1000 /* the highest that the setting takes */

static struct {
    _Atomic uint64_t delivered, failed, unanswered, refused, endpoints, endpoints_disabled;
    _Atomic uint64_t disabled_total, queue_depth, save_failures, latency_ms_total;
    _Atomic int64_t oldest_time_ms;
    _Atomic uint64_t latencies[PUBLISHER_LATENCY_BUCKETS];
} counters;

struct publisher_stats publisher_stats_get(void)
{
    struct publisher_stats stats = {
        .delivered = counters.delivered,
        .failed = counters.failed,
        .unanswered = counters.unanswered,
        .refused = counters.refused,
        .endpoints = counters.endpoints,
        .endpoints_disabled = counters.endpoints_disabled,
        .disabled_total = counters.disabled_total,
        .queue_depth = counters.queue_depth,
        .oldest_time_ms = counters.oldest_time_ms,
        .save_failures = counters.save_failures,
        .latency_ms_total = counters.latency_ms_total,
    };
    for (uint32_t i = 0; i < PUBLISHER_LATENCY_BUCKETS; i++) {
        stats.latencies[i] = counters.latencies[i];
    }
    return stats;
}

void publisher_count_attempt(const struct transport_call *call, int64_t latency_ms)
{
    static const int64_t bounds_ms[PUBLISHER_LATENCY_BUCKETS - 1] = PUBLISHER_LATENCY_BOUNDS;
    if (latency_ms < 0) {
        _Atomic uint64_t *counter = call->is_refused    ? &counters.refused
                                    : call->status == 0 ? &counters.unanswered
                                                        : &counters.failed;
        *counter += 1;
        return;
    }
    uint32_t bucket = 0;
    while (bucket < PUBLISHER_LATENCY_BUCKETS - 1 && latency_ms > bounds_ms[bucket]) {
        bucket++;
    }
    counters.delivered++;
    counters.latencies[bucket]++;
    counters.latency_ms_total += (uint64_t)latency_ms;
}

void publisher_count_disabled(void)
{
    counters.disabled_total++;
}

static int64_t clock_ms(clockid_t clock)
{
    struct timespec now;
    (void)clock_gettime(clock, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

int64_t publisher_wall_ms(void)
{
    return clock_ms(CLOCK_REALTIME);
}

int64_t publisher_now_ms(void)
{
    return clock_ms(CLOCK_MONOTONIC);
}

/* ---- endpoints ---- */

struct endpoint *publisher_find(struct publisher *publisher, struct bs_text id, uint32_t *ret_place)
{
    for (uint32_t i = 0; i < publisher->endpoints_count; i++) {
        struct endpoint *endpoint = publisher->endpoints[i];
        if (bs_text_equal((struct bs_text){endpoint->id, (uint32_t)strlen(endpoint->id)}, id)) {
            *ret_place = i;
            return endpoint;
        }
    }
    return NULL;
}

void publisher_add(struct publisher *publisher, struct endpoint *endpoint)
{
    uint32_t place = publisher->endpoints_count;
    assert(place < ENDPOINTS_CAPACITY);
    for (; place > 0 && strcmp(publisher->endpoints[place - 1]->id, endpoint->id) > 0; place--) {
        publisher->endpoints[place] = publisher->endpoints[place - 1];
    }
    publisher->endpoints[place] = endpoint;
    publisher->endpoints_count++;
}

void publisher_remove(struct publisher *publisher, uint32_t place)
{
    struct endpoint *endpoint = publisher->endpoints[place];
    publisher->endpoints_count--;
    for (uint32_t i = place; i < publisher->endpoints_count; i++) {
        publisher->endpoints[i] = publisher->endpoints[i + 1];
    }
    endpoint_free(endpoint);
}

static int64_t oldest_waiting_ms(const struct endpoint *endpoint)
{
    const struct message *first = endpoint->lanes[LANE_LIVE].first;
    return first != NULL ? first->time_ms : 0;
}

static void measure(struct publisher *publisher)
{
    uint64_t depth = 0;
    uint64_t disabled = 0;
    int64_t oldest_ms = 0;
    for (uint32_t i = 0; i < publisher->endpoints_count; i++) {
        const struct endpoint *endpoint = publisher->endpoints[i];
        const struct lane *lane = &endpoint->lanes[LANE_LIVE];
        if (endpoint->reason != DISABLED_NOT) {
            disabled++;
            continue;
        }
        int64_t time_ms = oldest_waiting_ms(endpoint);
        depth += lane->count + (publisher->durable - lane->position);
        oldest_ms = time_ms != 0 && (oldest_ms == 0 || time_ms < oldest_ms) ? time_ms : oldest_ms;
    }
    counters.endpoints = publisher->endpoints_count;
    counters.endpoints_disabled = disabled;
    counters.queue_depth = depth;
    counters.oldest_time_ms = oldest_ms;
}

/* ---- saving ---- */

static void forget_saved(struct endpoint *endpoint)
{
    while (endpoint->unsaved != NULL) {
        struct attempt *next = endpoint->unsaved->next;
        free(endpoint->unsaved);
        endpoint->unsaved = next;
    }
    endpoint->unsaved_last = NULL;
    endpoint->is_dirty = false;
}

int publisher_save(struct publisher *publisher, bool syncs)
{
    char error[LOG_ERROR_SIZE];
    int code = store_begin(publisher->store, syncs, error);
    for (uint32_t i = 0; code == 0 && i < publisher->endpoints_count; i++) {
        if (publisher->endpoints[i]->is_dirty) {
            code = store_save(publisher->store, publisher->endpoints[i],
                              publisher->options.history_max, error);
        }
    }
    if (code == 0 && publisher->keeping != NULL) {
        code = repeats_put(&publisher->repeats, publisher->keeping, error);
    }
    code = store_end(publisher->store, code, error);
    for (uint32_t i = 0; code == 0 && i < publisher->endpoints_count; i++) {
        if (publisher->endpoints[i]->is_dirty) {
            forget_saved(publisher->endpoints[i]);
        }
    }
    if (code != 0) {
        counters.save_failures++;
        logger_write(LOGGER_ERROR, "publisher", "the state of webhooks was not saved",
                     LOGGER_FIELDS(logger_string("error", error)));
    }
    measure(publisher);
    return code;
}

static void on_save(uv_timer_t *timer)
{
    struct publisher *publisher = timer->data;
    publisher->save_is_due = false;
    if (publisher_save(publisher, false) != 0) {
        publisher_save_later(publisher);
    }
}

void publisher_save_later(struct publisher *publisher)
{
    if (!publisher->save_is_due && !publisher->is_closing) {
        publisher->save_is_due = true;
        (void)uv_timer_start(&publisher->save, on_save, SAVE_INTERVAL_MS, 0);
    }
}

/* ---- the loop ---- */

static void pump_all(struct publisher *publisher)
{
    publisher->durable = core_durable_ordinal(publisher->core);
    for (uint32_t i = 0; i < publisher->endpoints_count; i++) {
        endpoint_pump(publisher->endpoints[i]);
    }
    publisher_arm(publisher);
    measure(publisher);
}

static void on_retry(uv_timer_t *timer)
{
    pump_all(timer->data);
}

void publisher_arm(struct publisher *publisher)
{
    int64_t due_ms = INT64_MAX;
    for (uint32_t i = 0; i < publisher->endpoints_count; i++) {
        int64_t endpoint_ms = endpoint_due_ms(publisher->endpoints[i]);
        due_ms = endpoint_ms < due_ms ? endpoint_ms : due_ms;
    }
    if (due_ms == INT64_MAX || publisher->is_stopping) {
        (void)uv_timer_stop(&publisher->retry);
        return;
    }
    int64_t wait_ms = due_ms - publisher_now_ms();
    wait_ms = wait_ms < 1 ? 1 : wait_ms > RETRY_MAX_MS ? RETRY_MAX_MS : wait_ms;
    uv_update_time(&publisher->loop);
    (void)uv_timer_start(&publisher->retry, on_retry, (uint64_t)wait_ms, 0);
}

static void close_down(struct publisher *publisher)
{
    if (publisher->is_closing) {
        return;
    }
    publisher->is_closing = true;
    (void)publisher_save(publisher, true); /* before what is under way is cancelled and forgotten */
    while (publisher->endpoints_count > 0) {
        publisher_remove(publisher, publisher->endpoints_count - 1);
    }
    transport_stop(publisher->transport);
    uv_close((uv_handle_t *)&publisher->wake, NULL);
    uv_close((uv_handle_t *)&publisher->retry, NULL);
    uv_close((uv_handle_t *)&publisher->save, NULL);
    uv_close((uv_handle_t *)&publisher->patience, NULL);
}

static void on_patience(uv_timer_t *timer)
{
    close_down(timer->data);
}

static void begin_stop(struct publisher *publisher)
{
    if (publisher->is_stopping) {
        return;
    }
    publisher->is_stopping = true;
    (void)uv_timer_stop(&publisher->retry);
    if (publisher->sent_count == 0) {
        close_down(publisher);
    } else {
        (void)uv_timer_start(&publisher->patience, on_patience, PATIENCE_MS, 0);
    }
}

void publisher_ended(struct publisher *publisher, struct endpoint *endpoint)
{
    if (publisher->is_stopping) {
        if (publisher->sent_count == 0) {
            (void)uv_timer_start(&publisher->patience, on_patience, 0, 0);
        }
        return;
    }
    publisher->durable = core_durable_ordinal(publisher->core);
    endpoint_pump(endpoint);
    publisher_arm(publisher);
}

/* ---- jobs ---- */

static struct publisher_job *take_jobs(struct publisher *publisher)
{
    pthread_mutex_lock(&publisher->mutex);
    struct publisher_job *first = publisher->first_job;
    publisher->first_job = NULL;
    publisher->last_job = NULL;
    publisher->jobs_count = 0;
    pthread_mutex_unlock(&publisher->mutex);
    return first;
}

static void on_wake(uv_async_t *handle)
{
    struct publisher *publisher = handle->data;
    bool stops = atomic_load(&publisher->stop);
    struct publisher_job *job = take_jobs(publisher);
    publisher->durable = core_durable_ordinal(publisher->core);
    while (job != NULL) {
        struct publisher_job *next = job->next;
        if (stops) {
            publisher_answer_lost(job, BS_NOT_READY);
        } else {
            publisher_answer(publisher, job);
        }
        job = next;
    }
    if (stops) {
        begin_stop(publisher);
    } else {
        pump_all(publisher);
    }
}

void publisher_wake(struct publisher *publisher)
{
    (void)uv_async_send(&publisher->wake);
}

bool publisher_submit(struct publisher *publisher, struct publisher_job *job)
{
    pthread_mutex_lock(&publisher->mutex);
    bool is_taken = !publisher->is_closed && publisher->jobs_count < publisher->options.queue_max;
    if (is_taken) {
        job->next = NULL;
        if (publisher->first_job == NULL) {
            publisher->first_job = job;
        } else {
            publisher->last_job->next = job;
        }
        publisher->last_job = job;
        publisher->jobs_count++;
        (void)uv_async_send(&publisher->wake);
    }
    pthread_mutex_unlock(&publisher->mutex);
    return is_taken;
}

/* ---- life ---- */

static void *run(void *user)
{
    struct publisher *publisher = user;
    (void)pthread_setname_np(pthread_self(), "bs-publisher");
    (void)uv_async_send(&publisher->wake); /* what was left of the last run */
    (void)uv_run(&publisher->loop, UV_RUN_DEFAULT);
    return NULL;
}

/* A log older than the database (one was restored without the other): what follows will be sent
 * under ids that were used before, and the operator has to know. */
static void check_place(struct endpoint *endpoint, uint64_t durable)
{
    struct lane *lane = &endpoint->lanes[LANE_LIVE];
    if (lane->position <= durable) {
        return;
    }
    logger_write(
        LOGGER_ERROR, "publisher",
        "an endpoint was told of actions that the log does not hold: it goes on at the end",
        LOGGER_FIELDS(logger_string("endpoint", endpoint->id),
                      logger_uint("cursor", lane->position), logger_uint("last_action", durable)));
    lane->position = durable;
    lane->previous = lane->previous < durable ? lane->previous : durable;
    lane->start = lane->start < durable ? lane->start : durable;
    endpoint->is_dirty = true;
}

static int on_saved_message(struct endpoint *endpoint, enum lane_kind kind,
                            const struct message *saved, char error[LOG_ERROR_SIZE])
{
    struct lane *lane = &endpoint->lanes[kind];
    if (kind != LANE_NOTICES) {
        return saved->last > endpoint->publisher->durable ? 0 : lane_restore(lane, saved, error);
    }
    struct message *message = lane_add(lane);
    memcpy(message->id, saved->id, sizeof(message->id));
    message->event = saved->event;
    message->time_ms = saved->time_ms;
    message->failures = saved->failures;
    message->due_ms = saved->due_ms;
    buffer_append(&message->body, saved->body.bytes, saved->body.size);
    lane->size += message->body.size;
    return 0;
}

static int load(struct publisher *publisher, char error[LOG_ERROR_SIZE])
{
    int code = store_load(publisher->store, publisher, publisher_add, error);
    for (uint32_t i = 0; code == 0 && i < publisher->endpoints_count; i++) {
        check_place(publisher->endpoints[i], publisher->durable);
        code =
            store_load_messages(publisher->store, publisher->endpoints[i], on_saved_message, error);
    }
    return code;
}

static int open_parts(struct publisher *publisher, struct command_log *log,
                      char error[LOG_ERROR_SIZE])
{
    const struct publisher_options *options = &publisher->options;
    const struct transport_options transport = {.exceptions = options->exceptions,
                                                .ports = options->ports,
                                                .allows_http = options->allows_http,
                                                .timeout_ms = options->timeout_ms,
                                                .connect_timeout_ms = options->connect_timeout_ms,
                                                .ca_file = options->ca_file};
    int code = log_reader_open(&publisher->reader, log, error);
    if (code == 0) {
        code = store_open(&publisher->store, options->directory, error);
    }
    if (code == 0) {
        code = repeats_open(&publisher->repeats, store_db(publisher->store), error);
    }
    if (code == 0) {
        code = load(publisher, error);
    }
    if (code == 0) {
        code = transport_new(&publisher->transport, &publisher->loop, &transport, error);
    }
    return code;
}

static int start(struct publisher *publisher, char error[LOG_ERROR_SIZE])
{
    (void)uv_async_init(&publisher->loop, &publisher->wake, on_wake);
    (void)uv_timer_init(&publisher->loop, &publisher->retry);
    (void)uv_timer_init(&publisher->loop, &publisher->save);
    (void)uv_timer_init(&publisher->loop, &publisher->patience);
    publisher->wake.data = publisher;
    publisher->retry.data = publisher;
    publisher->save.data = publisher;
    publisher->patience.data = publisher;
    int code = log_thread_create(&publisher->thread, run, publisher);
    if (code != 0) {
        (void)snprintf(error, LOG_ERROR_SIZE, "cannot start the publisher's thread: %s",
                       strerror(-code));
        close_down(publisher);
        (void)uv_run(&publisher->loop, UV_RUN_DEFAULT);
    }
    return code;
}

static void close_parts(struct publisher *publisher)
{
    while (publisher->endpoints_count > 0) {
        publisher_remove(publisher, publisher->endpoints_count - 1);
    }
    transport_free(publisher->transport);
    repeats_close(&publisher->repeats);
    store_close(publisher->store);
    log_reader_close(publisher->reader);
    (void)uv_loop_close(&publisher->loop);
    pthread_mutex_destroy(&publisher->mutex);
    free(publisher->endpoints);
    free(publisher);
}

int publisher_new(struct publisher **ret_publisher, struct core *core, struct command_log *log,
                  const struct publisher_options *options, char error[LOG_ERROR_SIZE])
{
    struct publisher *publisher = calloc(1, sizeof(*publisher));
    struct endpoint **endpoints = calloc(ENDPOINTS_CAPACITY, sizeof(*endpoints));
    if (publisher == NULL || endpoints == NULL || uv_loop_init(&publisher->loop) != 0) {
        (void)snprintf(error, LOG_ERROR_SIZE, "out of memory for the publisher");
        free(publisher);
        free(endpoints);
        return -ENOMEM;
    }
    publisher->core = core;
    publisher->options = *options;
    publisher->endpoints = endpoints;
    publisher->durable = core_durable_ordinal(core);
    (void)pthread_mutex_init(&publisher->mutex, NULL);
    int code = open_parts(publisher, log, error);
    if (code == 0) {
        code = start(publisher, error);
    }
    if (code != 0) {
        close_parts(publisher);
        return code;
    }
    *ret_publisher = publisher;
    return 0;
}

void publisher_stop(struct publisher *publisher)
{
    if (publisher == NULL || atomic_load(&publisher->stop)) {
        return;
    }
    pthread_mutex_lock(&publisher->mutex);
    publisher->is_closed = true;
    atomic_store(&publisher->stop, true);
    (void)uv_async_send(&publisher->wake);
    pthread_mutex_unlock(&publisher->mutex);
    (void)pthread_join(publisher->thread, NULL);
}

void publisher_free(struct publisher *publisher)
{
    if (publisher == NULL) {
        return;
    }
    publisher_stop(publisher);
    close_parts(publisher);
}
