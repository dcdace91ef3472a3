/* SPDX-License-Identifier: Apache-2.0 */
/* The running daemon: log, core and HTTP server on one loop, from the start to the last signal. */
#ifndef APP_H
#define APP_H

#include "daemon/config/arguments.h"

/* Runs until it is told to stop. Returns the exit status. */
BS_MUST_USE int app_run(const struct arguments *arguments, struct settings *settings);

/* The exit status for what the log, the core or replay returned (negative). */
int app_exit_status(int code);

#endif
