/* SPDX-License-Identifier: Apache-2.0 */
/* Health and metrics. Readiness and metrics go through the core loop: an answer proves that it
 * turns. Liveness is answered on the HTTP thread, which can tell of a core loop that hangs. */
#include <stdio.h>

#include "daemon/answer/answer.h"
#include "daemon/http/handlers.h"
#include "daemon/http/submit.h"
#include "daemon/metrics/metrics.h"

static void put_checks(struct connection *connection)
{
    const struct sweep_counts *counts = &connection->server->sweep.counts;
    const struct stream_counts *streams = &connection->server->streams;
    struct core_stats stats = core_stats_get(connection->server->core);
    connection->request.body.size--; /* the brace, which comes again at the end */
    buffer_printf(&connection->request.body,
                  ",\"checks\":{\"applied_seq\":%llu,\"queue_depth\":%llu,\"halted_pools\":%llu,"
                  "\"connections\":%llu,\"long_polls\":%llu,\"streams\":%llu}}",
                  (unsigned long long)stats.applied_seq, (unsigned long long)stats.queue_depth,
                  (unsigned long long)stats.halted_pools, (unsigned long long)counts->connections,
                  (unsigned long long)(counts->waiters - streams->waiting),
                  (unsigned long long)streams->open);
}

static void read_live(struct request *request, struct core *core, struct bs_engine *engine)
{
    (void)core;
    (void)engine;
    buffer_text(&request->body, "{\"status\":\"ok\"}");
    answer_json(request, 200);
}

/* True: it takes longer than it may, and the answer says so. */
static bool is_stalled(struct connection *connection, const char *what, uint64_t since_ns)
{
    char detail[100];
    uint64_t limit_ms = connection->server->options.stall_limit_ms;
    if (since_ns / 1000000 < limit_ms) {
        return false;
    }
    (void)snprintf(detail, sizeof detail, "%s for %.1f s", what, (double)since_ns / 1e9);
    connection->retry_after_s = 1;
    answer_problem(&connection->request, BS_STALLED, detail);
    return true;
}

static bool loop_is_stalled(struct connection *connection)
{
    struct core_health health = core_health_get(connection->server->core);
    return is_stalled(connection, "the core loop has not turned", health.quiet_ns);
}

static bool log_is_stalled(struct connection *connection)
{
    struct core_health health = core_health_get(connection->server->core);
    return is_stalled(connection, "the log has been writing one commit", health.writing_ns);
}

enum outcome live_begin(struct connection *connection)
{
    if (!loop_is_stalled(connection)) {
        read_live(&connection->request, NULL, NULL);
    }
    return OUTCOME_ANSWER;
}

enum outcome ready_begin(struct connection *connection)
{
    if (loop_is_stalled(connection) || log_is_stalled(connection)) {
        return OUTCOME_ANSWER;
    }
    connection->request.query = read_live;
    return submit_to_core(connection);
}

void ready_end(struct connection *connection)
{
    if ((connection->query.given & QUERY_VERBOSE) != 0) {
        put_checks(connection);
    }
    if (atomic_load(&connection->server->quiesced)) {
        answer_problem(&connection->request, BS_NOT_READY, NULL);
    }
}

struct sample {
    const char *name;
    const char *type;
    const char *help;
    uint64_t value;
};

static void put_stream_ends(const struct stream_counts *streams, struct buffer *out)
{
    buffer_text(out, "# HELP backstopd_streams_ended_total Streams ended, by reason.\n"
                     "# TYPE backstopd_streams_ended_total counter\n");
    for (enum stream_end end = STREAM_GONE; end < STREAM_ENDS_COUNT; end++) {
        buffer_printf(out, "backstopd_streams_ended_total{reason=\"%s\"} %llu\n",
                      stream_end_name(end), (unsigned long long)streams->ended[end]);
    }
}

static void put_samples(const struct http_server *server, struct buffer *out)
{
    const struct sweep_counts *counts = &server->sweep.counts;
    const struct stream_counts *streams = &server->streams;
    const struct sample samples[] = {
        {"http_connections", "gauge", "Open client connections.", counts->connections},
        {"http_long_polls", "gauge", "Long polls waiting for actions.",
         counts->waiters - streams->waiting},
        {"http_guard_refusals_total", "counter", "Requests the request guard refused.",
         server->refusals},
        {"http_head_timeouts_total", "counter", "Connections shut down: the head came too slowly.",
         counts->head_timeouts},
        {"http_body_timeouts_total", "counter", "Connections shut down: the body came too slowly.",
         counts->body_timeouts},
        {"http_send_timeouts_total", "counter", "Connections shut down: the answer was not taken.",
         counts->send_timeouts},
        {"http_late_answers_total", "counter", "Requests the core held past the answer deadline.",
         counts->late_answers},
        {"http_library_messages_total", "counter", "Messages of libmicrohttpd: vanished clients.",
         server->library_messages},
        {"streams", "gauge", "Streams of actions open.", streams->open},
        {"streams_opened_total", "counter", "Streams begun.", streams->opened},
        {"streams_refused_total", "counter", "Streams refused: too many, or stopping.",
         streams->refused},
        {"stream_events_total", "counter", "Events sent, over all clients.", streams->events},
        {"stream_bytes_total", "counter", "Bytes of events and pings sent.", streams->bytes},
        {"stream_encoded_total", "counter", "Actions encoded for streams.", server->feed.encoded},
        {"stream_blocks", "gauge", "Blocks of encoded events held.", server->feed.held},
    };
    for (size_t i = 0; i < sizeof samples / sizeof samples[0]; i++) {
        const struct sample *sample = &samples[i];
        buffer_printf(out, "# HELP backstopd_%s %s\n# TYPE backstopd_%s %s\nbackstopd_%s %llu\n",
                      sample->name, sample->help, sample->name, sample->type, sample->name,
                      (unsigned long long)sample->value);
    }
    put_stream_ends(streams, out);
}

enum outcome metrics_begin(struct connection *connection)
{
    connection->request.query = metrics_query;
    return submit_to_core(connection);
}

void metrics_end(struct connection *connection)
{
    put_samples(connection->server, &connection->request.body);
}
