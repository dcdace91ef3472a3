/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/http/log_reads.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "daemon/log/log_backend.h"

struct read_list {
    struct log_read *first, *last;
    uint32_t count;
};

struct log_reads {
    struct log_reader *reader;
    pthread_t thread;
    bool has_thread;
    pthread_mutex_t mutex; /* guards the rest */
    pthread_cond_t changed;
    struct read_list quick;
    struct read_list others;
    struct read_list streams;
    bool is_turn_of_streams;
    uint64_t refused;
    bool stopping;
};

static void push(struct read_list *list, struct log_read *read)
{
    read->next = NULL;
    *(list->last != NULL ? &list->last->next : &list->first) = read;
    list->last = read;
    list->count++;
}

static struct log_read *pop(struct read_list *list)
{
    struct log_read *read = list->first;
    if (read != NULL) {
        list->first = read->next;
        list->last = read->next != NULL ? list->last : NULL;
        list->count--;
    }
    return read;
}

static struct read_list *list_of(struct log_reads *reads, const struct log_read *read)
{
    return read->is_quick ? &reads->quick : read->is_stream ? &reads->streams : &reads->others;
}

/* Quick ones first, then one of each other list in turn; NULL: none waits. */
static struct log_read *take(struct log_reads *reads)
{
    struct log_read *read = pop(&reads->quick);
    if (read == NULL) {
        struct read_list *lists[] = {&reads->others, &reads->streams};
        read = pop(lists[reads->is_turn_of_streams]);
        read = read != NULL ? read : pop(lists[!reads->is_turn_of_streams]);
        reads->is_turn_of_streams = !reads->is_turn_of_streams;
    }
    return read;
}

/* Waits for a read; NULL: it is time to end. */
static struct log_read *next_read(struct log_reads *reads)
{
    struct log_read *read = NULL;
    (void)pthread_mutex_lock(&reads->mutex);
    while (true) {
        read = take(reads);
        if (read != NULL || reads->stopping) {
            break;
        }
        (void)pthread_cond_wait(&reads->changed, &reads->mutex);
    }
    if (read != NULL) {
        read->is_run = !reads->stopping;
    }
    (void)pthread_mutex_unlock(&reads->mutex);
    return read;
}

static void *run(void *user)
{
    struct log_reads *reads = user;
    struct log_read *read = NULL;
    (void)pthread_setname_np(pthread_self(), "bs-log-reads");
    while ((read = next_read(reads)) != NULL) {
        if (read->is_run) {
            read->run(read, reads->reader);
        }
        read->request->done(read->request); /* it may be freed from here on */
    }
    return NULL;
}

int log_reads_start(struct log_reads **ret_reads, struct command_log *log,
                    char error[LOG_ERROR_SIZE])
{
    struct log_reads *reads = calloc(1, sizeof *reads);
    if (reads == NULL) {
        (void)snprintf(error, LOG_ERROR_SIZE, "no memory for the thread that reads the log");
        return -ENOMEM;
    }
    int code = log_reader_open(&reads->reader, log, error);
    if (code != 0) {
        free(reads);
        return code;
    }
    (void)pthread_mutex_init(&reads->mutex, NULL);
    (void)pthread_cond_init(&reads->changed, NULL);
    code = log_thread_create(&reads->thread, run, reads);
    reads->has_thread = code == 0;
    if (code != 0) {
        (void)snprintf(error, LOG_ERROR_SIZE, "cannot start the thread that reads the log: %s",
                       strerror(-code));
        log_reads_free(reads);
        return code;
    }
    *ret_reads = reads;
    return 0;
}

bool log_reads_submit(struct log_reads *reads, struct log_read *read)
{
    assert(read->request->done != NULL);
    (void)pthread_mutex_lock(&reads->mutex);
    struct read_list *list = list_of(reads, read);
    bool is_taken =
        !reads->stopping && (list != &reads->others || list->count < LOG_READS_WAITING_MAX);
    if (is_taken) {
        push(list, read);
        (void)pthread_cond_signal(&reads->changed);
    } else {
        reads->refused++;
    }
    (void)pthread_mutex_unlock(&reads->mutex);
    return is_taken;
}

uint64_t log_reads_refused(struct log_reads *reads)
{
    (void)pthread_mutex_lock(&reads->mutex);
    uint64_t refused = reads->refused;
    (void)pthread_mutex_unlock(&reads->mutex);
    return refused;
}

void log_reads_stop(struct log_reads *reads)
{
    if (reads == NULL || !reads->has_thread) {
        return;
    }
    (void)pthread_mutex_lock(&reads->mutex);
    reads->stopping = true;
    (void)pthread_cond_signal(&reads->changed);
    (void)pthread_mutex_unlock(&reads->mutex);
    (void)pthread_join(reads->thread, NULL);
    reads->has_thread = false;
}

void log_reads_free(struct log_reads *reads)
{
    if (reads == NULL) {
        return;
    }
    log_reads_stop(reads);
    assert(reads->quick.count == 0);
    assert(reads->others.count == 0);
    assert(reads->streams.count == 0);
    log_reader_close(reads->reader);
    (void)pthread_mutex_destroy(&reads->mutex);
    (void)pthread_cond_destroy(&reads->changed);
    free(reads);
}
