/* SPDX-License-Identifier: Apache-2.0 */
/* What looks after the data directory while the daemon runs: the room on its disk, and old files. */
#ifndef UPKEEP_H
#define UPKEEP_H

#include "daemon/app_options.h"
#include "daemon/retention/retention.h"

struct upkeep {
    struct disk_watch *disk;
    struct retention *retention;
    struct webhooks *webhooks;
};

/* 0 or a negative errno. The directory is there: the log is open. Before the core, whose first writes
 * ask the watch. */
BS_MUST_USE int upkeep_watch_disk(struct upkeep *upkeep, const struct settings *settings);
/* 0 or a negative errno. From then on old files are cut as the snapshots allow: before the follower,
 * whose thread takes them. */
BS_MUST_USE int upkeep_start(struct upkeep *upkeep, const struct settings *settings,
                             struct command_log *log);
/* On the follower's thread: two snapshots are kept, the older one at this sequence. */
void upkeep_on_snapshot(void *user, uint64_t older_seq);
/* Tells webhooks of the disk, and asks them what they need of old files. */
void upkeep_watch_webhooks(struct upkeep *upkeep, struct webhooks *webhooks);
/* After the follower has stopped and before webhooks do. The watch and the state of the archive still
 * answer. A zeroed one is fine. */
void upkeep_stop(struct upkeep *upkeep);
void upkeep_fini(struct upkeep *upkeep); /* likewise */

#endif
