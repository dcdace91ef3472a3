/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How much room a disk has, and a file in the log's directory that holds some of it back. A daemon
 * that was stopped by a full disk needs a little room to start again: it gives up the reserve.
 */
#ifndef DISK_RESERVE_H
#define DISK_RESERVE_H

#include "lib/base/base.h"

#define RESERVE_NAME "reserve"

struct disk_room {
    uint64_t size; /* of the disk, without what only root may use */
    uint64_t free; /* bytes that this process may still use */
};

/* What the settings say of the reserve. */
struct reserve_options {
    uint64_t size;     /* bytes; 0 = there is no reserve */
    uint64_t free_min; /* the least room on the disk that writes are taken with; 0 = any */
};

/* Of the disk that an open directory is on; 0 or a negative errno. */
BS_MUST_USE int disk_room_get(int directory, struct disk_room *ret_room);

/* The room below which the reserve is given up at a start. */
uint64_t reserve_release_below(const struct reserve_options *options);
/* The room from which on it is made. */
uint64_t reserve_make_from(const struct reserve_options *options);

bool reserve_exists(int directory);
/* Gives the reserve up if the disk has too little room. No start fails for its sake. */
void reserve_release_if_low(int directory, const struct reserve_options *options);
/* Allocates it: every block of it is the file's. 0 or a negative errno; then there is none. */
BS_MUST_USE int reserve_make(int directory, uint64_t size);

#endif
