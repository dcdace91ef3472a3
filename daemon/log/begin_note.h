/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The note of where the kept log begins after a cut: "log-begin" beside the log's files. It is
 * written whole and synced before the first file goes, so that a crash in between leaves files that
 * the next start removes, and a file that is missing for any other reason is missed. It keeps the
 * identity of the log too, whose record was in the first file.
 */
#ifndef BEGIN_NOTE_H
#define BEGIN_NOTE_H

#include "daemon/log/log_backend.h"
#include "daemon/log/log_place.h"

#define BEGIN_NAME "log-begin"

struct begin_note {
    uint32_t number;              /* of the first file that is kept; 1: nothing was cut */
    struct log_position position; /* where it starts */
    char identity[LOG_IDENTITY_DIGITS + 1];
};

/* Without a note: number 1, everything else 0. -EBADMSG: it is damaged. */
BS_MUST_USE int begin_note_read(struct begin_note *ret_note, int directory, char *error);
/* Replaces the note: durable when this returns 0. */
BS_MUST_USE int begin_note_write(const struct begin_note *note, int directory, char *error);

#endif
