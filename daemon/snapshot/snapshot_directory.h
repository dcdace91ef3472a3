/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The snapshot files of a directory: which there are, and which of them go. The newest two are kept:
 * should the newest be damaged, the one before it is used.
 */
#ifndef SNAPSHOT_DIRECTORY_H
#define SNAPSHOT_DIRECTORY_H

#include "daemon/snapshot/snapshot_format.h"

#define SNAPSHOTS_KEPT 2
#define SNAPSHOTS_MAX 64 /* listed: more than are ever kept, as somebody may copy some there */

struct snapshot_list {
    uint64_t seqs[SNAPSHOTS_MAX]; /* the newest first */
    uint32_t count;
};

/* The files with a snapshot's name, whole or not. `directory` is an open descriptor. */
BS_MUST_USE int snapshot_list_read(struct snapshot_list *list, int directory,
                                   char error[LOG_ERROR_SIZE]);
/* Removes files that were not written to their end, which a crash leaves. Nobody writes one. */
BS_MUST_USE int snapshot_remove_partial(int directory, char error[LOG_ERROR_SIZE]);
/*
 * After the snapshot `newest` was written: it and the newest whole one of the same log before it
 * stay, everything else goes. *ret_oldest is the sequence of the older one that stays, 0: there is
 * only one.
 */
BS_MUST_USE int snapshot_keep_newest(int directory, const struct snapshot_header *newest,
                                     uint64_t *ret_oldest, char error[LOG_ERROR_SIZE]);

#endif
