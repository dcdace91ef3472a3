/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/http/trail.h"

#include <stdio.h>

#include "api/json_writer.h"
#include "daemon/access/audit.h"

void trail_peer(const struct connection *connection, char text[TRAIL_PEER_SIZE])
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection->mhd, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
    socket_address_print(info->client_addr, text);
}

bool trail_wants_path(const struct connection *connection)
{
    const struct route *route = connection->route;
    bool only_ops = route->roles == 0 || route->roles == ROLE_OPS;
    return only_ops && !route_is_write(route) && strcmp(route->method, "GET") != 0;
}

static void put_types(struct buffer *line, uint32_t types)
{
    const char *comma = "";
    member_name(line, "types");
    buffer_text(line, "[");
    for (unsigned type = 1; type < BS_COMMAND_COUNT; type++) {
        if ((types >> type & 1) != 0) {
            buffer_printf(line, "%s\"%s\"", comma, bs_command_type_name((uint8_t)type));
            comma = ",";
        }
    }
    buffer_text(line, "]");
}

/* null without access control. */
static void put_key(struct buffer *line, const struct connection *connection)
{
    const char *name = connection->caller.name;
    member_word(line, "key", name[0] == '\0' ? NULL : name);
}

static void put_request(struct buffer *line, const struct connection *connection)
{
    const struct api_batch *batch = &connection->request.batch;
    struct bs_text name = query_name(&connection->query, NAME_PATH);
    char peer[TRAIL_PEER_SIZE];
    trail_peer(connection, peer);
    put_key(line, connection);
    member_word(line, "peer", peer);
    member_word(line, "method", connection->route->method);
    member_word(line, "route", connection->route->pattern);
    if (name.size > 0) {
        member_text(line, "name", name);
    }
    if (connection->path_number > 0) {
        member_integer(line, "number", connection->path_number);
    }
    if ((batch->needs.ops | batch->needs.feed) != 0) {
        put_types(line, batch->needs.ops | batch->needs.feed);
        member_integer(line, "items", batch->items_count);
    }
}

bool trail_asked(struct connection *connection)
{
    struct audit *audit = connection->server->audit;
    if (audit == NULL || connection->audit_id != 0) {
        return true;
    }
    struct buffer line = {0};
    connection->audit_id = audit_next_id(audit);
    audit_begin(audit, &line);
    member_word(&line, "event", "asked");
    member_integer(&line, "id", connection->audit_id);
    put_request(&line, connection);
    bool good = audit_end(audit, &line);
    buffer_fini(&line);
    if (!good) {
        connection->audit_id = 0;
    }
    return good;
}

void trail_done(struct connection *connection, bool sent)
{
    struct audit *audit = connection->server->audit;
    const struct request *request = &connection->request;
    if (audit == NULL || connection->audit_id == 0) {
        return;
    }
    struct buffer line = {0};
    audit_begin(audit, &line);
    member_word(&line, "event", sent ? "answered" : "client_gone");
    member_integer(&line, "id", connection->audit_id);
    put_key(&line, connection);
    member_integer(&line, "status", (uint64_t)request->status);
    if (request->last_seq > 0) {
        uint32_t rejected = request->batch.rejections_count;
        member_integer(&line, "seq", request->last_seq);
        member_integer(&line, "accepted", request->batch.items_count - rejected);
        member_integer(&line, "rejected", rejected);
    }
    (void)audit_end(audit, &line); /* it was executed, and its first line is written */
    buffer_fini(&line);
    connection->audit_id = 0;
}

void trail_refused(struct connection *connection, enum bs_status status)
{
    struct audit *audit = connection->server->audit;
    if (audit == NULL || connection->route == NULL) {
        return;
    }
    struct buffer line = {0};
    audit_begin(audit, &line);
    member_word(&line, "event", "refused");
    member_word(&line, "code", bs_status_name(status));
    put_request(&line, connection);
    (void)audit_end(audit, &line); /* the request is not executed */
    buffer_fini(&line);
}
