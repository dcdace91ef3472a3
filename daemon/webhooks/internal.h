/* SPDX-License-Identifier: Apache-2.0 */
/* The publisher from the inside; its thread only, but for the queue and what is atomic. */
#ifndef PUBLISH_INTERNAL_H
#define PUBLISH_INTERNAL_H

#include <pthread.h>
#include <stdatomic.h>

#include "daemon/webhooks/endpoint.h"
#include "daemon/webhooks/repeats.h"
#include "daemon/webhooks/store.h"

struct publisher {
    struct core *core;
    struct publisher_options options;
    uv_loop_t loop;
    pthread_t thread;
    uv_async_t wake; /* actions, jobs, or the end */
    atomic_bool stop;
    pthread_mutex_t mutex; /* guards the queue */
    struct publisher_job *first_job, *last_job;
    uint32_t jobs_count; /* waiting */
    bool is_closed;
    /* the thread's own */
    struct log_reader *reader;
    struct transport *transport;
    struct store *store;
    struct repeats repeats;
    const struct publisher_job *keeping; /* its answer is saved with the next save, or NULL */
    uv_timer_t retry;                    /* the next message that is due */
    uv_timer_t save;
    uv_timer_t patience;         /* at the end */
    struct endpoint **endpoints; /* by id */
    uint32_t endpoints_count;
    uint64_t durable; /* as of this turn */
    bool is_stopping; /* nothing new is sent */
    bool is_closing;
    bool save_is_due;
    uint32_t sent_count; /* requests under way */
};

/* ---- publisher.c ---- */
struct endpoint *publisher_find(struct publisher *publisher, struct bs_text id,
                                uint32_t *ret_place);
void publisher_add(struct publisher *publisher, struct endpoint *endpoint);
void publisher_remove(struct publisher *publisher, uint32_t place);
/* Saves soon. */
void publisher_save_later(struct publisher *publisher);
/* Saves now; 0 or the error, which was logged. What a client asked for is synced, and with it the
 * answer of a request with a key, which must be there. */
int publisher_save(struct publisher *publisher, bool syncs);
/* A request has ended. */
void publisher_ended(struct publisher *publisher, struct endpoint *endpoint);
void publisher_count_attempt(const struct transport_call *call, int64_t latency_ms);
void publisher_count_disabled(void);
void publisher_arm(struct publisher *publisher);

int64_t publisher_wall_ms(void);
int64_t publisher_now_ms(void); /* monotonic */

/* ---- answers.c ---- */
void publisher_answer(struct publisher *publisher, struct publisher_job *job);
void publisher_answer_test(struct publisher_job *job, const struct message *message);
/* The endpoint is gone or the daemon stops. */
void publisher_answer_lost(struct publisher_job *job, enum bs_status status);

#endif
