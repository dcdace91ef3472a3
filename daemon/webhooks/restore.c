/* SPDX-License-Identifier: Apache-2.0 */
/* Restores the saved endpoints and compares them with the log: the two may not belong together. */
#include "daemon/log/identity.h"
#include "daemon/logger/logger.h"
#include "daemon/webhooks/registry.h"

/* When the log is older than the database (one was restored without the other), what follows is
 * sent under ids that were used before, and the operator has to know. */
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

static void on_endpoint(void *user, struct endpoint *endpoint)
{
    registry_add(user, endpoint);
}

static int on_saved_message(struct endpoint *endpoint, enum lane_kind kind,
                            const struct message *saved, char error[LOG_ERROR_SIZE])
{
    struct lane *lane = &endpoint->lanes[kind];
    if (kind != LANE_OTHER) {
        return saved->last > endpoint->host->durable ? 0 : lane_restore(lane, saved, error);
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

/* The places that were loaded mean nothing in this log: the endpoints resume at its end. */
static void start_over(struct registry *registry)
{
    for (uint32_t i = 0; i < registry->endpoints_count; i++) {
        struct endpoint *endpoint = registry->endpoints[i];
        struct lane *live = &endpoint->lanes[LANE_LIVE];
        live->start = registry->host.durable;
        live->position = registry->host.durable;
        live->previous = 0;
        endpoint->lanes[LANE_REPLAY].is_open = false;
        endpoint->is_dirty = true;
    }
}

static int save_log(struct registry *registry, const char *identity, char error[LOG_ERROR_SIZE])
{
    int code = store_begin(registry->store, true, error);
    code = code == 0 ? store_put_log(registry->store, identity, error) : code;
    for (uint32_t i = 0; code == 0 && i < registry->endpoints_count; i++) {
        code = store_save(registry->store, registry->endpoints[i], error);
    }
    return store_end(registry->store, code, error);
}

static int check_log(struct registry *registry, char error[LOG_ERROR_SIZE])
{
    char stored[LOG_IDENTITY_DIGITS + 1];
    const char *identity = registry->host.log;
    int code = store_get_log(registry->store, stored, error);
    if (code != 0 || strcmp(stored, identity) == 0) {
        return code;
    }
    if (stored[0] != '\0') {
        logger_write(LOGGER_ERROR, "webhooks",
                     "webhooks.db is of another log: the endpoints resume at the end of this one",
                     LOGGER_FIELDS(logger_string("log", identity),
                                   logger_string("log_of_webhooks_db", stored)));
        start_over(registry);
    }
    return save_log(registry, identity, error);
}

int registry_restore(struct registry *registry, char error[LOG_ERROR_SIZE])
{
    assert(registry->endpoints_count == 0);
    assert(registry->host.reader != NULL);
    int code = store_load(registry->store, &registry->host, on_endpoint, registry, error);
    code = code == 0 ? check_log(registry, error) : code;
    for (uint32_t i = 0; code == 0 && i < registry->endpoints_count; i++) {
        check_place(registry->endpoints[i], registry->host.durable);
        code = lane_store_load_messages(store_lanes(registry->store), registry->endpoints[i],
                                        on_saved_message, error);
    }
    return code;
}
