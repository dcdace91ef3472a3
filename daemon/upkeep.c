/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/upkeep.h"

/* On the watch's thread. */
static void on_disk(void *user, const struct disk_state *state)
{
    struct upkeep *upkeep = user;
    webhooks_tell_disk(upkeep->webhooks, state);
}

/* On the retention's thread. */
static uint64_t on_webhooks_asked(void *user)
{
    const struct upkeep *upkeep = user;
    return webhooks_done_ordinal(upkeep->webhooks);
}

int upkeep_watch_disk(struct upkeep *upkeep, const struct settings *settings)
{
    struct disk_watch_options options;
    app_disk_options(settings, &options);
    return disk_watch_start(&upkeep->disk, &options);
}

int upkeep_start(struct upkeep *upkeep, const struct settings *settings, struct command_log *log)
{
    struct retention_options options = app_retention_options(settings);
    return retention_start(&upkeep->retention, log, &options);
}

void upkeep_on_snapshot(void *user, uint64_t older_seq)
{
    const struct upkeep *upkeep = user;
    retention_snapshot(upkeep->retention, older_seq);
}

void upkeep_watch_webhooks(struct upkeep *upkeep, struct webhooks *webhooks)
{
    upkeep->webhooks = webhooks;
    disk_watch_on_change(upkeep->disk, on_disk, upkeep);
    retention_ask_webhooks(upkeep->retention, on_webhooks_asked, upkeep);
}

void upkeep_stop(struct upkeep *upkeep)
{
    disk_watch_on_change(upkeep->disk, NULL, NULL);
    retention_stop(upkeep->retention);
}

void upkeep_fini(struct upkeep *upkeep)
{
    disk_watch_free(upkeep->disk);
    upkeep->disk = NULL;
    retention_free(upkeep->retention);
    upkeep->retention = NULL;
}
