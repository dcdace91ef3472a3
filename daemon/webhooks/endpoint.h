/* SPDX-License-Identifier: Apache-2.0 */
/* An endpoint: what the client asked for, its secrets, its state and its lanes; the webhooks thread
 * only. */
#ifndef WEBHOOKS_ENDPOINT_H
#define WEBHOOKS_ENDPOINT_H

#include "api/json_webhook.h"
#include "daemon/disk/disk_watch.h"
#include "daemon/webhooks/counters.h"
#include "daemon/webhooks/lane.h"
#include "daemon/webhooks/signer.h"

#define ENDPOINT_ID_SIZE 24
#define ENDPOINT_SECRETS_MAX 4
#define ENDPOINT_OTHER_MAX 64

enum disable_reason { DISABLED_NOT, DISABLED_GONE, DISABLED_EXHAUSTED, DISABLED_FAILING };

const char *disable_reason_name(uint8_t reason); /* NULL when it is enabled */

/* What all endpoints share, and the functions that they call; it outlives them. */
struct endpoint_host {
    struct log_reader *reader;
    const char *log; /* its identity */
    struct transport *transport;
    struct webhooks_counters counters;
    uint64_t durable;      /* the last action that may be read, as of this turn */
    uint32_t parallel_max; /* requests under way to one endpoint in parallel order */
    uint32_t disable_after_s;
    uint32_t sent_count; /* requests under way, of all endpoints */
    /* A request to the endpoint has ended; unless DISABLED_NOT, the endpoint is to be disabled. */
    void (*on_ended)(struct endpoint *endpoint, enum disable_reason reason);
    /* A test has ended; message NULL: it never will. */
    void (*on_test)(struct endpoint_host *host, struct webhooks_job *job,
                    const struct message *message);
    /* Saves what has changed. False: it could not. */
    bool (*save)(struct endpoint_host *host);
    void *user; /* of the callbacks */
};

/* One attempt, until it is saved. */
struct attempt {
    struct attempt *next;
    uint64_t number;
    char id[MESSAGE_ID_SIZE];
    uint64_t first, last;
    uint8_t event;
    uint32_t try_number;
    int64_t time_ms;
    uint64_t duration_us;
    int64_t latency_ms; /* -1: not delivered */
    int status;
    int64_t next_ms; /* wall clock; 0: none */
    char error[TRANSPORT_ERROR_SIZE];
};

struct endpoint_secret {
    struct signer_key key;
    int64_t until_ms; /* wall clock; 0: the one that stays */
};

struct endpoint {
    struct endpoint_host *host;
    char id[ENDPOINT_ID_SIZE];
    struct api_webhook asked;
    int64_t created_ms;
    struct endpoint_secret secrets[ENDPOINT_SECRETS_MAX]; /* newest first */
    uint32_t secrets_count;
    uint8_t reason; /* enum disable_reason */
    int64_t disabled_ms;
    int64_t failing_since_ms; /* wall clock, for people; 0: the last attempt was good */
    int64_t failing_from_ms;  /* monotonic: since then, or since this process knows of it */
    int64_t failed_ms;        /* how long it had failed at failing_from_ms */
    int64_t taken_ms; /* monotonic: the last accepted notice; 0: none since the process started */
    char last_error[TRANSPORT_ERROR_SIZE];
    struct lane lanes[LANE_COUNT];
    uint64_t attempts_count; /* ever */
    uint64_t tests_count;    /* of this process */
    struct attempt *unsaved, *unsaved_last;
    bool is_dirty; /* the database does not know all of it */
};

struct endpoint *endpoint_new(struct endpoint_host *host); /* NULL: no memory */
void endpoint_free(struct endpoint *endpoint);             /* cancels deliveries in progress */

/* For how long it has failed, by elapsed time while the daemon ran; 0: the last attempt was good. */
int64_t endpoint_failed_ms(const struct endpoint *endpoint);
/* An attempt that began so long ago failed; the first in a row is noted. */
void endpoint_note_failure(struct endpoint *endpoint, int64_t duration_ms);
/* Aborts unless its state, its counts and its lanes agree. It has an id and a secret. */
void endpoint_check(const struct endpoint *endpoint);
/* Gives the attempt its number and keeps it until it is saved; takes ownership. */
void endpoint_remember(struct endpoint *endpoint, struct attempt *attempt);
/* Everything about it is saved now. */
void endpoint_saved(struct endpoint *endpoint);

/* It must be enabled. Messages stay, and wait until it is enabled again. */
void endpoint_disable(struct endpoint *endpoint, enum disable_reason reason);
void endpoint_enable(struct endpoint *endpoint);
/* Drops the secrets that have expired. */
void endpoint_expire_secrets(struct endpoint *endpoint, int64_t wall_ms);
/* `key` signs from now on; the earlier ones sign as well for `overlap_s`, or are dropped if 0. */
void endpoint_rotate(struct endpoint *endpoint, const struct signer_key *key, uint32_t overlap_s);
/* Adds a test; its outcome answers the job. */
BS_MUST_USE bool endpoint_test(struct endpoint *endpoint,
                               struct webhooks_job *job); /* false: no memory */
/* Adds the news that another endpoint was disabled, if it asked for that and there is room. */
void endpoint_tell_disabled(struct endpoint *endpoint, const struct endpoint *disabled);
/* Adds the news of the room on the log's disk, likewise. Its id is made of the time. */
void endpoint_tell_disk(struct endpoint *endpoint, const struct disk_state *disk, int64_t time_ms);
/* Begins a redelivery from the log. */
BS_MUST_USE int endpoint_redeliver(struct endpoint *endpoint, const struct api_redeliver *asked,
                                   char error[LOG_ERROR_SIZE]);

#endif
