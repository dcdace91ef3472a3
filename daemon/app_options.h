/* SPDX-License-Identifier: Apache-2.0 */
/* From settings to the options of each part. A new setting is a row of settings.def and one here. */
#ifndef APP_OPTIONS_H
#define APP_OPTIONS_H

#include "daemon/config/settings.h"
#include "daemon/core/core.h"
#include "daemon/http/server.h"
#include "daemon/retention/retention_plan.h"
#include "daemon/simulation/simulator.h"
#include "daemon/snapshot/snapshot_keeper.h"
#include "daemon/webhooks/webhooks.h"

/* And a random hash seed. */
void app_core_options(const struct settings *settings, struct core_options *ret_options);
/* What is no setting stays as it is. */
void app_http_options(const struct settings *settings, struct http_options *ret_options);
void app_snapshot_options(const struct settings *settings,
                          struct snapshot_keeper_options *ret_options);
void app_follower_options(const struct settings *settings, struct follower_options *ret_options);
void app_simulator_options(const struct settings *settings, struct simulator_options *ret_options);
void app_webhooks_options(const struct settings *settings, struct webhooks_options *ret_options);

/* The directory of the archive, NULL without one; the settings'. */
const char *app_archive(const struct settings *settings);
struct retention_options app_retention_options(const struct settings *settings);
void app_disk_options(const struct settings *settings, struct disk_watch_options *ret_options);

/* Opens the log in its backend and reads its identity. 0 or negative with a message; the caller
 * closes *ret_log in both cases, unless it is still NULL. */
BS_MUST_USE int app_log_open(const struct settings *settings, bool creates,
                             struct command_log **ret_log, char error[LOG_ERROR_SIZE]);

#endif
