/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/retention/retention.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#include "daemon/log/log_backend.h"
#include "daemon/logger/logger.h"

#define INTERVAL_S 60
#define FILES_MAX 1024 /* looked at in one round */

struct retention {
    struct command_log *log;
    struct retention_options options;
    pthread_t thread;
    pthread_mutex_t mutex; /* guards the rest */
    pthread_cond_t changed;
    uint64_t snapshot_seq;
    uint64_t (*ask_webhooks)(void *user);
    void *user;
    bool is_wanted; /* before the interval is over */
    bool is_move_wanted;
    bool is_moving;
    bool is_stopping;
    bool has_thread;
    struct archiver *archiver;            /* NULL: there is no archive */
    struct log_old_file files[FILES_MAX]; /* the thread's */
};

static void cut(struct retention *retention, uint64_t up_to_seq)
{
    char error[LOG_ERROR_SIZE];
    uint32_t count;
    int code = log_cut(retention->log, up_to_seq, &count, error);
    if (code != 0) {
        logger_write(LOGGER_ERROR, "retention", "old files of the log were not removed",
                     LOGGER_FIELDS(logger_string("error", error)));
        return;
    }
    struct log_begin begin = log_begin(retention->log);
    logger_write(LOGGER_INFO, "retention", "old files of the log were removed",
                 LOGGER_FIELDS(logger_uint("files", count),
                               logger_uint("log_begins_after_seq", begin.seq),
                               logger_uint("log_begins_after_action", begin.ordinal)));
}

static void on_safe(void *user, const struct log_old_file *file)
{
    cut(user, file->last_seq);
}

static bool goes_on(void *user)
{
    struct retention *retention = user;
    pthread_mutex_lock(&retention->mutex);
    bool is_on = !retention->is_stopping;
    pthread_mutex_unlock(&retention->mutex);
    return is_on;
}

/* Without `moves` as the options say, with it all that nobody needs. */
static void round_once(struct retention *retention, const struct retention_needs *needs, bool moves)
{
    static const struct retention_options everything = {.keep_days = UINT32_MAX, .keep_bytes = 1};
    uint32_t count = log_old_files(retention->log, retention->files, FILES_MAX);
    uint64_t up_to_seq = retention_plan(moves ? &everything : &retention->options, needs,
                                        retention->files, count, (int64_t)time(NULL));
    if (retention->archiver != NULL) {
        archiver_run(retention->archiver, retention->files, count, up_to_seq, on_safe);
    } else if (up_to_seq > 0) {
        cut(retention, up_to_seq);
    }
}

/* Sleeps until the next round and says what is needed then; false when it stops. */
static bool next_round(struct retention *retention, struct retention_needs *ret_needs)
{
    struct timespec until;
    (void)clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += INTERVAL_S;
    pthread_mutex_lock(&retention->mutex);
    int code = 0;
    while (!retention->is_stopping && !retention->is_wanted && code == 0) {
        code = pthread_cond_timedwait(&retention->changed, &retention->mutex, &until);
    }
    retention->is_wanted = false;
    retention->is_moving = retention->is_move_wanted;
    retention->is_move_wanted = false;
    ret_needs->snapshot_seq = retention->snapshot_seq;
    ret_needs->webhook_ordinal =
        retention->ask_webhooks == NULL ? 0 : retention->ask_webhooks(retention->user);
    bool goes_on = !retention->is_stopping;
    pthread_mutex_unlock(&retention->mutex);
    return goes_on;
}

static void end_move(struct retention *retention)
{
    pthread_mutex_lock(&retention->mutex);
    retention->is_moving = false;
    pthread_mutex_unlock(&retention->mutex);
}

static void *run(void *user)
{
    struct retention *retention = user;
    struct retention_needs needs;
    (void)pthread_setname_np(pthread_self(), "bs-retention");
    log_thread_give_way();
    while (next_round(retention, &needs)) {
        round_once(retention, &needs, retention->is_moving);
        end_move(retention);
    }
    return NULL;
}

/* Without an archive_dir it does nothing. */
static int start_archive(struct retention *retention)
{
    const struct archiver_options options = {
        .directory = log_begin(retention->log).archive,
        .log = retention->log,
        .goes_on = goes_on,
        .user = retention,
    };
    if (options.directory == NULL) {
        return 0;
    }
    retention->archiver = archiver_new(&options);
    return retention->archiver == NULL ? -ENOMEM : 0;
}

int retention_start(struct retention **ret_retention, struct command_log *log,
                    const struct retention_options *options)
{
    struct retention *retention = calloc(1, sizeof(*retention));
    if (retention == NULL) {
        return -ENOMEM;
    }
    pthread_condattr_t attributes;
    retention->log = log;
    retention->options = *options;
    (void)pthread_condattr_init(&attributes);
    (void)pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    (void)pthread_cond_init(&retention->changed, &attributes);
    (void)pthread_condattr_destroy(&attributes);
    (void)pthread_mutex_init(&retention->mutex, NULL);
    int code = start_archive(retention);
    if (code == 0) {
        code = log_thread_create(&retention->thread, run, retention);
        retention->has_thread = code == 0;
    }
    if (code != 0) {
        retention_free(retention);
        return code;
    }
    *ret_retention = retention;
    return 0;
}

void retention_snapshot(struct retention *retention, uint64_t seq)
{
    pthread_mutex_lock(&retention->mutex);
    assert(seq >= retention->snapshot_seq);
    retention->snapshot_seq = seq;
    retention->is_wanted = true;
    pthread_cond_broadcast(&retention->changed);
    pthread_mutex_unlock(&retention->mutex);
}

void retention_ask_webhooks(struct retention *retention, uint64_t (*fn)(void *user), void *user)
{
    pthread_mutex_lock(&retention->mutex);
    retention->ask_webhooks = fn;
    retention->user = user;
    pthread_mutex_unlock(&retention->mutex);
}

bool retention_move(struct retention *retention)
{
    if (retention->archiver == NULL) {
        return false;
    }
    pthread_mutex_lock(&retention->mutex);
    retention->is_move_wanted = true;
    retention->is_wanted = true;
    pthread_cond_broadcast(&retention->changed);
    pthread_mutex_unlock(&retention->mutex);
    return true;
}

bool retention_archive_state(struct retention *retention, struct retention_archive *ret_archive)
{
    struct log_begin begin = log_begin(retention->log);
    if (retention->archiver == NULL) {
        return false;
    }
    ret_archive->directory = begin.archive;
    ret_archive->log_begin = begin.seq;
    pthread_mutex_lock(&retention->mutex);
    ret_archive->is_moving = retention->is_moving || retention->is_move_wanted;
    pthread_mutex_unlock(&retention->mutex);
    archiver_state_get(retention->archiver, &ret_archive->archiver);
    return true;
}

void retention_stop(struct retention *retention)
{
    if (retention == NULL || !retention->has_thread) {
        return;
    }
    pthread_mutex_lock(&retention->mutex);
    retention->is_stopping = true;
    pthread_cond_broadcast(&retention->changed);
    pthread_mutex_unlock(&retention->mutex);
    (void)pthread_join(retention->thread, NULL);
    retention->has_thread = false;
}

void retention_free(struct retention *retention)
{
    if (retention == NULL) {
        return;
    }
    retention_stop(retention);
    archiver_free(retention->archiver);
    pthread_cond_destroy(&retention->changed);
    pthread_mutex_destroy(&retention->mutex);
    free(retention);
}
