/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which addresses and ports webhooks may be sent to. The check is made on the address of each
 * socket before it connects, so no name, however it resolves and whatever it resolves to the next
 * time, leads into a private network. Pure.
 */
#ifndef CONFIG_ADDRESS_H
#define CONFIG_ADDRESS_H

#include <sys/socket.h>

#include "lib/base/base.h"

#define ADDRESS_RANGES_MAX 32
#define ADDRESS_PORTS_MAX 32
#define ADDRESS_TEXT_SIZE 64

struct address_range {
    uint8_t bytes[16]; /* of IPv4 the first four */
    uint8_t bits;
    bool is_v6;
};

/* The operator's exceptions from the ranges that are refused. */
struct address_ranges {
    struct address_range ranges[ADDRESS_RANGES_MAX];
    uint32_t count;
};

struct address_ports {
    uint16_t first[ADDRESS_PORTS_MAX], last[ADDRESS_PORTS_MAX];
    uint32_t count;
};

/* "10.1.0.0/16, fd00::/8"; empty is none. False: not such a list, or bits set after the prefix. */
BS_MUST_USE bool address_ranges_parse(struct address_ranges *ranges, const char *text);
/* "443,8443,9000-9100". */
BS_MUST_USE bool address_ports_parse(struct address_ports *ports, const char *text);
bool address_port_allowed(const struct address_ports *ports, uint32_t port);

/* An address that carries another one (IPv4-mapped) is judged as that one. */
bool address_allowed(const struct address_ranges *exceptions, const struct sockaddr *address);
/* The same for a host that is written as an address. *ret_is_address: whether it is. */
bool address_text_allowed(const struct address_ranges *exceptions, const char *host,
                          bool *ret_is_address);
/* NULL, or why a host can be neither a name nor an address. */
const char *address_host_fault(const char *host);
void address_print(const struct sockaddr *address, char text[ADDRESS_TEXT_SIZE]);

#endif
