/* SPDX-License-Identifier: Apache-2.0 */
/* The files of the archive that come before those of a log, for a log that is opened to be read. */
#ifndef LOG_ARCHIVE_H
#define LOG_ARCHIVE_H

#include "daemon/log/begin_note.h"
#include "daemon/log/log_sqlite.h"

/*
 * Adds them to the list of files, each checked to continue the one before it by its head. `begin` is
 * where the kept log begins; *ret_begin is where the log with them does: number 1 when the archive
 * has it all. -EBADMSG: a file is missing or damaged, or of another log.
 */
BS_MUST_USE int log_archive_add(struct log_sqlite *sqlite, const struct begin_note *begin,
                                struct begin_note *ret_begin, char *error);

#endif
