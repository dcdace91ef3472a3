/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/webhooks/pump.h"

#include "daemon/logger/logger.h"
#include "daemon/webhooks/clock.h"
#include "daemon/webhooks/delivery.h"

static void send_due(struct lane *lane, int64_t now_ms)
{
    uint32_t sent_max = lane_sent_max(lane);
    bool is_disabled = lane->endpoint->reason != DISABLED_NOT;
    for (struct message *message = lane->first; message != NULL; message = message->next) {
        if (lane->sent_count >= sent_max) {
            return;
        }
        bool may_go = !message->is_sent && message->due_ms <= now_ms;
        if (may_go && (!is_disabled || message->job != NULL)) {
            delivery_send(message);
        }
        if (sent_max == 1) {
            return;
        }
    }
}

static void end_replay(struct lane *lane)
{
    assert(lane->kind == LANE_REPLAY);
    if (lane->is_open && lane->first == NULL && lane->position >= lane->until) {
        lane->is_open = false;
        lane->endpoint->is_dirty = true;
        logger_write(LOGGER_INFO, "webhooks", "a redelivery is done",
                     LOGGER_FIELDS(logger_string("endpoint", lane->endpoint->id),
                                   logger_uint("from", lane->start + 1),
                                   logger_uint("to", lane->until)));
    }
}

bool pump_endpoint(struct endpoint *endpoint)
{
    int64_t now_ms = clock_monotonic_ms();
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
    endpoint_check(endpoint);
    return has_more;
}

int64_t pump_due_ms(const struct endpoint *endpoint)
{
    int64_t due_ms = INT64_MAX;
    if (endpoint->reason != DISABLED_NOT) {
        return due_ms;
    }
    for (uint32_t kind = 0; kind < LANE_COUNT; kind++) {
        const struct lane *lane = &endpoint->lanes[kind];
        const struct message *message = lane->first;
        uint32_t sent_max = lane_sent_max(lane);
        for (; message != NULL && lane->sent_count < sent_max; message = message->next) {
            if (!message->is_sent && message->due_ms < due_ms) {
                due_ms = message->due_ms;
            }
            if (sent_max == 1) {
                break;
            }
        }
    }
    return due_ms;
}
