/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One client connection and the one request it is at. The object lives from
 * NOTIFY_CONNECTION started to closed; libmicrohttpd never closes a suspended
 * connection, so whoever holds a request (the core, the list of waiters) may
 * use it until the connection is resumed.
 *
 *     IDLE -> HEAD -> BODY -> WORKING -> SENDING -> IDLE
 *                               |  ^
 *                               v  |   suspended: the core has the request, or
 *                             WAITING  a long poll waits for actions
 *
 * A stream stays in SENDING and WAITING for as long as it lasts (stream.h).
 *
 * All of it belongs to the HTTP thread, but while the core holds the request
 * `request` is the core's. The core gives it back by a list (http_server.done),
 * so that the library is only ever called from the HTTP thread.
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
#include "daemon/http/query.h"
#include "daemon/http/server.h"
#include "daemon/http/stream.h"
#include "daemon/http/sweep.h"

struct audit;
struct connection;

/* What a handler did with the request. */
enum outcome {
    OUTCOME_ANSWER,    /* request.status and body are the answer */
    OUTCOME_SUSPENDED, /* the connection is suspended; the handler is called again
                          after resuming */
    OUTCOME_STREAM,    /* stream_send has the answer */
};

/* Of a route only: no key is asked for. */
#define ROLE_ANYBODY (1u << 7)

struct route {
    const char *method;  /* GET takes HEAD too */
    const char *pattern; /* "/v1/pools/{}/resume": {} is a name, # a number */
    enum outcome (*handle)(struct connection *connection);
    void (*read)(struct request *request, const struct read_query *query,
                 struct bs_engine *engine); /* of handle_read, on the core loop */
    uint8_t roles;                          /* ROLE_*: any of them lets in; none named = only ops */
    uint32_t parameters;                    /* QUERY_* */
    uint32_t limit_max;
    uint8_t command; /* enum bs_command_type of a write; 0 = each item names its
                        own */
    bool takes_body;
    bool needs_side;    /* the parameter must be there */
    bool needs_pool;    /* likewise */
    bool body_optional; /* without a body the command is made from the name in the
                           path */
};

/* Who asks, as its line in the keys file says. Copied, for a reload may replace
 * that line. */
struct caller {
    char name[KEY_NAME_SIZE_MAX + 1]; /* empty: not known, or nobody is asked */
    uint8_t roles;
    bool is_limited; /* it has a rate */
};

/* Of a connection over TLS: whom the client's certificate stands for, found out
 * once and again when something was reloaded or time has passed. */
struct client_certificate {
    enum tls_peer peer;
    char name[KEY_NAME_SIZE_MAX + 1]; /* of its line in the keys file; empty: it has none */
    uint32_t generation;              /* of the server's access; 0 = not looked at */
    int64_t checked_ms;
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
    struct caller caller;
    char gate_detail[256];             /* why the gate does not let it through */
    uint64_t path_number;              /* of a settlement or an action; 0 = none */
    uint64_t audit_id;                 /* of the line that says it was asked; 0 = none */
    struct simulator_job *job;         /* of a simulation; NULL for everything else */
    struct webhooks_job *webhooks_job; /* likewise, about webhooks */
    struct stream *stream;             /* likewise of a stream */
    char allow[48];                    /* the methods for a 405 */
    const char *etag;                  /* the validator of an answer that may be kept, or NULL */
    char *body;
    size_t body_size; /* received so far */
    size_t body_capacity;
    size_t body_promised;   /* Content-Length, while it counts in bodies_size */
    bool begun;             /* a request is going on */
    bool is_head;           /* it is HEAD: headers only */
    bool refused;           /* before its body was looked at: the answer is there */
    bool closes;            /* the connection closes after this answer */
    bool lingers;           /* and what the client still sends is drained */
    uint32_t retry_after_s; /* 0 = not said */
    bool handed_over;       /* the core has had the request, */
    bool not_taken;         /* or its queue was full */
    int64_t wait_until_ms;  /* of a long poll; 0 before it began */
    struct connection *done_next;
};

struct http_server { /* the HTTP thread's, but for what is atomic */
    struct http_options options;
    struct core *core;
    struct keys *keys; /* NULL: nobody is asked for a key */
    struct tls *tls;   /* of new connections; NULL: plain HTTP */
    struct tls *retired_tls;
    uint32_t generation; /* of keys and tls, from 1 */
    struct audit *audit; /* NULL: nothing is written down */
    struct log_reader *reader;
    struct MHD_Daemon *daemon;
    struct sweep sweep;
    struct handshakes handshakes;
    pthread_t thread;
    int listener;
    struct socket_address address; /* where it listens */
    int event;                     /* wakes the thread: something atomic has changed */
    bool checks_layout;            /* of heads; from 1.0.0 on the library itself reads
                                      strictly */
    bool waits_ended;              /* nobody waits for actions any more */
    uint64_t told_ordinal;         /* up to here the waiters were told */
    struct feed feed;
    struct stream_counts streams;
    size_t bodies_size;                /* promised by Content-Length and not yet answered */
    uint64_t exchanges;                /* requests begun and not completed */
    uint64_t refusals;                 /* by the request guard */
    uint64_t library_messages;         /* what libmicrohttpd had to say: mostly vanished
                                          clients */
    _Atomic(struct keys *) fresh_keys; /* read anew and not yet taken over */
    _Atomic(struct tls *) fresh_tls;
    _Atomic(struct connection *) done; /* the core has finished with these, the last one first */
    _Atomic uint64_t last_ordinal;     /* of the last action we heard of */
    atomic_bool reopens_audit;
    atomic_bool quiesced;
    atomic_bool ending; /* the thread ends when the last answers are sent */
};

/* ---- the route table and its handlers ---- */
/* Finds the route and takes the names of the path. BS_NOT_FOUND,
 * BS_METHOD_NOT_ALLOWED (then connection->allow is set), BS_INVALID_PATH,
 * BS_INVALID_NAME or BS_UNKNOWN_SETTLEMENT. */
BS_MUST_USE enum bs_status route_find(struct connection *connection, const char *method,
                                      const char *url);
/* The table row by row, for the test of the contract; NULL past the last one. */
const struct route *route_at(size_t i);
enum outcome handle_write(struct connection *connection);
enum outcome handle_read(struct connection *connection);
enum outcome handle_actions(struct connection *connection);
enum outcome handle_stream(struct connection *connection);
enum outcome handle_settlements(struct connection *connection);
enum outcome handle_settlement(struct connection *connection);
enum outcome handle_live(struct connection *connection);
enum outcome handle_ready(struct connection *connection);
enum outcome handle_metrics(struct connection *connection);
enum outcome handle_simulation(struct connection *connection);
enum outcome handle_webhook(struct connection *connection);
enum outcome handle_contract(struct connection *connection);

/*
 * Called by a handler twice. First: the connection is suspended and its request
 * submitted to the core; the handler returns OUTCOME_SUSPENDED and touches
 * nothing. Then, resumed: OUTCOME_ANSWER, and *ret_done says whether the core
 * has done it; if not, the answer is a 503.
 */
enum outcome connection_through_core(struct connection *connection, bool *ret_done);
/* The same with another taker of the request than the core; it says whether it
 * took it. */
enum outcome connection_through(struct connection *connection,
                                bool (*submit)(struct connection *connection), bool *ret_done);

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
