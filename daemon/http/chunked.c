/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/http/chunked.h"

#include "daemon/http/access_check.h"

bool chunked_send(struct connection *connection, const struct chunked *chunked)
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
