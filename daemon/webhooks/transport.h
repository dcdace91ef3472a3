/* SPDX-License-Identifier: Apache-2.0 */
/*
 * POSTs over libcurl's multi interface, driven by a libuv loop; the loop's thread only. Connections
 * are kept and used again. No redirects, no proxies, no address that is refused (address.h); what
 * comes back is read up to 4 KiB and dropped, for only the status counts.
 */
#ifndef WEBHOOKS_TRANSPORT_H
#define WEBHOOKS_TRANSPORT_H

#include "daemon/config/address.h"
#include "daemon/core/core.h"

#define TRANSPORT_ERROR_SIZE 256
#define TRANSPORT_HEADERS 3

struct transport;

struct transport_options {
    struct address_ranges exceptions;
    struct address_ports ports;
    bool allows_http;
    uint32_t timeout_ms;         /* of a whole call */
    uint32_t connect_timeout_ms; /* of its connection */
    const char *ca_file;         /* certificates that are trusted; empty: the system's */
};

/* One POST. The caller owns it; url, headers and body must live until `done` is called. */
struct transport_call {
    const char *url;
    const char *headers[TRANSPORT_HEADERS]; /* "name: value"; NULL: none */
    const char *body;
    size_t body_size;
    /* The outcome. */
    int status;             /* HTTP; 0: no answer, and why */
    int64_t retry_after_ms; /* 0: not said */
    uint64_t duration_us;
    char error[TRANSPORT_ERROR_SIZE]; /* empty with an answer */
    bool is_refused;                  /* the address, so nothing was sent */
    void (*done)(struct transport_call *call);
    void *user;
    /* the transport's */
    struct transport *transport;
    struct transport_call *next; /* calls that fail without having been sent */
    char refused[ADDRESS_TEXT_SIZE];
    void *easy;
    void *list;
    size_t received;
    uint64_t start_ns;
};

BS_MUST_USE int transport_new(struct transport **ret_transport, uv_loop_t *loop,
                              const struct transport_options *options, char error[LOG_ERROR_SIZE]);
/* `done` is called later, from the loop. */
void transport_send(struct transport *transport, struct transport_call *call);
/* Before `done`, which is then not called. */
void transport_cancel(struct transport_call *call);
/* Closes its handles; the loop must turn until they are closed. No call may be under way. */
void transport_stop(struct transport *transport);
void transport_free(struct transport *transport); /* after the loop has turned */

/* BS_OK, or BS_INVALID_URL or BS_ADDRESS_REFUSED with the reason. */
BS_MUST_USE enum bs_status transport_check_url(const struct transport *transport, const char *url,
                                               const char **ret_reason);

#endif
