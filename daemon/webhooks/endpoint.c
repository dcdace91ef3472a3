/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/webhooks/endpoint.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "api/json_state.h"
#include "api/json_writer.h"
#include "daemon/logger/logger.h"
#include "daemon/webhooks/internal.h"

const char *disable_reason_name(uint8_t reason)
{
    static const char *const names[] = {
        [DISABLED_NOT] = NULL,
        [DISABLED_GONE] = "gone",
        [DISABLED_EXHAUSTED] = "exhausted",
        [DISABLED_FAILING] = "failing",
    };
    return reason < sizeof(names) / sizeof(names[0]) ? names[reason] : NULL;
}

struct endpoint *endpoint_new(struct webhooks *webhooks)
{
    struct endpoint *endpoint = calloc(1, sizeof(*endpoint));
    if (endpoint == NULL) {
        (void)fputs("out of memory: a webhook endpoint\n", stderr);
        abort();
    }
    endpoint->webhooks = webhooks;
    for (uint8_t kind = 0; kind < LANE_COUNT; kind++) {
        endpoint->lanes[kind] = (struct lane){.endpoint = endpoint, .kind = kind};
    }
    endpoint->lanes[LANE_LIVE].is_open = true;
    endpoint->lanes[LANE_LIVE].until = UINT64_MAX;
    return endpoint;
}

void endpoint_free(struct endpoint *endpoint)
{
    for (uint32_t kind = 0; kind < LANE_COUNT; kind++) {
        lane_clear(&endpoint->lanes[kind]);
    }
    while (endpoint->unsaved != NULL) {
        struct attempt *next = endpoint->unsaved->next;
        free(endpoint->unsaved);
        endpoint->unsaved = next;
    }
    free(endpoint);
}

/* ---- sending what is due ---- */

static uint32_t sent_max(const struct lane *lane)
{
    const struct endpoint *endpoint = lane->endpoint;
    if (lane->kind == LANE_OTHER || endpoint->asked.order == API_PARALLEL) {
        return endpoint->webhooks->options.parallel_max;
    }
    return 1;
}

static void send_due(struct lane *lane, int64_t now_ms)
{
    bool is_in_order = sent_max(lane) == 1;
    bool is_disabled = lane->endpoint->reason != DISABLED_NOT;
    for (struct message *message = lane->first; message != NULL; message = message->next) {
        if (lane->sent_count >= sent_max(lane)) {
            return;
        }
        bool may_go = !message->is_sent && message->due_ms <= now_ms;
        if (may_go && (!is_disabled || message->job != NULL)) {
            delivery_send(message);
        }
        if (is_in_order) {
            return;
        }
    }
}

static void end_replay(struct lane *lane)
{
    if (lane->is_open && lane->first == NULL && lane->position >= lane->until) {
        lane->is_open = false;
        lane->endpoint->is_dirty = true;
        logger_write(LOGGER_INFO, "webhooks", "a redelivery is done",
                     LOGGER_FIELDS(logger_string("endpoint", lane->endpoint->id),
                                   logger_uint("from", lane->start + 1),
                                   logger_uint("to", lane->until)));
    }
}

void endpoint_pump(struct endpoint *endpoint)
{
    struct webhooks *webhooks = endpoint->webhooks;
    int64_t now_ms = webhooks_now_ms();
    if (webhooks->is_stopping) {
        return;
    }
    bool has_more = false;
    for (uint32_t kind = 0; kind < LANE_COUNT; kind++) {
        struct lane *lane = &endpoint->lanes[kind];
        send_due(lane, now_ms); /* first: the log can be read while it is under way */
        if (endpoint->reason == DISABLED_NOT && kind != LANE_OTHER) {
            bool was_empty = lane->first == NULL;
            has_more = lane_fill(lane) || has_more;
            if (was_empty) {
                send_due(lane, now_ms);
            }
        }
    }
    end_replay(&endpoint->lanes[LANE_REPLAY]);
    if (has_more) {
        (void)uv_async_send(&webhooks->wake); /* after the others */
    }
    if (endpoint->is_dirty) {
        webhooks_save_later(webhooks);
    }
}

int64_t endpoint_due_ms(const struct endpoint *endpoint)
{
    int64_t due_ms = INT64_MAX;
    if (endpoint->reason != DISABLED_NOT) {
        return due_ms;
    }
    for (uint32_t kind = 0; kind < LANE_COUNT; kind++) {
        const struct lane *lane = &endpoint->lanes[kind];
        const struct message *message = lane->first;
        for (; message != NULL && lane->sent_count < sent_max(lane); message = message->next) {
            if (!message->is_sent && message->due_ms < due_ms) {
                due_ms = message->due_ms;
            }
            if (sent_max(lane) == 1) {
                break;
            }
        }
    }
    return due_ms;
}

/* ---- enabled and disabled ---- */

static void write_disabled(const struct endpoint *endpoint, struct buffer *out)
{
    buffer_text(out, "{");
    member_word(out, "type", api_event_name(API_EVENT_ENDPOINT_DISABLED));
    member_time(out, "timestamp", endpoint->disabled_ms);
    member_name(out, "data");
    buffer_text(out, "{");
    member_word(out, "webhook", endpoint->id);
    member_word(out, "url", endpoint->asked.url);
    member_word(out, "reason", disable_reason_name(endpoint->reason));
    member_word(out, "last_error", endpoint->last_error);
    buffer_text(out, "}}");
}

/*
 * The event for endpoints that subscribed to it; it is saved together with the state of the
 * endpoint.
 */
static void tell_others(const struct endpoint *disabled)
{
    struct webhooks *webhooks = disabled->webhooks;
    for (uint32_t i = 0; i < webhooks->endpoints_count; i++) {
        struct endpoint *other = webhooks->endpoints[i];
        struct lane *lane = &other->lanes[LANE_OTHER];
        bool is_asked = (other->asked.events & API_EVENT_BIT(API_EVENT_ENDPOINT_DISABLED)) != 0;
        if (other == disabled || !is_asked || lane->count >= ENDPOINT_OTHER_MAX) {
            continue;
        }
        struct message *message = lane_add(lane);
        message->event = API_EVENT_ENDPOINT_DISABLED;
        message->time_ms = disabled->disabled_ms;
        (void)snprintf(message->id, sizeof(message->id), "dis_%s_%" PRId64, disabled->id,
                       disabled->disabled_ms);
        write_disabled(disabled, &message->body);
        lane->size += message->body.size;
        other->is_dirty = true;
    }
    (void)uv_async_send(&webhooks->wake);
}

void endpoint_disable(struct endpoint *endpoint, enum disable_reason reason)
{
    if (endpoint->reason != DISABLED_NOT) {
        return; /* another request that was under way */
    }
    endpoint->reason = (uint8_t)reason;
    endpoint->disabled_ms = webhooks_wall_ms();
    endpoint->is_dirty = true;
    webhooks_count_disabled(endpoint->webhooks);
    logger_write(LOGGER_ERROR, "webhooks", "a webhook endpoint is disabled",
                 LOGGER_FIELDS(logger_string("endpoint", endpoint->id),
                               logger_string("url", endpoint->asked.url),
                               logger_string("reason", disable_reason_name(endpoint->reason)),
                               logger_string("last_error", endpoint->last_error)));
    tell_others(endpoint);
    /* Now: the event has its id of this moment, and may be on its way in the next one. */
    (void)webhooks_save(endpoint->webhooks, true);
}

void endpoint_enable(struct endpoint *endpoint)
{
    endpoint->reason = DISABLED_NOT;
    endpoint->disabled_ms = 0;
    endpoint->failing_since_ms = 0;
    endpoint->is_dirty = true;
    for (uint32_t kind = 0; kind < LANE_COUNT; kind++) {
        struct message *message = endpoint->lanes[kind].first;
        for (; message != NULL; message = message->next) {
            message->failures = 0;
            message->spared = 0;
            message->due_ms = 0;
        }
    }
}

void endpoint_expire_secrets(struct endpoint *endpoint, int64_t wall_ms)
{
    uint32_t count = 1;
    for (uint32_t i = 1; i < endpoint->secrets_count; i++) {
        if (endpoint->secrets[i].until_ms > wall_ms) {
            endpoint->secrets[count++] = endpoint->secrets[i];
        }
    }
    endpoint->is_dirty = endpoint->is_dirty || count != endpoint->secrets_count;
    endpoint->secrets_count = count;
}

/* ---- on request ---- */

void endpoint_test(struct endpoint *endpoint, struct webhooks_job *job)
{
    struct lane *lane = &endpoint->lanes[LANE_OTHER];
    struct message *message = lane_add(lane);
    struct buffer *out = &message->body;
    message->event = API_EVENT_TEST;
    message->time_ms = webhooks_wall_ms();
    message->job = job;
    (void)snprintf(message->id, sizeof(message->id), "test_%s_%" PRId64 "_%" PRIu64, endpoint->id,
                   message->time_ms, ++endpoint->tests_count);
    buffer_text(out, "{");
    member_word(out, "type", api_event_name(API_EVENT_TEST));
    member_time(out, "timestamp", message->time_ms);
    member_name(out, "data");
    buffer_text(out, "{");
    member_word(out, "webhook", endpoint->id);
    member_word(out, "message", "a test: it has no action");
    buffer_text(out, "}}");
    lane->size += out->size;
    endpoint->is_dirty = true;
    endpoint_pump(endpoint);
}

int endpoint_redeliver(struct endpoint *endpoint, const struct api_redeliver *asked,
                       char error[LOG_ERROR_SIZE])
{
    struct lane *lane = &endpoint->lanes[LANE_REPLAY];
    uint64_t live_start = endpoint->lanes[LANE_LIVE].start;
    uint64_t start = asked->from.ordinal > live_start ? live_start : 0;
    uint64_t previous = 0;
    int code = lane_previous(endpoint, asked->from.ordinal, start, &previous, error);
    if (code == 0) {
        lane->is_open = true;
        lane->start = asked->from.ordinal - 1;
        lane->position = asked->from.ordinal - 1;
        lane->until = asked->to.ordinal;
        lane->previous = previous;
        lane->touched = 0;
        endpoint->is_dirty = true;
    }
    return code;
}
