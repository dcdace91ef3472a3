/* SPDX-License-Identifier: Apache-2.0 */
/* An address of IPv4 or IPv6 with its port, as a setting says it and as the log prints it. Pure. */
#ifndef SOCKET_ADDRESS_H
#define SOCKET_ADDRESS_H

#include <netinet/in.h>

#include "lib/base/base.h"

#define SOCKET_ADDRESS_TEXT_SIZE (INET6_ADDRSTRLEN + 8) /* "[...]:65535", NUL */

struct socket_address {
    union {
        struct sockaddr any;
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
    };
};

/* "127.0.0.1:80", "localhost:80" (which is 127.0.0.1), "[::1]:80". NULL, or what is wrong. IPv4 is
 * not taken as a part of IPv6, nor is the name of an interface. */
const char *socket_address_parse(struct socket_address *address, const char *text);
socklen_t socket_address_size(const struct socket_address *address);
uint16_t socket_address_port(const struct socket_address *address);
/* Only this machine reaches it. */
bool socket_address_is_local(const struct socket_address *address);
/* As it is parsed; a client of IPv4 at a socket of IPv6 as one of IPv4. */
void socket_address_print(const struct sockaddr *address, char text[SOCKET_ADDRESS_TEXT_SIZE]);

#endif
