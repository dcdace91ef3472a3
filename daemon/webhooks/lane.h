/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Messages on their way to one endpoint; the webhooks thread only.
 *
 * They come from three lanes. LIVE follows the log. REPLAY goes through a part of it again. OTHER
 * holds what is not in the log: tests, and the news that another endpoint was disabled. A lane of
 * the log holds a short window of messages, read when there is room:
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
#ifndef WEBHOOKS_LANE_H
#define WEBHOOKS_LANE_H

#include "api/buffer.h"
#include "daemon/log/log.h"
#include "daemon/webhooks/transport.h"

struct endpoint;
struct webhooks_job;

#define MESSAGE_ID_SIZE 72

enum lane_kind { LANE_LIVE, LANE_REPLAY, LANE_OTHER, LANE_COUNT };

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

/* Aborts unless the list, its counts and the places in the log agree. */
void lane_check(const struct lane *lane);
/* How many messages of the lane may be under way at once. */
uint32_t lane_sent_max(const struct lane *lane);
struct message *lane_add(struct lane *lane); /* empty; NULL: no memory */
void lane_remove(struct lane *lane, struct message *message);
void lane_clear(struct lane *lane); /* cancels deliveries in progress */

/* The message goes under way, or has ended. */
void lane_sent(struct message *message);
void lane_ended(struct message *message);
/* The message was tried: from now on it is saved on its own. */
void lane_touch(struct message *message);

/* Its place as it is saved. */
void lane_place(const struct lane *lane, uint64_t *ret_position, uint64_t *ret_previous);
/* Whether this message is saved on its own. */
bool lane_saves(const struct lane *lane, const struct message *message);

/* ---- reading the log (lane_read.c) ---- */

/* Reads what there is room for. True: more could be read now. */
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

#endif
