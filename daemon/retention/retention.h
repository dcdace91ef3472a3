/* SPDX-License-Identifier: Apache-2.0 */
/* The thread that cuts old files off the log, once a minute, as retention_plan.h says. */
#ifndef RETENTION_H
#define RETENTION_H

#include "daemon/retention/retention_plan.h"

struct retention;

/* 0 or a negative errno. The log outlives it. */
BS_MUST_USE int retention_start(struct retention **ret_retention, struct command_log *log,
                                const struct retention_options *options);
/* Any thread: a start can begin from a snapshot at this sequence, so the log before it may go. Until
 * this is called nothing is cut. It is the older one's of two snapshots. */
void retention_snapshot(struct retention *retention, uint64_t seq);
/* `fn` says up to which action webhook endpoints are through; called on the retention's thread.
 * Without it they may need all. */
void retention_ask_webhooks(struct retention *retention, uint64_t (*fn)(void *user), void *user);
void retention_free(struct retention *retention); /* ends the thread; NULL is fine */

#endif
