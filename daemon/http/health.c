/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Health. Readiness goes through the core loop: an answer proves that it turns. The HTTP thread
 * answers for liveness, and reports a core loop that hangs.
 */
#include <stdio.h>

#include "api/json_writer.h"
#include "daemon/answer/answer.h"
#include "daemon/http/handlers.h"
#include "daemon/http/submit.h"
#include "daemon/retention/retention.h"

/* "off", "ok", or why it takes no files. */
static void put_archive(struct connection *connection)
{
    struct retention *retention = connection->server->options.retention;
    struct retention_archive archive;
    struct buffer *out = &connection->request.body;
    if (retention == NULL || !retention_archive_state(retention, &archive)) {
        member_word(out, "archive", "off");
    } else if (!archive.archiver.is_failing) {
        member_word(out, "archive", "ok");
    } else {
        const char *error = archive.archiver.error;
        member_text(out, "archive", (struct bs_text){error, (uint32_t)strlen(error)});
    }
}

static void put_checks(struct connection *connection)
{
    const struct sweep_counts *counts = &connection->server->sweep.counts;
    const struct stream_counts *streams = &connection->server->streams;
    struct core_stats stats = core_stats_get(connection->server->core);
    struct disk_state disk = disk_watch_state(core_options_get(connection->server->core)->disk);
    connection->request.body.size--; /* the brace, which comes again at the end */
    buffer_printf(&connection->request.body,
                  ",\"checks\":{\"applied_seq\":%llu,\"queue_depth\":%llu,\"halted_pools\":%llu,"
                  "\"clock_jump_seconds\":%llu,\"disk_free_bytes\":%llu,"
                  "\"connections\":%llu,\"long_polls\":%llu,\"streams\":%llu",
                  (unsigned long long)stats.applied_seq, (unsigned long long)stats.queue_depth,
                  (unsigned long long)stats.halted_pools,
                  (unsigned long long)(stats.clock_apart_ns / 1000000000),
                  (unsigned long long)disk.room.free, (unsigned long long)counts->connections,
                  (unsigned long long)http_server_long_polls(connection->server),
                  (unsigned long long)streams->open);
    put_archive(connection);
    buffer_text(&connection->request.body, "}}");
}

static void read_live(struct request *request, struct core *core, struct bs_engine *engine)
{
    (void)core;
    (void)engine;
    buffer_text(&request->body, "{\"status\":\"ok\"}");
    answer_json(request, 200);
}

/* Ready also while the disk is low, for reads; the status says that writes are refused. */
static void read_ready(struct request *request, struct core *core, struct bs_engine *engine)
{
    (void)engine;
    bool is_low = disk_watch_is_low(core_options_get(core)->disk);
    buffer_text(&request->body, is_low ? "{\"status\":\"disk_low\"}" : "{\"status\":\"ok\"}");
    answer_json(request, 200);
}

/* True if it takes too long; then the answer is set. */
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
    connection->request.query = read_ready;
    return submit_to_core(connection);
}

enum outcome ready_end(struct connection *connection)
{
    if ((connection->query.given & QUERY_VERBOSE) != 0) {
        put_checks(connection);
    }
    if (atomic_load(&connection->server->quiesced)) {
        answer_problem(&connection->request, BS_NOT_READY, NULL);
    }
    return OUTCOME_ANSWER;
}
