/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Makes a data directory of a backup. The server that was backed up may have gone on, so the
 * restored log gets an identity of its own: no id is ever used for two things. All is copied,
 * checked and replayed below `restoring` in the new directory; then each file moves up, the note of
 * the log's end first, so that no daemon starts with half of them.
 */
#ifndef RESTORE_H
#define RESTORE_H

#include "daemon/config/settings.h"
#include "daemon/config/until.h"

struct restore_options {
    const char *backup; /* the directory that backstopctl backup has filled */
    struct until until;
    bool without_webhooks;
};

/* Prints what was restored, or its error to standard error; returns the exit status. */
BS_MUST_USE int offline_restore(const struct settings *settings,
                                const struct restore_options *options);

#endif
