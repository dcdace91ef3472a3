/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The audit log: JSON lines, appended one write each, to a file or to standard error. A line that
 * was written survives the end of this process however it comes; it is sent on to the disk at once
 * but not waited for, so a power cut may take the last moments.
 *
 * One thread's.
 */
#ifndef ACCESS_AUDIT_H
#define ACCESS_AUDIT_H

#include "api/buffer.h"

struct audit;

/* path "" = standard error. NULL: `problems` says why. */
struct audit *audit_open(const char *path, struct buffer *problems);
void audit_close(struct audit *audit); /* NULL is fine */
/*
 * Opens the path again, after the old file was moved away. If that fails, the old file stays open.
 */
void audit_reopen(struct audit *audit);

/* Numbers from now on: larger than all of earlier processes, as long as the clock is right. */
uint64_t audit_next_id(struct audit *audit);
/* A line begins with the time and ends in a brace and newline; what is between is the caller's. */
void audit_begin(struct audit *audit, struct buffer *line);
/* False: it is not in the file as a whole. */
bool audit_end(struct audit *audit, struct buffer *line);

#endif
