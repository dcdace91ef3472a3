/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/archive/archive_write.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>
#include <zstd.h>

#include "daemon/log/file_bytes.h"
#include "lib/record/header.h"

#define LEVEL 3 /* higher ones take several times as long for a tenth */
#define PIECE_SIZE ((size_t)1 << 20)

struct writing {
    struct archive_head *head;
    const struct archive_source *source;
    ZSTD_CCtx *zstd;
    struct buffer piece; /* of the log file */
    struct buffer out;   /* compressed */
    struct file_hash hash;
    bool has_hash;
    int fd;
    char *error;
};

static int begin(struct writing *writing)
{
    writing->zstd = ZSTD_createCCtx();
    writing->has_hash = file_hash_begin(&writing->hash);
    if (writing->zstd == NULL || !writing->has_hash ||
        !buffer_reserve(&writing->out, ZSTD_CStreamOutSize())) {
        return log_error(writing->error, -ENOMEM, "out of memory for an archived file");
    }
    size_t code = ZSTD_CCtx_setParameter(writing->zstd, ZSTD_c_compressionLevel, LEVEL);
    assert(!ZSTD_isError(code));
    code = ZSTD_CCtx_setParameter(writing->zstd, ZSTD_c_checksumFlag, 1);
    assert(!ZSTD_isError(code));
    code = ZSTD_CCtx_setPledgedSrcSize(writing->zstd, writing->head->size);
    assert(!ZSTD_isError(code));
    return 0;
}

/* Appends what the codec has put out. */
static int put_out(struct writing *writing, size_t size)
{
    struct archive_head *head = writing->head;
    int code =
        file_write_at(writing->fd, writing->out.bytes, size, ARCHIVE_HEAD_SIZE + head->frame_size);
    head->frame_size += size;
    head->frame_crc = bs_crc32c(head->frame_crc, writing->out.bytes, size);
    return code == 0 ? 0 : log_error(writing->error, code, "cannot write it: %s", strerror(-code));
}

static int compress_piece(struct writing *writing, bool is_last)
{
    ZSTD_inBuffer in = {writing->piece.bytes, writing->piece.size, 0};
    bool is_done = false;
    while (!is_done) {
        ZSTD_outBuffer out = {writing->out.bytes, ZSTD_CStreamOutSize(), 0};
        size_t left =
            ZSTD_compressStream2(writing->zstd, &out, &in, is_last ? ZSTD_e_end : ZSTD_e_continue);
        if (ZSTD_isError(left)) {
            return log_error(writing->error, -EIO, "zstd: %s", ZSTD_getErrorName(left));
        }
        int code = put_out(writing, out.pos);
        if (code != 0) {
            return code;
        }
        is_done = is_last ? left == 0 : in.pos == in.size;
    }
    return 0;
}

static int compress_file(struct writing *writing)
{
    const struct archive_source *source = writing->source;
    uint64_t size = writing->head->size;
    int code = 0;
    for (uint64_t offset = 0; code == 0 && offset < size; offset += writing->piece.size) {
        size_t wanted = size - offset < PIECE_SIZE ? (size_t)(size - offset) : PIECE_SIZE;
        buffer_clear(&writing->piece);
        code = source->read(source->user, offset, wanted, &writing->piece, writing->error);
        if (code != 0) {
            break;
        }
        assert(writing->piece.size == wanted);
        file_hash_add(&writing->hash, writing->piece.bytes, wanted);
        code = compress_piece(writing, offset + wanted == size);
        if (code == 0 && !source->goes_on(source->user, wanted)) {
            code = log_error(writing->error, -ECANCELED, "the daemon stops");
        }
    }
    return code;
}

static int put_head(struct writing *writing)
{
    uint8_t bytes[ARCHIVE_HEAD_SIZE];
    file_hash_end(&writing->hash, writing->head->sha256);
    writing->has_hash = false;
    archive_head_encode(writing->head, bytes);
    int code = file_write_at(writing->fd, bytes, sizeof(bytes), 0);
    if (code == 0 && fsync(writing->fd) != 0) {
        code = -errno;
    }
    return code == 0 ? 0 : log_error(writing->error, code, "cannot write it: %s", strerror(-code));
}

static void end(struct writing *writing)
{
    if (writing->has_hash) {
        char ignored[FILE_HASH_TEXT_SIZE];
        file_hash_end(&writing->hash, ignored);
    }
    (void)ZSTD_freeCCtx(writing->zstd);
    buffer_fini(&writing->piece);
    buffer_fini(&writing->out);
    if (writing->fd >= 0) {
        (void)close(writing->fd);
    }
}

int archive_write(int directory, struct archive_head *head, const struct archive_source *source,
                  char *error)
{
    char name[ARCHIVE_NAME_SIZE];
    char partial[ARCHIVE_NAME_SIZE];
    struct writing writing = {.head = head, .source = source, .error = error};
    assert(head->size > 0);
    archive_name(head->number, "", name);
    archive_name(head->number, ARCHIVE_PARTIAL, partial);
    head->frame_size = 0;
    head->frame_crc = 0;
    writing.fd = openat(directory, partial, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    int code = writing.fd < 0
                   ? log_error(error, -errno, "cannot create %s: %s", partial, strerror(errno))
                   : begin(&writing);
    code = code == 0 ? compress_file(&writing) : code;
    code = code == 0 ? put_head(&writing) : code;
    if (code == 0 &&
        (renameat(directory, partial, directory, name) != 0 || fsync(directory) != 0)) {
        code = log_error(error, -errno, "cannot rename %s: %s", partial, strerror(errno));
    }
    if (code != 0 && writing.fd >= 0) {
        (void)unlinkat(directory, partial, 0);
    }
    end(&writing);
    return code;
}
