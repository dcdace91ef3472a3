/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A small file that notes how far another file was written. A -wal that is emptied or cut ends
 * early and looks whole; what it held is missed only by somebody who knows. The file has two slots,
 * written in turn, each with a checksum: a torn write leaves the note before it. For one thread at
 * a time.
 */
#ifndef END_NOTE_H
#define END_NOTE_H

#include "daemon/log/log.h"

struct end_note {
    uint64_t seq;    /* of the last thing written; only rises */
    uint32_t number; /* of its file, or of what it holds: the owner's */
    uint8_t hash[LOG_HASH_SIZE];
};

struct end_file {
    int directory; /* an open descriptor, the owner's */
    const char *name;
    int fd; /* -1: there is no file yet */
    uint32_t next_slot;
    struct end_note last; /* what was read or written last; seq 0: nothing */
};

/* Reads the note; without a file file->last.seq is 0. -EBADMSG: no slot is whole. `name` must
 * live as long as the file. */
BS_MUST_USE int end_file_open(struct end_file *file, int directory, const char *name, char *error);
/* Writes a note and syncs it; creates the file. Does nothing when it is the last one. */
BS_MUST_USE int end_file_write(struct end_file *file, const struct end_note *note, char *error);
void end_file_close(struct end_file *file);

#endif
