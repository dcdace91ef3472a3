/* SPDX-License-Identifier: Apache-2.0 */
/* Reads archived files. Every byte is checked; an error names the file. */
#ifndef ARCHIVE_READ_H
#define ARCHIVE_READ_H

#include "daemon/archive/archive_format.h"

/* Where the bytes of the log file go. */
struct archive_sink {
    /* 0 or a negative code with a message. NULL: the file is only checked. */
    int (*put)(void *user, const void *bytes, size_t size, char *error);
    /* Called with the size of each piece that is done; false: -ECANCELED. NULL: to the end. */
    bool (*goes_on)(void *user, size_t size);
    void *user;
};

/* The head of an archived file. -ENOENT: it is missing; -EBADMSG: it is damaged, or another file's. */
BS_MUST_USE int archive_read_head(int directory, uint32_t number, struct archive_head *ret_head,
                                  char *error);
/* All of it, checked to be the file that was archived; what was put before a failure is not. */
BS_MUST_USE int archive_read(int directory, uint32_t number, const struct archive_sink *sink,
                             struct archive_head *ret_head, char *error);

#endif
