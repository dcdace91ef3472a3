/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/config/address.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>

#define V4_SIZE 4
#define V6_SIZE 16
#define HOST_SIZE_MAX 253 /* of a name, without the root's point */
#define LABEL_SIZE_MAX 63

/* An address without its port. */
struct bare {
    uint8_t bytes[V6_SIZE];
    bool is_v6;
};

#define V4(a, b, c, d, size)                                                                       \
    {                                                                                              \
        .bytes = {a, b, c, d}, .bits = size                                                        \
    }
#define V6(size, ...)                                                                              \
    {                                                                                              \
        .bytes = {__VA_ARGS__}, .bits = size, .is_v6 = true                                        \
    }

/* What is not the public internet: IANA's registries of special-purpose addresses (also those that
 * are reachable from everywhere, but name no host), multicast, and what is reserved. */
static const struct address_range refused[] = {
    V4(0, 0, 0, 0, 8),       /* this network */
    V4(10, 0, 0, 0, 8),      /* private */
    V4(100, 64, 0, 0, 10),   /* behind a carrier's NAT */
    V4(127, 0, 0, 0, 8),     /* loopback */
    V4(169, 254, 0, 0, 16),  /* link-local: metadata services */
    V4(172, 16, 0, 0, 12),   /* private */
    V4(192, 0, 0, 0, 24),    /* protocol assignments */
    V4(192, 0, 2, 0, 24),    /* documentation */
    V4(192, 31, 196, 0, 24), /* AS112: answers queries about private addresses */
    V4(192, 52, 193, 0, 24), /* AMT: relays multicast */
    V4(192, 88, 99, 0, 24),  /* 6to4 relays */
    V4(192, 168, 0, 0, 16),  /* private */
    V4(192, 175, 48, 0, 24), /* AS112 */
    V4(198, 18, 0, 0, 15),   /* benchmarks */
    V4(198, 51, 100, 0, 24), /* documentation */
    V4(203, 0, 113, 0, 24),  /* documentation */
    V4(224, 0, 0, 0, 4),     /* multicast */
    V4(240, 0, 0, 0, 4),     /* reserved, broadcast */

    /* All but 2000::/3. Of what has a meaning there: ::, ::1, IPv4-compatible, IPv4-translated and
     * NAT64 addresses, which carry an IPv4 address, discard, segment routing, unique local,
     * link-local, site-local, multicast. */
    V6(3, 0x00), V6(2, 0x40), V6(1, 0x80), V6(23, 0x20, 0x01), /* Teredo, ORCHID, benchmarks */
    V6(32, 0x20, 0x01, 0x0d, 0xb8),                            /* documentation */
    V6(16, 0x20, 0x02),                                        /* 6to4: carries an IPv4 address */
    V6(48, 0x26, 0x20, 0, 0x4f, 0x80, 0),                      /* AS112 */
    V6(20, 0x3f, 0xff),                                        /* documentation */
};

static bool has_prefix(const uint8_t *bytes, const struct address_range *range)
{
    uint32_t whole = range->bits / 8;
    uint32_t rest = range->bits % 8;
    if (memcmp(bytes, range->bytes, whole) != 0) {
        return false;
    }
    return rest == 0 || ((bytes[whole] ^ range->bytes[whole]) & (0xff << (8 - rest)) & 0xff) == 0;
}

static bool is_in(const struct bare *bare, const struct address_range *ranges, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        if (ranges[i].is_v6 == bare->is_v6 && has_prefix(bare->bytes, &ranges[i])) {
            return true;
        }
    }
    return false;
}

/* ::ffff:a.b.c.d becomes a.b.c.d: the kernel sends it there. */
static void unmap(struct bare *bare)
{
    static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
    if (bare->is_v6 && memcmp(bare->bytes, mapped, sizeof(mapped)) == 0) {
        memmove(bare->bytes, bare->bytes + sizeof(mapped), V4_SIZE);
        bare->is_v6 = false;
    }
}

static bool bare_allowed(const struct address_ranges *exceptions, const struct bare *bare)
{
    return is_in(bare, exceptions->ranges, exceptions->count) ||
           !is_in(bare, refused, sizeof(refused) / sizeof(refused[0]));
}

bool address_allowed(const struct address_ranges *exceptions, const struct sockaddr *address)
{
    struct bare bare = {0};
    if (address->sa_family == AF_INET) {
        const struct sockaddr_in *v4 = (const void *)address;
        memcpy(bare.bytes, &v4->sin_addr, V4_SIZE);
    } else if (address->sa_family == AF_INET6) {
        const struct sockaddr_in6 *v6 = (const void *)address;
        memcpy(bare.bytes, &v6->sin6_addr, V6_SIZE);
        bare.is_v6 = true;
        unmap(&bare);
    } else {
        return false;
    }
    return bare_allowed(exceptions, &bare);
}

static bool read_bare(const char *text, struct bare *bare)
{
    *bare = (struct bare){.is_v6 = strchr(text, ':') != NULL};
    return inet_pton(bare->is_v6 ? AF_INET6 : AF_INET, text, bare->bytes) == 1;
}

bool address_text_allowed(const struct address_ranges *exceptions, const char *host,
                          bool *ret_is_address)
{
    char text[INET6_ADDRSTRLEN + 2];
    size_t size = strlen(host);
    struct bare bare;
    *ret_is_address = false;
    if (size > 2 && size < sizeof(text) && host[0] == '[' && host[size - 1] == ']') {
        memcpy(text, host + 1, size - 2);
        text[size - 2] = '\0';
        host = text;
    }
    if (!read_bare(host, &bare)) {
        return true;
    }
    *ret_is_address = true;
    unmap(&bare);
    return bare_allowed(exceptions, &bare);
}

const char *address_host_fault(const char *host)
{
    size_t size = strlen(host);
    size_t label_size = 0;
    if (host[0] == '[') {
        return NULL; /* an IPv6 address */
    }
    size -= size > 0 && host[size - 1] == '.' ? 1 : 0; /* of the root */
    for (size_t i = 0; i <= size; i++) {
        bool is_end = i == size || host[i] == '.';
        if (!is_end && (unsigned char)host[i] >= 0x80) {
            return "its host is not ASCII: write it in punycode (xn--...)";
        }
        if (is_end && (label_size == 0 || label_size > LABEL_SIZE_MAX)) {
            return "a label of its host is empty or has over 63 bytes";
        }
        label_size = is_end ? 0 : label_size + 1;
    }
    return size > HOST_SIZE_MAX ? "its host has over 253 bytes" : NULL;
}

void address_print(const struct sockaddr *address, char text[ADDRESS_TEXT_SIZE])
{
    const void *bytes =
        address->sa_family == AF_INET6
            ? (const void *)&((const struct sockaddr_in6 *)(const void *)address)->sin6_addr
            : (const void *)&((const struct sockaddr_in *)(const void *)address)->sin_addr;
    if (inet_ntop(address->sa_family, bytes, text, ADDRESS_TEXT_SIZE) == NULL) {
        (void)snprintf(text, ADDRESS_TEXT_SIZE, "of family %d", address->sa_family);
    }
}

/* ---- lists ---- */

/* The next item of a list with commas, without its blanks; false: none is left. */
static bool next_item(const char **text, char *item, size_t capacity)
{
    const char *at = *text + strspn(*text, " ,");
    size_t size = strcspn(at, " ,");
    if (size == 0) {
        return false;
    }
    size_t kept = size < capacity ? size : capacity - 1;
    memcpy(item, at, kept);
    item[kept] = '\0';
    *text = at + size;
    return true;
}

static bool read_number(const char *text, uint32_t max, uint32_t *ret_number)
{
    uint32_t number = 0;
    size_t size = strlen(text);
    for (size_t i = 0; i < size; i++) {
        if (text[i] < '0' || text[i] > '9') {
            return false;
        }
        number = number * 10 + (uint32_t)(text[i] - '0');
    }
    *ret_number = number;
    return size > 0 && size < 6 && number <= max;
}

static bool read_range(char *item, struct address_range *range)
{
    struct bare bare;
    uint32_t bits = 0;
    char *slash = strchr(item, '/');
    if (slash == NULL) {
        return false;
    }
    *slash = '\0';
    if (!read_bare(item, &bare) || !read_number(slash + 1, bare.is_v6 ? 128 : 32, &bits)) {
        return false;
    }
    *range = (struct address_range){.bits = (uint8_t)bits, .is_v6 = bare.is_v6};
    for (uint32_t bit = 0; bit < 8 * V6_SIZE; bit++) {
        uint8_t mask = (uint8_t)(0x80 >> bit % 8);
        if (bit < bits) {
            range->bytes[bit / 8] |= bare.bytes[bit / 8] & mask;
        } else if ((bare.bytes[bit / 8] & mask) != 0) {
            return false;
        }
    }
    return true;
}

bool address_ranges_parse(struct address_ranges *ranges, const char *text)
{
    char item[ADDRESS_TEXT_SIZE];
    *ranges = (struct address_ranges){0};
    while (next_item(&text, item, sizeof(item))) {
        if (ranges->count == ADDRESS_RANGES_MAX ||
            !read_range(item, &ranges->ranges[ranges->count])) {
            return false;
        }
        ranges->count++;
    }
    return true;
}

bool address_ports_parse(struct address_ports *ports, const char *text)
{
    char item[16];
    *ports = (struct address_ports){0};
    while (next_item(&text, item, sizeof(item))) {
        char *dash = strchr(item, '-');
        uint32_t first = 0;
        uint32_t last = 0;
        if (dash != NULL) {
            *dash = '\0';
        }
        bool is_read = read_number(item, UINT16_MAX, &first) &&
                       read_number(dash != NULL ? dash + 1 : item, UINT16_MAX, &last);
        if (!is_read || first == 0 || last < first || ports->count == ADDRESS_PORTS_MAX) {
            return false;
        }
        ports->first[ports->count] = (uint16_t)first;
        ports->last[ports->count] = (uint16_t)last;
        ports->count++;
    }
    return ports->count > 0;
}

bool address_port_allowed(const struct address_ports *ports, uint32_t port)
{
    for (uint32_t i = 0; i < ports->count; i++) {
        if (port >= ports->first[i] && port <= ports->last[i]) {
            return true;
        }
    }
    return false;
}
