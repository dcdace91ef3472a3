/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/http/unread.h"

#include "daemon/http/connection.h"
#include "daemon/logger/logger.h"

#define LOG_INTERVAL_MS 10000 /* one line for many clients */

/* The connection that has been sending for the longest, NULL: none but `latest` is. */
static struct connection *slowest(struct http_server *server, const struct connection *latest)
{
    struct connection *found = NULL;
    for (struct sweep_entry *entry = server->sweep.entries; entry != NULL; entry = entry->next) {
        struct connection *connection = (struct connection *)entry;
        bool counts = connection->unread_size > 0 && connection != latest;
        if (counts && (found == NULL || connection->unread_since_ms < found->unread_since_ms)) {
            found = connection;
        }
    }
    return found;
}

static void drop(struct connection *connection)
{
    struct http_server *server = connection->server;
    int64_t now_ms = sweep_now_ms();
    unread_remove(connection);
    sweep_cut(&connection->sweep);
    server->unread_dropped++;
    if (server->unread_logged_ms == 0 || now_ms - server->unread_logged_ms >= LOG_INTERVAL_MS) {
        server->unread_logged_ms = now_ms;
        logger_write(LOGGER_WARN, "http",
                     "connections are cut: too many bytes of answers are unread",
                     LOGGER_FIELDS(logger_uint("dropped", server->unread_dropped)));
    }
}

void unread_add(struct connection *connection)
{
    struct http_server *server = connection->server;
    assert(connection->unread_size == 0);
    connection->unread_size = connection->request.body.capacity;
    connection->unread_since_ms = sweep_now_ms();
    server->unread_size += connection->unread_size;
    while (server->unread_size > server->options.unread_size_max) {
        struct connection *other = slowest(server, connection);
        if (other == NULL) {
            return;
        }
        drop(other);
    }
}

void unread_remove(struct connection *connection)
{
    struct http_server *server = connection->server;
    assert(server->unread_size >= connection->unread_size);
    server->unread_size -= connection->unread_size;
    connection->unread_size = 0;
}
