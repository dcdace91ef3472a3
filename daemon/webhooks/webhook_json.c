/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/webhooks/webhook_json.h"

#include <inttypes.h>

#include "api/json_state.h"
#include "api/json_writer.h"
#include "daemon/webhooks/clock.h"

static void member_bool(struct buffer *out, const char *name, bool value)
{
    member_name(out, name);
    buffer_text(out, value ? "true" : "false");
}

static void member_time_or_null(struct buffer *out, const char *name, int64_t wall_ms)
{
    if (wall_ms == 0) {
        member_null(out, name);
    } else {
        member_time(out, name, wall_ms);
    }
}

static void member_cursor(struct buffer *out, const char *name, const char *log, uint64_t ordinal)
{
    member_name(out, name);
    buffer_text(out, "\"");
    api_cursor_print(out, log, ordinal);
    buffer_text(out, "\"");
}

/* All notices up to there are done. In parallel order, some after it may be done too. */
static uint64_t done_cursor(const struct lane *lane)
{
    return lane->first == NULL                   ? lane->position
           : lane->first->previous > lane->start ? lane->first->previous
                                                 : lane->start;
}

static void write_progress(struct buffer *out, const struct endpoint *endpoint)
{
    const struct lane *live = &endpoint->lanes[LANE_LIVE];
    const struct message *head = live->first;
    const char *log = endpoint->host->log;
    assert(live->position <= endpoint->host->durable);
    uint64_t behind = endpoint->host->durable - live->position + live->count;
    bool waits =
        head != NULL && head->due_ms > clock_monotonic_ms() && endpoint->reason == DISABLED_NOT;
    member_cursor(out, "cursor", log, done_cursor(live));
    member_integer(out, "behind", behind);
    member_integer(out, "failed_attempts", head == NULL ? 0 : head->failures);
    member_time_or_null(out, "next_attempt",
                        waits ? head->due_ms - clock_monotonic_ms() + clock_wall_ms() : 0);
    member_time_or_null(out, "failing_since", endpoint->failing_since_ms);
    member_word(out, "last_error", endpoint->last_error[0] == '\0' ? NULL : endpoint->last_error);
    const struct lane *replay = &endpoint->lanes[LANE_REPLAY];
    member_name(out, "redelivery");
    if (!replay->is_open) {
        buffer_text(out, "null");
        return;
    }
    buffer_text(out, "{");
    member_cursor(out, "from", log, replay->start + 1);
    member_cursor(out, "to", log, replay->until);
    member_cursor(out, "cursor", log, done_cursor(replay));
    buffer_text(out, "}");
}

static void write_keys(struct buffer *out, const struct endpoint *endpoint, bool shows_secret)
{
    char text[SIGNER_TEXT_SIZE];
    bool is_public = endpoint->asked.signature == API_ED25519;
    assert(endpoint->secrets_count > 0);
    signer_key_print(&endpoint->secrets[0].key, text);
    if (is_public) {
        member_word(out, "public_key", text);
    } else if (shows_secret) {
        member_word(out, "secret", text);
    }
    member_name(out, "earlier_keys");
    buffer_text(out, "[");
    for (uint32_t i = 1; i < endpoint->secrets_count; i++) {
        buffer_text(out, i == 1 ? "{" : ",{");
        if (is_public) {
            signer_key_print(&endpoint->secrets[i].key, text);
            member_word(out, "public_key", text);
        }
        member_time(out, "valid_until", endpoint->secrets[i].until_ms);
        buffer_text(out, "}");
    }
    buffer_text(out, "]");
}

void webhook_json_endpoint(struct buffer *out, const struct endpoint *endpoint, bool shows_secret)
{
    const struct api_webhook *asked = &endpoint->asked;
    bool is_disabled = endpoint->reason != DISABLED_NOT;
    buffer_text(out, "{");
    member_word(out, "id", endpoint->id);
    member_word(out, "url", asked->url);
    api_webhook_filter(out, asked);
    member_word(out, "order", api_webhook_order_name(asked->order));
    member_integer(out, "batch_max", asked->batch_max);
    member_word(out, "signature", api_webhook_signature_name(asked->signature));
    write_keys(out, endpoint, shows_secret);
    member_time(out, "created_at", endpoint->created_ms);
    member_word(out, "state", is_disabled ? "disabled" : "enabled");
    member_word(out, "disabled_reason", disable_reason_name(endpoint->reason));
    member_time_or_null(out, "disabled_at", endpoint->disabled_ms);
    write_progress(out, endpoint);
    buffer_text(out, "}");
}

void webhook_json_attempt(struct buffer *out, const struct attempt *attempt, const char *log)
{
    buffer_text(out, "{");
    member_integer(out, "delivery", attempt->number);
    member_word(out, "id", attempt->id);
    member_word(out, "type",
                attempt->first != attempt->last ? "actions.batch" : api_event_name(attempt->event));
    if (attempt->first != 0) {
        member_cursor(out, "from", log, attempt->first);
        member_cursor(out, "to", log, attempt->last);
    }
    member_integer(out, "attempt", attempt->try_number);
    member_time(out, "time", attempt->time_ms);
    member_bool(out, "delivered", attempt->latency_ms >= 0);
    if (attempt->status != 0) {
        member_integer(out, "status", (uint64_t)attempt->status);
    } else {
        member_null(out, "status");
    }
    member_word(out, "error", attempt->error[0] == '\0' ? NULL : attempt->error);
    member_name(out, "duration_ms");
    buffer_printf(out, "%" PRIu64 ".%03" PRIu64, attempt->duration_us / 1000,
                  attempt->duration_us % 1000);
    if (attempt->latency_ms >= 0) {
        member_integer(out, "latency_ms", (uint64_t)attempt->latency_ms);
    } else {
        member_null(out, "latency_ms");
    }
    member_time_or_null(out, "next_attempt", attempt->next_ms);
    buffer_text(out, "}");
}

void webhook_json_test(struct buffer *out, const struct message *message)
{
    const struct transport_call *call = &message->call;
    buffer_text(out, "{");
    member_word(out, "id", message->id);
    member_bool(out, "delivered", call->status >= 200 && call->status < 300);
    if (call->status != 0) {
        member_integer(out, "status", (uint64_t)call->status);
    } else {
        member_null(out, "status");
    }
    member_word(out, "error", call->error[0] == '\0' ? NULL : call->error);
    member_name(out, "duration_ms");
    buffer_printf(out, "%" PRIu64 ".%03" PRIu64 "}", call->duration_us / 1000,
                  call->duration_us % 1000);
}
