/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/http/submit.h"

/* On the thread that answered. The first on an empty list wakes the HTTP thread, which takes the
 * list as a whole. */
static void on_done(struct request *request)
{
    struct connection *connection = request->user;
    struct http_server *server = connection->server;
    struct connection *first = atomic_load(&server->done);
    do {
        connection->done_next = first;
    } while (!atomic_compare_exchange_weak(&server->done, &first, connection));
    if (first == NULL) {
        http_server_signal(server);
    }
}

enum outcome submit(struct connection *connection, bool (*take)(struct connection *connection))
{
    assert(connection->course == COURSE_BEGUN);
    connection->request.done = on_done;
    connection->request.user = connection;
    connection->course = COURSE_SUBMITTED;
    /* Suspended first: the taker may be done before it returns. */
    MHD_suspend_connection(connection->mhd);
    if (!take(connection)) {
        connection->course = COURSE_NOT_TAKEN;
        MHD_resume_connection(connection->mhd);
        http_server_signal(connection->server); /* the library does not wake itself */
    }
    return OUTCOME_SUBMITTED;
}

static bool take_by_core(struct connection *connection)
{
    return core_submit(connection->server->core, &connection->request);
}

enum outcome submit_to_core(struct connection *connection)
{
    return submit(connection, take_by_core);
}
