/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HTTP_POOL_SNAPSHOT_H
#define HTTP_POOL_SNAPSHOT_H

#include "daemon/http/connection.h"

/* Queues the response of a snapshot whose copy is there; false: the connection has to go. */
BS_MUST_USE bool pool_snapshot_send(struct connection *connection);

#endif
