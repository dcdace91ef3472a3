/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/archive/archive_read.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zstd.h>

#include "daemon/log/file_bytes.h"
#include "lib/record/header.h"

struct reading {
    char name[ARCHIVE_NAME_SIZE];
    const struct archive_head *head;
    const struct archive_sink *sink;
    ZSTD_DCtx *zstd;
    struct buffer in; /* compressed */
    struct buffer out;
    uint64_t size; /* of the log file so far */
    uint32_t crc;  /* of the compressed bytes so far */
    struct file_hash hash;
    char *error;
};

static int damaged(const struct reading *reading, const char *why)
{
    return log_error(reading->error, -EBADMSG,
                     "%s of the archive is damaged: %s. Take it from a copy of the archive",
                     reading->name, why);
}

/* ---- the head ---- */

static int decode_head(const struct reading *reading, int fd, uint32_t number,
                       struct archive_head *ret_head)
{
    uint8_t bytes[ARCHIVE_HEAD_SIZE];
    struct stat status;
    ssize_t size = file_read_at(fd, bytes, sizeof(bytes), 0);
    if (size < 0 || fstat(fd, &status) != 0) {
        int code = size < 0 ? (int)size : -errno;
        return log_error(reading->error, code, "cannot read %s of the archive: %s", reading->name,
                         strerror(-code));
    }
    int code = size == (ssize_t)sizeof(bytes) ? archive_head_decode(bytes, ret_head) : -EBADMSG;
    if (code == -EPROTO) {
        return log_error(reading->error, -EBADMSG,
                         "%s of the archive has a format that this backstopd does not read: take "
                         "the backstopd that wrote it, or a later one",
                         reading->name);
    }
    if (code != 0) {
        return damaged(reading, "its head is not readable");
    }
    if (ret_head->number != number) {
        return damaged(reading, "it is the file of another number");
    }
    return (uint64_t)status.st_size == ARCHIVE_HEAD_SIZE + ret_head->frame_size
               ? 0
               : damaged(reading, "it has another size than its head says");
}

static int open_file(struct reading *reading, int directory, uint32_t number, int *ret_fd,
                     struct archive_head *ret_head)
{
    archive_name(number, "", reading->name);
    int fd = openat(directory, reading->name, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return log_error(reading->error, -errno, "cannot open %s of the archive: %s", reading->name,
                         strerror(errno));
    }
    int code = decode_head(reading, fd, number, ret_head);
    if (code != 0) {
        (void)close(fd);
        return code;
    }
    *ret_fd = fd;
    return 0;
}

int archive_read_head(int directory, uint32_t number, struct archive_head *ret_head, char *error)
{
    struct reading reading = {.error = error};
    int fd = -1;
    int code = open_file(&reading, directory, number, &fd, ret_head);
    if (code == 0) {
        (void)close(fd);
    }
    return code;
}

/* ---- the frame ---- */

static int put(struct reading *reading, size_t size)
{
    const struct archive_sink *sink = reading->sink;
    file_hash_add(&reading->hash, reading->out.bytes, size);
    reading->size += size;
    if (reading->size > reading->head->size) {
        return damaged(reading, "it holds more than its head says");
    }
    int code = sink->put == NULL || size == 0
                   ? 0
                   : sink->put(sink->user, reading->out.bytes, size, reading->error);
    if (code == 0 && sink->goes_on != NULL && !sink->goes_on(sink->user, size)) {
        code = log_error(reading->error, -ECANCELED, "the daemon stops");
    }
    return code;
}

/* *left: 0 at the end of the frame. */
static int expand_piece(struct reading *reading, size_t size, size_t *left)
{
    ZSTD_inBuffer in = {reading->in.bytes, size, 0};
    ZSTD_outBuffer out = {reading->out.bytes, ZSTD_DStreamOutSize(), 0};
    int code = 0;
    do {
        out.pos = 0;
        *left = ZSTD_decompressStream(reading->zstd, &out, &in);
        code = ZSTD_isError(*left) ? damaged(reading, ZSTD_getErrorName(*left))
                                   : put(reading, out.pos);
    } while (code == 0 && (in.pos < in.size || (out.pos == out.size && *left != 0)));
    return code;
}

static int expand(struct reading *reading, int fd)
{
    uint64_t at = 0;
    size_t left = 1;
    int code = 0;
    while (code == 0 && at < reading->head->frame_size) {
        ssize_t size =
            file_read_at(fd, reading->in.bytes, ZSTD_DStreamInSize(), ARCHIVE_HEAD_SIZE + at);
        if (size <= 0) {
            code = log_error(reading->error, size < 0 ? (int)size : -EIO,
                             "cannot read %s of the archive: %s", reading->name,
                             size < 0 ? strerror((int)-size) : "it ends early");
            break;
        }
        reading->crc = bs_crc32c(reading->crc, reading->in.bytes, (size_t)size);
        at += (uint64_t)size;
        code = expand_piece(reading, (size_t)size, &left);
    }
    return code == 0 && left != 0 ? damaged(reading, "its frame ends early") : code;
}

static int check(struct reading *reading, int code)
{
    char sha256[FILE_HASH_TEXT_SIZE];
    const struct archive_head *head = reading->head;
    file_hash_end(&reading->hash, sha256);
    if (code != 0) {
        return code;
    }
    if (reading->crc != head->frame_crc) {
        return damaged(reading, "its bytes have another crc32c than its head says");
    }
    return reading->size == head->size && strcmp(sha256, head->sha256) == 0
               ? 0
               : damaged(reading, "the log file in it has another SHA-256 than its head says");
}

int archive_read(int directory, uint32_t number, const struct archive_sink *sink,
                 struct archive_head *ret_head, char *error)
{
    struct reading reading = {.sink = sink, .head = ret_head, .error = error};
    int fd = -1;
    int code = open_file(&reading, directory, number, &fd, ret_head);
    if (code != 0) {
        return code;
    }
    reading.zstd = ZSTD_createDCtx();
    if (reading.zstd == NULL || !buffer_reserve(&reading.in, ZSTD_DStreamInSize()) ||
        !buffer_reserve(&reading.out, ZSTD_DStreamOutSize()) || !file_hash_begin(&reading.hash)) {
        code = log_error(error, -ENOMEM, "out of memory to read %s of the archive", reading.name);
    } else {
        code = check(&reading, expand(&reading, fd));
    }
    (void)ZSTD_freeDCtx(reading.zstd);
    buffer_fini(&reading.in);
    buffer_fini(&reading.out);
    (void)close(fd);
    return code;
}
