/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/core/queue.h"

int queue_init(struct queue *queue, uint32_t requests_max, uint64_t bytes_max)
{
    *queue = (struct queue){.requests_max = requests_max, .bytes_max = bytes_max};
    return -pthread_mutex_init(&queue->mutex, NULL);
}

void queue_fini(struct queue *queue)
{
    (void)pthread_mutex_destroy(&queue->mutex);
}

static bool has_room(const struct queue *queue, uint64_t bytes)
{
    uint64_t requests_count = atomic_load_explicit(&queue->requests_count, memory_order_relaxed);
    uint64_t bytes_count = atomic_load_explicit(&queue->bytes_count, memory_order_relaxed);
    if (requests_count == 0) {
        return true;
    }
    return requests_count < queue->requests_max && bytes_count + bytes <= queue->bytes_max;
}

bool queue_push(struct queue *queue, struct request *request)
{
    uint64_t bytes = request->batch.records.size;
    (void)pthread_mutex_lock(&queue->mutex);
    bool is_taken = !queue->is_closed && has_room(queue, bytes);
    if (is_taken) {
        atomic_fetch_add_explicit(&queue->requests_count, 1, memory_order_relaxed);
        atomic_fetch_add_explicit(&queue->bytes_count, bytes, memory_order_relaxed);
        request_list_append(&queue->pushed, request);
    }
    (void)pthread_mutex_unlock(&queue->mutex);
    return is_taken;
}

struct request *queue_take(struct queue *queue)
{
    (void)pthread_mutex_lock(&queue->mutex);
    struct request *first = request_list_take(&queue->pushed);
    (void)pthread_mutex_unlock(&queue->mutex);
    return first;
}

void queue_done(struct queue *queue, const struct request *request)
{
    atomic_fetch_sub_explicit(&queue->requests_count, 1, memory_order_relaxed);
    atomic_fetch_sub_explicit(&queue->bytes_count, request->batch.records.size,
                              memory_order_relaxed);
}

void queue_close(struct queue *queue)
{
    (void)pthread_mutex_lock(&queue->mutex);
    queue->is_closed = true;
    (void)pthread_mutex_unlock(&queue->mutex);
}
