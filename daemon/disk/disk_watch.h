/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Watches the room on the log's disk, on a thread of its own, for a disk may take its time to
 * answer. With too little room writes are refused (507 disk_low) and no settlement begins, while
 * reads, streams, health and metrics go on; with room again, writes are taken again. It keeps the
 * reserve too (reserve.h).
 *
 *     level     none -- 85 % used --> filling -- 95 % --> nearly full     back at 1 % less
 *     writes    taken -- free < free_min --> refused                      back at 1/4 more
 *
 * The two are apart: on a large disk 95 % leave plenty, on a small one free_min is met before.
 */
#ifndef DISK_WATCH_H
#define DISK_WATCH_H

#include "daemon/disk/reserve.h"

enum disk_level { DISK_ROOMY, DISK_FILLING, DISK_NEARLY_FULL, DISK_LEVELS_COUNT };

struct disk_state {
    struct disk_room room;
    uint32_t used_ppm; /* of the disk */
    uint8_t level;     /* enum disk_level */
    bool is_low;       /* writes are refused */
    bool has_reserve;
};

/* "roomy", "filling", "nearly_full". */
const char *disk_level_name(uint8_t level);

struct disk_watch;

struct disk_watch_options {
    const char *directory; /* of the log; it exists */
    struct reserve_options reserve;
    uint32_t interval_ms; /* between two looks */
    /* Default disk_room_get. */
    int (*read_room)(void *user, int directory, struct disk_room *ret_room);
    void *user;
};

void disk_watch_options_defaults(struct disk_watch_options *options);

/* Looks once, then starts the thread. 0 or a negative errno. */
BS_MUST_USE int disk_watch_start(struct disk_watch **ret_watch,
                                 const struct disk_watch_options *options);
/* Called on the watch's thread after each change of the level, or of whether writes are refused; and
 * at once, on this thread, if not all is well now. NULL takes it back: then it is not running. */
void disk_watch_on_change(struct disk_watch *watch,
                          void (*fn)(void *user, const struct disk_state *state), void *user);
/* Any thread; false for NULL. */
bool disk_watch_is_low(const struct disk_watch *watch);
/* Any thread; what was seen last, all 0 for NULL. */
struct disk_state disk_watch_state(struct disk_watch *watch);
/* Looks now, on this thread (tests, and to be sure at a start). */
void disk_watch_look(struct disk_watch *watch);
void disk_watch_free(struct disk_watch *watch); /* ends the thread; NULL is fine */

#endif
