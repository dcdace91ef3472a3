/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Archived files as databases that can be read: each is expanded into memory, checked and opened
 * there; nothing is written. Files that are in use stay, of the others the last one. For one thread at
 * a time.
 */
#ifndef ARCHIVE_DB_H
#define ARCHIVE_DB_H

#include <sqlite3.h>

#include "daemon/archive/archive_format.h"

struct archive;

/* -ENOENT: there is no such directory. */
BS_MUST_USE int archive_open(struct archive **ret_archive, const char *directory, char *error);
/* After the databases that were opened of it. NULL is fine. */
void archive_close(struct archive *archive);
bool archive_has(const struct archive *archive, uint32_t number);
/* As archive_read_head. */
BS_MUST_USE int archive_head(const struct archive *archive, uint32_t number,
                             struct archive_head *ret_head, char *error);
/* The caller closes it with sqlite3_close, when its statements are finalized. -EBADMSG: the file is
 * damaged; -ENOMEM: it does not fit. */
BS_MUST_USE int archive_open_db(struct archive *archive, uint32_t number, sqlite3 **ret_db,
                                char *error);

#endif
