/* SPDX-License-Identifier: Apache-2.0 */
/* What the room counts since its start: the webhooks thread writes, any thread reads. */
#ifndef WEBHOOKS_COUNTERS_H
#define WEBHOOKS_COUNTERS_H

#include <stdatomic.h>

#include "daemon/webhooks/transport.h"
#include "daemon/webhooks/webhooks.h"

struct webhooks_counters {
    _Atomic uint64_t delivered, failed, unanswered, refused, endpoints, endpoints_disabled;
    _Atomic uint64_t disabled_total, queue_depth, save_failures, latency_ms_total, cut_total;
    _Atomic uint64_t done_ordinal; /* enabled endpoints are through everything up to it */
    _Atomic int64_t oldest_time_ms;
    _Atomic uint64_t latencies[WEBHOOKS_LATENCY_BUCKETS];
};

/* Actions that the log no longer has, before an endpoint was through them. */
void counters_cut(struct webhooks_counters *counters, const char *endpoint, uint64_t actions,
                  uint64_t begin);
/* The receiver accepted it, this long after its action. */
void counters_delivered(struct webhooks_counters *counters, int64_t latency_ms);
/* The call ended without a delivery. */
void counters_failed(struct webhooks_counters *counters, const struct transport_call *call);
struct webhooks_stats counters_stats(const struct webhooks_counters *counters);

#endif
