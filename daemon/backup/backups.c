/* SPDX-License-Identifier: Apache-2.0 */
/*
 *   NONE --POST--> PREPARING --copied and hashed--> READY --DELETE, or idle--> NONE
 *                      |--failed--> FAILED --DELETE, or idle--> NONE
 *
 * A DELETE, and with it the id, counts at once; the thread removes the files before anything else.
 */
#include "daemon/backup/backups.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "api/json_writer.h"
#include "daemon/answer/answer.h"
#include "daemon/backup/backup_set.h"
#include "daemon/log/identity.h"
#include "daemon/logger/logger.h"

#define READS_MAX 64
#define HEX_SIZE (2 * LOG_HASH_SIZE + 1)

enum state { STATE_PREPARING, STATE_READY, STATE_FAILED };

static const char *const state_names[] = {"preparing", "ready", "failed"};

struct backups {
    struct backup_source source;
    struct backup_hashes hashes; /* the thread's */
    pthread_t thread;
    bool has_thread;
    pthread_mutex_t mutex; /* guards the rest; the set, too, but for while it is made */
    pthread_cond_t changed;
    uint64_t id; /* 0: none */
    uint64_t last_id;
    enum state state;
    struct backup_set set;
    char error[LOG_ERROR_SIZE]; /* of STATE_FAILED */
    int64_t used_s;
    bool is_wanted;  /* to be made */
    bool is_dropped; /* its files are to be removed */
    bool is_stopping;
    struct backup_read *first, *last;
    uint32_t reads_count;
};

static int64_t now_s(clockid_t clock)
{
    struct timespec now;
    int result = clock_gettime(clock, &now);
    assert(result == 0);
    return now.tv_sec;
}

/* ---- the thread ---- */

static bool goes_on(void *user)
{
    struct backups *backups = user;
    (void)pthread_mutex_lock(&backups->mutex);
    bool is_on = !backups->is_dropped && !backups->is_stopping;
    (void)pthread_mutex_unlock(&backups->mutex);
    return is_on;
}

static void note_made(struct backups *backups, int code, const char *error)
{
    if (backups->is_dropped || backups->is_stopping) {
        return;
    }
    backups->state = code == 0 ? STATE_READY : STATE_FAILED;
    backups->used_s = now_s(CLOCK_MONOTONIC);
    if (code == 0) {
        logger_write(LOGGER_INFO, "backup", "ready",
                     LOGGER_FIELDS(logger_uint("id", backups->id),
                                   logger_uint("seq", backups->set.end.seq),
                                   logger_uint("files", backups->set.count)));
    } else {
        (void)snprintf(backups->error, sizeof(backups->error), "%s", error);
        logger_write(LOGGER_ERROR, "backup", "failed",
                     LOGGER_FIELDS(logger_string("error", error)));
    }
}

/* Called and left with the mutex held. */
static void make(struct backups *backups)
{
    char error[LOG_ERROR_SIZE] = "";
    backups->is_wanted = false;
    (void)pthread_mutex_unlock(&backups->mutex);
    int code = backup_set_make(&backups->set, &backups->source, &backups->hashes, error);
    (void)pthread_mutex_lock(&backups->mutex);
    note_made(backups, code, error);
}

static void answer_read(struct backups *backups, struct backup_read *read,
                        const struct backup_file *file)
{
    struct request *request = read->request;
    char error[LOG_ERROR_SIZE];
    uint64_t left = file->size - read->offset;
    int code =
        backup_set_read(&backups->set, file, read->offset,
                        left < read->size ? (size_t)left : read->size, &request->body, error);
    if (code == 0) {
        answer_body(request, 200, "application/octet-stream");
    } else if (code == -ENOENT) {
        answer_problem(request, BS_BACKUP_FILE_GONE, NULL);
    } else {
        logger_write(LOGGER_ERROR, "backup", "a file cannot be read",
                     LOGGER_FIELDS(logger_string("error", error)));
        answer_failure(request, code);
    }
}

/* Called and left with the mutex held. Only this thread changes a set that is ready. */
static void run_read(struct backups *backups)
{
    struct backup_read *read = backups->first;
    struct request *request = read->request;
    char detail[96];
    backups->first = read->next;
    backups->last = backups->first == NULL ? NULL : backups->last;
    backups->reads_count--;
    backups->used_s = now_s(CLOCK_MONOTONIC);
    const struct backup_file *file = backup_set_find(&backups->set, read->name);
    if (backups->is_stopping) {
        answer_problem(request, BS_NOT_READY, NULL);
    } else if (backups->id == 0 || backups->id != read->id) {
        answer_problem(request, BS_UNKNOWN_BACKUP, NULL);
    } else if (backups->state != STATE_READY) {
        answer_problem(request, BS_BACKUP_NOT_READY, NULL);
    } else if (file == NULL) {
        answer_problem(request, BS_UNKNOWN_BACKUP_FILE, NULL);
    } else if (read->offset > file->size) {
        (void)snprintf(detail, sizeof(detail), "offset: the file has %" PRIu64 " bytes",
                       file->size);
        answer_problem(request, BS_INVALID_QUERY, detail);
    } else {
        (void)pthread_mutex_unlock(&backups->mutex);
        answer_read(backups, read, file);
        (void)pthread_mutex_lock(&backups->mutex);
    }
    (void)pthread_mutex_unlock(&backups->mutex);
    request->done(request); /* it may be freed from here on */
    (void)pthread_mutex_lock(&backups->mutex);
}

static void drop(struct backups *backups)
{
    backup_set_clear(&backups->set);
    backups->is_dropped = false;
}

/* Waits for work, until the backup has been idle for too long. */
static void wait_for_work(struct backups *backups)
{
    struct timespec until = {.tv_sec = backups->used_s + BACKUP_IDLE_S};
    if (backups->id == 0) {
        (void)pthread_cond_wait(&backups->changed, &backups->mutex);
        return;
    }
    bool is_late = pthread_cond_timedwait(&backups->changed, &backups->mutex, &until) == ETIMEDOUT;
    if (is_late && backups->id != 0 && now_s(CLOCK_MONOTONIC) >= backups->used_s + BACKUP_IDLE_S) {
        logger_write(LOGGER_WARN, "backup", "dropped: nobody asked for it",
                     LOGGER_FIELDS(logger_uint("id", backups->id)));
        backups->id = 0;
        backups->is_dropped = true;
    }
}

static void *run(void *user)
{
    struct backups *backups = user;
    (void)pthread_setname_np(pthread_self(), "bs-backup");
    (void)pthread_mutex_lock(&backups->mutex);
    while (!backups->is_stopping || backups->first != NULL) {
        if (backups->is_dropped) {
            drop(backups);
        } else if (backups->first != NULL) {
            run_read(backups);
        } else if (backups->is_wanted) {
            make(backups);
        } else {
            wait_for_work(backups);
        }
    }
    drop(backups);
    (void)pthread_mutex_unlock(&backups->mutex);
    return NULL;
}

/* ---- answers ---- */

static void put_files(struct buffer *out, const struct backup_set *set)
{
    member_name(out, "files");
    buffer_text(out, "[");
    for (uint32_t i = 0; i < set->count; i++) {
        const struct backup_file *file = &set->files[i];
        buffer_text(out, i == 0 ? "{" : ",{");
        member_word(out, "name", file->name);
        member_integer(out, "size", file->size);
        member_word(out, "sha256", file->sha256);
        buffer_text(out, "}");
    }
    buffer_text(out, "]");
}

static void put_end(struct buffer *out, const struct backup_set *set)
{
    char link[HEX_SIZE];
    for (size_t i = 0; i < LOG_HASH_SIZE; i++) {
        (void)snprintf(link + 2 * i, 3, "%02x", set->end.link[i]);
    }
    member_integer(out, "seq", set->end.seq);
    member_integer(out, "actions", set->end.ordinal);
    member_word(out, "link", link);
    member_time(out, "time", set->time_ms);
    put_files(out, set);
}

/* With the mutex held. */
static void put_backup(struct backups *backups, struct request *request, int status)
{
    struct buffer *out = &request->body;
    buffer_text(out, "{");
    member_integer(out, "id", backups->id);
    member_word(out, "state", state_names[backups->state]);
    member_integer(out, "format", BACKUP_FORMAT);
    member_word(out, "server", BACKSTOP_VERSION);
    member_word(out, "identity", log_identity(backups->source.log));
    member_integer(out, "bytes_done", atomic_load(&backups->set.bytes_done));
    member_integer(out, "bytes_total", atomic_load(&backups->set.bytes_total));
    member_word(out, "error", backups->state == STATE_FAILED ? backups->error : NULL);
    if (backups->state == STATE_READY) {
        put_end(out, &backups->set);
    }
    buffer_text(out, "}");
    answer_json(request, status);
}

static uint64_t next_id(struct backups *backups)
{
    uint64_t id = (uint64_t)now_s(CLOCK_REALTIME);
    backups->last_id = id > backups->last_id ? id : backups->last_id + 1;
    return backups->last_id;
}

void backups_begin(struct backups *backups, struct request *request)
{
    char detail[160];
    (void)pthread_mutex_lock(&backups->mutex);
    if (backups->is_stopping) {
        answer_problem(request, BS_NOT_READY, NULL);
    } else if (backups->id != 0) {
        (void)snprintf(detail, sizeof(detail),
                       "backup %" PRIu64 ": it was asked for %" PRId64
                       " seconds ago and ends by itself after %d",
                       backups->id, now_s(CLOCK_MONOTONIC) - backups->used_s, BACKUP_IDLE_S);
        answer_problem(request, BS_BACKUP_RUNNING, detail);
    } else {
        backups->id = next_id(backups);
        backups->state = STATE_PREPARING;
        backups->is_wanted = true;
        backups->used_s = now_s(CLOCK_MONOTONIC);
        put_backup(backups, request, 202);
        (void)pthread_cond_signal(&backups->changed);
    }
    (void)pthread_mutex_unlock(&backups->mutex);
}

void backups_show(struct backups *backups, uint64_t id, struct request *request)
{
    (void)pthread_mutex_lock(&backups->mutex);
    if (id == 0 || id != backups->id) {
        answer_problem(request, BS_UNKNOWN_BACKUP, NULL);
    } else {
        backups->used_s = now_s(CLOCK_MONOTONIC);
        put_backup(backups, request, 200);
    }
    (void)pthread_mutex_unlock(&backups->mutex);
}

void backups_delete(struct backups *backups, uint64_t id, struct request *request)
{
    (void)pthread_mutex_lock(&backups->mutex);
    if (id == 0 || id != backups->id) {
        answer_problem(request, BS_UNKNOWN_BACKUP, NULL);
    } else {
        backups->id = 0;
        backups->is_wanted = false;
        backups->is_dropped = true;
        buffer_text(&request->body, "{");
        member_integer(&request->body, "id", id);
        buffer_text(&request->body, "}");
        answer_json(request, 200);
        (void)pthread_cond_signal(&backups->changed);
    }
    (void)pthread_mutex_unlock(&backups->mutex);
}

bool backups_submit(struct backups *backups, struct backup_read *read)
{
    assert(read->request->done != NULL);
    assert(read->size <= BACKUP_PIECE_MAX);
    (void)pthread_mutex_lock(&backups->mutex);
    bool is_taken = !backups->is_stopping && backups->reads_count < READS_MAX;
    if (is_taken) {
        read->next = NULL;
        *(backups->last != NULL ? &backups->last->next : &backups->first) = read;
        backups->last = read;
        backups->reads_count++;
        (void)pthread_cond_signal(&backups->changed);
    }
    (void)pthread_mutex_unlock(&backups->mutex);
    return is_taken;
}

/* ---- start and stop ---- */

static int start(struct backups *backups, char *error)
{
    pthread_condattr_t attributes;
    int code = backup_set_remove_left(backups->source.fd, error);
    if (code != 0) {
        return code;
    }
    (void)pthread_condattr_init(&attributes);
    (void)pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    (void)pthread_mutex_init(&backups->mutex, NULL);
    (void)pthread_cond_init(&backups->changed, &attributes);
    (void)pthread_condattr_destroy(&attributes);
    code = log_thread_create(&backups->thread, run, backups);
    backups->has_thread = code == 0;
    return code == 0 ? 0
                     : log_error(error, code, "cannot start the thread that makes backups: %s",
                                 strerror(-code));
}

int backups_new(struct backups **ret_backups, struct command_log *log, char error[LOG_ERROR_SIZE])
{
    const char *directory = log_copy_directory(log);
    struct backups *backups = calloc(1, sizeof(*backups));
    if (backups == NULL) {
        return log_error(error, -ENOMEM, "out of memory for backups");
    }
    backups->source = (struct backup_source){
        .log = log, .directory = directory, .goes_on = goes_on, .user = backups};
    backups->source.fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int code = backups->source.fd < 0
                   ? log_error(error, -errno, "cannot open %s: %s", directory, strerror(errno))
                   : start(backups, error);
    if (code != 0) {
        backups_free(backups);
        return code;
    }
    *ret_backups = backups;
    return 0;
}

void backups_stop(struct backups *backups)
{
    if (backups == NULL || !backups->has_thread) {
        return;
    }
    (void)pthread_mutex_lock(&backups->mutex);
    backups->is_stopping = true;
    (void)pthread_cond_signal(&backups->changed);
    (void)pthread_mutex_unlock(&backups->mutex);
    (void)pthread_join(backups->thread, NULL);
    backups->has_thread = false;
}

void backups_free(struct backups *backups)
{
    if (backups == NULL) {
        return;
    }
    backups_stop(backups);
    backup_hashes_fini(&backups->hashes);
    if (backups->source.fd >= 0) {
        (void)close(backups->source.fd);
    }
    free(backups);
}
