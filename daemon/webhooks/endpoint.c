/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/webhooks/endpoint.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "api/json_state.h"
#include "api/json_writer.h"
#include "daemon/webhooks/clock.h"

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

struct endpoint *endpoint_new(struct endpoint_host *host)
{
    struct endpoint *endpoint = calloc(1, sizeof(*endpoint));
    if (endpoint == NULL) {
        return NULL;
    }
    endpoint->host = host;
    for (uint8_t kind = 0; kind < LANE_COUNT; kind++) {
        endpoint->lanes[kind] = (struct lane){.endpoint = endpoint, .kind = kind};
    }
    endpoint->lanes[LANE_LIVE].is_open = true;
    endpoint->lanes[LANE_LIVE].until = UINT64_MAX;
    return endpoint;
}

void endpoint_check(const struct endpoint *endpoint)
{
    assert(endpoint->id[0] != '\0');
    assert(endpoint->secrets_count > 0);
    assert(endpoint->secrets_count <= ENDPOINT_SECRETS_MAX);
    assert(endpoint->secrets[0].until_ms == 0); /* the one that signs stays */
    assert((endpoint->reason == DISABLED_NOT) == (endpoint->disabled_ms == 0));
    assert((endpoint->unsaved == NULL) == (endpoint->unsaved_last == NULL));
    assert(endpoint->unsaved == NULL || endpoint->unsaved_last->number == endpoint->attempts_count);
    for (uint32_t kind = 0; kind < LANE_COUNT; kind++) {
        assert(endpoint->lanes[kind].kind == kind);
        lane_check(&endpoint->lanes[kind]);
    }
    assert(!endpoint->lanes[LANE_OTHER].is_open);
}

/* ---- attempts ---- */

static void forget_attempts(struct endpoint *endpoint)
{
    while (endpoint->unsaved != NULL) {
        struct attempt *next = endpoint->unsaved->next;
        free(endpoint->unsaved);
        endpoint->unsaved = next;
    }
    endpoint->unsaved_last = NULL;
}

void endpoint_remember(struct endpoint *endpoint, struct attempt *attempt)
{
    assert(attempt->next == NULL);
    attempt->number = ++endpoint->attempts_count;
    if (endpoint->unsaved == NULL) {
        endpoint->unsaved = attempt;
    } else {
        assert(endpoint->unsaved_last->number < attempt->number);
        endpoint->unsaved_last->next = attempt;
    }
    endpoint->unsaved_last = attempt;
    endpoint->is_dirty = true;
}

void endpoint_saved(struct endpoint *endpoint)
{
    forget_attempts(endpoint);
    endpoint->is_dirty = false;
}

void endpoint_free(struct endpoint *endpoint)
{
    for (uint32_t kind = 0; kind < LANE_COUNT; kind++) {
        lane_clear(&endpoint->lanes[kind]);
    }
    forget_attempts(endpoint);
    free(endpoint);
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

/* A message without a body; NULL if the endpoint did not ask for the event, or has no room. */
static struct message *add_news(struct endpoint *endpoint, enum api_event event, int64_t time_ms)
{
    struct lane *lane = &endpoint->lanes[LANE_OTHER];
    bool is_asked = (endpoint->asked.events & API_EVENT_BIT(event)) != 0;
    if (!is_asked || lane->count >= ENDPOINT_OTHER_MAX) {
        return NULL;
    }
    struct message *message = lane_add(lane);
    if (message == NULL) {
        return NULL;
    }
    message->event = (uint8_t)event;
    message->time_ms = time_ms;
    endpoint->is_dirty = true;
    return message;
}

/* News that have no memory are dropped, as when there is no room. */
static void end_news(struct message *message)
{
    struct lane *lane = message->lane;
    if (message->body.failed) {
        message->body.size = 0;
        lane_remove(lane, message);
        return;
    }
    lane->size += message->body.size;
    lane_check(lane);
}

void endpoint_tell_disabled(struct endpoint *endpoint, const struct endpoint *disabled)
{
    assert(endpoint != disabled);
    assert(disabled->reason != DISABLED_NOT);
    struct message *message =
        add_news(endpoint, API_EVENT_ENDPOINT_DISABLED, disabled->disabled_ms);
    if (message != NULL) {
        (void)snprintf(message->id, sizeof(message->id), "dis_%s_%" PRId64, disabled->id,
                       disabled->disabled_ms);
        write_disabled(disabled, &message->body);
        end_news(message);
    }
}

static void write_disk(const struct disk_state *disk, int64_t time_ms, struct buffer *out)
{
    buffer_text(out, "{");
    member_word(out, "type", api_event_name(API_EVENT_DISK));
    member_time(out, "timestamp", time_ms);
    member_name(out, "data");
    buffer_text(out, "{");
    member_word(out, "level", disk_level_name(disk->level));
    member_integer(out, "used_percent", disk->used_ppm / 10000);
    member_integer(out, "free_bytes", disk->room.free);
    member_word(out, "writes", disk->is_low ? "refused" : "taken");
    buffer_text(out, "}}");
}

void endpoint_tell_disk(struct endpoint *endpoint, const struct disk_state *disk, int64_t time_ms)
{
    struct message *message = add_news(endpoint, API_EVENT_DISK, time_ms);
    if (message != NULL) {
        (void)snprintf(message->id, sizeof(message->id), "disk_%" PRId64, time_ms);
        write_disk(disk, time_ms, &message->body);
        end_news(message);
    }
}

int64_t endpoint_failed_ms(const struct endpoint *endpoint)
{
    return endpoint->failing_since_ms == 0
               ? 0
               : endpoint->failed_ms + clock_monotonic_ms() - endpoint->failing_from_ms;
}

void endpoint_note_failure(struct endpoint *endpoint, int64_t duration_ms)
{
    assert(duration_ms >= 0);
    if (endpoint->failing_since_ms == 0) {
        endpoint->failing_since_ms = clock_wall_ms() - duration_ms;
        endpoint->failing_from_ms = clock_monotonic_ms() - duration_ms;
        endpoint->failed_ms = 0;
    }
}

void endpoint_disable(struct endpoint *endpoint, enum disable_reason reason)
{
    assert(endpoint->reason == DISABLED_NOT);
    assert(reason != DISABLED_NOT);
    endpoint->reason = (uint8_t)reason;
    endpoint->disabled_ms = clock_wall_ms();
    endpoint->is_dirty = true;
    endpoint_check(endpoint);
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
    endpoint_check(endpoint);
}

void endpoint_expire_secrets(struct endpoint *endpoint, int64_t wall_ms)
{
    uint32_t count = 1;
    assert(endpoint->secrets_count > 0);
    for (uint32_t i = 1; i < endpoint->secrets_count; i++) {
        if (endpoint->secrets[i].until_ms > wall_ms) {
            endpoint->secrets[count++] = endpoint->secrets[i];
        }
    }
    endpoint->is_dirty = endpoint->is_dirty || count != endpoint->secrets_count;
    endpoint->secrets_count = count;
    endpoint_check(endpoint);
}

void endpoint_rotate(struct endpoint *endpoint, const struct signer_key *key, uint32_t overlap_s)
{
    uint32_t kept = overlap_s > 0 ? endpoint->secrets_count : 0;
    assert(kept < ENDPOINT_SECRETS_MAX);
    for (uint32_t i = kept; i > 0; i--) {
        endpoint->secrets[i] = endpoint->secrets[i - 1];
    }
    endpoint->secrets[0] = (struct endpoint_secret){.key = *key};
    endpoint->secrets_count = 1 + kept;
    if (kept > 0) {
        endpoint->secrets[1].until_ms = clock_wall_ms() + (int64_t)overlap_s * 1000;
    }
    endpoint->is_dirty = true;
    endpoint_check(endpoint);
}

/* ---- on request ---- */

bool endpoint_test(struct endpoint *endpoint, struct webhooks_job *job)
{
    struct lane *lane = &endpoint->lanes[LANE_OTHER];
    struct message *message = lane_add(lane);
    if (message == NULL) {
        return false;
    }
    struct buffer *out = &message->body;
    message->event = API_EVENT_TEST;
    message->time_ms = clock_wall_ms();
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
    if (out->failed) {
        out->size = 0;
        lane_remove(lane, message);
        return false;
    }
    message->job = job;
    lane->size += out->size;
    endpoint->is_dirty = true;
    lane_check(lane);
    return true;
}

int endpoint_redeliver(struct endpoint *endpoint, const struct api_redeliver *asked,
                       char error[LOG_ERROR_SIZE])
{
    struct lane *lane = &endpoint->lanes[LANE_REPLAY];
    assert(!lane->is_open);
    assert(lane->first == NULL);
    assert(asked->from.ordinal > 0);
    assert(asked->from.ordinal <= asked->to.ordinal);
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
        lane_check(lane);
    }
    return code;
}
