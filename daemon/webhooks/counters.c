/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/webhooks/counters.h"

#include "daemon/logger/logger.h"

static const int64_t bounds_ms[] = WEBHOOKS_LATENCY_BOUNDS;
_Static_assert(sizeof(bounds_ms) / sizeof(bounds_ms[0]) == WEBHOOKS_LATENCY_BUCKETS - 1,
               "each bucket but the last has a bound");

void counters_delivered(struct webhooks_counters *counters, int64_t latency_ms)
{
    assert(latency_ms >= 0);
    uint32_t bucket = 0;
    while (bucket < WEBHOOKS_LATENCY_BUCKETS - 1 && latency_ms > bounds_ms[bucket]) {
        bucket++;
    }
    counters->delivered++;
    counters->latencies[bucket]++;
    counters->latency_ms_total += (uint64_t)latency_ms;
}

void counters_cut(struct webhooks_counters *counters, const char *endpoint, uint64_t actions,
                  uint64_t begin)
{
    counters->cut_total += actions;
    logger_write(LOGGER_ERROR, "webhooks",
                 "actions were cut from the log before an endpoint was through them",
                 LOGGER_FIELDS(logger_string("endpoint", endpoint), logger_uint("actions", actions),
                               logger_uint("log_begins_after", begin)));
}

void counters_failed(struct webhooks_counters *counters, const struct transport_call *call)
{
    assert(!call->is_refused || call->status == 0);
    _Atomic uint64_t *counter = call->is_refused    ? &counters->refused
                                : call->status == 0 ? &counters->unanswered
                                                    : &counters->failed;
    *counter += 1;
}

struct webhooks_stats counters_stats(const struct webhooks_counters *counters)
{
    struct webhooks_stats stats = {
        .delivered = counters->delivered,
        .failed = counters->failed,
        .unanswered = counters->unanswered,
        .refused = counters->refused,
        .endpoints = counters->endpoints,
        .endpoints_disabled = counters->endpoints_disabled,
        .disabled_total = counters->disabled_total,
        .queue_depth = counters->queue_depth,
        .oldest_time_ms = counters->oldest_time_ms,
        .cut_total = counters->cut_total,
        .save_failures = counters->save_failures,
        .latency_ms_total = counters->latency_ms_total,
    };
    for (uint32_t i = 0; i < WEBHOOKS_LATENCY_BUCKETS; i++) {
        stats.latencies[i] = counters->latencies[i];
    }
    return stats;
}
