/* SPDX-License-Identifier: Apache-2.0 */
/* The room from the inside: the webhooks thread only, except the queue and atomic members. */
#ifndef WEBHOOKS_INTERNAL_H
#define WEBHOOKS_INTERNAL_H

#include <pthread.h>
#include <stdatomic.h>
#include <time.h>

#include "daemon/webhooks/endpoint.h"
#include "daemon/webhooks/repeats.h"
#include "daemon/webhooks/store.h"

struct webhooks_counters { /* written by the webhooks thread */
    _Atomic uint64_t delivered, failed, unanswered, refused, endpoints, endpoints_disabled;
    _Atomic uint64_t disabled_total, queue_depth, save_failures, latency_ms_total;
    _Atomic int64_t oldest_time_ms;
    _Atomic uint64_t latencies[WEBHOOKS_LATENCY_BUCKETS];
};

struct webhooks {
    struct webhooks_counters counters;
    struct core *core;
    struct webhooks_options options;
    uv_loop_t loop;
    pthread_t thread;
    uv_async_t wake; /* actions, jobs, or the end */
    atomic_bool stop;
    pthread_mutex_t mutex; /* guards the queue */
    struct webhooks_job *first_job, *last_job;
    uint32_t jobs_count; /* waiting */
    bool is_closed;
    /* the thread's own */
    struct log_reader *reader;
    struct transport *transport;
    struct store *store;
    struct repeats repeats;
    const struct webhooks_job *keeping; /* its answer is saved with the next save, or NULL */
    uv_timer_t retry;                   /* the next message that is due */
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

/* ---- webhooks.c ---- */
struct endpoint *webhooks_find(struct webhooks *webhooks, struct bs_text id, uint32_t *ret_place);
void webhooks_add(struct webhooks *webhooks, struct endpoint *endpoint);
void webhooks_remove(struct webhooks *webhooks, uint32_t place);
/* Saves soon. */
void webhooks_save_later(struct webhooks *webhooks);
/* Saves now; 0 or the error, which was logged. What a client asked for is synced, and with it the
 * answer of a request with a key, which must be there. */
int webhooks_save(struct webhooks *webhooks, bool syncs);
/* A request has ended. */
void webhooks_ended(struct webhooks *webhooks, struct endpoint *endpoint);
void webhooks_count_attempt(struct webhooks *webhooks, const struct transport_call *call,
                            int64_t latency_ms);
void webhooks_count_disabled(struct webhooks *webhooks);
void webhooks_arm(struct webhooks *webhooks);

static inline int64_t webhooks_clock_ms(clockid_t clock)
{
    struct timespec now;
    (void)clock_gettime(clock, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static inline int64_t webhooks_wall_ms(void)
{
    return webhooks_clock_ms(CLOCK_REALTIME);
}

/* Monotonic. */
static inline int64_t webhooks_now_ms(void)
{
    return webhooks_clock_ms(CLOCK_MONOTONIC);
}

/* ---- answers.c ---- */
void webhooks_answer(struct webhooks *webhooks, struct webhooks_job *job);
void webhooks_answer_test(struct webhooks_job *job, const struct message *message);
/* The endpoint is gone or the daemon stops. */
void webhooks_answer_lost(struct webhooks_job *job, enum bs_status status);

#endif
