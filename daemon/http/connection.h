/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One client connection and the one request it is at. The object lives from NOTIFY_CONNECTION
 * started to closed; libmicrohttpd never closes a suspended connection, so the holder of a request
 * (the core, the list of waiters) may use it until the connection is resumed.
 *
 *     IDLE -> HEAD -> BODY -> WORKING -> SENDING -> IDLE
 *                               |  ^
 *                               v  |   suspended: the core has the request, or
 *                             WAITING  a long poll waits for actions
 *
 * A stream stays in SENDING and WAITING for as long as it lasts (stream.h).
 *
 * The HTTP thread owns all of it, except `request` while the core holds it. The core gives it back
 * by a list (http_server.done), so only the HTTP thread calls the library.
 */
#ifndef HTTP_CONNECTION_H
#define HTTP_CONNECTION_H

#include <microhttpd.h>
#include <pthread.h>
#include <stdatomic.h>

#include "daemon/access/keys.h"
#include "daemon/access/tls.h"
#include "daemon/core/core.h"
#include "daemon/http/feed.h"
#include "daemon/http/guard.h"
#include "daemon/http/handshakes.h"
#include "daemon/http/log_reads.h"
#include "daemon/http/query.h"
#include "daemon/http/route.h"
#include "daemon/http/server.h"
#include "daemon/http/stream.h"
#include "daemon/http/sweep.h"
#include "daemon/metrics/metrics_http.h"

struct audit;
struct connection;

/* How far a request has come once it is complete. */
enum course {
    COURSE_BEGUN,
    COURSE_SUBMITTED, /* another thread has it, or had it and answered */
    COURSE_NOT_TAKEN, /* the other thread had no room */
};

/* The caller, from its line in the keys file. Copied, because a reload may replace that line. */
struct caller {
    char name[KEY_NAME_SIZE_MAX + 1]; /* empty: unknown, or no access control */
    uint8_t roles;
    bool is_limited; /* it has a rate */
};

/*
 * The caller of a client certificate, looked up once, and again after a reload or after some time.
 */
struct client_certificate {
    enum tls_peer peer;
    char name[KEY_NAME_SIZE_MAX + 1]; /* of its line in the keys file; empty: it has none */
    uint32_t generation;              /* of the server's access; 0 = not looked at */
    int64_t checked_ms;
};

/* What two reads have in common that get the same answer. */
struct read_asks {
    const struct route *route;
    struct read_query query;
};

struct connection {
    struct sweep_entry sweep; /* first: the sweep hands out entries */
    struct http_server *server;
    struct MHD_Connection *mhd;
    struct tls *tls; /* NULL: plain HTTP */
    struct client_certificate certificate;
    struct handshake handshake;
    const struct route *route; /* NULL until the request was understood */
    struct request request;
    struct guard guard;
    struct read_query query;
    struct read_asks asks;
    struct caller caller;
    char access_detail[256]; /* why access_check refused it */
    uint64_t path_number;    /* of a settlement or an action; 0 = none */
    uint64_t audit_id;       /* of the audit line of the request; 0 = none */
    void *job;               /* what another thread works on beside the request; freed with it */
    void (*free_job)(void *job); /* NULL: by free */
    struct stream *stream;       /* NULL for everything else */
    char allow[48];              /* the methods for a 405 */
    const char *etag;            /* the validator of an answer that may be kept, or NULL */
    char *body;
    size_t body_size; /* received so far */
    size_t body_capacity;
    size_t body_promised;   /* Content-Length, while it counts in bodies_size */
    bool begun;             /* a request is going on */
    bool is_head;           /* it is HEAD: headers only */
    bool refused;           /* before its body was looked at: the answer is there */
    bool closes;            /* the connection closes after this answer */
    bool lingers;           /* and what the client still sends is drained */
    uint32_t retry_after_s; /* 0 = absent */
    char problem[1024];     /* sent in place of an answer that had no memory */
    size_t problem_size;
    size_t unread_size; /* of the answer on its way to the client; 0: none */
    int64_t unread_since_ms;
    enum course course;
    int64_t wait_until_ms; /* of a long poll; 0 before it began */
    struct connection *done_next;
};

struct http_server { /* the HTTP thread's, but for what is atomic */
    struct http_options options;
    struct core *core;
    struct keys *keys; /* NULL: no access control */
    struct tls *tls;   /* of new connections; NULL: plain HTTP */
    struct tls *retired_tls;
    uint32_t generation;         /* of keys and tls, from 1 */
    struct audit *audit;         /* NULL: nothing is written down */
    struct log_reader *reader;   /* of the streams */
    struct log_reads *log_reads; /* pages are read on their own thread */
    struct MHD_Daemon *daemon;
    struct sweep sweep;
    struct handshakes handshakes;
    pthread_t thread;
    int listener;
    struct socket_address address; /* where it listens */
    int event;                     /* wakes the thread: something atomic has changed */
    bool checks_layout;            /* of heads; from 1.0.0 on the library itself reads
                                      strictly */
    bool waits_ended;              /* no waiters any more */
    uint64_t told_ordinal;         /* the waiters have seen actions up to here */
    struct feed feed;
    struct stream_counts streams;
    size_t bodies_size;      /* promised by Content-Length and not yet answered */
    size_t unread_size;      /* of all answers on their way (unread.h) */
    uint64_t unread_dropped; /* connections cut because there were too many */
    int64_t unread_logged_ms;
    int64_t search_until_ms; /* streams search the log up to then in this turn */
    bool tells_streams;      /* there is a block that more than one of them wants */
    int64_t full_logged_ms;  /* that the connections are at their limit */
    uint32_t turns_at_once;  /* the library accepts again two turns after a connection was cut */
    uint64_t exchanges;      /* requests begun and not completed */
    uint64_t requests[METRICS_STATUSES]; /* answered, by HTTP status */
    uint64_t started_s;                  /* of the process, Unix time */
    bool has_snapshot;                   /* of a pool, on its way */
    uint64_t refusals;                   /* by the request guard */
    uint64_t library_messages;           /* what libmicrohttpd had to say: mostly vanished
                                          clients */
    _Atomic(struct keys *) fresh_keys;   /* reloaded and not in force yet */
    _Atomic(struct tls *) fresh_tls;
    _Atomic(struct connection *) done; /* answered by another thread, the last one first */
    _Atomic uint64_t last_ordinal;     /* of the last durable action known here */
    atomic_bool reopens_audit;
    atomic_bool quiesced;
    atomic_bool ending; /* the thread ends when the last answers are sent */
};

/* One more answer with this HTTP status. */
static inline void http_server_count(struct http_server *server, int status)
{
    assert(status >= METRICS_STATUS_MIN);
    assert(status < METRICS_STATUS_MIN + METRICS_STATUSES);
    server->requests[status - METRICS_STATUS_MIN]++;
}

/* Requests that wait for actions; streams that wait are none of them. */
static inline uint64_t http_server_long_polls(const struct http_server *server)
{
    return server->sweep.groups[GROUP_WAITERS].count - server->streams.waiting;
}

/* Any thread: the HTTP thread has something to look at. */
void http_server_signal(struct http_server *server);

/* ---- the callbacks of libmicrohttpd ---- */
void *connection_on_target(void *user, const char *target, struct MHD_Connection *mhd);
enum MHD_Result connection_on_request(void *user, struct MHD_Connection *mhd, const char *url,
                                      const char *method, const char *version, const char *upload,
                                      size_t *upload_size, void **exchange);
void connection_on_completed(void *user, struct MHD_Connection *mhd, void **exchange,
                             enum MHD_RequestTerminationCode code);
void connection_on_notify(void *user, struct MHD_Connection *mhd, void **socket_context,
                          enum MHD_ConnectionNotificationCode code);
void connection_resume(struct sweep_entry *entry);
bool connection_concerns(struct sweep_entry *entry);

#endif
