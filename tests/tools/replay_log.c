/* SPDX-License-Identifier: Apache-2.0 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "daemon/log/log.h"
#include "tests/tools/replay.h"

struct replay_log {
    const char *directory;
    uint32_t folder;
    struct buffer records; /* not yet committed */
    uint32_t records_count;
    uint64_t first_seq;
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    bool durable;
    int error;
};

static void die(const char *what, const char *why)
{
    fprintf(stderr, "replay: %s: %s\n", what, why);
    exit(EXIT_FAILURE);
}

struct replay_log *replay_log_new(const char *directory)
{
    struct replay_log *log = calloc(1, sizeof(*log));
    if (log == NULL || pthread_mutex_init(&log->mutex, NULL) != 0 ||
        pthread_cond_init(&log->changed, NULL) != 0) {
        die("log", "out of memory");
    }
    log->directory = directory;
    return log;
}

void replay_log_free(struct replay_log *log)
{
    if (log == NULL) {
        return;
    }
    (void)pthread_mutex_destroy(&log->mutex);
    (void)pthread_cond_destroy(&log->changed);
    buffer_fini(&log->records);
    free(log);
}

void replay_log_clear(struct replay_log *log)
{
    log->folder++;
    log->records_count = 0;
    log->first_seq = 1;
    buffer_clear(&log->records);
}

void replay_log_add(struct replay_log *log, const uint8_t *record)
{
    buffer_append(&log->records, record, bs_record_size(record));
    log->records_count++;
}

static struct command_log *open_log(const char *folder)
{
    char error[LOG_ERROR_SIZE];
    struct command_log *opened;
    const struct log_options options = {
        .directory = folder, .file_size_max = (uint64_t)256 << 20, .create = true};
    if (log_open_sqlite(&opened, &options, error) != 0) {
        die(folder, error);
    }
    return opened;
}

static void on_durable(void *user, int error, const char *message)
{
    struct replay_log *log = user;
    if (error != 0) {
        fprintf(stderr, "replay: commit: %s\n", message);
    }
    (void)pthread_mutex_lock(&log->mutex);
    log->durable = true;
    log->error = error;
    (void)pthread_cond_signal(&log->changed);
    (void)pthread_mutex_unlock(&log->mutex);
}

static void commit(struct replay_log *log, struct command_log *opened)
{
    const struct log_batch batch = {
        .first_seq = log->first_seq,
        .records_count = log->records_count,
        .records = (const uint8_t *)log->records.bytes,
        .records_size = log->records.size,
    };
    if (log_start(opened, on_durable, log) != 0) {
        die("log", "its thread does not start");
    }
    log->durable = false;
    log_append(opened, &batch);
    (void)pthread_mutex_lock(&log->mutex);
    while (!log->durable) {
        (void)pthread_cond_wait(&log->changed, &log->mutex);
    }
    (void)pthread_mutex_unlock(&log->mutex);
    log_stop(opened);
    if (log->error != 0) {
        exit(EXIT_FAILURE);
    }
    log->first_seq += log->records_count;
    log->records_count = 0;
    buffer_clear(&log->records);
}

struct replaying {
    struct replay_engine *copy;
    struct buffer actions;
};

static bool on_records(void *user, uint64_t first_seq, uint32_t count, const uint8_t *records,
                       size_t size)
{
    struct replaying *replaying = user;
    const uint8_t *end = records + size;
    struct replay_outcome outcome;
    for (uint32_t i = 0; i < count; i++) {
        if (bs_engine_seq(replaying->copy->engine) + 1 != first_seq + i) {
            die("log", "the sequence has a gap");
        }
        buffer_clear(&replaying->actions);
        replay_step(replaying->copy, records, &replaying->actions, &outcome);
        records += bs_record_size(records);
    }
    if (records != end) {
        die("log", "the records do not fill their batch");
    }
    return true;
}

struct replay_stored replay_log_read(const char *folder, struct replay_engine *engine)
{
    char error[LOG_ERROR_SIZE];
    struct replaying replaying = {.copy = engine};
    struct replay_stored stored = {0};
    uint64_t seq;
    struct command_log *log = open_log(folder);
    if (log_read_records(log, 0, on_records, &replaying, error) != 0) {
        die(folder, error);
    }
    stored.known =
        log_get_digest(log, &seq, &stored.digest) && seq == bs_engine_seq(engine->engine);
    log_close(log);
    buffer_fini(&replaying.actions);
    return stored;
}

void replay_log_round_trip(struct replay_log *log, struct replay_engine *copy)
{
    char folder[4096];
    int written = snprintf(folder, sizeof(folder), "%s/%u", log->directory, log->folder);
    if (written < 0 || (size_t)written >= sizeof(folder)) {
        die(log->directory, "the path is too long");
    }
    if (log->records_count > 0) {
        struct command_log *writing = open_log(folder);
        commit(log, writing);
        log_close(writing);
    }
    (void)replay_log_read(folder, copy);
}
