/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Access control: the caller, its roles and its rates (the guard checks the bytes). Without a keys
 * file every request is allowed, and only this machine is served. With one a request is checked
 * twice: before its body is read, by its key and route, and when its items are known, by their
 * types and number.
 */
#ifndef HTTP_ACCESS_CHECK_H
#define HTTP_ACCESS_CHECK_H

#include "daemon/http/connection.h"

/*
 * The head is read; connection->route may be NULL. BS_OK: connection->caller is set. Else
 * connection->access_detail says why not.
 */
BS_MUST_USE enum bs_status access_check_route(struct connection *connection);
/* The query is read: some parameters show more than the path alone. */
BS_MUST_USE enum bs_status access_check_parameters(struct connection *connection);
/* The items of a write are read, and nothing is submitted yet: all of them may pass, or none. */
BS_MUST_USE enum bs_status access_check_items(struct connection *connection);
/* Adds RateLimit-Policy, RateLimit and WWW-Authenticate where the answer has them. */
BS_MUST_USE enum MHD_Result access_add_headers(struct connection *connection,
                                               struct MHD_Response *response);

#endif
