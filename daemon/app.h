/* SPDX-License-Identifier: Apache-2.0 */
/* The running daemon: log, core and HTTP server on one loop, from the start to the last signal. */
#ifndef APP_H
#define APP_H

#include "daemon/config/arguments.h"
#include "daemon/core/core.h"
#include "daemon/http/server.h"

/* Runs until it is told to stop. Returns the exit status. */
BS_MUST_USE int app_run(const struct arguments *arguments, struct settings *settings);

/* What the settings say about the core, and a random hash seed. */
void app_core_options(const struct settings *settings, struct core_options *ret_options);
/* Likewise about HTTP; what is no setting stays as it is. */
void app_http_options(const struct settings *settings, struct http_options *ret_options);

/* The exit status for what the log, the core or replay returned (negative). */
int app_exit_status(int code);

#endif
