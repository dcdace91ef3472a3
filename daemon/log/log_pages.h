/* SPDX-License-Identifier: Apache-2.0 */
/* Looks through every page of the log's files: their indexes too, which a replay never reads. */
#ifndef LOG_PAGES_H
#define LOG_PAGES_H

#include "daemon/log/log.h"

/* -EBADMSG: a file is damaged, and `error` says which and where. Of a log in SQLite. Takes seconds for
 * a file of 256 MiB; the newest keeps its place in the -wal as long. */
BS_MUST_USE int log_check_pages(struct command_log *log, char error[LOG_ERROR_SIZE]);

#endif
