/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The lines of the audit log. An administrative request (an item or a path for ops) has two lines
 * with the same id: one before it is submitted, without which it is not submitted, and one when it
 * is answered. A refused request has one line.
 */
#ifndef HTTP_TRAIL_H
#define HTTP_TRAIL_H

#include <netinet/in.h>

#include "daemon/http/connection.h"

#define TRAIL_PEER_SIZE SOCKET_ADDRESS_TEXT_SIZE

/* Before an administrative path or the items of a write are submitted; may be called again. False:
 * the line cannot be written, and the request must not be executed. */
BS_MUST_USE bool trail_asked(struct connection *connection);
/* Whether the path alone makes it administrative. */
bool trail_wants_path(const struct connection *connection);
/* The request is answered. sent: the answer is on its way; else the client is gone. */
void trail_done(struct connection *connection, bool sent);
/* An authenticated caller lacked the role. */
void trail_refused(struct connection *connection, enum bs_status status);

void trail_peer(const struct connection *connection, char text[TRAIL_PEER_SIZE]);

#endif
