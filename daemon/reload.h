/* SPDX-License-Identifier: Apache-2.0 */
/* SIGHUP: reads the files again that a running daemon may change. Errors are logged. */
#ifndef RELOAD_H
#define RELOAD_H

#include "daemon/config/arguments.h"
#include "daemon/http/server.h"

/* The log line for warnings of access_load. */
#define INSECURE_CONFIGURATION "insecure configuration"

/* Logging follows the new settings; another change is reported as one that needs a restart. */
void reload_settings(const struct arguments *arguments, struct settings *running);
/*
 * Keys, certificates and the audit log's file. A file that cannot be used leaves the old one in
 * force.
 */
void reload_access(const struct settings *settings, struct http_server *http);

#endif
