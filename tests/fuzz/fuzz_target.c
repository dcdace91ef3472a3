/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Request targets. An input is a line "GET /v1/actions?pool=a&after=3"; what follows the line is
 * tried as a cursor and as a number. The query is split as libmicrohttpd splits it. A name or
 * number that is taken is one, and a cursor prints as it was written.
 */
#include <stdio.h>

#include "api/text.h"
#include "daemon/answer/cursor.h"
#include "daemon/http/connection.h"
#include "daemon/http/path.h"
#include "tests/fuzz/fuzz.h"

static void check_name(struct bs_text name)
{
    uint32_t at = 0;
    assert(name.size > 0);
    assert(name.size <= BS_ID_SIZE_MAX);
    while (at < name.size) {
        uint32_t size = text_utf8_size((struct bs_text){name.bytes + at, name.size - at});
        assert(size > 0);
        assert(size > 1 || ((unsigned char)name.bytes[at] >= 0x20 && name.bytes[at] != 0x7f));
        at += size;
    }
    assert(at == name.size);
}

static void check_cursor(struct bs_text text)
{
    char names[2][BS_ID_SIZE_MAX + 1];
    uint32_t sizes[2];
    if (!cursor_parse(text, names, sizes)) {
        return;
    }
    char again[CURSOR_SIZE_MAX];
    check_name((struct bs_text){names[0], sizes[0]});
    if (sizes[1] > 0) {
        check_name((struct bs_text){names[1], sizes[1]});
    }
    cursor_print(again, "", (struct bs_text){names[0], sizes[0]},
                 (struct bs_text){names[1], sizes[1]});
    assert(fuzz_is(text, again + 1)); /* past the dot */
}

static void check_number(struct bs_text text)
{
    uint64_t number = 0;
    if (text_number(text, INT64_MAX, &number)) {
        char again[32];
        (void)snprintf(again, sizeof again, "%llu", (unsigned long long)number);
        assert(number <= INT64_MAX);
        assert(fuzz_is(text, again));
    }
}

/* Every segment of a path, spelt in hex digits throughout, is the same segment. */
static void check_path(const char *raw)
{
    struct path path;
    enum bs_status status = path_parse(&path, raw);
    assert(path.count <= PATH_SEGMENTS_MAX);
    if (status != BS_OK) {
        assert(status == BS_INVALID_PATH || status == BS_NOT_FOUND);
        return;
    }
    struct buffer spelt = {0};
    for (uint32_t i = 0; i < path.count; i++) {
        assert(path.segments[i].size <= BS_ID_SIZE_MAX + 1);
        buffer_text(&spelt, "/");
        for (uint32_t at = 0; at < path.segments[i].size; at++) {
            buffer_printf(&spelt, "%%%02x", (unsigned char)path.segments[i].bytes[at]);
        }
    }
    struct path again;
    status = path_parse(&again, spelt.bytes);
    assert(status == BS_OK);
    assert(again.count == path.count);
    for (uint32_t i = 0; i < path.count; i++) {
        assert(bs_text_equal(path.segments[i], again.segments[i]));
    }
    buffer_fini(&spelt);
}

static void read_query(struct read_query *query, char *arguments)
{
    struct fuzz_input input = {(const uint8_t *)arguments, strlen(arguments)};
    for (char *plus = strchr(arguments, '+'); plus != NULL; plus = strchr(plus, '+')) {
        *plus = ' ';
    }
    while (input.left > 0) {
        struct bs_text pair = fuzz_until(&input, '&');
        struct fuzz_input parts = {(const uint8_t *)pair.bytes, pair.size};
        struct bs_text key = fuzz_until(&parts, '=');
        query_parameter(query, key, (struct bs_text){(const char *)parts.at, (uint32_t)parts.left});
    }
}

static void check_query(const struct read_query *query, const struct route *route)
{
    assert((query->given & ~route->parameters) == 0);
    if (query->status != BS_OK) {
        assert(query->status == BS_INVALID_QUERY);
        assert(query->detail[0] != '\0');
        return;
    }
    assert(query->limit <= route->limit_max);
    assert(query->wait_ms <= QUERY_WAIT_MS_MAX);
    assert(query->type == UINT8_MAX || bs_action_type_name(query->type) != NULL);
    assert(query->number <= INT64_MAX);
    if ((query->given & QUERY_LIMIT) != 0) {
        assert(query->limit > 0);
    }
    if ((query->given & QUERY_POOL) != 0) {
        check_name(query_name(query, NAME_POOL));
    }
    if ((query->given & (QUERY_MARKET | QUERY_ACCOUNT)) != 0) {
        check_name(query_name(query, NAME_MEMBER));
    }
    if ((query->given & QUERY_AFTER_NAME) != 0) {
        check_name(query_name(query, NAME_AFTER));
    }
    struct bs_place place;
    if (query_place(query, &place) != NULL) {
        assert(place.key.size > 0);
        assert(place.denominator >= 0);
    }
}

static void check_target(struct bs_text line)
{
    static struct connection connection;
    struct fuzz_input words = {(const uint8_t *)line.bytes, line.size};
    memset(&connection, 0, sizeof connection);
    char *method = fuzz_string(fuzz_until(&words, ' '));
    char *path = fuzz_string(fuzz_until(&words, '?'));
    char *arguments = fuzz_string((struct bs_text){(const char *)words.at, (uint32_t)words.left});
    check_path(path);
    enum bs_status status = route_find(&connection, method, path);
    const struct route *route = connection.route;
    assert((connection.allow[0] != '\0') == (status == BS_METHOD_NOT_ALLOWED));
    if (status == BS_OK) {
        struct read_query query = {.allowed = route->parameters,
                                   .limit_max = route->limit_max,
                                   .list = "accounts",
                                   .type = UINT8_MAX};
        read_query(&query, arguments);
        check_query(&query, route);
    }
    free(method);
    free(path);
    free(arguments);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input input = {data, size};
    check_target(fuzz_until(&input, '\n'));
    char *rest = fuzz_copy(input.at, input.left, 0);
    struct bs_text text = {rest, (uint32_t)input.left};
    check_cursor(text);
    check_number(text);
    free(rest);
    return 0;
}
