/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The webhooks thread. Its loop is woken by the core (new actions), by the HTTP thread (jobs), by
 * sockets, and by three timers: the next message that is due, saving, and patience at the end.
 *
 * What changed is saved at most SAVE_INTERVAL_MS later, all endpoints in one transaction. After a
 * crash in between, what was sent meanwhile is sent again under the same ids. The same holds after
 * a loss of power, because only changes by clients are synced to the disk before they are answered.
 */
#include "daemon/webhooks/webhooks.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "daemon/log/identity.h"
#include "daemon/log/log_backend.h"
#include "daemon/webhooks/clock.h"
#include "daemon/webhooks/controller.h"
#include "daemon/webhooks/pump.h"

#define SAVE_INTERVAL_MS 100
#define PATIENCE_MS 1000 /* at the end, for requests under way */
#define RETRY_MAX_MS 60000

struct webhooks {
    struct core *core;
    struct webhooks_options options;
    uv_loop_t loop;
    pthread_t thread;
    uv_async_t wake; /* actions, jobs, or the end */
    atomic_bool stop;
    pthread_mutex_t mutex; /* guards the queue, and the news of the disk */
    struct disk_state disk;
    bool has_disk_news;
    struct webhooks_job *first_job, *last_job;
    uint32_t jobs_count; /* waiting */
    bool is_closed;
    /* the thread's own, but for the counters, which any thread reads */
    struct registry registry;
    uv_timer_t retry; /* the next message that is due */
    uv_timer_t save;
    uv_timer_t patience; /* at the end */
    bool is_stopping;    /* nothing new is sent */
    bool is_closing;
    bool save_is_due;
};

struct webhooks_stats webhooks_stats_get(const struct webhooks *webhooks)
{
    return counters_stats(&webhooks->registry.host.counters);
}

uint64_t webhooks_done_ordinal(const struct webhooks *webhooks)
{
    return webhooks->registry.host.counters.done_ordinal;
}

/* ---- saving ---- */

static void save_later(struct webhooks *webhooks);

static void on_save(uv_timer_t *timer)
{
    struct webhooks *webhooks = timer->data;
    webhooks->save_is_due = false;
    if (registry_save(&webhooks->registry, false, NULL) != 0) {
        save_later(webhooks);
    }
}

static void save_later(struct webhooks *webhooks)
{
    if (!webhooks->save_is_due && !webhooks->is_closing) {
        webhooks->save_is_due = true;
        (void)uv_timer_start(&webhooks->save, on_save, SAVE_INTERVAL_MS, 0);
    }
}

/* ---- the loop ---- */

static void pump_one(struct webhooks *webhooks, struct endpoint *endpoint)
{
    if (pump_endpoint(endpoint)) {
        (void)uv_async_send(&webhooks->wake); /* after the others */
    }
    if (endpoint->is_dirty) {
        save_later(webhooks);
    }
}

static void refresh_durable(struct webhooks *webhooks)
{
    uint64_t durable = core_durable_ordinal(webhooks->core);
    assert(durable >= webhooks->registry.host.durable);
    webhooks->registry.host.durable = durable;
}

static void on_retry(uv_timer_t *timer);

/* Sets the timer for the message that is due first. */
static void arm(struct webhooks *webhooks)
{
    int64_t due_ms = INT64_MAX;
    for (uint32_t i = 0; i < webhooks->registry.endpoints_count; i++) {
        int64_t endpoint_ms = pump_due_ms(webhooks->registry.endpoints[i]);
        due_ms = endpoint_ms < due_ms ? endpoint_ms : due_ms;
    }
    if (due_ms == INT64_MAX) {
        (void)uv_timer_stop(&webhooks->retry);
        return;
    }
    int64_t wait_ms = due_ms - clock_monotonic_ms();
    wait_ms = wait_ms < 1 ? 1 : wait_ms > RETRY_MAX_MS ? RETRY_MAX_MS : wait_ms;
    uv_update_time(&webhooks->loop);
    (void)uv_timer_start(&webhooks->retry, on_retry, (uint64_t)wait_ms, 0);
}

static void pump_all(struct webhooks *webhooks)
{
    if (webhooks->is_stopping) {
        return;
    }
    refresh_durable(webhooks);
    for (uint32_t i = 0; i < webhooks->registry.endpoints_count; i++) {
        pump_one(webhooks, webhooks->registry.endpoints[i]);
    }
    arm(webhooks);
    registry_measure(&webhooks->registry);
}

static void on_retry(uv_timer_t *timer)
{
    pump_all(timer->data);
}

static void close_down(struct webhooks *webhooks)
{
    if (webhooks->is_closing) {
        return;
    }
    webhooks->is_closing = true;
    /* Before deliveries in progress are cancelled. */
    (void)!registry_save(&webhooks->registry, true, NULL);
    registry_clear(&webhooks->registry);
    transport_stop(webhooks->registry.host.transport);
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
    if (webhooks->registry.host.sent_count == 0) {
        close_down(webhooks);
    } else {
        (void)uv_timer_start(&webhooks->patience, on_patience, PATIENCE_MS, 0);
    }
}

static void on_ended(struct endpoint *endpoint, enum disable_reason reason)
{
    struct webhooks *webhooks = endpoint->host->user;
    /* Several requests were under way: the first one has disabled it. */
    if (reason != DISABLED_NOT && endpoint->reason == DISABLED_NOT) {
        registry_disable(&webhooks->registry, endpoint, reason);
        (void)uv_async_send(&webhooks->wake); /* others are told */
    }
    if (!webhooks->is_stopping) {
        refresh_durable(webhooks);
        pump_one(webhooks, endpoint);
        arm(webhooks);
    } else if (webhooks->registry.host.sent_count == 0) {
        (void)uv_timer_start(&webhooks->patience, on_patience, 0, 0);
    }
}

static bool on_save_needed(struct endpoint_host *host)
{
    struct webhooks *webhooks = host->user;
    return registry_save(&webhooks->registry, false, NULL) == 0;
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

static void on_test(struct endpoint_host *host, struct webhooks_job *job,
                    const struct message *message)
{
    const struct webhooks *webhooks = host->user;
    if (message != NULL) {
        controller_answer_test(job, message);
    } else {
        controller_answer_lost(job, webhooks->is_stopping ? BS_NOT_READY : BS_UNKNOWN_WEBHOOK);
    }
}

/* If the thread was busy, only the last news counts. */
static void take_disk_news(struct webhooks *webhooks)
{
    pthread_mutex_lock(&webhooks->mutex);
    bool has_news = webhooks->has_disk_news;
    struct disk_state disk = webhooks->disk;
    webhooks->has_disk_news = false;
    pthread_mutex_unlock(&webhooks->mutex);
    if (has_news) {
        registry_tell_disk(&webhooks->registry, &disk);
    }
}

static void on_wake(uv_async_t *handle)
{
    struct webhooks *webhooks = handle->data;
    bool stops = atomic_load(&webhooks->stop);
    struct webhooks_job *job = take_jobs(webhooks);
    refresh_durable(webhooks);
    while (job != NULL) {
        struct webhooks_job *next = job->next;
        if (stops) {
            controller_answer_lost(job, BS_NOT_READY);
        } else {
            controller_answer(&webhooks->registry, job);
        }
        job = next;
    }
    if (stops) {
        begin_stop(webhooks);
    } else {
        take_disk_news(webhooks);
        pump_all(webhooks);
    }
}

void webhooks_wake(struct webhooks *webhooks)
{
    (void)uv_async_send(&webhooks->wake);
}

void webhooks_tell_disk(struct webhooks *webhooks, const struct disk_state *disk)
{
    pthread_mutex_lock(&webhooks->mutex);
    webhooks->disk = *disk;
    webhooks->has_disk_news = true;
    pthread_mutex_unlock(&webhooks->mutex);
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
    (void)uv_async_send(&webhooks->wake); /* messages that the last run left */
    (void)uv_run(&webhooks->loop, UV_RUN_DEFAULT);
    return NULL;
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
    struct endpoint_host *host = &webhooks->registry.host;
    host->user = webhooks;
    host->on_ended = on_ended;
    host->on_test = on_test;
    host->save = on_save_needed;
    host->durable = core_durable_ordinal(webhooks->core);
    int code = log_reader_open(&host->reader, log, error);
    if (code == 0) {
        host->log = log_reader_identity(host->reader);
        code = registry_open(&webhooks->registry, options, error);
    }
    code = code == 0 ? registry_restore(&webhooks->registry, error) : code;
    return code == 0 ? transport_new(&host->transport, &webhooks->loop, &transport, error) : code;
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
    registry_close(&webhooks->registry);
    transport_free(webhooks->registry.host.transport);
    log_reader_close(webhooks->registry.host.reader);
    (void)uv_loop_close(&webhooks->loop);
    pthread_mutex_destroy(&webhooks->mutex);
    free(webhooks);
}

int webhooks_new(struct webhooks **ret_webhooks, struct core *core, struct command_log *log,
                 const struct webhooks_options *options, char error[LOG_ERROR_SIZE])
{
    struct webhooks *webhooks = calloc(1, sizeof(*webhooks));
    if (webhooks == NULL || uv_loop_init(&webhooks->loop) != 0) {
        (void)snprintf(error, LOG_ERROR_SIZE, "out of memory for webhooks");
        free(webhooks);
        return -ENOMEM;
    }
    webhooks->core = core;
    webhooks->options = *options;
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
