/* SPDX-License-Identifier: Apache-2.0 */
/* One connection to one server, one request at a time. The only user of libcurl here. */
#ifndef CLI_HTTP_H
#define CLI_HTTP_H

#include <stdbool.h>
#include <stddef.h>

#include "api/buffer.h"

struct http;

struct http_answer {
    long status;
    const char *body; /* NUL terminated; lives until the next request */
    size_t size;
    long retry_after_s; /* 0 when the server named none */
};

/* How server and client authenticate each other. Each may be NULL. */
struct http_access {
    const char *key;      /* sent as Authorization: Bearer */
    const char *cacert;   /* PEM file: CA certificate of the server, instead of the system's */
    const char *cert;     /* PEM file: the client's certificate, */
    const char *cert_key; /* and its key */
};

/* NULL when the URL is not http(s)://host[:port][/prefix]. */
struct http *http_new(const char *url);
void http_free(struct http *http);
/* The texts must outlive it. False: the URL would send the key over the network in the clear. */
BS_MUST_USE bool http_set_access(struct http *http, const struct http_access *access);
const char *http_url(const struct http *http); /* without a slash at its end */

/*
 * EX_OK when there is an answer of any status; EX_UNAVAILABLE when none came (refused, lost, timed
 * out); EX_PROTOCOL when it is not HTTP or is too long. On an error http_error says what happened.
 */
BS_MUST_USE int http_get(struct http *http, const char *path, long timeout_ms,
                         struct http_answer *ret_answer);
/* `key` is sent as the Idempotency-Key: printable ASCII without spaces. */
BS_MUST_USE int http_post_ndjson(struct http *http, const char *path, const struct buffer *body,
                                 const char *key, struct http_answer *ret_answer);
BS_MUST_USE int http_post_json(struct http *http, const char *path, const struct buffer *body,
                               long timeout_ms, struct http_answer *ret_answer);
BS_MUST_USE int http_delete(struct http *http, const char *path, long timeout_ms,
                            struct http_answer *ret_answer);
const char *http_error(const struct http *http);
/* After a failed post: true if any of its body went out, so that it may have been applied. */
bool http_was_sent(const struct http *http);
const char *http_versions(void);

/* Append to a path, percent-encoded: a segment; "?name=value" or "&name=value" (nothing when
 * NULL). */
void http_path_segment(struct buffer *path, const char *segment);
void http_path_query(struct buffer *path, const char *name, const char *value);

#endif
