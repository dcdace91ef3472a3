/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Webhooks: a thread with a loop of its own that reads published actions from the durable log and
 * POSTs them to the endpoints that ask for them. What it knows of them (cursors, failures, history)
 * is in a database of its own; the log is the queue, so waiting notices take no memory, and no
 * receiver can slow down the core loop.
 */
#ifndef WEBHOOKS_H
#define WEBHOOKS_H

#include "api/json_webhook.h"
#include "daemon/config/address.h"
#include "daemon/core/core.h"

struct webhooks_options {
    const char *directory; /* of the log; the database is put beside it */
    struct address_ranges exceptions;
    struct address_ports ports;
    bool allows_http;
    const char *ca_file;
    uint32_t timeout_ms;
    uint32_t connect_timeout_ms;
    uint32_t endpoints_max;
    uint32_t parallel_max;    /* requests under way to one endpoint in parallel order */
    uint32_t history_max;     /* attempts remembered of each endpoint */
    uint32_t disable_after_s; /* of nothing but failures */
    uint32_t queue_max;       /* requests about webhooks that wait */
};

struct webhooks;

enum webhooks_verb {

#define X(name, function, body, needs_body) WEBHOOKS_##name,
#include "daemon/webhooks/verbs.def"
#undef X
    WEBHOOKS_VERBS_COUNT
};

/* Lives with the request; the HTTP thread does not touch it until request->done was called, on the
 * webhooks thread. The texts are the caller's. */
struct webhooks_job {
    struct webhooks_job *next;
    struct request *request;
    uint8_t verb; /* enum webhooks_verb */
    struct bs_text endpoint;
    /* of a list: at most `limit` rows after this endpoint, or this attempt */
    uint32_t limit;
    const char *list; /* what its cursors begin with; the connection's */
    struct bs_text after;
    uint64_t after_number;
    /* of an Idempotency-Key; key_size 0: it came with none */
    char caller[BS_ID_SIZE_MAX + 1];
    char key[BS_REQUEST_KEY_SIZE_MAX];
    uint32_t key_size;
    uint8_t fingerprint[BS_FINGERPRINT_SIZE];

    union {
        struct api_webhook webhook;
        struct api_redeliver redeliver;
        struct api_rotate rotate;
    } asked;
};

BS_MUST_USE int webhooks_new(struct webhooks **ret_webhooks, struct core *core,
                             struct command_log *log, const struct webhooks_options *options,
                             char error[LOG_ERROR_SIZE]);
/* From the core loop: more actions are durable. */
void webhooks_wake(struct webhooks *webhooks);
/* Any thread: endpoints that ask for it are told of the room on the log's disk. */
void webhooks_tell_disk(struct webhooks *webhooks, const struct disk_state *disk);
/* Any thread. False: too many wait, or it stops; nothing was taken. */
BS_MUST_USE bool webhooks_submit(struct webhooks *webhooks, struct webhooks_job *job);
/* Answers what waits with 503, lets requests under way end for a moment, saves, ends the thread.
 * Twice, and NULL, is fine. */
void webhooks_stop(struct webhooks *webhooks);
void webhooks_free(struct webhooks *webhooks); /* when nothing can submit; stops it too */

/* Latencies, from the time of an action to the answer of the receiver: upper bounds in ms. */
#define WEBHOOKS_LATENCY_BOUNDS                                                                    \
    {                                                                                              \
        5, 10, 25, 50, 100, 250, 500, 1000, 5000, 60000                                            \
    }
#define WEBHOOKS_LATENCY_BUCKETS 11 /* the last one has no bound */

struct webhooks_stats { /* since the start; any thread */
    uint64_t delivered, failed, unanswered, refused;
    uint64_t endpoints, endpoints_disabled, disabled_total;
    uint64_t queue_depth;   /* actions that enabled endpoints have not been through yet */
    int64_t oldest_time_ms; /* of the oldest notice that waits; 0 = none */
    uint64_t save_failures;
    uint64_t cut_total; /* actions that the log lost before endpoints were through them */
    uint64_t latency_ms_total, latencies[WEBHOOKS_LATENCY_BUCKETS];
};

/* The enabled endpoints are through all actions up to this ordinal; UINT64_MAX: there are none. Any
 * thread. */
uint64_t webhooks_done_ordinal(const struct webhooks *webhooks);
struct webhooks_stats webhooks_stats_get(const struct webhooks *webhooks);

#endif
