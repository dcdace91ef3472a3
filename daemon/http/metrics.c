/* SPDX-License-Identifier: Apache-2.0 */
/* GET /metrics: this thread gives its own figures, the core loop renders the page. */
#include "daemon/metrics/metrics.h"

#include <stdlib.h>

#include "daemon/answer/answer.h"
#include "daemon/http/handlers.h"
#include "daemon/http/submit.h"

_Static_assert(STREAM_ENDS_COUNT <= METRICS_REASONS_MAX, "every end and the end of the list fit");

static void take_figures(const struct http_server *server, struct metrics_http *http)
{
    const struct sweep_counts *counts = &server->sweep.counts;
    const struct stream_counts *streams = &server->streams;
    http->connections = counts->connections;
    http->long_polls = http_server_long_polls(server);
    http->guard_refusals = server->refusals;
    http->head_timeouts = counts->head_timeouts;
    http->body_timeouts = counts->body_timeouts;
    http->send_timeouts = counts->send_timeouts;
    http->late_answers = counts->late_answers;
    http->library_messages = server->library_messages;
    http->log_reads_refused = log_reads_refused(server->log_reads);
    http->evictions = counts->evictions;
    http->unread_bytes = server->unread_size;
    http->unread_dropped = server->unread_dropped;
    http->streams = streams->open;
    http->streams_opened = streams->opened;
    http->streams_refused = streams->refused;
    http->stream_events = streams->events;
    http->stream_bytes = streams->bytes;
    http->stream_encoded = server->feed.encoded;
    http->stream_blocks = server->feed.held;
    for (enum stream_end end = STREAM_GONE; end < STREAM_ENDS_COUNT; end++) {
        http->stream_ends[end - STREAM_GONE].reason = stream_end_name(end);
        http->stream_ends[end - STREAM_GONE].count = streams->ended[end];
    }
    memcpy(http->requests, server->requests, sizeof(http->requests));
}

static void on_core(struct request *request, struct core *core, struct bs_engine *engine)
{
    const struct connection *connection = request->user;
    metrics_render(&request->body, connection->job, core, engine);
    answer_body(request, MHD_HTTP_OK, METRICS_CONTENT_TYPE);
}

enum outcome metrics_begin(struct connection *connection)
{
    const struct http_server *server = connection->server;
    struct metrics *metrics = calloc(1, sizeof(*metrics));
    if (metrics == NULL) {
        answer_problem(&connection->request, BS_OUT_OF_MEMORY, NULL);
        return OUTCOME_ANSWER;
    }
    connection->job = metrics;
    take_figures(server, &metrics->http);
    metrics->started_s = server->started_s;
    if (server->options.follower != NULL) {
        metrics->follower = follower_stats_get(server->options.follower);
    }
    if (server->options.snapshots != NULL) {
        metrics->snapshots = snapshot_stats_get(server->options.snapshots);
    }
    if (server->options.simulator != NULL) {
        metrics->simulator = simulator_stats_get(server->options.simulator);
    }
    if (server->options.webhooks != NULL) {
        metrics->webhooks = webhooks_stats_get(server->options.webhooks);
    }
    if (server->options.retention != NULL) {
        (void)!retention_archive_state(server->options.retention, &metrics->archive);
    }
    connection->request.query = on_core;
    return submit_to_core(connection);
}
