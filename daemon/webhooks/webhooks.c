/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The webhooks thread. Its loop is woken by the core (new actions), by the HTTP thread (jobs),
 * by sockets, and by three timers: the next message that is due, saving, and patience at the end.
 *
 * What changed is saved at most SAVE_INTERVAL_MS later, all endpoints in one transaction. A crash
 * in between repeats what was sent meanwhile, under the same ids; so does a loss of power, because
 * only changes by clients are synced to the disk, before they are answered.
 */
#include "daemon/webhooks/webhooks.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "daemon/log/identity.h"
#include "daemon/log/log_backend.h"
#include "daemon/logger/logger.h"
#include "daemon/webhooks/internal.h"

#define SAVE_INTERVAL_MS 100
#define PATIENCE_MS 1000 /* at the end, for requests under way */
#define RETRY_MAX_MS 60000
#define ENDPOINTS_CAPACITY 1000 /* the highest that the setting takes */

struct webhooks_stats webhooks_stats_get(const struct webhooks *webhooks)
{
    const struct webhooks_counters *counters = &webhooks->counters;
    struct webhooks_stats stats = {
        .delivered = counters->delivered,
        .failed = counters->failed,
        .unanswered = counters->unanswered,
        .refused = counters->refused,
        .endpoints = counters->endpoints,
        .endpoints_disabled = counters->endpoints_disabled,
        .disabled_total = counters->disabled_total,
        .queue_depth = counters->queue_depth,
        .oldest_time_ms = counters->oldest_time_ms,
        .save_failures = counters->save_failures,
        .latency_ms_total = counters->latency_ms_total,
    };
    for (uint32_t i = 0; i < WEBHOOKS_LATENCY_BUCKETS; i++) {
        stats.latencies[i] = counters->latencies[i];
    }
    return stats;
}

void webhooks_count_attempt(struct webhooks *webhooks, const struct transport_call *call,
                            int64_t latency_ms)
{
    struct webhooks_counters *counters = &webhooks->counters;
    static const int64_t bounds_ms[WEBHOOKS_LATENCY_BUCKETS - 1] = WEBHOOKS_LATENCY_BOUNDS;
    if (latency_ms < 0) {
        _Atomic uint64_t *counter = call->is_refused    ? &counters->refused
                                    : call->status == 0 ? &counters->unanswered
                                                        : &counters->failed;
        *counter += 1;
        return;
    }
    uint32_t bucket = 0;
    while (bucket < WEBHOOKS_LATENCY_BUCKETS - 1 && latency_ms > bounds_ms[bucket]) {
        bucket++;
    }
    counters->delivered++;
    counters->latencies[bucket]++;
    counters->latency_ms_total += (uint64_t)latency_ms;
}

void webhooks_count_disabled(struct webhooks *webhooks)
{
    webhooks->counters.disabled_total++;
}

/* ---- endpoints ---- */

struct endpoint *webhooks_find(struct webhooks *webhooks, struct bs_text id, uint32_t *ret_place)
{
    for (uint32_t i = 0; i < webhooks->endpoints_count; i++) {
        struct endpoint *endpoint = webhooks->endpoints[i];
        if (bs_text_equal((struct bs_text){endpoint->id, (uint32_t)strlen(endpoint->id)}, id)) {
            *ret_place = i;
            return endpoint;
        }
    }
    return NULL;
}

void webhooks_add(struct webhooks *webhooks, struct endpoint *endpoint)
{
    uint32_t place = webhooks->endpoints_count;
    assert(place < ENDPOINTS_CAPACITY);
    for (; place > 0 && strcmp(webhooks->endpoints[place - 1]->id, endpoint->id) > 0; place--) {
        webhooks->endpoints[place] = webhooks->endpoints[place - 1];
    }
    webhooks->endpoints[place] = endpoint;
    webhooks->endpoints_count++;
}

void webhooks_remove(struct webhooks *webhooks, uint32_t place)
{
    struct endpoint *endpoint = webhooks->endpoints[place];
    webhooks->endpoints_count--;
    for (uint32_t i = place; i < webhooks->endpoints_count; i++) {
        webhooks->endpoints[i] = webhooks->endpoints[i + 1];
    }
    endpoint_free(endpoint);
}

static int64_t oldest_waiting_ms(const struct endpoint *endpoint)
{
    const struct message *first = endpoint->lanes[LANE_LIVE].first;
    return first != NULL ? first->time_ms : 0;
}

static void measure(struct webhooks *webhooks)
{
    uint64_t depth = 0;
    uint64_t disabled = 0;
    int64_t oldest_ms = 0;
    for (uint32_t i = 0; i < webhooks->endpoints_count; i++) {
        const struct endpoint *endpoint = webhooks->endpoints[i];
        const struct lane *lane = &endpoint->lanes[LANE_LIVE];
        if (endpoint->reason != DISABLED_NOT) {
            disabled++;
            continue;
        }
        int64_t time_ms = oldest_waiting_ms(endpoint);
        depth += lane->count + (webhooks->durable - lane->position);
        oldest_ms = time_ms != 0 && (oldest_ms == 0 || time_ms < oldest_ms) ? time_ms : oldest_ms;
    }
    webhooks->counters.endpoints = webhooks->endpoints_count;
    webhooks->counters.endpoints_disabled = disabled;
    webhooks->counters.queue_depth = depth;
    webhooks->counters.oldest_time_ms = oldest_ms;
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

int webhooks_save(struct webhooks *webhooks, bool syncs)
{
    char error[LOG_ERROR_SIZE];
    int code = store_begin(webhooks->store, syncs, error);
    for (uint32_t i = 0; code == 0 && i < webhooks->endpoints_count; i++) {
        if (webhooks->endpoints[i]->is_dirty) {
            code = store_save(webhooks->store, webhooks->endpoints[i],
                              webhooks->options.history_max, error);
        }
    }
    if (code == 0 && webhooks->keeping != NULL) {
        code = repeats_put(&webhooks->repeats, webhooks->keeping, error);
    }
    code = store_end(webhooks->store, code, error);
    for (uint32_t i = 0; code == 0 && i < webhooks->endpoints_count; i++) {
        if (webhooks->endpoints[i]->is_dirty) {
            forget_saved(webhooks->endpoints[i]);
        }
    }
    if (code != 0) {
        webhooks->counters.save_failures++;
        logger_write(LOGGER_ERROR, "webhooks", "the state of webhooks was not saved",
                     LOGGER_FIELDS(logger_string("error", error)));
    }
    measure(webhooks);
    return code;
}

static void on_save(uv_timer_t *timer)
{
    struct webhooks *webhooks = timer->data;
    webhooks->save_is_due = false;
    if (webhooks_save(webhooks, false) != 0) {
        webhooks_save_later(webhooks);
    }
}

void webhooks_save_later(struct webhooks *webhooks)
{
    if (!webhooks->save_is_due && !webhooks->is_closing) {
        webhooks->save_is_due = true;
        (void)uv_timer_start(&webhooks->save, on_save, SAVE_INTERVAL_MS, 0);
    }
}

/* ---- the loop ---- */

static void pump_all(struct webhooks *webhooks)
{
    webhooks->durable = core_durable_ordinal(webhooks->core);
    for (uint32_t i = 0; i < webhooks->endpoints_count; i++) {
        endpoint_pump(webhooks->endpoints[i]);
    }
    webhooks_arm(webhooks);
    measure(webhooks);
}

static void on_retry(uv_timer_t *timer)
{
    pump_all(timer->data);
}

void webhooks_arm(struct webhooks *webhooks)
{
    int64_t due_ms = INT64_MAX;
    for (uint32_t i = 0; i < webhooks->endpoints_count; i++) {
        int64_t endpoint_ms = endpoint_due_ms(webhooks->endpoints[i]);
        due_ms = endpoint_ms < due_ms ? endpoint_ms : due_ms;
    }
    if (due_ms == INT64_MAX || webhooks->is_stopping) {
        (void)uv_timer_stop(&webhooks->retry);
        return;
    }
    int64_t wait_ms = due_ms - webhooks_now_ms();
    wait_ms = wait_ms < 1 ? 1 : wait_ms > RETRY_MAX_MS ? RETRY_MAX_MS : wait_ms;
    uv_update_time(&webhooks->loop);
    (void)uv_timer_start(&webhooks->retry, on_retry, (uint64_t)wait_ms, 0);
}

static void close_down(struct webhooks *webhooks)
{
    if (webhooks->is_closing) {
        return;
    }
    webhooks->is_closing = true;
    (void)webhooks_save(webhooks, true); /* before deliveries in progress are cancelled */
    while (webhooks->endpoints_count > 0) {
        webhooks_remove(webhooks, webhooks->endpoints_count - 1);
    }
    transport_stop(webhooks->transport);
    uv_close((uv_handle_t *)&webhooks->wake, NULL);
    uv_close((uv_handle_t *)&webhooks->retry, NULL);
    uv_close((uv_handle_t *)&webhooks->save, NULL);
    uv_close((uv_handle_t *)&webhooks->patience, NULL);
}

static void on_patience(uv_timer_t *timer)
{
    close_down(timer->data);
}

static void begin_stop(struct webhooks *webhooks)
{
    if (webhooks->is_stopping) {
        return;
    }
    webhooks->is_stopping = true;
    (void)uv_timer_stop(&webhooks->retry);
    if (webhooks->sent_count == 0) {
        close_down(webhooks);
    } else {
        (void)uv_timer_start(&webhooks->patience, on_patience, PATIENCE_MS, 0);
    }
}

void webhooks_ended(struct webhooks *webhooks, struct endpoint *endpoint)
{
    if (webhooks->is_stopping) {
        if (webhooks->sent_count == 0) {
            (void)uv_timer_start(&webhooks->patience, on_patience, 0, 0);
        }
        return;
    }
    webhooks->durable = core_durable_ordinal(webhooks->core);
    endpoint_pump(endpoint);
    webhooks_arm(webhooks);
}

/* ---- jobs ---- */

static struct webhooks_job *take_jobs(struct webhooks *webhooks)
{
    pthread_mutex_lock(&webhooks->mutex);
    struct webhooks_job *first = webhooks->first_job;
    webhooks->first_job = NULL;
    webhooks->last_job = NULL;
    webhooks->jobs_count = 0;
    pthread_mutex_unlock(&webhooks->mutex);
    return first;
}

static void on_wake(uv_async_t *handle)
{
    struct webhooks *webhooks = handle->data;
    bool stops = atomic_load(&webhooks->stop);
    struct webhooks_job *job = take_jobs(webhooks);
    webhooks->durable = core_durable_ordinal(webhooks->core);
    while (job != NULL) {
        struct webhooks_job *next = job->next;
        if (stops) {
            webhooks_answer_lost(job, BS_NOT_READY);
        } else {
            webhooks_answer(webhooks, job);
        }
        job = next;
    }
    if (stops) {
        begin_stop(webhooks);
    } else {
        pump_all(webhooks);
    }
}

void webhooks_wake(struct webhooks *webhooks)
{
    (void)uv_async_send(&webhooks->wake);
}

bool webhooks_submit(struct webhooks *webhooks, struct webhooks_job *job)
{
    pthread_mutex_lock(&webhooks->mutex);
    bool is_taken = !webhooks->is_closed && webhooks->jobs_count < webhooks->options.queue_max;
    if (is_taken) {
        job->next = NULL;
        if (webhooks->first_job == NULL) {
            webhooks->first_job = job;
        } else {
            webhooks->last_job->next = job;
        }
        webhooks->last_job = job;
        webhooks->jobs_count++;
        (void)uv_async_send(&webhooks->wake);
    }
    pthread_mutex_unlock(&webhooks->mutex);
    return is_taken;
}

/* ---- life ---- */

static void *run(void *user)
{
    struct webhooks *webhooks = user;
    (void)pthread_setname_np(pthread_self(), "bs-webhooks");
    (void)uv_async_send(&webhooks->wake); /* what was left of the last run */
    (void)uv_run(&webhooks->loop, UV_RUN_DEFAULT);
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
    logger_write(LOGGER_ERROR, "webhooks", "webhook cursor is beyond the log: resuming at its end",
                 LOGGER_FIELDS(logger_string("endpoint", endpoint->id),
                               logger_uint("cursor", lane->position),
                               logger_uint("last_action", durable)));
    lane->position = durable;
    lane->previous = lane->previous < durable ? lane->previous : durable;
    lane->start = lane->start < durable ? lane->start : durable;
    endpoint->is_dirty = true;
}

static int on_saved_message(struct endpoint *endpoint, enum lane_kind kind,
                            const struct message *saved, char error[LOG_ERROR_SIZE])
{
    struct lane *lane = &endpoint->lanes[kind];
    if (kind != LANE_OTHER) {
        return saved->last > endpoint->webhooks->durable ? 0 : lane_restore(lane, saved, error);
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

/* The places that were loaded mean nothing in this log: the endpoints go on at its end. */
static void start_over(struct webhooks *webhooks)
{
    for (uint32_t i = 0; i < webhooks->endpoints_count; i++) {
        struct endpoint *endpoint = webhooks->endpoints[i];
        struct lane *live = &endpoint->lanes[LANE_LIVE];
        live->start = webhooks->durable;
        live->position = webhooks->durable;
        live->previous = 0;
        endpoint->lanes[LANE_REPLAY].is_open = false;
        endpoint->is_dirty = true;
    }
}

static int save_log(struct webhooks *webhooks, const char *identity, char error[LOG_ERROR_SIZE])
{
    int code = store_begin(webhooks->store, true, error);
    code = code == 0 ? store_put_log(webhooks->store, identity, error) : code;
    for (uint32_t i = 0; code == 0 && i < webhooks->endpoints_count; i++) {
        code = store_save(webhooks->store, webhooks->endpoints[i], webhooks->options.history_max,
                          error);
    }
    return store_end(webhooks->store, code, error);
}

static int check_log(struct webhooks *webhooks, char error[LOG_ERROR_SIZE])
{
    char stored[LOG_IDENTITY_DIGITS + 1];
    const char *identity = log_reader_identity(webhooks->reader);
    int code = store_get_log(webhooks->store, stored, error);
    if (code != 0 || strcmp(stored, identity) == 0) {
        return code;
    }
    if (stored[0] != '\0') {
        logger_write(LOGGER_ERROR, "webhooks",
                     "webhooks.db is of another log: the endpoints resume at the end of this one",
                     LOGGER_FIELDS(logger_string("log", identity),
                                   logger_string("log_of_webhooks_db", stored)));
        start_over(webhooks);
    }
    return save_log(webhooks, identity, error);
}

static int load(struct webhooks *webhooks, char error[LOG_ERROR_SIZE])
{
    int code = store_load(webhooks->store, webhooks, webhooks_add, error);
    code = code == 0 ? check_log(webhooks, error) : code;
    for (uint32_t i = 0; code == 0 && i < webhooks->endpoints_count; i++) {
        check_place(webhooks->endpoints[i], webhooks->durable);
        code =
            store_load_messages(webhooks->store, webhooks->endpoints[i], on_saved_message, error);
    }
    return code;
}

static int open_parts(struct webhooks *webhooks, struct command_log *log,
                      char error[LOG_ERROR_SIZE])
{
    const struct webhooks_options *options = &webhooks->options;
    const struct transport_options transport = {.exceptions = options->exceptions,
                                                .ports = options->ports,
                                                .allows_http = options->allows_http,
                                                .timeout_ms = options->timeout_ms,
                                                .connect_timeout_ms = options->connect_timeout_ms,
                                                .ca_file = options->ca_file};
    int code = log_reader_open(&webhooks->reader, log, error);
    if (code == 0) {
        code = store_open(&webhooks->store, options->directory, error);
    }
    if (code == 0) {
        code = repeats_open(&webhooks->repeats, store_db(webhooks->store), error);
    }
    if (code == 0) {
        code = load(webhooks, error);
    }
    if (code == 0) {
        code = transport_new(&webhooks->transport, &webhooks->loop, &transport, error);
    }
    return code;
}

static int start(struct webhooks *webhooks, char error[LOG_ERROR_SIZE])
{
    (void)uv_async_init(&webhooks->loop, &webhooks->wake, on_wake);
    (void)uv_timer_init(&webhooks->loop, &webhooks->retry);
    (void)uv_timer_init(&webhooks->loop, &webhooks->save);
    (void)uv_timer_init(&webhooks->loop, &webhooks->patience);
    webhooks->wake.data = webhooks;
    webhooks->retry.data = webhooks;
    webhooks->save.data = webhooks;
    webhooks->patience.data = webhooks;
    int code = log_thread_create(&webhooks->thread, run, webhooks);
    if (code != 0) {
        (void)snprintf(error, LOG_ERROR_SIZE, "cannot start the webhooks thread: %s",
                       strerror(-code));
        close_down(webhooks);
        (void)uv_run(&webhooks->loop, UV_RUN_DEFAULT);
    }
    return code;
}

static void close_parts(struct webhooks *webhooks)
{
    while (webhooks->endpoints_count > 0) {
        webhooks_remove(webhooks, webhooks->endpoints_count - 1);
    }
    transport_free(webhooks->transport);
    repeats_close(&webhooks->repeats);
    store_close(webhooks->store);
    log_reader_close(webhooks->reader);
    (void)uv_loop_close(&webhooks->loop);
    pthread_mutex_destroy(&webhooks->mutex);
    free(webhooks->endpoints);
    free(webhooks);
}

int webhooks_new(struct webhooks **ret_webhooks, struct core *core, struct command_log *log,
                 const struct webhooks_options *options, char error[LOG_ERROR_SIZE])
{
    struct webhooks *webhooks = calloc(1, sizeof(*webhooks));
    struct endpoint **endpoints = calloc(ENDPOINTS_CAPACITY, sizeof(*endpoints));
    if (webhooks == NULL || endpoints == NULL || uv_loop_init(&webhooks->loop) != 0) {
        (void)snprintf(error, LOG_ERROR_SIZE, "out of memory for webhooks");
        free(webhooks);
        free(endpoints);
        return -ENOMEM;
    }
    webhooks->core = core;
    webhooks->options = *options;
    webhooks->endpoints = endpoints;
    webhooks->durable = core_durable_ordinal(core);
    (void)pthread_mutex_init(&webhooks->mutex, NULL);
    int code = open_parts(webhooks, log, error);
    if (code == 0) {
        code = start(webhooks, error);
    }
    if (code != 0) {
        close_parts(webhooks);
        return code;
    }
    *ret_webhooks = webhooks;
    return 0;
}

void webhooks_stop(struct webhooks *webhooks)
{
    if (webhooks == NULL || atomic_load(&webhooks->stop)) {
        return;
    }
    pthread_mutex_lock(&webhooks->mutex);
    webhooks->is_closed = true;
    atomic_store(&webhooks->stop, true);
    (void)uv_async_send(&webhooks->wake);
    pthread_mutex_unlock(&webhooks->mutex);
    (void)pthread_join(webhooks->thread, NULL);
}

void webhooks_free(struct webhooks *webhooks)
{
    if (webhooks == NULL) {
        return;
    }
    webhooks_stop(webhooks);
    close_parts(webhooks);
}
