/* SPDX-License-Identifier: Apache-2.0 */
/* What the HTTP server counts, for the metrics page. */
#ifndef METRICS_HTTP_H
#define METRICS_HTTP_H

#include "lib/base/base.h"

#define METRICS_STATUS_MIN 100
#define METRICS_STATUSES 500 /* from METRICS_STATUS_MIN on */
#define METRICS_REASONS_MAX 16

struct metrics_http {
    uint64_t connections, long_polls, guard_refusals;
    uint64_t head_timeouts, body_timeouts, send_timeouts, late_answers, library_messages;
    uint64_t log_reads_refused, evictions, unread_bytes, unread_dropped;
    uint64_t streams, streams_opened, streams_refused, stream_events, stream_bytes;
    uint64_t stream_encoded, stream_blocks;
    uint64_t requests[METRICS_STATUSES]; /* by HTTP status */

    struct {
        const char *reason; /* NULL: the end of the list */
        uint64_t count;
    } stream_ends[METRICS_REASONS_MAX];
};

#endif
