/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who asks, may they, and how often. Without a keys file everybody may do everything, which is why
 * only this machine is served then. With one a request passes here twice: before its body is read,
 * by its key and route, and when its items are known, by their types and number.
 */
#ifndef HTTP_GATE_H
#define HTTP_GATE_H

#include "daemon/http/connection.h"

/* The head is read and the route found, or there is none. BS_OK: connection->caller says who it is.
 * Else connection->gate_detail says why not. */
BS_MUST_USE enum bs_status gate_admit(struct connection *connection);
/* The query is read: some parameters show more than the path alone. */
BS_MUST_USE enum bs_status gate_parameters(struct connection *connection);
/* The items of a write are read, nothing is submitted yet. All of it is taken or nothing. */
BS_MUST_USE enum bs_status gate_items(struct connection *connection);
/* RateLimit-Policy, RateLimit, WWW-Authenticate, where the answer has them. */
BS_MUST_USE enum MHD_Result gate_add_headers(struct connection *connection,
                                             struct MHD_Response *response);

#endif
