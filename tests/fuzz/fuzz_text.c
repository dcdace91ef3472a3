/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Texts an operator or a client writes, a few lines at a time. The first line says what the rest
 * is: "keys", "config", "ranges", "ports", "host" or "url". What is taken prints, and is read
 * again as the same; and no address of a private network is ever let through.
 */
#include <arpa/inet.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include "daemon/access/keys.h"
#include "daemon/config/settings.h"
#include "daemon/webhooks/transport.h"
#include "tests/fuzz/fuzz.h"

static uint32_t network_order(const char *address)
{
    struct in_addr number;
    int parsed = inet_pton(AF_INET, address, &number);
    assert(parsed == 1);
    return ntohl(number.s_addr);
}

/* ---- keys ---- */

static void check_key_line(struct bs_text text)
{
    struct key_line line;
    struct key_line again;
    struct buffer printed = {0};
    if (key_line_parse(&line, text) != NULL || line.name[0] == '\0') {
        return;
    }
    key_line_print(&printed, &line);
    assert(printed.bytes[printed.size - 1] == '\n');
    const char *problem =
        key_line_parse(&again, (struct bs_text){printed.bytes, (uint32_t)printed.size - 1});
    assert(problem == NULL);
    assert(strcmp(line.name, again.name) == 0);
    assert(line.roles == again.roles);
    assert(line.is_certificate == again.is_certificate);
    if (line.is_certificate) {
        assert(strcmp(line.subject, again.subject) == 0);
    } else {
        assert(memcmp(line.hash, again.hash, sizeof line.hash) == 0);
    }
    assert(line.requests_per_s == again.requests_per_s);
    assert(line.items_per_s == again.items_per_s);
    buffer_fini(&printed);
}

/* A file with these bytes, and its name. */
static int make_file(const void *bytes, size_t size, char path[64])
{
    int fd = memfd_create("fuzz", MFD_CLOEXEC);
    assert(fd >= 0);
    ssize_t written = write(fd, bytes, size);
    assert(written == (ssize_t)size);
    (void)snprintf(path, 64, "/proc/self/fd/%d", fd);
    return fd;
}

static void try_keys(struct fuzz_input input)
{
    char path[64];
    struct buffer problems = {0};
    int fd = make_file(input.at, input.left, path);
    struct keys *keys = keys_load(path, 0, &problems);
    assert((keys == NULL) == (problems.size > 0));
    for (uint32_t i = 0; keys != NULL && i < keys->count; i++) {
        const struct access_key *key = &keys->items[i];
        assert(keys_find_name(keys, key->line.name) == key);
        assert(key->line.roles != 0);
    }
    keys_free(keys);
    buffer_fini(&problems);
    (void)close(fd);
    while (input.left > 0) {
        struct bs_text line = fuzz_until(&input, '\n');
        char *copy = fuzz_copy(line.bytes, line.size, 0);
        check_key_line((struct bs_text){copy, line.size});
        free(copy);
    }
}

/* ---- configuration ---- */

static void read_settings(struct settings *settings, const void *bytes, size_t size)
{
    char path[64];
    int fd = make_file(bytes, size, path);
    settings_init(settings);
    settings_read_file(settings, path);
    settings->path = NULL; /* it is on the stack */
    settings_check(settings);
    (void)close(fd);
}

static void try_config(struct fuzz_input input)
{
    struct settings settings;
    struct settings again;
    struct buffer dump = {0};
    read_settings(&settings, input.at, input.left);
    if (settings.problems_count == 0) {
        settings.path = "f";
        settings_dump(&settings, &dump);
        read_settings(&again, dump.bytes, dump.size);
        assert(again.problems_count == 0);
        for (enum setting setting = 0; setting < SETTING_COUNT; setting++) {
            assert(strcmp(settings_text(&settings, setting), settings_text(&again, setting)) == 0);
            assert(settings.values[setting].number == again.values[setting].number);
        }
        settings_fini(&again);
    }
    settings_fini(&settings);
    buffer_fini(&dump);
}

/* ---- addresses ---- */

/* The ranges of RFC 1918 and their like, in words of their own. */
static bool is_private(uint32_t host)
{
    return host >> 24 == 10 || host >> 24 == 127 || host >> 24 == 0 || host >> 20 == 0xac1 ||
           host >> 16 == 0xc0a8 || host >> 16 == 0xa9fe || host >> 28 >= 0xe;
}

static void check_host(const char *host)
{
    struct address_ranges none = {0};
    struct sockaddr_in v4 = {.sin_family = AF_INET};
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6};
    bool is_address = false;
    bool allowed = address_text_allowed(&none, host, &is_address);
    if (inet_pton(AF_INET, host, &v4.sin_addr) == 1) {
        assert(is_address);
        assert(allowed == address_allowed(&none, (const struct sockaddr *)&v4));
        assert(!allowed || !is_private(ntohl(v4.sin_addr.s_addr)));
    } else if (inet_pton(AF_INET6, host, &v6.sin6_addr) == 1) {
        assert(is_address);
        assert(allowed == address_allowed(&none, (const struct sockaddr *)&v6));
        if (IN6_IS_ADDR_V4MAPPED(&v6.sin6_addr)) {
            uint32_t carried;
            memcpy(&carried, v6.sin6_addr.s6_addr + 12, sizeof carried);
            assert(!allowed || !is_private(ntohl(carried)));
        }
        assert(!allowed || (v6.sin6_addr.s6_addr[0] & 0xfe) != 0xfc);
    }
}

/* What is in one of the ranges is let through, and nothing private that is in none. */
static void try_ranges(const char *text)
{
    struct address_ranges ranges;
    if (!address_ranges_parse(&ranges, text)) {
        return;
    }
    assert(ranges.count <= ADDRESS_RANGES_MAX);
    bool covered = false;
    uint32_t probe = network_order("10.1.2.3");
    for (uint32_t i = 0; i < ranges.count; i++) {
        const struct address_range *range = &ranges.ranges[i];
        struct sockaddr_in v4 = {.sin_family = AF_INET};
        assert(range->bits <= (range->is_v6 ? 128 : 32));
        if (!range->is_v6) {
            memcpy(&v4.sin_addr, range->bytes, 4);
            assert(address_allowed(&ranges, (const struct sockaddr *)&v4));
            uint32_t mask = range->bits == 0 ? 0 : UINT32_MAX << (32 - range->bits);
            covered = covered || (ntohl(v4.sin_addr.s_addr) & mask) == (probe & mask);
        }
    }
    struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_addr = {htonl(probe)}};
    assert(address_allowed(&ranges, (const struct sockaddr *)&v4) == covered);
}

static void try_ports(const char *text)
{
    struct address_ports ports;
    if (!address_ports_parse(&ports, text)) {
        return;
    }
    assert(ports.count > 0);
    for (uint32_t i = 0; i < ports.count; i++) {
        assert(ports.first[i] > 0);
        assert(ports.first[i] <= ports.last[i]);
        assert(address_port_allowed(&ports, ports.first[i]));
        assert(address_port_allowed(&ports, ports.last[i]));
    }
    assert(!address_port_allowed(&ports, 0));
}

static void try_url(const char *url)
{
    static struct transport *transport;
    if (transport == NULL) {
        static uv_loop_t loop;
        struct transport_options options = {.timeout_ms = 1000};
        char error[LOG_ERROR_SIZE];
        bool good = address_ports_parse(&options.ports, "443,8443");
        assert(good);
        int result = uv_loop_init(&loop) + transport_new(&transport, &loop, &options, error);
        assert(result == 0);
    }
    const char *reason = NULL;
    enum bs_status status = transport_check_url(transport, url, &reason);
    assert((status == BS_OK) == (reason == NULL));
    if (status == BS_OK) {
        assert(strncasecmp(url, "https:", 6) == 0);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input input = {data, size};
    struct bs_text kind = fuzz_until(&input, '\n');
    char *rest = fuzz_string((struct bs_text){(const char *)input.at, (uint32_t)input.left});
    if (fuzz_is(kind, "keys")) {
        try_keys(input);
    } else if (fuzz_is(kind, "config")) {
        try_config(input);
    } else if (fuzz_is(kind, "ranges")) {
        try_ranges(rest);
    } else if (fuzz_is(kind, "ports")) {
        try_ports(rest);
    } else if (fuzz_is(kind, "host")) {
        check_host(rest);
    } else if (fuzz_is(kind, "url")) {
        try_url(rest);
    }
    free(rest);
    return 0;
}
