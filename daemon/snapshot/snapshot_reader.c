/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/snapshot/snapshot_reader.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/log/file_bytes.h"

static int failed(const struct snapshot_reader *reader, const char *what, char *error)
{
    int code = errno;
    return log_error(error, -code, "cannot %s %s: %s", what, reader->name, strerror(code));
}

static int read_whole(const struct snapshot_reader *reader, uint8_t *bytes, size_t size,
                      uint64_t at, char *error)
{
    ssize_t count = file_read_at(reader->fd, bytes, size, at);
    if (count < 0) {
        errno = (int)-count;
        return failed(reader, "read", error);
    }
    return (size_t)count == size ? 0 : log_error(error, -EBADMSG, "%s is cut off", reader->name);
}

static int check_size(struct snapshot_reader *reader, char *error)
{
    struct stat status;
    uint64_t pages_count = snapshot_pages_count(&reader->header);
    if (fstat(reader->fd, &status) != 0) {
        return failed(reader, "read", error);
    }
    if ((uint64_t)status.st_size != pages_count * SNAPSHOT_PAGE_SIZE) {
        return log_error(error, -EBADMSG, "%s has %" PRIu64 " bytes instead of %" PRIu64,
                         reader->name, (uint64_t)status.st_size, pages_count * SNAPSHOT_PAGE_SIZE);
    }
    reader->pages_count = (uint32_t)pages_count;
    return 0;
}

static int read_header(struct snapshot_reader *reader, uint64_t seq, char *error)
{
    int code = read_whole(reader, reader->chunk, SNAPSHOT_PAGE_SIZE, 0, error);
    if (code != 0) {
        return code;
    }
    enum bs_status status = snapshot_header_decode(reader->chunk, &reader->header);
    if (status != BS_OK || reader->header.seq != seq) {
        return log_error(error, -EBADMSG,
                         status == BS_NEWER_RECORD ? "%s is of a newer version of backstopd"
                         : status != BS_OK         ? "%s is damaged in page 0, its header"
                                                   : "%s is not named as its header says",
                         reader->name);
    }
    return check_size(reader, error);
}

int snapshot_reader_open(struct snapshot_reader *reader, int directory, uint64_t seq,
                         char error[LOG_ERROR_SIZE])
{
    *reader = (struct snapshot_reader){.page = 1};
    snapshot_name(seq, "", reader->name);
    reader->chunk = malloc(SNAPSHOT_CHUNK_SIZE);
    reader->fd = openat(directory, reader->name, O_RDONLY | O_CLOEXEC);
    int code = reader->chunk == NULL ? log_error(error, -ENOMEM, "out of memory for a snapshot")
               : reader->fd < 0      ? failed(reader, "open", error)
                                     : read_header(reader, seq, error);
    if (code != 0) {
        snapshot_reader_close(reader);
        return code;
    }
    (void)posix_fadvise(reader->fd, 0, 0, POSIX_FADV_SEQUENTIAL); /* only faster */
    reader->left = reader->header.sizes[reader->section];
    return 0;
}

/* Checks the pages of a chunk and moves their payloads together, to the chunk's beginning. */
static int unpack(struct snapshot_reader *reader, uint32_t pages_count, char *error)
{
    for (uint32_t i = 0; i < pages_count; i++) {
        const uint8_t *page = reader->chunk + (size_t)i * SNAPSHOT_PAGE_SIZE;
        if (!snapshot_page_check(page, reader->page, reader->header.seq)) {
            return log_error(error, -EBADMSG, "%s is damaged in page %" PRIu32, reader->name,
                             reader->page);
        }
        reader->pages_crc = snapshot_pages_crc(reader->pages_crc, page);
        reader->page++;
        memmove(reader->chunk + (size_t)i * SNAPSHOT_PAYLOAD, page + SNAPSHOT_PAGE_HEAD,
                SNAPSHOT_PAYLOAD);
    }
    if (reader->page == reader->pages_count && reader->pages_crc != reader->header.pages_crc) {
        return log_error(error, -EBADMSG, "%s is damaged: its pages are not of one file",
                         reader->name);
    }
    return 0;
}

int snapshot_reader_next(struct snapshot_reader *reader, enum snapshot_section *ret_section,
                         const uint8_t **ret_bytes, size_t *ret_size, char error[LOG_ERROR_SIZE])
{
    while (reader->left == 0) {
        if (reader->section + 1 == SNAPSHOT_SECTIONS_COUNT) {
            return 0;
        }
        reader->section++;
        reader->left = reader->header.sizes[reader->section];
    }
    uint64_t pages_left = (reader->left + SNAPSHOT_PAYLOAD - 1) / SNAPSHOT_PAYLOAD;
    uint32_t pages_count =
        pages_left < SNAPSHOT_CHUNK_PAGES ? (uint32_t)pages_left : SNAPSHOT_CHUNK_PAGES;
    int code = read_whole(reader, reader->chunk, (size_t)pages_count * SNAPSHOT_PAGE_SIZE,
                          (uint64_t)reader->page * SNAPSHOT_PAGE_SIZE, error);
    if (code == 0) {
        code = unpack(reader, pages_count, error);
    }
    if (code != 0) {
        return code;
    }
    uint64_t size = (uint64_t)pages_count * SNAPSHOT_PAYLOAD;
    *ret_size = (size_t)(reader->left < size ? reader->left : size);
    *ret_bytes = reader->chunk;
    *ret_section = reader->section;
    reader->left -= *ret_size;
    return 1;
}

void snapshot_reader_close(struct snapshot_reader *reader)
{
    if (reader->chunk != NULL && reader->fd >= 0) {
        (void)close(reader->fd);
    }
    free(reader->chunk);
    reader->chunk = NULL;
}

int snapshot_file_check(int directory, uint64_t seq, struct snapshot_header *ret_header,
                        char error[LOG_ERROR_SIZE])
{
    struct snapshot_reader reader;
    enum snapshot_section section;
    const uint8_t *bytes;
    size_t size;
    int code = snapshot_reader_open(&reader, directory, seq, error);
    if (code != 0) {
        return code;
    }
    do {
        code = snapshot_reader_next(&reader, &section, &bytes, &size, error);
    } while (code == 1);
    *ret_header = reader.header;
    snapshot_reader_close(&reader);
    return code;
}
