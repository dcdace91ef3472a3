/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/config/socket_address.h"

#include <arpa/inet.h>
#include <stdio.h>

#include "api/text.h"

#define PORT_DIGITS_MAX 5
#define LOCALHOST "localhost"

static bool parse_port(const char *text, in_port_t *ret_port)
{
    uint64_t port = 0;
    size_t size = strlen(text);
    if (size > PORT_DIGITS_MAX ||
        !text_digits((struct bs_text){text, (uint32_t)size}, UINT16_MAX, &port)) {
        return false;
    }
    *ret_port = htons((uint16_t)port);
    return true;
}

/* No names except localhost: a name may resolve differently later, an address cannot. */
static bool parse_v4(struct socket_address *address, const char *host)
{
    address->v4.sin_family = AF_INET;
    if (strcmp(host, LOCALHOST) == 0) {
        address->v4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        return true;
    }
    return inet_pton(AF_INET, host, &address->v4.sin_addr) == 1;
}

static bool parse_v6(struct socket_address *address, char *host)
{
    size_t size = strlen(host);
    if (host[size - 1] != ']') {
        return false;
    }
    host[size - 1] = '\0';
    address->v6.sin6_family = AF_INET6;
    return inet_pton(AF_INET6, host + 1, &address->v6.sin6_addr) == 1 &&
           !IN6_IS_ADDR_V4MAPPED(&address->v6.sin6_addr);
}

const char *socket_address_parse(struct socket_address *address, const char *text)
{
    char host[SOCKET_ADDRESS_TEXT_SIZE];
    const char *colon = strrchr(text, ':');
    in_port_t port = 0;
    *address = (struct socket_address){0};
    if (colon == NULL || !parse_port(colon + 1, &port)) {
        return "is not HOST:PORT with a port up to 65535";
    }
    size_t size = (size_t)(colon - text);
    bool is_read = size < sizeof(host);
    if (is_read) {
        memcpy(host, text, size);
        host[size] = '\0';
        is_read = host[0] == '[' ? parse_v6(address, host) : parse_v4(address, host);
    }
    if (!is_read) {
        return "is not HOST:PORT with localhost, an IPv4 address, or an IPv6 address in brackets";
    }
    if (address->any.sa_family == AF_INET6) {
        address->v6.sin6_port = port;
    } else {
        address->v4.sin_port = port;
    }
    return NULL;
}

socklen_t socket_address_size(const struct socket_address *address)
{
    return address->any.sa_family == AF_INET6 ? sizeof(address->v6) : sizeof(address->v4);
}

uint16_t socket_address_port(const struct socket_address *address)
{
    return ntohs(address->any.sa_family == AF_INET6 ? address->v6.sin6_port : address->v4.sin_port);
}

bool socket_address_is_local(const struct socket_address *address)
{
    if (address->any.sa_family == AF_INET6) {
        return IN6_IS_ADDR_LOOPBACK(&address->v6.sin6_addr);
    }
    return ntohl(address->v4.sin_addr.s_addr) >> 24 == IN_LOOPBACKNET;
}

void socket_address_print(const struct sockaddr *address, char text[SOCKET_ADDRESS_TEXT_SIZE])
{
    char host[INET6_ADDRSTRLEN] = "?";
    if (address->sa_family != AF_INET6) {
        const struct sockaddr_in *v4 = (const void *)address;
        (void)inet_ntop(AF_INET, &v4->sin_addr, host, sizeof(host));
        (void)snprintf(text, SOCKET_ADDRESS_TEXT_SIZE, "%s:%u", host, ntohs(v4->sin_port));
        return;
    }
    const struct sockaddr_in6 *v6 = (const void *)address;
    bool is_v4 = IN6_IS_ADDR_V4MAPPED(&v6->sin6_addr);
    if (is_v4) {
        (void)inet_ntop(AF_INET, v6->sin6_addr.s6_addr + 12, host, sizeof(host));
    } else {
        (void)inet_ntop(AF_INET6, &v6->sin6_addr, host, sizeof(host));
    }
    (void)snprintf(text, SOCKET_ADDRESS_TEXT_SIZE, is_v4 ? "%s:%u" : "[%s]:%u", host,
                   ntohs(v6->sin6_port));
}
