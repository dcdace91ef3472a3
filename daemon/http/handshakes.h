/* SPDX-License-Identifier: Apache-2.0 */
/*
 * TLS handshakes that wait for the client. libmicrohttpd 0.9.75 forgets that such a socket has
 * nothing to read and asks it again and again: half a hello and silence cost a core. So a
 * connection whose handshake has read everything is suspended, and continues when bytes arrive (or
 * the sweep shuts its socket down). Only the HTTP thread uses it.
 */
#ifndef HTTP_HANDSHAKES_H
#define HTTP_HANDSHAKES_H

#include "lib/base/base.h"

struct http_server;
struct connection;

struct handshake { /* of a connection */
    struct connection *previous, *next;
    bool is_running;   /* in the list of those that the library has */
    bool is_suspended; /* in the epoll set of those that wait */
};

struct handshakes {
    int waiting; /* an epoll set; to be polled for input */
    struct connection *running;
};

BS_MUST_USE int handshakes_init(struct handshakes *handshakes); /* 0 or -errno */
void handshakes_fini(struct handshakes *handshakes);

void handshake_begin(struct connection *connection);
void handshake_end(struct connection *connection); /* done or closed; more than once is fine */

/* Before the library runs: resumes those with bytes. After it: suspends those that wait. */
void handshakes_resume(struct http_server *server);
void handshakes_suspend(struct http_server *server);
/* At the end: resumes all, because the library must get all of its connections back. */
void handshakes_resume_all(struct http_server *server);

#endif
