/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads a snapshot file in one pass, checking every page. Any bytes are safe: what is not a whole
 * snapshot is refused with a message that says where. For one thread at a time.
 */
#ifndef SNAPSHOT_READER_H
#define SNAPSHOT_READER_H

#include "daemon/snapshot/snapshot_format.h"

struct snapshot_reader {
    char name[SNAPSHOT_NAME_SIZE];
    int fd;
    struct snapshot_header header;
    uint32_t page; /* the next one */
    uint32_t pages_count;
    uint32_t pages_crc;
    enum snapshot_section section;
    uint64_t left; /* bytes of the section */
    uint8_t *chunk;
};

/* Opens the snapshot of a sequence and checks its header and its size. 0; -EBADMSG: it is not a
 * whole snapshot, or of a newer version; or another error. `directory` is an open descriptor. */
BS_MUST_USE int snapshot_reader_open(struct snapshot_reader *reader, int directory, uint64_t seq,
                                     char error[LOG_ERROR_SIZE]);
/* The next bytes, all of one section: 1; 0 after the last. They live until the next call. */
BS_MUST_USE int snapshot_reader_next(struct snapshot_reader *reader,
                                     enum snapshot_section *ret_section, const uint8_t **ret_bytes,
                                     size_t *ret_size, char error[LOG_ERROR_SIZE]);
void snapshot_reader_close(struct snapshot_reader *reader); /* twice, and zeroed, is fine */

/* Reads the whole file: 0 when every page is whole. */
BS_MUST_USE int snapshot_file_check(int directory, uint64_t seq, struct snapshot_header *ret_header,
                                    char error[LOG_ERROR_SIZE]);

#endif
