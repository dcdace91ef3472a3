/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/http/send.h"

#include <stdio.h>

#include "api/json_state.h"
#include "daemon/answer/answer.h"
#include "daemon/http/access_check.h"
#include "daemon/http/trail.h"
#include "daemon/http/unread.h"

#define MIB ((size_t)1 << 20)

/* In the reserve a connection serves one request. */
static bool closes_after_answer(const struct connection *connection)
{
    const struct http_server *server = connection->server;
    return connection->closes || atomic_load(&server->quiesced) || sweep_is_crowded(&server->sweep);
}

/* In place of an answer for which memory ran out while it was written. */
static void replace_failed(struct connection *connection)
{
    struct request *request = &connection->request;
    struct buffer fixed = {.bytes = connection->problem, .capacity = sizeof connection->problem};
    api_problem(&fixed, BS_OUT_OF_MEMORY, NULL);
    assert(!fixed.failed);
    assert(fixed.bytes == connection->problem);
    connection->problem_size = fixed.size;
    connection->etag = NULL;
    connection->retry_after_s = 1;
    answer_json(request, bs_status_http(BS_OUT_OF_MEMORY));
}

enum MHD_Result send_answer(struct connection *connection)
{
    struct request *request = &connection->request;
    bool is_whole = !request->body.failed;
    if (!is_whole) {
        replace_failed(connection);
    }
    struct MHD_Response *response = MHD_create_response_from_buffer(
        is_whole ? request->body.size : connection->problem_size,
        is_whole ? request->body.bytes : connection->problem, MHD_RESPMEM_PERSISTENT);
    if (response == NULL) {
        return MHD_NO;
    }
    enum MHD_Result added =
        MHD_add_response_header(response, "Content-Type", request->content_type);
    added &= MHD_add_response_header(response, "Cache-Control",
                                     connection->etag == NULL ? "no-store" : "no-cache");
    if (connection->etag != NULL) {
        added &= MHD_add_response_header(response, "ETag", connection->etag);
    }
    if (closes_after_answer(connection)) {
        added &= MHD_add_response_header(response, "Connection", "close");
    }
    if (connection->retry_after_s > 0) {
        char seconds[16];
        (void)snprintf(seconds, sizeof seconds, "%u", connection->retry_after_s);
        added &= MHD_add_response_header(response, "Retry-After", seconds);
    }
    if (request->repeat == REPEAT_ANSWERED) {
        added &= MHD_add_response_header(response, "Idempotency-Replayed", "true");
    }
    added &= access_add_headers(connection, response);
    trail_done(connection, true);
    if (connection->allow[0] != '\0') {
        added &= MHD_add_response_header(response, "Allow", connection->allow);
    }
    const struct http_options *options = &connection->server->options;
    int64_t timeout_ms = options->answer_deadline_ms + (int64_t)(request->body.size / MIB) * 1000;
    connection->sweep.has_key = connection->caller.name[0] != '\0';
    sweep_stage(&connection->sweep, STAGE_SENDING, timeout_ms);
    enum MHD_Result queued = MHD_NO;
    if (added == MHD_YES) {
        queued = MHD_queue_response(connection->mhd, (unsigned)request->status, response);
        http_server_count(connection->server, request->status);
        unread_add(connection);
    }
    MHD_destroy_response(response);
    return queued;
}

bool send_chunked(struct connection *connection, const struct chunked *chunked)
{
    struct MHD_Response *response = MHD_create_response_from_callback(
        MHD_SIZE_UNKNOWN, chunked->block_size, chunked->fill, chunked->user, chunked->release);
    if (response == NULL) {
        if (chunked->release != NULL) {
            chunked->release(chunked->user);
        }
        return false;
    }
    enum MHD_Result good = MHD_add_response_header(response, "Content-Type", chunked->content_type);
    good &= MHD_add_response_header(response, "Cache-Control", "no-store");
    good &= MHD_add_response_header(response, "X-Accel-Buffering", "no");
    good &= MHD_add_response_header(response, "Connection", "close");
    good &= access_add_headers(connection, response);
    if (connection->is_head) { /* 0.9.75 would send the end of a chunked body after it */
        good &= MHD_set_response_options(response, MHD_RF_HTTP_1_0_COMPATIBLE_STRICT, MHD_RO_END);
    }
    if (good == MHD_YES) {
        good = MHD_queue_response(connection->mhd, MHD_HTTP_OK, response);
        http_server_count(connection->server, MHD_HTTP_OK);
    }
    MHD_destroy_response(response);
    return good == MHD_YES;
}
