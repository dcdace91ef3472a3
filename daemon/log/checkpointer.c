/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/log/checkpointer.h"

#include <errno.h>
#include <stdlib.h>

#define CHECKPOINTER_FILES_MAX 4

struct checkpointer {
    const struct log_place *place;
    pthread_t thread;
    pthread_mutex_t mutex; /* guards all up to `message` */
    pthread_cond_t changed;
    bool stopping;
    uint32_t wanted; /* number of the file; 0 = none */
    struct log_file *finished[CHECKPOINTER_FILES_MAX];
    uint32_t finished_count;
    int failure;
    char message[LOG_ERROR_SIZE];
    /* The thread's own connection to the file that is being written. */
    struct log_file *file;
    uint32_t file_number;
};

static int checkpoint(struct checkpointer *checkpointer, uint32_t number, char *error)
{
    if (checkpointer->file_number != number) {
        log_file_abandon(checkpointer->file);
        checkpointer->file = NULL;
        int result = log_file_open_beside(&checkpointer->file, checkpointer->place, number, error);
        if (result != 0) {
            return result;
        }
        checkpointer->file_number = number;
    }
    return log_file_checkpoint(checkpointer->file, error);
}

/* The thread's connection goes first: so the file's own close is the last and removes the -wal. */
static int finish(struct checkpointer *checkpointer, struct log_file *file, char *error)
{
    log_file_abandon(checkpointer->file);
    checkpointer->file = NULL;
    checkpointer->file_number = 0;
    int result = log_file_finish(file, error);
    if (result != 0) {
        log_file_abandon(file);
    } else {
        log_file_close(file);
    }
    return result;
}

struct work {
    struct log_file *finished; /* NULL: none */
    uint32_t wanted;           /* 0: none */
};

/* Waits for work; false when there is none left and the thread stops. */
static bool next_work(struct checkpointer *checkpointer, struct work *ret_work)
{
    pthread_mutex_lock(&checkpointer->mutex);
    while (!checkpointer->stopping && checkpointer->wanted == 0 &&
           checkpointer->finished_count == 0) {
        pthread_cond_wait(&checkpointer->changed, &checkpointer->mutex);
    }
    *ret_work = (struct work){0};
    if (checkpointer->finished_count > 0) {
        ret_work->finished = checkpointer->finished[0];
    } else if (!checkpointer->stopping) {
        ret_work->wanted = checkpointer->wanted;
        checkpointer->wanted = 0;
    }
    pthread_mutex_unlock(&checkpointer->mutex);
    return ret_work->finished != NULL || ret_work->wanted != 0;
}

static void note_done(struct checkpointer *checkpointer, const struct work *work, int result,
                      const char *message)
{
    pthread_mutex_lock(&checkpointer->mutex);
    if (work->finished != NULL) {
        checkpointer->finished_count--;
        memmove(checkpointer->finished, checkpointer->finished + 1,
                checkpointer->finished_count * sizeof(checkpointer->finished[0]));
        pthread_cond_broadcast(&checkpointer->changed);
    }
    if (result != 0 && checkpointer->failure == 0) {
        checkpointer->failure = result;
        memcpy(checkpointer->message, message, LOG_ERROR_SIZE);
    }
    pthread_mutex_unlock(&checkpointer->mutex);
}

/* After a failure nothing more is written: a sync that failed must not be tried again. */
static void *run(void *user)
{
    struct checkpointer *checkpointer = user;
    struct work work;
    bool failed = false;
    (void)pthread_setname_np(pthread_self(), "bs-checkpointer");
    while (next_work(checkpointer, &work)) {
        char message[LOG_ERROR_SIZE] = "";
        int result = 0;
        if (failed) {
            log_file_abandon(work.finished);
        } else if (work.finished != NULL) {
            result = finish(checkpointer, work.finished, message);
        } else {
            result = checkpoint(checkpointer, work.wanted, message);
        }
        failed = failed || result != 0;
        note_done(checkpointer, &work, result, message);
    }
    log_file_abandon(checkpointer->file);
    return NULL;
}

int checkpointer_start(struct checkpointer **ret_checkpointer, const struct log_place *place)
{
    struct checkpointer *checkpointer = calloc(1, sizeof(*checkpointer));
    if (checkpointer == NULL) {
        return -ENOMEM;
    }
    checkpointer->place = place;
    int result = -pthread_mutex_init(&checkpointer->mutex, NULL);
    if (result != 0) {
        goto err_alloc;
    }
    result = -pthread_cond_init(&checkpointer->changed, NULL);
    if (result != 0) {
        goto err_mutex;
    }
    result = log_thread_create(&checkpointer->thread, run, checkpointer);
    if (result != 0) {
        goto err_cond;
    }
    *ret_checkpointer = checkpointer;
    return 0;

err_cond:
    pthread_cond_destroy(&checkpointer->changed);
err_mutex:
    pthread_mutex_destroy(&checkpointer->mutex);
err_alloc:
    free(checkpointer);
    return result;
}

void checkpointer_want(struct checkpointer *checkpointer, uint32_t number)
{
    pthread_mutex_lock(&checkpointer->mutex);
    checkpointer->wanted = number;
    pthread_cond_broadcast(&checkpointer->changed);
    pthread_mutex_unlock(&checkpointer->mutex);
}

void checkpointer_finish(struct checkpointer *checkpointer, struct log_file *file)
{
    pthread_mutex_lock(&checkpointer->mutex);
    while (checkpointer->finished_count == CHECKPOINTER_FILES_MAX) {
        pthread_cond_wait(&checkpointer->changed, &checkpointer->mutex);
    }
    checkpointer->finished[checkpointer->finished_count++] = file;
    checkpointer->wanted = 0; /* it was of this file */
    pthread_cond_broadcast(&checkpointer->changed);
    pthread_mutex_unlock(&checkpointer->mutex);
}

uint32_t checkpointer_waiting(struct checkpointer *checkpointer)
{
    pthread_mutex_lock(&checkpointer->mutex);
    uint32_t count = checkpointer->finished_count;
    pthread_mutex_unlock(&checkpointer->mutex);
    return count;
}

int checkpointer_failure(struct checkpointer *checkpointer, char *error)
{
    pthread_mutex_lock(&checkpointer->mutex);
    int failure = checkpointer->failure;
    if (failure != 0) {
        memcpy(error, checkpointer->message, LOG_ERROR_SIZE);
    }
    pthread_mutex_unlock(&checkpointer->mutex);
    return failure;
}

void checkpointer_stop(struct checkpointer *checkpointer)
{
    if (checkpointer == NULL) {
        return;
    }
    pthread_mutex_lock(&checkpointer->mutex);
    checkpointer->stopping = true;
    pthread_cond_broadcast(&checkpointer->changed);
    pthread_mutex_unlock(&checkpointer->mutex);
    int result = pthread_join(checkpointer->thread, NULL);
    assert(result == 0);
    pthread_cond_destroy(&checkpointer->changed);
    pthread_mutex_destroy(&checkpointer->mutex);
    free(checkpointer);
}
