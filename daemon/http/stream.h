/* SPDX-License-Identifier: Apache-2.0 */
/*
 * GET /v1/stream: actions as server-sent events, for as long as the client stays. A stream holds
 * a place in the feed and at most one of its blocks; the library asks for more bytes when the
 * socket has taken the ones before:
 *
 *     on_room --> bytes of events --> the socket takes them --> on_room ...
 *        |  nothing new: the connection is suspended and waits in the sweep's list,
 *        +-- until there is news that passes the filter, or a ping is due
 *
 * No news is missed: the last durable action is counted before this thread is told of it, so what a
 * stream did not see before it was suspended is told after.
 *
 * The sweep cuts off a client that takes no bytes; one that takes too few gets a last event that
 * says so. Either may resume with Last-Event-ID.
 */
#ifndef HTTP_STREAM_H
#define HTTP_STREAM_H

#include "lib/base/base.h"

struct connection;
struct stream;

enum stream_end {
    STREAM_GOES_ON,
    STREAM_GONE,    /* the client went away */
    STREAM_STALLED, /* it took no bytes for stall_timeout_s */
    STREAM_BEHIND,  /* it stayed more than behind_max actions behind for stall_timeout_s */
    STREAM_EXPIRED, /* the log dropped what it had not read yet */
    STREAM_UNREADABLE,
    STREAM_RELOADED, /* keys or certificates were read again: the caller must connect again */
    STREAM_STOPPING,
    STREAM_ENDS_COUNT
};

const char *stream_end_name(enum stream_end end);

struct stream_counts {
    uint64_t open, waiting;                  /* now */
    uint64_t opened, refused, events, bytes; /* cumulative; events: over all clients */
    uint64_t ended[STREAM_ENDS_COUNT];
};

/* Queues the response of a stream that stream_begin has begun; false: the connection has to go. */
BS_MUST_USE bool stream_send(struct connection *connection);
/* Whether a waiting stream has something to send; looks through what does not match its filter. */
bool stream_has_news(struct connection *connection);
/* The exchange is over: frees connection->stream, which may be NULL. */
void stream_free(struct connection *connection);

#endif
