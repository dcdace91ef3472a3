/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads of state: the row's `read` runs with what the target asks for. Single rows are read on the
 * core loop; whatever takes min_seq looks at many accounts, and the follower answers it at what the
 * core had executed when it was asked, or later: a client sees its own acknowledged writes.
 */
#include "daemon/answer/page.h"
#include "daemon/follower/follower.h"
#include "daemon/http/handlers.h"
#include "daemon/http/submit.h"
#include "lib/book/index.h"

#define CATCH_UP_MS 5000 /* how long a read waits unless it says so */

static void on_core(struct request *request, struct core *core, struct bs_engine *engine)
{
    const struct connection *connection = request->user;
    (void)core;
    connection->route->read(request, &connection->query, engine);
}

static void on_follower(struct request *request, struct core *core, struct bs_engine *engine)
{
    const struct connection *connection = request->user;
    on_core(request, core, engine);
    if (request->status == MHD_HTTP_OK && !connection->query.ccxt) {
        page_add_seq(&request->body, bs_engine_seq(engine));
    }
}

/* The key, or without one the address. */
static uint64_t client_of(const struct connection *connection)
{
    const struct sockaddr *address =
        MHD_get_connection_info(connection->mhd, MHD_CONNECTION_INFO_CLIENT_ADDRESS)->client_addr;
    const char *name = connection->caller.name;
    if (name[0] != '\0') {
        return bs_hash(0, name, strlen(name));
    }
    if (address->sa_family == AF_INET6) {
        return bs_hash(0, &((const struct sockaddr_in6 *)(const void *)address)->sin6_addr, 8);
    }
    return bs_hash(0, &((const struct sockaddr_in *)(const void *)address)->sin_addr, 4);
}

static bool take_by_follower(struct connection *connection)
{
    return follower_read(connection->server->options.follower, &connection->request);
}

/* A sequence that is not executed yet is waited for only if that is asked for. */
static void set_moment(struct connection *connection)
{
    const struct read_query *query = &connection->query;
    struct request *request = &connection->request;
    uint64_t seen = follower_executed_seq(connection->server->options.follower);
    bool waits = (query->given & QUERY_WAIT_MS) != 0;
    request->min_seq = query->min_seq > seen ? query->min_seq : seen;
    int64_t wait_ms = waits ? query->wait_ms : query->min_seq > seen ? 0 : CATCH_UP_MS;
    request->until_ms = block_now_ms() + wait_ms;
}

/* Byte for byte, padding included, because two of them are compared so. */
static void set_asks(struct connection *connection)
{
    struct read_asks *asks = &connection->asks;
    memset(asks, 0, sizeof(*asks));
    asks->route = connection->route;
    memcpy(&asks->query, &connection->query, sizeof(asks->query));
    asks->query.given &= ~(uint32_t)(QUERY_MIN_SEQ | QUERY_WAIT_MS);
    asks->query.min_seq = 0;
    asks->query.wait_ms = 0;
    connection->request.asks = asks;
    connection->request.asks_size = sizeof(*asks);
    connection->request.asks_digest = bs_hash(0, asks, sizeof(*asks));
}

enum outcome read_begin(struct connection *connection)
{
    assert(connection->route->read != NULL);
    if ((connection->route->parameters & QUERY_MIN_SEQ) == 0) {
        connection->request.query = on_core;
        return submit_to_core(connection);
    }
    return read_from_follower(connection, on_follower);
}

enum outcome read_from_follower(struct connection *connection, request_query_fn query)
{
    struct request *request = &connection->request;
    request->query = query;
    set_asks(connection);
    request->client = client_of(connection);
    set_moment(connection);
    return submit(connection, take_by_follower);
}
