/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Makes a snapshot file of an engine and what belongs to it, a slice at a time. The engine and the
 * rest stay as they are until the last slice. For one thread at a time.
 */
#ifndef SNAPSHOT_SAVE_H
#define SNAPSHOT_SAVE_H

#include "daemon/core/first_answers.h"
#include "daemon/log/chain.h"
#include "daemon/snapshot/snapshot_writer.h"
#include "lib/snapshot/snapshot.h"

/* All the caller's. */
struct snapshot_source {
    struct bs_engine *engine; /* not in the middle of a settlement, nor of a request with a key */
    const struct first_answers *answers; /* as of the engine's last command */
    const struct pool_chains *chains;    /* likewise */
    const char *identity;                /* of the log */
    uint8_t link[LOG_HASH_SIZE];         /* of the batch that ends with the engine's last command */
    uint64_t settlement;                 /* of the last settlement row */
};

struct snapshot_save {
    const struct snapshot_source *source;
    struct snapshot_writer writer;
    struct bs_snapshot_writer rows;
    const struct first_answer *answer; /* the next one */
    enum snapshot_section section;     /* being written */
    uint8_t *slice;                    /* of rows */
    struct buffer entries;
};

/* Creates the file and works out the digest. `directory` is an open descriptor. 0 or negative with a
 * message; then nothing is left. */
BS_MUST_USE int snapshot_save_begin(struct snapshot_save *save,
                                    const struct snapshot_source *source, int directory,
                                    char error[LOG_ERROR_SIZE]);
/* Writes about a MiB: 1, there is more; 0, the file is whole and durable, and *ret_header says what
 * it is; or negative with a message, and no file is left. */
BS_MUST_USE int snapshot_save_next(struct snapshot_save *save, struct snapshot_header *ret_header,
                                   char error[LOG_ERROR_SIZE]);
/* Leaves no file. After the last slice, and zeroed, is fine. */
void snapshot_save_abandon(struct snapshot_save *save);

#endif
