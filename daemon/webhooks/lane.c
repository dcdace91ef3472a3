/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/webhooks/lane.h"

#include <stdlib.h>

#include "daemon/webhooks/endpoint.h"

void lane_check(const struct lane *lane)
{
    assert((lane->first == NULL) == (lane->count == 0));
    assert((lane->first == NULL) == (lane->last == NULL));
    assert(lane->last == NULL || lane->last->next == NULL);
    assert(lane->count > 0 || lane->size == 0);
    assert(lane->sent_count <= lane->count);
    assert(lane->sent_count <= lane_sent_max(lane));
    assert(lane->start <= lane->position);
    assert(lane->previous <= lane->position);
    assert(lane->touched <= lane->position);
    assert(!lane->is_open || lane->position <= lane->until);
}

uint32_t lane_sent_max(const struct lane *lane)
{
    const struct endpoint *endpoint = lane->endpoint;
    bool is_parallel = lane->kind == LANE_OTHER || endpoint->asked.order == API_PARALLEL;
    return is_parallel ? endpoint->host->parallel_max : 1;
}

/* ---- the list ---- */

struct message *lane_add(struct lane *lane)
{
    struct message *message = calloc(1, sizeof(*message));
    if (message == NULL) {
        return NULL;
    }
    message->lane = lane;
    if (lane->first == NULL) {
        lane->first = message;
    } else {
        lane->last->next = message;
    }
    lane->last = message;
    lane->count++;
    return message;
}

void lane_sent(struct message *message)
{
    struct lane *lane = message->lane;
    assert(!message->is_sent);
    message->is_sent = true;
    lane->sent_count++;
    lane->endpoint->host->sent_count++;
    assert(lane->sent_count <= lane_sent_max(lane));
}

void lane_ended(struct message *message)
{
    struct lane *lane = message->lane;
    assert(message->is_sent);
    assert(lane->sent_count > 0);
    assert(lane->endpoint->host->sent_count >= lane->sent_count);
    message->is_sent = false;
    lane->sent_count--;
    lane->endpoint->host->sent_count--;
}

static void message_free(struct message *message)
{
    struct endpoint_host *host = message->lane->endpoint->host;
    if (message->is_sent) {
        transport_cancel(&message->call);
        lane_ended(message);
    }
    if (message->job != NULL) {
        host->on_test(host, message->job, NULL);
    }
    buffer_fini(&message->body);
    buffer_fini(&message->wrapped);
    buffer_fini(&message->signature);
    free(message);
}

void lane_remove(struct lane *lane, struct message *message)
{
    struct message *before = NULL;
    struct message **link = &lane->first;
    assert(message->lane == lane);
    while (*link != message) {
        assert(*link != NULL);
        before = *link;
        link = &before->next;
    }
    *link = message->next;
    if (lane->last == message) {
        lane->last = before;
    }
    assert(lane->size >= message->body.size);
    lane->count--;
    lane->size -= message->body.size;
    message_free(message);
    lane_check(lane);
}

void lane_clear(struct lane *lane)
{
    while (lane->first != NULL) {
        lane_remove(lane, lane->first);
    }
}

/* ---- what is saved ---- */

void lane_touch(struct message *message)
{
    struct lane *lane = message->lane;
    assert(message->last <= lane->position);
    if (lane->touched < message->last) {
        lane->touched = message->last;
    }
}

bool lane_saves(const struct lane *lane, const struct message *message)
{
    return message->first <= lane->touched;
}

void lane_place(const struct lane *lane, uint64_t *ret_position, uint64_t *ret_previous)
{
    *ret_position = lane->position;
    *ret_previous = lane->previous;
    for (const struct message *message = lane->first; message != NULL; message = message->next) {
        if (!lane_saves(lane, message)) {
            *ret_previous = message->previous;
            *ret_position = message->previous > lane->start ? message->previous : lane->start;
            return;
        }
    }
}
