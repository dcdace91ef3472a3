/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The metrics page, Prometheus text format 0.0.4, every name prefixed backstopd_. Counters of the
 * core and the log are read from them; the HTTP server counts here.
 */
#ifndef METRICS_H
#define METRICS_H

#include "daemon/core/core.h"

#define METRICS_CONTENT_TYPE "text/plain; version=0.0.4; charset=utf-8"

/* One answered request, by its HTTP status. Any thread. */
void metrics_http_request(int status);

/* Appends the page. On the core loop, for it reads the engine. */
void metrics_render(struct buffer *out, const struct core *core, struct bs_engine *engine);

/* The same as the answer to a query: request->query = metrics_query. */
void metrics_query(struct request *request, struct core *core, struct bs_engine *engine);

#endif
