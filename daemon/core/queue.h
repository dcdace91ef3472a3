/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Many producers, one consumer: requests from the HTTP threads to the core loop. A mutex around an
 * intrusive list: the consumer takes the whole list at once, so both sides hold it for a few
 * instructions.
 *
 * The bounds count everything that waits, including what the consumer has taken and not yet
 * finished with: queue_done gives the room back.
 */
#ifndef QUEUE_H
#define QUEUE_H

#include <pthread.h>
#include <stdatomic.h>

#include "daemon/core/request_list.h"

struct queue {
    pthread_mutex_t mutex;
    struct request_list pushed;
    bool is_closed;
    uint32_t requests_max;
    uint64_t bytes_max;
    _Atomic uint64_t requests_count; /* waiting, taken ones included */
    _Atomic uint64_t bytes_count;
};

BS_MUST_USE int queue_init(struct queue *queue, uint32_t requests_max, uint64_t bytes_max);
void queue_fini(struct queue *queue);

/* Any thread. False when it is full or closed. A request alone is taken whatever its size. */
BS_MUST_USE bool queue_push(struct queue *queue, struct request *request);
/* All that was pushed, first in first out, linked by `next`; NULL when nothing was. */
struct request *queue_take(struct queue *queue);
/* The consumer no longer holds this request back. */
void queue_done(struct queue *queue, const struct request *request);
/* Every later push is refused. */
void queue_close(struct queue *queue);

#endif
