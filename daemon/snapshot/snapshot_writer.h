/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writes a snapshot file: under another name first, synced in steps so that the log's own syncs do
 * not wait long for the disk, then renamed. A file with a snapshot's name was written whole. For
 * one thread at a time.
 */
#ifndef SNAPSHOT_WRITER_H
#define SNAPSHOT_WRITER_H

#include "daemon/snapshot/snapshot_format.h"

struct snapshot_writer {
    int directory; /* an open descriptor, the owner's */
    int fd;
    struct snapshot_header header; /* sizes and pages_crc are the writer's */
    enum snapshot_section section;
    uint8_t *chunk;
    size_t chunk_size;    /* bytes of it in use: full pages, and the one being filled */
    uint32_t pages_count; /* written or in the chunk, the header's included */
    size_t unsynced_size;
};

/* The header says what the snapshot is of. 0 or negative with a message; then nothing is left. */
BS_MUST_USE int snapshot_writer_open(struct snapshot_writer *writer, int directory,
                                     const struct snapshot_header *header,
                                     char error[LOG_ERROR_SIZE]);
/* Adds bytes to a section; sections come in their order. */
BS_MUST_USE int snapshot_writer_add(struct snapshot_writer *writer, enum snapshot_section section,
                                    const void *bytes, size_t size, char error[LOG_ERROR_SIZE]);
/* Writes what is left and the header, and gives the file its name. The writer is closed either
 * way; on failure no file is left. */
BS_MUST_USE int snapshot_writer_finish(struct snapshot_writer *writer,
                                       struct snapshot_header *ret_header,
                                       char error[LOG_ERROR_SIZE]);
/* Puts another header into a file that is whole: the sizes and pages_crc are the file's. Durable when
 * this returns 0; a crash before may leave the header damaged. */
BS_MUST_USE int snapshot_header_replace(int directory, const struct snapshot_header *header,
                                        char error[LOG_ERROR_SIZE]);
/* Drops the file. Zeroed, and twice, is fine. */
void snapshot_writer_abandon(struct snapshot_writer *writer);

#endif
