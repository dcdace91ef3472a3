/* SPDX-License-Identifier: Apache-2.0 */
/* Restores the saved endpoints and compares them with the log: the two may not belong together. */
#include <errno.h>
#include <inttypes.h>

#include "daemon/log/identity.h"
#include "daemon/logger/logger.h"
#include "daemon/webhooks/registry.h"

/* Every place was of a durable action once: the log is older than the database. What would follow
 * would be sent under ids that were used before. */
static int check_place(const struct endpoint *endpoint, uint64_t place, char *error)
{
    uint64_t durable = endpoint->host->durable;
    return place <= durable
               ? 0
               : log_error(error, -EBADMSG,
                           "the endpoint %s in webhooks.db is at action %" PRIu64
                           ", but the log ends at action %" PRIu64
                           ": restore the log and webhooks.db from one copy. To go on with this "
                           "log, remove webhooks.db* and webhooks-end and add the endpoints again",
                           endpoint->id, place, durable);
}

static int check_places(const struct endpoint *endpoint, char *error)
{
    int code = 0;
    for (uint32_t i = 0; code == 0 && i < LANE_COUNT; i++) {
        if (i != LANE_OTHER) {
            code = check_place(endpoint, endpoint->lanes[i].position, error);
        }
    }
    return code;
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
        uint64_t begin = log_reader_begin(endpoint->host->reader).ordinal;
        int code = check_place(endpoint, saved->last, error);
        if (code == 0 && saved->first <= begin) {
            counters_cut(&endpoint->host->counters, endpoint->id, saved->last - saved->first + 1,
                         begin);
            return 0;
        }
        return code == 0 ? lane_restore(lane, saved, error) : code;
    }
    struct message *message = lane_add(lane);
    if (message == NULL) {
        return log_error(error, -ENOMEM, "out of memory for a saved message");
    }
    memcpy(message->id, saved->id, sizeof(message->id));
    message->event = saved->event;
    message->time_ms = saved->time_ms;
    message->failures = saved->failures;
    message->due_ms = saved->due_ms;
    buffer_append(&message->body, saved->body.bytes, saved->body.size);
    lane->size += message->body.size;
    return message->body.failed || saved->body.failed
               ? log_error(error, -ENOMEM, "out of memory for a saved message")
               : 0;
}

static int save_log(struct registry *registry, char error[LOG_ERROR_SIZE])
{
    int code = store_begin(registry->store, true, error);
    code = code == 0 ? store_put_log(registry->store, registry->host.log, error) : code;
    return store_end(registry->store, code, error);
}

/* The places of another log mean nothing in this one. */
static int check_log(const struct registry *registry, const char *stored, char *error)
{
    return stored[0] == '\0' || strcmp(stored, registry->host.log) == 0
               ? 0
               : log_error(error, -EBADMSG,
                           "webhooks.db is of the log %s, this is the log %s: restore both from "
                           "one copy. To go on with this log, remove webhooks.db* and webhooks-end "
                           "and add the endpoints again",
                           stored, registry->host.log);
}

static int restore(struct registry *registry, char error[LOG_ERROR_SIZE])
{
    int code = store_load(registry->store, &registry->host, on_endpoint, registry, error);
    for (uint32_t i = 0; code == 0 && i < registry->endpoints_count; i++) {
        code = check_places(registry->endpoints[i], error);
        code = code == 0 ? lane_store_load_messages(store_lanes(registry->store),
                                                    registry->endpoints[i], on_saved_message, error)
                         : code;
    }
    return code;
}

int registry_restore(struct registry *registry, char error[LOG_ERROR_SIZE])
{
    char stored[LOG_IDENTITY_DIGITS + 1];
    assert(registry->endpoints_count == 0);
    assert(registry->host.reader != NULL);
    int code = store_get_log(registry->store, stored, error);
    code = code == 0 ? check_log(registry, stored, error) : code;
    code = code == 0 ? restore(registry, error) : code;
    code = code == 0 ? store_mark_open(registry->store, error) : code;
    code = code == 0 && stored[0] == '\0' ? save_log(registry, error) : code;
    if (code == 0) {
        registry_measure(registry);
        logger_write(LOGGER_INFO, "webhooks", "endpoints restored",
                     LOGGER_FIELDS(logger_uint("endpoints", registry->endpoints_count),
                                   logger_uint("last_action", registry->host.durable)));
    }
    return code;
}
