/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/http/handshakes.h"

#include <errno.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "daemon/http/connection.h"

#define EVENTS_MAX 64

int handshakes_init(struct handshakes *handshakes)
{
    handshakes->running = NULL;
    handshakes->waiting = epoll_create1(EPOLL_CLOEXEC);
    return handshakes->waiting < 0 ? -errno : 0;
}

void handshakes_fini(struct handshakes *handshakes)
{
    if (handshakes->waiting >= 0) {
        (void)close(handshakes->waiting);
        handshakes->waiting = -1;
    }
}

static void link_in(struct connection *connection)
{
    struct handshakes *handshakes = &connection->server->handshakes;
    struct handshake *handshake = &connection->handshake;
    handshake->previous = NULL;
    handshake->next = handshakes->running;
    handshake->is_running = true;
    if (handshake->next != NULL) {
        handshake->next->handshake.previous = connection;
    }
    handshakes->running = connection;
}

void handshake_begin(struct connection *connection)
{
    assert(!connection->handshake.is_running);
    link_in(connection);
}

void handshake_end(struct connection *connection)
{
    struct handshake *handshake = &connection->handshake;
    assert(!handshake->is_suspended); /* neither done nor closed without the library */
    if (!handshake->is_running) {
        return;
    }
    if (handshake->previous != NULL) {
        handshake->previous->handshake.next = handshake->next;
    } else {
        connection->server->handshakes.running = handshake->next;
    }
    if (handshake->next != NULL) {
        handshake->next->handshake.previous = handshake->previous;
    }
    handshake->is_running = false;
}

static void resume(struct connection *connection)
{
    int set = connection->server->handshakes.waiting;
    (void)epoll_ctl(set, EPOLL_CTL_DEL, connection->sweep.fd, NULL);
    connection->handshake.is_suspended = false;
    link_in(connection);
    MHD_resume_connection(connection->mhd);
}

void handshakes_resume(struct http_server *server)
{
    struct epoll_event events[EVENTS_MAX];
    int count = epoll_wait(server->handshakes.waiting, events, EVENTS_MAX, 0);
    for (int i = 0; i < count; i++) {
        resume(events[i].data.ptr);
    }
}

/* Everything that arrived has been read. */
static bool is_hungry(const struct connection *connection)
{
    int unread = 0;
    return ioctl(connection->sweep.fd, FIONREAD, &unread) == 0 && unread == 0;
}

static void suspend(struct connection *connection)
{
    int set = connection->server->handshakes.waiting;
    struct epoll_event event = {.events = EPOLLIN | EPOLLRDHUP, .data.ptr = connection};
    if (epoll_ctl(set, EPOLL_CTL_ADD, connection->sweep.fd, &event) != 0) {
        return; /* it is asked in vain until its deadline */
    }
    handshake_end(connection);
    connection->handshake.is_suspended = true;
    MHD_suspend_connection(connection->mhd);
}

void handshakes_suspend(struct http_server *server)
{
    struct connection *next = NULL;
    for (struct connection *each = server->handshakes.running; each != NULL; each = next) {
        next = each->handshake.next;
        if (is_hungry(each)) {
            suspend(each);
        }
    }
}

void handshakes_resume_all(struct http_server *server)
{
    for (struct sweep_entry *entry = server->sweep.entries; entry != NULL; entry = entry->next) {
        struct connection *connection = (struct connection *)entry;
        if (connection->handshake.is_suspended) {
            resume(connection);
        }
    }
}
