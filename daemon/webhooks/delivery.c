/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/webhooks/delivery.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>

#include "daemon/logger/logger.h"
#include "daemon/webhooks/clock.h"
#include "daemon/webhooks/ladder.h"

#define STATUS_GONE 410
#define NOT_SENT_MS 1000 /* until the next try of a message that could not be saved or signed */
#define FLAKY_MS 10000   /* a receiver that accepted a notice this recently is not down */
#define SPARED_MAX 10    /* failures of one notice that FLAKY_MS excuses */

static uint32_t random32(void)
{
    uint32_t random = 0;
    return getrandom(&random, sizeof(random), 0) == (ssize_t)sizeof(random) ? random : 0;
}

/* In order, a notice holds up the urgent ones after it, so it is as urgent as they are. */
static enum ladder ladder_of(const struct message *message)
{
    const struct lane *lane = message->lane;
    const struct api_webhook *asked = &lane->endpoint->asked;
    if (lane->kind == LANE_OTHER) {
        return LADDER_STANDARD;
    }
    bool waits_for_it = asked->order == API_IN_ORDER || asked->batch_max > 1;
    uint64_t events = waits_for_it ? asked->events : API_EVENT_BIT(message->event);
    return api_events_urgent(events) ? LADDER_URGENT : LADDER_STANDARD;
}

/*
 * Minutes of silence do not help a receiver that takes some notices and fails others. If it took
 * one within FLAKY_MS, an urgent notice is tried again after the first step and does not climb.
 */
static int64_t next_delay_ms(struct message *message)
{
    const struct endpoint *endpoint = message->lane->endpoint;
    enum ladder ladder = ladder_of(message);
    int64_t retry_after_ms = message->call.retry_after_ms;
    bool is_flaky = ladder == LADDER_URGENT && endpoint->taken_ms != 0 &&
                    clock_monotonic_ms() - endpoint->taken_ms < FLAKY_MS &&
                    message->spared < SPARED_MAX;
    if (is_flaky) {
        message->spared++;
        return ladder_delay_ms(ladder, 1, retry_after_ms, random32());
    }
    return ladder_delay_ms(ladder, message->failures - message->spared, retry_after_ms, random32());
}

/* ---- the outcome ---- */

static void remember(struct message *message, int64_t next_ms, int64_t latency_ms)
{
    struct endpoint *endpoint = message->lane->endpoint;
    const struct transport_call *call = &message->call;
    struct attempt *attempt = calloc(1, sizeof(*attempt));
    if (attempt == NULL) {
        return; /* the history lacks this attempt */
    }
    *attempt = (struct attempt){
        .first = message->first,
        .last = message->last,
        .event = message->event,
        .try_number = message->failures + (latency_ms < 0 ? 0 : 1),
        .time_ms = message->sent_ms,
        .duration_us = call->duration_us,
        .latency_ms = latency_ms,
        .status = call->status,
        .next_ms = next_ms,
    };
    memcpy(attempt->id, message->id, sizeof(attempt->id));
    memcpy(attempt->error, call->error, sizeof(attempt->error));
    endpoint_remember(endpoint, attempt);
}

static void end_test(struct message *message)
{
    struct endpoint_host *host = message->lane->endpoint->host;
    struct webhooks_job *job = message->job;
    message->job = NULL;
    host->on_test(host, job, message);
}

static void on_delivered(struct message *message)
{
    struct lane *lane = message->lane;
    struct endpoint *endpoint = lane->endpoint;
    int64_t latency_ms = clock_wall_ms() - message->time_ms;
    latency_ms = latency_ms > 0 ? latency_ms : 0;
    counters_delivered(&endpoint->host->counters, latency_ms);
    remember(message, 0, latency_ms);
    endpoint->failing_since_ms = 0;
    endpoint->taken_ms =
        message->lane->kind == LANE_OTHER ? endpoint->taken_ms : clock_monotonic_ms();
    lane_touch(message);
    if (message->job != NULL) {
        end_test(message);
    }
    lane_remove(lane, message);
}

static void set_last_error(struct endpoint *endpoint, const struct transport_call *call)
{
    if (call->status != 0) {
        (void)snprintf(endpoint->last_error, sizeof(endpoint->last_error), "answered %d",
                       call->status);
    } else {
        (void)snprintf(endpoint->last_error, sizeof(endpoint->last_error), "%s", call->error);
    }
}

static bool fails_for_long(const struct endpoint *endpoint)
{
    int64_t allowed_ms = (int64_t)endpoint->host->disable_after_s * 1000;
    return endpoint_failed_ms(endpoint) >= allowed_ms;
}

/* Whether the endpoint is to be disabled, and why. */
static enum disable_reason on_failed(struct message *message)
{
    struct lane *lane = message->lane;
    struct endpoint *endpoint = lane->endpoint;
    const struct transport_call *call = &message->call;
    int64_t wall_ms = clock_wall_ms();
    counters_failed(&endpoint->host->counters, call);
    message->failures++;
    assert(message->spared < message->failures);
    lane_touch(message);
    set_last_error(endpoint, call);
    if (message->job != NULL) { /* a test reports only its outcome */
        remember(message, 0, -1);
        end_test(message);
        lane_remove(lane, message);
        return DISABLED_NOT;
    }
    endpoint_note_failure(endpoint, (int64_t)(call->duration_us / 1000));
    int64_t delay_ms = next_delay_ms(message);
    bool is_over = delay_ms < 0 || call->status == STATUS_GONE || fails_for_long(endpoint);
    remember(message, is_over ? 0 : wall_ms + delay_ms, -1);
    if (!is_over) {
        message->due_ms = clock_monotonic_ms() + delay_ms;
        logger_write(LOGGER_WARN, "webhooks", "a notice was not accepted",
                     LOGGER_FIELDS(logger_string("endpoint", endpoint->id),
                                   logger_string("id", message->id),
                                   logger_string("error", endpoint->last_error),
                                   logger_uint("attempt", message->failures),
                                   logger_int("again_in_ms", delay_ms)));
        return DISABLED_NOT;
    }
    return call->status == STATUS_GONE ? DISABLED_GONE
           : delay_ms < 0              ? DISABLED_EXHAUSTED
                                       : DISABLED_FAILING;
}

static void on_done(struct transport_call *call)
{
    struct message *message = call->user;
    struct endpoint *endpoint = message->lane->endpoint;
    assert(call == &message->call);
    enum disable_reason reason = DISABLED_NOT;
    lane_ended(message);
    endpoint->is_dirty = true;
    if (call->status >= 200 && call->status < 300) {
        on_delivered(message);
    } else {
        reason = on_failed(message);
    }
    endpoint->host->on_ended(endpoint, reason);
}

/* ---- sending ---- */

static int sign(struct message *message, int64_t timestamp_s)
{
    struct endpoint *endpoint = message->lane->endpoint;
    const struct signer_content content = {.id = message->id,
                                           .timestamp_s = timestamp_s,
                                           .body = message->call.body,
                                           .body_size = message->call.body_size};
    int code = 0;
    buffer_clear(&message->signature);
    buffer_text(&message->signature, "webhook-signature: ");
    for (uint32_t i = 0; code == 0 && i < endpoint->secrets_count; i++) {
        if (i > 0) {
            buffer_text(&message->signature, " ");
        }
        code = signer_sign(&endpoint->secrets[i].key, &content, &message->signature);
    }
    return code;
}

/* A batch ends where it is sent; until then it may grow. */
static void wrap(struct message *message)
{
    message->call.body = message->body.bytes;
    message->call.body_size = message->body.size;
    if (message->first != 0 && message->lane->endpoint->asked.batch_max > 1) {
        buffer_clear(&message->wrapped);
        buffer_append(&message->wrapped, message->body.bytes, message->body.size);
        api_batch_end(&message->wrapped, message->time_ms);
        message->call.body = message->wrapped.bytes;
        message->call.body_size = message->wrapped.size;
    }
}

/* The contents of a batch are saved before its id becomes visible. */
static bool save_batch(struct message *message)
{
    struct lane *lane = message->lane;
    if (message->first == message->last || lane_saves(lane, message)) {
        return true;
    }
    uint64_t touched = lane->touched;
    lane_touch(message);
    lane->endpoint->is_dirty = true;
    if (lane->endpoint->host->save(lane->endpoint->host)) {
        return true;
    }
    lane->touched = touched;
    return false;
}

void delivery_send(struct message *message)
{
    struct endpoint *endpoint = message->lane->endpoint;
    struct transport_call *call = &message->call;
    assert(!message->is_sent);
    message->sent_ms = clock_wall_ms();
    if (!save_batch(message)) {
        message->due_ms = clock_monotonic_ms() + NOT_SENT_MS;
        return;
    }
    wrap(message);
    endpoint_expire_secrets(endpoint, message->sent_ms);
    if (message->wrapped.failed || sign(message, message->sent_ms / 1000) != 0) {
        logger_write(LOGGER_ERROR, "webhooks", "a notice cannot be signed",
                     LOGGER_FIELDS(logger_string("endpoint", endpoint->id)));
        message->due_ms = clock_monotonic_ms() + NOT_SENT_MS;
        return;
    }
    (void)snprintf(message->id_header, sizeof(message->id_header), "webhook-id: %s", message->id);
    (void)snprintf(message->time_header, sizeof(message->time_header),
                   "webhook-timestamp: %" PRId64, message->sent_ms / 1000);
    call->url = endpoint->asked.url;
    call->headers[0] = message->id_header;
    call->headers[1] = message->time_header;
    call->headers[2] = message->signature.bytes;
    call->done = on_done;
    call->user = message;
    lane_sent(message);
    transport_send(endpoint->host->transport, call);
}
