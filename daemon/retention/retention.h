/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The thread that cuts old files off the log, once a minute, as retention_plan.h says. With an archive
 * it stores them there as soon as they are finished, and cuts only what was read back from there.
 */
#ifndef RETENTION_H
#define RETENTION_H

#include "daemon/archive/archiver.h"
#include "daemon/retention/retention_plan.h"

struct retention;

/* 0 or a negative errno. The log outlives its thread. The archive is the one of log_begin. */
BS_MUST_USE int retention_start(struct retention **ret_retention, struct command_log *log,
                                const struct retention_options *options);
/* Any thread: a start can begin from a snapshot at this sequence, so the log before it may go. Until
 * this is called nothing is cut. It is the older one's of two snapshots. */
void retention_snapshot(struct retention *retention, uint64_t seq);
/* `fn` says up to which action webhook endpoints are through; called on the retention's thread.
 * Without it they may need all. */
void retention_ask_webhooks(struct retention *retention, uint64_t (*fn)(void *user), void *user);

/* Any thread: moves all that no start and no webhook endpoint needs into the archive, at once and
 * whatever the options say. False: there is none. */
BS_MUST_USE bool retention_move(struct retention *retention);

struct retention_archive {
    const char *directory;
    uint64_t log_begin; /* the kept log begins after this sequence */
    bool is_moving;     /* retention_move was called, and is not done */
    struct archiver_state archiver;
};

/* Any thread. False: there is no archive. */
BS_MUST_USE bool retention_archive_state(struct retention *retention,
                                         struct retention_archive *ret_archive);
void retention_stop(struct retention *retention); /* ends the thread; the state still answers */
void retention_free(struct retention *retention); /* stops it, too; NULL is fine */

#endif
