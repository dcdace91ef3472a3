/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/snapshot/snapshot_writer.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "daemon/log/file_bytes.h"

#define SYNC_SIZE ((size_t)8 << 20) /* between two syncs */

static int failed(const struct snapshot_writer *writer, const char *what, char *error)
{
    int code = errno;
    char name[SNAPSHOT_NAME_SIZE];
    snapshot_name(writer->header.seq, SNAPSHOT_PARTIAL, name);
    return log_error(error, -code, "cannot %s %s: %s", what, name, strerror(code));
}

int snapshot_writer_open(struct snapshot_writer *writer, int directory,
                         const struct snapshot_header *header, char error[LOG_ERROR_SIZE])
{
    char name[SNAPSHOT_NAME_SIZE];
    *writer = (struct snapshot_writer){
        .directory = directory, .fd = -1, .header = *header, .pages_count = 1};
    memset(writer->header.sizes, 0, sizeof(writer->header.sizes));
    writer->header.pages_crc = 0;
    snapshot_name(header->seq, SNAPSHOT_PARTIAL, name);
    writer->chunk = malloc(SNAPSHOT_CHUNK_SIZE);
    if (writer->chunk == NULL) {
        return log_error(error, -ENOMEM, "out of memory for a snapshot");
    }
    writer->fd = openat(directory, name, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (writer->fd < 0) {
        int code = failed(writer, "create", error);
        snapshot_writer_abandon(writer);
        return code;
    }
    return 0;
}

static int write_at(const struct snapshot_writer *writer, const uint8_t *bytes, size_t size,
                    uint64_t at, char *error)
{
    int code = file_write_at(writer->fd, bytes, size, at);
    errno = -code;
    return code == 0 ? 0 : failed(writer, "write", error);
}

/* Writes the full pages of the chunk. */
static int flush(struct snapshot_writer *writer, char *error)
{
    assert(writer->chunk_size % SNAPSHOT_PAGE_SIZE == 0);
    uint32_t pages_count = (uint32_t)(writer->chunk_size / SNAPSHOT_PAGE_SIZE);
    uint32_t first = writer->pages_count - pages_count;
    for (uint32_t i = 0; i < pages_count; i++) {
        uint8_t *page = writer->chunk + (size_t)i * SNAPSHOT_PAGE_SIZE;
        snapshot_page_seal(page, first + i, writer->header.seq);
        writer->header.pages_crc = snapshot_pages_crc(writer->header.pages_crc, page);
    }
    int code = write_at(writer, writer->chunk, writer->chunk_size,
                        (uint64_t)first * SNAPSHOT_PAGE_SIZE, error);
    if (code != 0) {
        return code;
    }
    writer->unsynced_size += writer->chunk_size;
    writer->chunk_size = 0;
    if (writer->unsynced_size < SYNC_SIZE) {
        return 0;
    }
    writer->unsynced_size = 0;
    return fdatasync(writer->fd) == 0 ? 0 : failed(writer, "sync", error);
}

/* Bytes of the page being filled, its head included; 0: a new page begins. */
static size_t page_used(const struct snapshot_writer *writer)
{
    return writer->chunk_size % SNAPSHOT_PAGE_SIZE;
}

/* Begins a page where none is being filled. */
static int begin_page(struct snapshot_writer *writer, char *error)
{
    int code = writer->chunk_size == SNAPSHOT_CHUNK_SIZE ? flush(writer, error) : 0;
    if (code == 0 && writer->pages_count == UINT32_MAX) {
        code = log_error(error, -EFBIG, "the state is too large for a snapshot");
    }
    if (code == 0) {
        writer->pages_count++;
        writer->chunk_size += SNAPSHOT_PAGE_HEAD;
    }
    return code;
}

/* A section begins with a page of its own. */
static void end_page(struct snapshot_writer *writer)
{
    size_t used = page_used(writer);
    if (used > 0) {
        memset(writer->chunk + writer->chunk_size, 0, SNAPSHOT_PAGE_SIZE - used);
        writer->chunk_size += SNAPSHOT_PAGE_SIZE - used;
    }
}

int snapshot_writer_add(struct snapshot_writer *writer, enum snapshot_section section,
                        const void *bytes, size_t size, char error[LOG_ERROR_SIZE])
{
    const uint8_t *at = bytes;
    assert(section >= writer->section);
    assert(section < SNAPSHOT_SECTIONS_COUNT);
    if (section != writer->section) {
        end_page(writer);
        writer->section = section;
    }
    writer->header.sizes[section] += size;
    while (size > 0) {
        int code = page_used(writer) == 0 ? begin_page(writer, error) : 0;
        if (code != 0) {
            return code;
        }
        size_t room = SNAPSHOT_PAGE_SIZE - page_used(writer);
        size_t part = size < room ? size : room;
        memcpy(writer->chunk + writer->chunk_size, at, part);
        writer->chunk_size += part;
        at += part;
        size -= part;
    }
    return 0;
}

static int write_end(struct snapshot_writer *writer, char *error)
{
    uint8_t page[SNAPSHOT_PAGE_SIZE];
    end_page(writer);
    int code = flush(writer, error);
    assert(code != 0 || snapshot_pages_count(&writer->header) == writer->pages_count);
    if (code == 0 && fdatasync(writer->fd) != 0) {
        code = failed(writer, "sync", error);
    }
    if (code == 0) {
        snapshot_header_encode(&writer->header, page);
        code = write_at(writer, page, sizeof(page), 0, error);
    }
    if (code == 0 && fsync(writer->fd) != 0) {
        code = failed(writer, "sync", error);
    }
    return code;
}

int snapshot_writer_finish(struct snapshot_writer *writer, struct snapshot_header *ret_header,
                           char error[LOG_ERROR_SIZE])
{
    char partial[SNAPSHOT_NAME_SIZE];
    char name[SNAPSHOT_NAME_SIZE];
    snapshot_name(writer->header.seq, SNAPSHOT_PARTIAL, partial);
    snapshot_name(writer->header.seq, "", name);
    int code = write_end(writer, error);
    if (code == 0 && renameat(writer->directory, partial, writer->directory, name) != 0) {
        code = failed(writer, "rename", error);
    }
    if (code != 0) {
        snapshot_writer_abandon(writer);
        return code;
    }
    if (fsync(writer->directory) != 0) {
        code = failed(writer, "make durable", error);
    }
    *ret_header = writer->header;
    (void)close(writer->fd);
    free(writer->chunk);
    *writer = (struct snapshot_writer){.fd = -1};
    return code;
}

int snapshot_header_replace(int directory, const struct snapshot_header *header,
                            char error[LOG_ERROR_SIZE])
{
    uint8_t page[SNAPSHOT_PAGE_SIZE];
    char name[SNAPSHOT_NAME_SIZE];
    snapshot_name(header->seq, "", name);
    snapshot_header_encode(header, page);
    int fd = openat(directory, name, O_WRONLY | O_CLOEXEC);
    int code = fd < 0 ? -errno : file_write_at(fd, page, sizeof(page), 0);
    if (code == 0 && fsync(fd) != 0) {
        code = -errno;
    }
    if (fd >= 0) {
        (void)close(fd);
    }
    return code == 0
               ? 0
               : log_error(error, code, "cannot write the header of %s: %s", name, strerror(-code));
}

void snapshot_writer_abandon(struct snapshot_writer *writer)
{
    if (writer->chunk == NULL) {
        return;
    }
    if (writer->fd >= 0) {
        char name[SNAPSHOT_NAME_SIZE];
        snapshot_name(writer->header.seq, SNAPSHOT_PARTIAL, name);
        (void)unlinkat(writer->directory, name, 0);
        (void)close(writer->fd);
    }
    free(writer->chunk);
    *writer = (struct snapshot_writer){.fd = -1};
}
