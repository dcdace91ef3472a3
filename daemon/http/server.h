/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The HTTP front end: one thread around libmicrohttpd's epoll set, a request guard, a deadline
 * sweep, a static route table. It reads no state: writes become records, reads become queries on
 * the core loop, and action lists come from the log's readers.
 */
#ifndef HTTP_SERVER_H
#define HTTP_SERVER_H

#include "daemon/config/socket_address.h"
#include "daemon/core/core.h"
#include "daemon/log/log.h"

struct audit;
struct backups;
struct keys;
struct retention;
struct webhooks;
struct follower;
struct snapshot_keeper;
struct simulator;
struct tls;

struct stream_options {
    uint32_t clients_max; /* 0 = no streams */
    uint32_t ping_interval_s;
    uint32_t stall_timeout_s;
    uint32_t behind_max; /* actions */
};

struct http_options {
    struct socket_address address;   /* port 0 = any free one */
    uint32_t connections_max;        /* default 1024 */
    uint32_t per_ip_connections_max; /* 0 = no limit */
    size_t body_size_max;            /* default 16 MiB */
    size_t unread_size_max;          /* of all answers on their way; default 256 MiB */
    uint32_t idle_timeout_s;         /* default 60 */
    uint32_t header_deadline_ms;     /* default 5000 */
    uint32_t body_deadline_ms;       /* default 10000, plus 1 s per MiB */
    uint32_t stall_limit_ms;         /* of the core; default 5000 */
    uint32_t
        answer_deadline_ms; /* default 30000: a suspended request past it is counted and logged */
    struct stream_options streams;
    struct follower *follower;         /* NULL: tests without reads of many accounts */
    struct snapshot_keeper *snapshots; /* NULL: tests */
    struct simulator *simulator;       /* NULL: simulations are off */
    struct keys *keys; /* NULL: everybody may do everything. The server's from then on */
    struct tls *tls;   /* NULL: plain HTTP. The server's from then on */
    struct webhooks *webhooks;
    struct backups *backups;
    struct retention *retention; /* NULL: tests */
    struct audit *audit;         /* NULL: no audit log. Likewise */
};

struct http_server;

BS_MUST_USE int http_server_new(struct http_server **ret_server, const struct http_options *options,
                                struct core *core, struct command_log *log,
                                char error[LOG_ERROR_SIZE]);
/* Where it serves, with the port that it got. */
const struct socket_address *http_server_address(const struct http_server *server);
/* From the core loop: actions up to this ordinal are durable; wakes the long polls. */
void http_server_wake(struct http_server *server, uint64_t last_ordinal);
/* Any thread: new connections get this certificate. The server frees it. */
void http_server_set_tls(struct http_server *server, struct tls *tls);
/* Any thread: these keys count from the next request on. The server frees them. */
void http_server_set_keys(struct http_server *server, struct keys *keys);
/* Any thread: the audit log's file was moved away. */
void http_server_reopen_audit(struct http_server *server);
/* readyz answers 503 from now on; no new connections. */
void http_server_quiesce(struct http_server *server);
void http_server_free(struct http_server *server); /* after the core stopped; NULL is fine */

#endif
