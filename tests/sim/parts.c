/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/sim/parts.h"

#include <inttypes.h>

#include "daemon/follower/follower.h"
#include "daemon/retention/retention.h"
#include "daemon/snapshot/snapshot_keeper.h"
#include "tests/sim/history.h"

/* On the follower's thread. */
static void on_two_kept(void *user, uint64_t older_seq)
{
    struct parts *parts = user;
    char error[LOG_ERROR_SIZE];
    int code = parts->reader == NULL ? log_reader_open(&parts->reader, parts->log, error) : 0;
    if (code == 0) {
        code = history_follow(parts->ledger, parts->log, parts->reader, error);
    }
    LEDGER_EXPECT(parts->ledger, code == 0 || parts->ledger->disk_failed,
                  "the log cannot be read beside the daemon: %s", error);
    if (code == 0) {
        retention_snapshot(parts->retention, older_seq);
    }
}

/* On retention's thread. */
static uint64_t on_webhooks_asked(void *user)
{
    const struct parts *parts = user;
    return webhooks_done_ordinal(parts->webhooks);
}

int parts_start(struct parts *parts, char error[LOG_ERROR_SIZE])
{
    const struct life_plan *plan = parts->plan;
    const struct retention_options retention = {.keep_days = 1, .keep_bytes = plan->keep_bytes};
    const struct snapshot_keeper_options snapshots = {.directory = plan->directory,
                                                      .every_commands = plan->snapshot_every,
                                                      .on_two_kept = on_two_kept,
                                                      .user = parts};
    struct follower_options follower = {.check_interval_s = 1};
    if (retention_start(&parts->retention, parts->log, &retention) != 0) {
        return log_error(error, -1, "retention does not start");
    }
    retention_ask_webhooks(parts->retention, on_webhooks_asked, parts);
    int code = snapshot_keeper_new(&parts->snapshots, parts->core, parts->log, &snapshots, error);
    if (code == 0) {
        follower.hooks = snapshot_keeper_hooks(parts->snapshots);
        code = follower_new(&parts->follower, parts->core, parts->log, &follower, error);
    }
    return code;
}

void parts_stop(struct parts *parts)
{
    struct ledger *ledger = parts->ledger;
    follower_stop(parts->follower);
    retention_free(parts->retention);
    parts->retention = NULL;
    log_reader_close(parts->reader);
    parts->reader = NULL;
    if (parts->follower != NULL) {
        uint64_t mismatches = follower_stats_get(parts->follower).mismatches;
        LEDGER_EXPECT(ledger, mismatches == 0,
                      "the second engine block differed from the live one %" PRIu64 " times",
                      mismatches);
    }
}

void parts_free(struct parts *parts)
{
    follower_free(parts->follower);
    snapshot_keeper_free(parts->snapshots);
}
