/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/archive/archiver.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "daemon/archive/archive_read.h"
#include "daemon/archive/archive_write.h"
#include "daemon/log/identity.h"
#include "daemon/log/log_copy.h"
#include "daemon/logger/logger.h"

#define PIECE_SIZE ((size_t)1 << 20)

struct archiver {
    struct archiver_options options;
    uint32_t stored; /* number of the last file known to be in the archive */
    int fd;          /* of the directory, in a run */
    uint32_t number; /* of the file that is read */
    char *error;
    pthread_mutex_t mutex;
    struct archiver_state state;
};

struct archiver *archiver_new(const struct archiver_options *options)
{
    struct archiver *archiver = calloc(1, sizeof(*archiver));
    if (archiver != NULL) {
        archiver->options = *options;
        archiver->fd = -1;
        (void)pthread_mutex_init(&archiver->mutex, NULL);
    }
    return archiver;
}

void archiver_free(struct archiver *archiver)
{
    if (archiver != NULL) {
        pthread_mutex_destroy(&archiver->mutex);
        free(archiver);
    }
}

void archiver_state_get(struct archiver *archiver, struct archiver_state *ret_state)
{
    pthread_mutex_lock(&archiver->mutex);
    *ret_state = archiver->state;
    pthread_mutex_unlock(&archiver->mutex);
}

static uint64_t now_ns(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

/* ---- the log's files ---- */

static bool goes_on(void *user, size_t size)
{
    struct archiver *archiver = user;
    pthread_mutex_lock(&archiver->mutex);
    archiver->state.bytes_done += size;
    pthread_mutex_unlock(&archiver->mutex);
    return archiver->options.goes_on(archiver->options.user);
}

static int read_log(void *user, uint64_t offset, size_t size, struct buffer *out, char *error)
{
    const struct archiver *archiver = user;
    return log_copy_read(archiver->options.log, archiver->number, offset, out, size, error);
}

static int hash_log_file(struct archiver *archiver, uint64_t size,
                         char ret_sha256[FILE_HASH_TEXT_SIZE])
{
    struct file_hash hash;
    struct buffer piece = {0};
    int code = 0;
    if (!file_hash_begin(&hash)) {
        return log_error(archiver->error, -ENOMEM, "SHA-256 is not available");
    }
    for (uint64_t at = 0; code == 0 && at < size; at += piece.size) {
        size_t wanted = size - at < PIECE_SIZE ? (size_t)(size - at) : PIECE_SIZE;
        buffer_clear(&piece);
        code = read_log(archiver, at, wanted, &piece, archiver->error);
        file_hash_add(&hash, piece.bytes, piece.size);
    }
    file_hash_end(&hash, ret_sha256);
    buffer_fini(&piece);
    return code;
}

static int describe(const struct archiver *archiver, const struct log_old_file *file,
                    struct archive_head *ret_head)
{
    *ret_head = (struct archive_head){.number = file->number, .size = file->size};
    memcpy(ret_head->identity, log_identity(archiver->options.log), LOG_IDENTITY_DIGITS);
    return log_copy_edges(archiver->options.log, file->number, &ret_head->start, &ret_head->end,
                          archiver->error);
}

/* ---- the archive's ---- */

static bool position_equals(const struct log_position *a, const struct log_position *b)
{
    return a->seq == b->seq && a->ordinal == b->ordinal && a->settlement == b->settlement &&
           memcmp(a->link, b->link, LOG_HASH_SIZE) == 0;
}

/* An archive keeps what it has: a log that was put back to an older copy may have another file. */
static int check_same(const struct archiver *archiver, const struct archive_head *ours,
                      const struct archive_head *theirs, bool is_same)
{
    char name[ARCHIVE_NAME_SIZE];
    archive_name(ours->number, "", name);
    if (strcmp(ours->identity, theirs->identity) != 0) {
        return log_error(archiver->error, -EEXIST,
                         "it holds %s of the log %s: give this log an archive_dir of its own", name,
                         theirs->identity);
    }
    return is_same && position_equals(&ours->start, &theirs->start) &&
                   position_equals(&ours->end, &theirs->end) && ours->size == theirs->size
               ? 0
               : log_error(
                     archiver->error, -EEXIST,
                     "its %s is another file than the log's, which has the same identity: was "
                     "the log put back to an older copy? Give it an archive_dir of its own",
                     name);
}

static int write_file(struct archiver *archiver, const struct log_old_file *file,
                      struct archive_head *head)
{
    const struct archive_source source = {read_log, goes_on, archiver};
    uint64_t began_ns = now_ns();
    archiver->number = file->number;
    int code = archive_write(archiver->fd, head, &source, archiver->error);
    if (code == 0) {
        pthread_mutex_lock(&archiver->mutex);
        archiver->state.files++;
        archiver->state.bytes_in += head->size;
        archiver->state.bytes_out += ARCHIVE_HEAD_SIZE + head->frame_size;
        archiver->state.write_ns += now_ns() - began_ns;
        pthread_mutex_unlock(&archiver->mutex);
        logger_write(LOGGER_INFO, "archive", "a file of the log was archived",
                     LOGGER_FIELDS(logger_uint("file", head->number),
                                   logger_uint("up_to_seq", head->end.seq),
                                   logger_uint("bytes", head->size),
                                   logger_uint("compressed", head->frame_size)));
    }
    return code;
}

static int write_again(struct archiver *archiver, const struct log_old_file *file,
                       struct archive_head *head)
{
    logger_write(LOGGER_ERROR, "archive", "an archived file is damaged and is written again",
                 LOGGER_FIELDS(logger_string("reason", archiver->error)));
    return write_file(archiver, file, head);
}

/* The archive has the file when this returns 0, as far as its head says. */
static int store(struct archiver *archiver, const struct log_old_file *file)
{
    struct archive_head head;
    struct archive_head found;
    int code = describe(archiver, file, &head);
    if (code != 0) {
        return code;
    }
    code = archive_read_head(archiver->fd, file->number, &found, archiver->error);
    if (code == 0) {
        return check_same(archiver, &head, &found, true);
    }
    return code == -ENOENT    ? write_file(archiver, file, &head)
           : code == -EBADMSG ? write_again(archiver, file, &head)
                              : code;
}

/* Reads it back and compares it with the file of the log. */
static int verify(struct archiver *archiver, const struct log_old_file *file)
{
    const struct archive_sink sink = {.goes_on = goes_on, .user = archiver};
    struct archive_head head;
    struct archive_head found;
    char sha256[FILE_HASH_TEXT_SIZE];
    archiver->number = file->number;
    int code = describe(archiver, file, &head);
    code = code == 0 ? hash_log_file(archiver, head.size, sha256) : code;
    if (code != 0) {
        return code;
    }
    code = archive_read(archiver->fd, file->number, &sink, &found, archiver->error);
    if (code == -EBADMSG || code == -ENOENT) {
        code = write_again(archiver, file, &head);
        code = code == 0 ? archive_read(archiver->fd, file->number, &sink, &found, archiver->error)
                         : code;
    }
    return code == 0 ? check_same(archiver, &head, &found, strcmp(sha256, found.sha256) == 0)
                     : code;
}

/* ---- a run ---- */

static void begin_run(struct archiver *archiver, const struct log_old_file *files, uint32_t count,
                      uint64_t up_to_seq)
{
    uint64_t total = 0;
    for (uint32_t i = 0; i < count; i++) {
        total += files[i].number > archiver->stored ? files[i].size : 0;
        total += files[i].last_seq <= up_to_seq ? files[i].size : 0;
    }
    pthread_mutex_lock(&archiver->mutex);
    archiver->state.bytes_done = 0;
    archiver->state.bytes_total = total;
    pthread_mutex_unlock(&archiver->mutex);
}

static int open_directory(struct archiver *archiver)
{
    archiver->fd = open(archiver->options.directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (archiver->fd < 0) {
        return log_error(archiver->error, -errno, "cannot open it: %s", strerror(errno));
    }
    return faccessat(archiver->fd, "lock", F_OK, 0) != 0
               ? 0
               : log_error(archiver->error, -EEXIST,
                           "it is the data directory of a daemon: take another one");
}

static void note_stored(struct archiver *archiver, const struct log_old_file *file)
{
    archiver->stored = file->number;
    pthread_mutex_lock(&archiver->mutex);
    archiver->state.last_seq = file->last_seq;
    pthread_mutex_unlock(&archiver->mutex);
}

static void note_end(struct archiver *archiver, int code)
{
    pthread_mutex_lock(&archiver->mutex);
    bool was_failing = archiver->state.is_failing;
    archiver->state.is_failing = code != 0;
    archiver->state.failures += code != 0;
    (void)snprintf(archiver->state.error, LOG_ERROR_SIZE, "%s", code == 0 ? "" : archiver->error);
    archiver->state.bytes_done =
        code == 0 ? archiver->state.bytes_total : archiver->state.bytes_done;
    pthread_mutex_unlock(&archiver->mutex);
    if (code != 0) {
        logger_write(LOGGER_ERROR, "archive",
                     "the archive takes no files: the log grows, nothing of it is removed",
                     LOGGER_FIELDS(logger_string("directory", archiver->options.directory),
                                   logger_string("reason", archiver->error)));
    } else if (was_failing) {
        logger_write(LOGGER_INFO, "archive", "the archive takes files again",
                     LOGGER_FIELDS(logger_string("directory", archiver->options.directory)));
    }
}

void archiver_run(struct archiver *archiver, const struct log_old_file *files, uint32_t count,
                  uint64_t up_to_seq, void (*on_safe)(void *user, const struct log_old_file *file))
{
    char error[LOG_ERROR_SIZE] = "";
    archiver->error = error;
    begin_run(archiver, files, count, up_to_seq);
    int code = open_directory(archiver);
    for (uint32_t i = 0; code == 0 && i < count; i++) {
        if (files[i].number > archiver->stored) {
            code = store(archiver, &files[i]);
            if (code == 0) {
                note_stored(archiver, &files[i]);
            }
        }
        if (code == 0 && files[i].last_seq <= up_to_seq) {
            code = verify(archiver, &files[i]);
            if (code == 0) {
                on_safe(archiver->options.user, &files[i]);
            }
        }
    }
    if (archiver->fd >= 0) {
        (void)close(archiver->fd);
        archiver->fd = -1;
    }
    if (code != -ECANCELED && code != -EAGAIN) {
        note_end(archiver, code);
    }
}
