/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Snapshots of a log that became another one. Their state is the same; the header names the log, and
 * the link at their sequence, which the identity in the first record has changed.
 */
#ifndef RESTORE_SNAPSHOTS_H
#define RESTORE_SNAPSHOTS_H

#include "daemon/log/log.h"

/* Those up to the log's end become snapshots of the log in the directory; the others, and damaged
 * ones, are removed. *ret_count is how many stay. */
BS_MUST_USE int restore_snapshots(const char *directory, uint32_t *ret_count,
                                  char error[LOG_ERROR_SIZE]);

#endif
