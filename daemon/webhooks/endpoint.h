/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An endpoint and what is on its way to it; the webhooks thread only.
 *
 * Messages come from three lanes. LIVE follows the log. REPLAY goes through a part of it again.
 * NOTICES holds what is not in the log: tests, and the news that another endpoint was disabled. A
 * lane of the log holds a short window of messages, read when there is room:
 *
 *          done          first .. last            not read yet
 *     ----------------|===|===|===|===|--------------------------> log
 *                  previous        position
 *
 * In order, only the first message is under way and the others wait for it; in parallel, several.
 *
 * What is saved is enough to read the same window again: the position before the first message that
 * was never tried, and each message before it that is not done (its range, failures and when it is
 * due). So after a crash a message is sent again, or for the first time, always under the same id,
 * which is made of its place in the log.
 */
#ifndef WEBHOOKS_ENDPOINT_H
#define WEBHOOKS_ENDPOINT_H

#include "daemon/webhooks/ladder.h"
#include "daemon/webhooks/signer.h"
#include "daemon/webhooks/transport.h"
#include "daemon/webhooks/webhooks.h"

#define ENDPOINT_ID_SIZE 24
#define ENDPOINT_SECRETS_MAX 4
#define ENDPOINT_OTHER_MAX 64
#define MESSAGE_ID_SIZE 72

enum lane_kind { LANE_LIVE, LANE_REPLAY, LANE_OTHER, LANE_COUNT };

enum disable_reason { DISABLED_NOT, DISABLED_GONE, DISABLED_EXHAUSTED, DISABLED_FAILING };

const char *disable_reason_name(uint8_t reason); /* NULL when it is enabled */

struct message {
    struct message *next;
    struct lane *lane;
    uint64_t first, last; /* ordinals; 0: not in the log */
    uint64_t previous;    /* the ordinal of the notice before the first */
    char id[MESSAGE_ID_SIZE];
    uint8_t event;   /* enum api_event, of the first */
    int64_t time_ms; /* likewise */
    uint32_t count;  /* of notices */
    uint32_t failures;
    uint32_t spared;          /* failures not counted against the retry schedule */
    int64_t due_ms;           /* monotonic; 0: at once */
    bool is_sent;             /* under way */
    struct webhooks_job *job; /* waits for the outcome of this test */
    struct buffer body;
    /* of the attempt under way */
    int64_t sent_ms; /* wall clock */
    struct transport_call call;
    struct buffer wrapped;
    struct buffer signature;
    char id_header[MESSAGE_ID_SIZE + 16];
    char time_header[48];
};

struct lane {
    struct endpoint *endpoint;
    uint8_t kind;
    bool is_open;      /* REPLAY: there is something to do */
    uint64_t start;    /* it began after this ordinal */
    uint64_t position; /* read so far */
    uint64_t until;    /* last ordinal of REPLAY */
    uint64_t previous; /* the last notice read */
    uint64_t touched;  /* the highest ordinal that was ever tried */
    struct message *first, *last;
    uint32_t count;
    uint32_t sent_count; /* under way */
    size_t size;         /* of the bodies */
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
    struct webhooks *webhooks;
    char id[ENDPOINT_ID_SIZE];
    struct api_webhook asked;
    int64_t created_ms;
    struct endpoint_secret secrets[ENDPOINT_SECRETS_MAX]; /* newest first */
    uint32_t secrets_count;
    uint8_t reason; /* enum disable_reason */
    int64_t disabled_ms;
    int64_t failing_since_ms; /* wall clock; 0: the last attempt was good */
    int64_t taken_ms;         /* monotonic: when a notice was last taken; 0: not by this process */
    char last_error[TRANSPORT_ERROR_SIZE];
    struct lane lanes[LANE_COUNT];
    uint64_t attempts_count; /* ever */
    uint64_t tests_count;    /* of this process */
    struct attempt *unsaved, *unsaved_last;
    bool is_dirty; /* the database does not know all of it */
};

struct endpoint *endpoint_new(struct webhooks *webhooks); /* aborts without memory */
void endpoint_free(struct endpoint *endpoint);            /* cancels deliveries in progress */

/* Reads and sends; endpoint_due_ms is when to call it again. */
void endpoint_pump(struct endpoint *endpoint);
/* Monotonic; INT64_MAX: when something happens. */
int64_t endpoint_due_ms(const struct endpoint *endpoint);
void endpoint_disable(struct endpoint *endpoint, enum disable_reason reason);
void endpoint_enable(struct endpoint *endpoint);
/* Drops secrets whose time is over. */
void endpoint_expire_secrets(struct endpoint *endpoint, int64_t wall_ms);
/* Adds a test; its outcome answers the job. */
void endpoint_test(struct endpoint *endpoint, struct webhooks_job *job);
/* Begins to go through the log again. */
int endpoint_redeliver(struct endpoint *endpoint, const struct api_redeliver *asked,
                       char error[LOG_ERROR_SIZE]);

/* ---- lanes (lane.c) ---- */

/* True: more could be read now. */
BS_MUST_USE bool lane_fill(struct lane *lane);
/* Reads one message of the log again, to the end of the lane. */
BS_MUST_USE int lane_restore(struct lane *lane, const struct message *saved,
                             char error[LOG_ERROR_SIZE]);
/*
 * The ordinal of the last notice before `ordinal` that the endpoint's filter lets through, and that
 * is after `start`; 0: none.
 */
BS_MUST_USE int lane_previous(struct endpoint *endpoint, uint64_t ordinal, uint64_t start,
                              uint64_t *ret_previous, char error[LOG_ERROR_SIZE]);
struct message *lane_add(struct lane *lane); /* empty; aborts without memory */
void lane_remove(struct lane *lane, struct message *message);
void lane_clear(struct lane *lane); /* cancels deliveries in progress */
/* Its place as it is saved. */
void lane_place(const struct lane *lane, uint64_t *ret_position, uint64_t *ret_previous);
/* Whether this message is saved on its own. */
bool lane_saves(const struct lane *lane, const struct message *message);

/* ---- sending (delivery.c) ---- */

void delivery_send(struct message *message);

#endif
