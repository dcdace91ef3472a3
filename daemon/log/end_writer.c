/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/log/end_writer.h"

#include <errno.h>
#include <stdlib.h>
#include <time.h>

#include "daemon/log/log_backend.h"

#define INTERVAL_S 1

struct end_writer {
    struct end_file *file;
    pthread_t thread;
    pthread_mutex_t mutex; /* guards all below */
    pthread_cond_t changed;
    bool is_idle; /* waits for a note */
    bool is_noted;
    bool is_stopping;
    struct end_note note; /* if is_noted: to be written */
    int failure;
    char message[LOG_ERROR_SIZE];
};

/* Waits for a note; false when there is none and the thread stops. */
static bool next_note(struct end_writer *writer, struct end_note *ret_note)
{
    pthread_mutex_lock(&writer->mutex);
    writer->is_idle = true;
    while (!writer->is_noted && !writer->is_stopping) {
        pthread_cond_wait(&writer->changed, &writer->mutex);
    }
    writer->is_idle = false;
    bool is_noted = writer->is_noted;
    *ret_note = writer->note;
    writer->is_noted = false;
    pthread_mutex_unlock(&writer->mutex);
    return is_noted;
}

/* Until a moment, or until the thread stops. */
static void wait_until(struct end_writer *writer, const struct timespec *moment)
{
    pthread_mutex_lock(&writer->mutex);
    int result = 0;
    while (!writer->is_stopping && result == 0) {
        result = pthread_cond_timedwait(&writer->changed, &writer->mutex, moment);
    }
    pthread_mutex_unlock(&writer->mutex);
}

static void *run(void *user)
{
    struct end_writer *writer = user;
    struct end_note note;
    int result = 0;
    (void)pthread_setname_np(pthread_self(), "bs-log-end");
    while (result == 0 && next_note(writer, &note)) {
        char message[LOG_ERROR_SIZE];
        struct timespec next;
        (void)clock_gettime(CLOCK_MONOTONIC, &next);
        next.tv_sec += INTERVAL_S;
        result = end_file_write(writer->file, &note, message);
        if (result != 0) {
            pthread_mutex_lock(&writer->mutex);
            writer->failure = result;
            memcpy(writer->message, message, LOG_ERROR_SIZE);
            pthread_mutex_unlock(&writer->mutex);
        }
        wait_until(writer, &next);
    }
    return NULL;
}

static int init_condition(pthread_cond_t *condition)
{
    pthread_condattr_t attributes;
    int result = pthread_condattr_init(&attributes);
    if (result != 0) {
        return -result;
    }
    result = pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    if (result == 0) {
        result = pthread_cond_init(condition, &attributes);
    }
    (void)pthread_condattr_destroy(&attributes);
    return -result;
}

int end_writer_start(struct end_writer **ret_writer, struct end_file *file)
{
    struct end_writer *writer = calloc(1, sizeof(*writer));
    if (writer == NULL) {
        return -ENOMEM;
    }
    writer->file = file;
    int result = -pthread_mutex_init(&writer->mutex, NULL);
    if (result != 0) {
        goto err_alloc;
    }
    result = init_condition(&writer->changed);
    if (result != 0) {
        goto err_mutex;
    }
    result = log_thread_create(&writer->thread, run, writer);
    if (result != 0) {
        goto err_cond;
    }
    *ret_writer = writer;
    return 0;

err_cond:
    pthread_cond_destroy(&writer->changed);
err_mutex:
    pthread_mutex_destroy(&writer->mutex);
err_alloc:
    free(writer);
    return result;
}

void end_writer_note(struct end_writer *writer, const struct end_note *note)
{
    pthread_mutex_lock(&writer->mutex);
    writer->note = *note;
    writer->is_noted = true;
    if (writer->is_idle) {
        pthread_cond_signal(&writer->changed);
    }
    pthread_mutex_unlock(&writer->mutex);
}

int end_writer_failure(struct end_writer *writer, char *error)
{
    pthread_mutex_lock(&writer->mutex);
    int failure = writer->failure;
    if (failure != 0) {
        memcpy(error, writer->message, LOG_ERROR_SIZE);
    }
    pthread_mutex_unlock(&writer->mutex);
    return failure;
}

int end_writer_stop(struct end_writer *writer, char *error)
{
    if (writer == NULL) {
        return 0;
    }
    pthread_mutex_lock(&writer->mutex);
    writer->is_stopping = true;
    pthread_cond_signal(&writer->changed);
    pthread_mutex_unlock(&writer->mutex);
    int result = pthread_join(writer->thread, NULL);
    assert(result == 0);
    result = end_writer_failure(writer, error);
    pthread_cond_destroy(&writer->changed);
    pthread_mutex_destroy(&writer->mutex);
    free(writer);
    return result;
}
