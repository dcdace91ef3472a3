/* SPDX-License-Identifier: Apache-2.0 */
/* A header of the request by its name. */
#ifndef HTTP_HEADER_H
#define HTTP_HEADER_H

#include "daemon/http/connection.h"

/* How often the header came, in any case of letters; *ret_value is its first value. */
uint32_t header_find(const struct connection *connection, const char *name,
                     struct bs_text *ret_value);

#endif
