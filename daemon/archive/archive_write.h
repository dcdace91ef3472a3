/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writes an archived file: under a temporary name, synced, renamed, and the directory synced. So a
 * file that has its name was written whole.
 */
#ifndef ARCHIVE_WRITE_H
#define ARCHIVE_WRITE_H

#include "daemon/archive/archive_format.h"

#define ARCHIVE_PARTIAL ".new"

/* Where the bytes of the log file come from. */
struct archive_source {
    /* Appends exactly `size` bytes from an offset that the file has. */
    int (*read)(void *user, uint64_t offset, size_t size, struct buffer *out, char *error);
    /* Called with the size of each piece that is done; false: -ECANCELED. */
    bool (*goes_on)(void *user, size_t size);
    void *user;
};

/* *head: number, identity, size, start and end are the caller's; the rest is set. An archived file of
 * this number is replaced. After a failure nothing of it has changed. */
BS_MUST_USE int archive_write(int directory, struct archive_head *head,
                              const struct archive_source *source, char *error);

#endif
