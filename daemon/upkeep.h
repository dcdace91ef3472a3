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
/* 0 or a negative errno. Tells `webhooks` of the disk, and cuts old files as they allow. */
BS_MUST_USE int upkeep_start(struct upkeep *upkeep, const struct settings *settings,
                             struct command_log *log, struct webhooks *webhooks);
/* Before webhooks stop. The watch still answers. A zeroed one is fine. */
void upkeep_stop(struct upkeep *upkeep);
void upkeep_fini(struct upkeep *upkeep); /* likewise */

#endif
