/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What of a request goes into the audit log. An administrative request (an item or a path for ops)
 * is written down twice: before it is submitted, and not submitted when that fails; and when it is
 * answered. The two lines have the same id. One that is not let in is written down once.
 */
#ifndef HTTP_TRAIL_H
#define HTTP_TRAIL_H

#include <netinet/in.h>

#include "daemon/http/connection.h"

#define TRAIL_PEER_SIZE SOCKET_ADDRESS_TEXT_SIZE

/* Before the handler of an administrative path runs, or the items of a write are submitted; more
 * often is fine. False: it cannot be written down, and must not be done. */
BS_MUST_USE bool trail_asked(struct connection *connection);
/* Whether the path alone makes it administrative. */
bool trail_wants_path(const struct connection *connection);
/* The answer is there. sent: it is on its way; else the client is gone. */
void trail_done(struct connection *connection, bool sent);
/* Somebody who is known asked for what is not theirs. */
void trail_refused(struct connection *connection, enum bs_status status);

void trail_peer(const struct connection *connection, char text[TRAIL_PEER_SIZE]);

#endif
