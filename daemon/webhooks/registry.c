/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/webhooks/registry.h"

#include <errno.h>
#include <stdlib.h>

#include "daemon/log/log_backend.h"
#include "daemon/logger/logger.h"
#include "daemon/webhooks/clock.h"

int registry_open(struct registry *registry, const struct webhooks_options *options,
                  char error[LOG_ERROR_SIZE])
{
    assert(registry->endpoints == NULL);
    assert(options->endpoints_max <= REGISTRY_CAPACITY);
    assert(options->parallel_max > 0);
    registry->endpoints_max = options->endpoints_max;
    registry->host.parallel_max = options->parallel_max;
    registry->host.disable_after_s = options->disable_after_s;
    registry->endpoints = calloc(REGISTRY_CAPACITY, sizeof(*registry->endpoints));
    if (registry->endpoints == NULL) {
        return log_error(error, -ENOMEM, "out of memory for webhooks");
    }
    int code = store_open(&registry->store, options->directory, options->history_max, error);
    return code == 0 ? repeats_open(&registry->repeats, store_db(registry->store), error) : code;
}

void registry_close(struct registry *registry)
{
    registry_clear(registry);
    repeats_close(&registry->repeats);
    store_close(registry->store);
    free(registry->endpoints);
}

/* ---- the endpoints ---- */

struct endpoint *registry_find(struct registry *registry, struct bs_text id)
{
    for (uint32_t i = 0; i < registry->endpoints_count; i++) {
        struct endpoint *endpoint = registry->endpoints[i];
        if (bs_text_equal((struct bs_text){endpoint->id, (uint32_t)strlen(endpoint->id)}, id)) {
            return endpoint;
        }
    }
    return NULL;
}

void registry_add(struct registry *registry, struct endpoint *endpoint)
{
    uint32_t place = registry->endpoints_count;
    assert(place < REGISTRY_CAPACITY);
    assert(endpoint->host == &registry->host);
    for (; place > 0 && strcmp(registry->endpoints[place - 1]->id, endpoint->id) > 0; place--) {
        registry->endpoints[place] = registry->endpoints[place - 1];
    }
    assert(place == 0 || strcmp(registry->endpoints[place - 1]->id, endpoint->id) < 0);
    registry->endpoints[place] = endpoint;
    registry->endpoints_count++;
}

void registry_remove(struct registry *registry, struct endpoint *endpoint)
{
    uint32_t place = 0;
    while (registry->endpoints[place] != endpoint) {
        place++;
        assert(place < registry->endpoints_count);
    }
    registry->endpoints_count--;
    for (uint32_t i = place; i < registry->endpoints_count; i++) {
        registry->endpoints[i] = registry->endpoints[i + 1];
    }
    endpoint_free(endpoint);
}

void registry_clear(struct registry *registry)
{
    while (registry->endpoints_count > 0) {
        registry_remove(registry, registry->endpoints[registry->endpoints_count - 1]);
    }
    assert(registry->host.sent_count == 0);
}

static uint64_t lower_of(uint64_t one, uint64_t other)
{
    return one < other ? one : other;
}

/* What a lane is through, by what is saved of it; UINT64_MAX: it has nothing to do. */
static uint64_t lane_done(const struct lane *lane)
{
    return !lane->is_open        ? UINT64_MAX
           : lane->first == NULL ? lane->position
                                 : lane->first->first - 1;
}

void registry_measure(struct registry *registry)
{
    uint64_t depth = 0;
    uint64_t disabled = 0;
    int64_t oldest_ms = 0;
    uint64_t done = UINT64_MAX;
    for (uint32_t i = 0; i < registry->endpoints_count; i++) {
        const struct endpoint *endpoint = registry->endpoints[i];
        const struct lane *live = &endpoint->lanes[LANE_LIVE];
        if (endpoint->reason != DISABLED_NOT) {
            disabled++;
            continue;
        }
        assert(live->position <= registry->host.durable);
        done = lower_of(done, lane_done(live));
        done = lower_of(done, lane_done(&endpoint->lanes[LANE_REPLAY]));
        int64_t time_ms = live->first != NULL ? live->first->time_ms : 0;
        depth += live->count + (registry->host.durable - live->position);
        oldest_ms = time_ms != 0 && (oldest_ms == 0 || time_ms < oldest_ms) ? time_ms : oldest_ms;
    }
    registry->host.counters.done_ordinal = done;
    registry->host.counters.endpoints = registry->endpoints_count;
    registry->host.counters.endpoints_disabled = disabled;
    registry->host.counters.queue_depth = depth;
    registry->host.counters.oldest_time_ms = oldest_ms;
}

/* ---- saving ---- */

static int save_changes(struct registry *registry, const struct repeats_answer *answer, char *error)
{
    int code = 0;
    for (uint32_t i = 0; code == 0 && i < registry->endpoints_count; i++) {
        if (registry->endpoints[i]->is_dirty) {
            code = store_save(registry->store, registry->endpoints[i], error);
        }
    }
    return code == 0 ? repeats_put(&registry->repeats, answer, error) : code;
}

int registry_save(struct registry *registry, bool syncs, const struct repeats_answer *answer)
{
    char error[LOG_ERROR_SIZE];
    int code = store_begin(registry->store, syncs, error);
    code = code == 0 ? save_changes(registry, answer, error) : code;
    code = store_end(registry->store, code, error);
    for (uint32_t i = 0; code == 0 && i < registry->endpoints_count; i++) {
        if (registry->endpoints[i]->is_dirty) {
            endpoint_saved(registry->endpoints[i]);
        }
    }
    if (code != 0) {
        registry->host.counters.save_failures++;
        logger_write(LOGGER_ERROR, "webhooks", "the state of webhooks was not saved",
                     LOGGER_FIELDS(logger_string("error", error)));
    }
    registry_measure(registry);
    return code;
}

int registry_delete(struct registry *registry, struct endpoint *endpoint,
                    const struct repeats_answer *answer)
{
    char error[LOG_ERROR_SIZE];
    int code = store_begin(registry->store, true, error);
    code = code == 0 ? store_remove(registry->store, endpoint->id, error) : code;
    code = code == 0 ? repeats_put(&registry->repeats, answer, error) : code;
    code = store_end(registry->store, code, error);
    if (code != 0) {
        logger_write(LOGGER_ERROR, "webhooks", "a webhook endpoint was not removed",
                     LOGGER_FIELDS(logger_string("error", error)));
        return code;
    }
    logger_write(LOGGER_INFO, "webhooks", "a webhook endpoint was removed",
                 LOGGER_FIELDS(logger_string("endpoint", endpoint->id)));
    registry_remove(registry, endpoint);
    return 0;
}

void registry_tell_disk(struct registry *registry, const struct disk_state *disk)
{
    int64_t time_ms = clock_wall_ms();
    for (uint32_t i = 0; i < registry->endpoints_count; i++) {
        endpoint_tell_disk(registry->endpoints[i], disk, time_ms);
    }
    (void)!registry_save(registry, true, NULL);
}

void registry_disable(struct registry *registry, struct endpoint *endpoint,
                      enum disable_reason reason)
{
    endpoint_disable(endpoint, reason);
    registry->host.counters.disabled_total++;
    logger_write(LOGGER_ERROR, "webhooks", "a webhook endpoint is disabled",
                 LOGGER_FIELDS(logger_string("endpoint", endpoint->id),
                               logger_string("url", endpoint->asked.url),
                               logger_string("reason", disable_reason_name(endpoint->reason)),
                               logger_string("last_error", endpoint->last_error)));
    for (uint32_t i = 0; i < registry->endpoints_count; i++) {
        if (registry->endpoints[i] != endpoint) {
            endpoint_tell_disabled(registry->endpoints[i], endpoint);
        }
    }
    /* Saves at once: the event carries an id that is made of this moment, and may be sent in the
     * next. */
    (void)!registry_save(registry, true, NULL);
}
