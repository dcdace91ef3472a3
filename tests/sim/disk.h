/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The disk of a simulated machine: one directory. What the program writes goes to real files in it,
 * so that reading, locks and mapped memory are real; beside them the simulator keeps what would be
 * there after a loss of power: what was synced, and each change since. A new name, a rename and a
 * removal are durable when the directory is synced.
 *
 * The program defines open, pwrite, fsync, unlink and the like itself; the daemon and SQLite's own
 * unix VFS call these. Files named *-shm are not on the disk: SQLite makes them again.
 */
#ifndef SIM_DISK_H
#define SIM_DISK_H

#include <stddef.h>
#include <stdint.h>

#include "tests/sim/random.h"

enum disk_kind {
    DISK_CREATE,
    DISK_WRITE,
    DISK_TRUNCATE,
    DISK_SYNC,
    DISK_SYNC_DIRECTORY,
    DISK_RENAME,
    DISK_REMOVE,
    DISK_KINDS_COUNT
};

const char *disk_kind_name(enum disk_kind kind);

/* One operation that changes the disk, before it is done. */
struct disk_operation {
    uint64_t number; /* from 1 */
    enum disk_kind kind;
    const char *name;
    uint64_t offset; /* of a write; the size of a truncation */
    const void *bytes;
    size_t size;
};

/* 0: it is done. An errno: it fails, and a sync that fails loses what it was to sync. Negative: a
 * write takes only half of the bytes. It need not return. */
typedef int (*disk_operation_fn)(void *user, const struct disk_operation *operation);

/* What is in the directory now is durable. */
void disk_begin(const char *directory, disk_operation_fn fn, void *user);
void disk_end(void);
uint64_t disk_operations(void); /* counted since disk_begin */
/* One read in so many gives only a part of the bytes; 0: none. */
void disk_short_reads(uint32_t once_in, uint64_t seed);

enum disk_survival {
    DISK_KEPT, /* the process was killed: all that it wrote is there */
    DISK_LOST, /* the power went: only what was synced */
    DISK_TORN, /* the power went: any part of what was not synced, by sectors, in any order */
    DISK_SURVIVALS_COUNT
};

const char *disk_survival_name(enum disk_survival survival);
/* Writes the disk as it would be found now to the directory `target`, which is made. */
void disk_image(const char *target, enum disk_survival survival, struct random *random);

/* Files of any directory, past the simulator. */
void disk_copy(const char *source, const char *target);
void disk_remove(const char *directory);

#endif
