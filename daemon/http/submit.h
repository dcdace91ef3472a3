/* SPDX-License-Identifier: Apache-2.0 */
/* Hands the request of a connection to another thread. */
#ifndef HTTP_SUBMIT_H
#define HTTP_SUBMIT_H

#include "daemon/http/connection.h"

/*
 * The last call of a route's `begin`. The connection is suspended and its request submitted to the
 * core; the caller touches neither any more. When the request is back, the route's `end` runs; if
 * the taker has no room, the answer is a 503.
 */
enum outcome submit_to_core(struct connection *connection);
/* The same for another taker; `take` returns true if it took the request. */
enum outcome submit(struct connection *connection, bool (*take)(struct connection *connection));

#endif
