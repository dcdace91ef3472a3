/* SPDX-License-Identifier: Apache-2.0 */
/* Reads of state: the row's `read` runs on the core loop, with what the target asks for. */
#include "daemon/http/handlers.h"
#include "daemon/http/submit.h"

static void on_core(struct request *request, struct core *core, struct bs_engine *engine)
{
    const struct connection *connection = request->user;
    (void)core;
    connection->route->read(request, &connection->query, engine);
}

enum outcome read_begin(struct connection *connection)
{
    assert(connection->route->read != NULL);
    connection->request.query = on_core;
    if (connection->route->limit_max > 0 || connection->route->costs) {
        connection->asks = (struct read_asks){connection->route, connection->query};
        connection->request.asks = &connection->asks;
        connection->request.asks_size = sizeof(connection->asks);
    }
    return submit_to_core(connection);
}
