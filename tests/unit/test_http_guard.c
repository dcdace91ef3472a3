/* SPDX-License-Identifier: Apache-2.0 */
/* Goal: the pure parts of the HTTP front end refuse what they must, by name. Method: tables of
 * heads, paths, cursors and queries; heads are split in place as libmicrohttpd 0.9.75 splits them.
 */
#include <stdio.h>

#include "api/text.h"
#include "daemon/answer/cursor.h"
#include "daemon/http/guard.h"
#include "daemon/http/path.h"
#include "daemon/http/query.h"
#include "lib/record/action.h"
#include "tests/unit/unit_main.h"

static struct bs_text text_of(const char *text)
{
    return (struct bs_text){text, (uint32_t)strlen(text)};
}

/* ---- the guard ---- */

/* Splits one line that ends in CR LF as the library does; folded lines and NULs are not its case.
 */
static char *split_header(struct guard *guard, char *line)
{
    char *end = strstr(line, "\r\n");
    char *colon = strchr(line, ':');
    ck_assert_ptr_nonnull(end);
    ck_assert_ptr_nonnull(colon);
    *colon = '\0';
    end[0] = '\0';
    end[1] = '\0';
    char *value = colon + 1;
    value += strspn(value, " \t");
    guard_header(guard, text_of(line), text_of(value));
    return end + 2;
}

/* The head of a request, "METHOD target VERSION\r\n...\r\n\r\n", run through the guard. */
static struct guard run_guard(const char *head)
{
    static char bytes[2048];
    size_t size = strlen(head);
    ck_assert_uint_lt(size, sizeof bytes);
    memcpy(bytes, head, size + 1);
    struct guard guard = {0};
    struct guard_line line = {.method = bytes, .head_size = size};
    char *target = strchr(bytes, ' ') + 1;
    char *end = strstr(bytes, "\r\n");
    char *version = end;
    while (version[-1] != ' ') {
        version--;
    }
    version[-1] = '\0';
    end[0] = '\0';
    end[1] = '\0';
    line.version = version;
    guard_target(&guard, target);
    guard_layout(&guard, &line);
    char *cursor = end + 2;
    while (strncmp(cursor, "\r\n", 2) != 0) {
        cursor = split_header(&guard, cursor);
    }
    guard_finish(&guard, &line);
    return guard;
}

#define POST "POST /v1/marks HTTP/1.1\r\nHost: x\r\n"

START_TEST(test_heads)
{
    static const struct {
        const char *head;
        enum bs_status status;
        const char *naming;
    } rows[] = {
        {POST "Content-Type: application/json\r\nContent-Length: 7\r\n\r\n", BS_OK, ""},
        {POST "Empty:\r\nTab:\t a b \r\n\r\n", BS_OK, ""},
        {"GET / HTTP/1.0\r\n\r\n", BS_OK, ""},
        {"GET / HTTP/1.1\r\n\r\n", BS_INVALID_HEADER, "Host"},
        {POST "host: y\r\n\r\n", BS_INVALID_HEADER, "Host"},
        {"GET / HTTP/2\r\nHost: x\r\n\r\n", BS_INVALID_HEADER, "request line"},
        {"GET /a b HTTP/1.1\r\nHost: x\r\n\r\n", BS_INVALID_HEADER, "request line"},
        {"GET /a\x7f HTTP/1.1\r\nHost: x\r\n\r\n", BS_INVALID_HEADER, "request line"},
        {POST "Content-Length : 7\r\n\r\n", BS_INVALID_HEADER, "Content-Length"},
        {POST "X(1): 7\r\n\r\n", BS_INVALID_HEADER, "X(1)"},
        {POST ": 7\r\n\r\n", BS_INVALID_HEADER, "header name"},
        {POST "X: \x01\r\n\r\n", BS_INVALID_HEADER, "X"},
        {POST "Content-Length: 1\r\ncontent-length: 1\r\n\r\n", BS_INVALID_HEADER,
         "Content-Length"},
        {POST "Content-Length:\r\n\r\n", BS_INVALID_HEADER, "Content-Length"},
        {POST "Content-Length: +1\r\n\r\n", BS_INVALID_HEADER, "Content-Length"},
        {POST "Content-Length: 1, 1\r\n\r\n", BS_INVALID_HEADER, "Content-Length"},
        {POST "Content-Type: a/b\r\nContent-Type: a/b\r\n\r\n", BS_INVALID_HEADER, "Content-Type"},
        {POST "Transfer-Encoding: chunked\r\n\r\n", BS_LENGTH_REQUIRED, "Transfer-Encoding"},
        {POST "TRANSFER-ENCODING:\r\n\r\n", BS_LENGTH_REQUIRED, "Transfer-Encoding"},
        {POST "Content-Encoding: gzip\r\n\r\n", BS_UNSUPPORTED_MEDIA_TYPE, "Content-Encoding"},
        {POST "Content-Encoding: identity\r\n\r\n", BS_OK, ""},
        {POST "Expect: 100-Continue\r\n\r\n", BS_OK, ""},
        {POST "Expect: more\r\n\r\n", BS_EXPECTATION_FAILED, "Expect"},
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct guard guard = run_guard(rows[i].head);
        ck_assert_msg(guard.status == rows[i].status, "%s: %s, %s", rows[i].head,
                      bs_status_name(guard.status), guard.detail);
        ck_assert_msg(strstr(guard.detail, rows[i].naming) != NULL, "%s: %s", rows[i].head,
                      guard.detail);
    }
}

END_TEST

/* The pieces that the library makes of a folded line, a bare CR or LF, and a NUL. */
START_TEST(test_layout)
{
    static char head[] = "GET\0/\0HTTP/1.1\0\0Host\0 x\0\0Name\0 value\0\0\r\n";
    const char *method = head;
    const char *target = head + 4;
    const char *version = head + 6;
    const char *host = head + 16;
    const char *name = head + 25;
    struct guard_line line = {.method = method, .version = version, .head_size = sizeof head - 1};

    static const struct {
        int name_shift, value_shift, size_change, head_change, target_shift;
        bool good;
    } rows[] = {
        {.good = true},      {.name_shift = 1},  {.value_shift = -6}, {.value_shift = 7},
        {.size_change = -1}, {.head_change = 1}, {.head_change = -1}, {.target_shift = 1},
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct guard guard = {0};
        struct guard_line shown = line;
        shown.head_size = line.head_size + (size_t)rows[i].head_change;
        guard_target(&guard, target + rows[i].target_shift);
        guard.target_end += rows[i].target_shift;
        guard_layout(&guard, &shown);
        guard_header(&guard, (struct bs_text){host, 4}, (struct bs_text){host + 6, 1});
        guard_header(
            &guard, (struct bs_text){name + rows[i].name_shift, 4},
            (struct bs_text){name + 6 + rows[i].value_shift, (uint32_t)(5 + rows[i].size_change)});
        guard_finish(&guard, &shown);
        ck_assert_msg((guard.status == BS_OK) == rows[i].good, "row %zu: %s", i, guard.detail);
    }
}

END_TEST

START_TEST(test_bodies)
{
    static const struct {
        const char *headers;
        bool takes_body;
        enum bs_status status;
        enum guard_media media;
    } rows[] = {
        {"Content-Length: 0\r\n", false, BS_OK, MEDIA_NONE},
        {"Content-Length: 1\r\n", false, BS_INVALID_HEADER, MEDIA_NONE},
        {"Content-Length: 1\r\n", true, BS_UNSUPPORTED_MEDIA_TYPE, MEDIA_NONE},
        {"Content-Length: 1\r\nContent-Type: text/json\r\n", true, BS_UNSUPPORTED_MEDIA_TYPE,
         MEDIA_OTHER},
        {"Content-Length: 1\r\nContent-Type: application/json;charset=x\r\n", true,
         BS_UNSUPPORTED_MEDIA_TYPE, MEDIA_OTHER},
        {"Content-Length: 1\r\nContent-Type: Application/Json ; charset=UTF-8\r\n", true, BS_OK,
         MEDIA_JSON},
        {"Content-Length: 1\r\nContent-Type: application/json;\r\n", true, BS_OK, MEDIA_JSON},
        {"Content-Length: 100\r\nContent-Type: application/x-ndjson\r\n", true, BS_OK,
         MEDIA_NDJSON},
        {"Content-Length: 101\r\nContent-Type: application/json\r\n", true, BS_BODY_TOO_LARGE,
         MEDIA_JSON},
        {"Content-Length: 18446744073709551617\r\nContent-Type: application/json\r\n", true,
         BS_BODY_TOO_LARGE, MEDIA_JSON},
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char head[256];
        (void)snprintf(head, sizeof head, "%s%s\r\n", POST, rows[i].headers);
        struct guard guard = run_guard(head);
        guard_body(&guard, rows[i].takes_body, 100);
        ck_assert_msg(guard.status == rows[i].status, "%s: %s, %s", rows[i].headers,
                      bs_status_name(guard.status), guard.detail);
        ck_assert_int_eq(guard.media, rows[i].media);
    }
}

END_TEST

START_TEST(test_printable)
{
    char out[6];
    guard_printable(out, sizeof out, (struct bs_text){"a\nb\xff\0cdef", 9});
    ck_assert_str_eq(out, "a?b??");
}

END_TEST

/* ---- paths ---- */

START_TEST(test_paths)
{
    struct path path;
    ck_assert_int_eq(path_parse(&path, "/v1/a%2Fb/%e2%82%BF/"), BS_OK);
    ck_assert_uint_eq(path.count, 4);
    ck_assert(bs_text_equal(path.segments[1], text_of("a/b")));
    ck_assert(bs_text_equal(path.segments[2], text_of("\xe2\x82\xbf")));
    ck_assert_uint_eq(path.segments[3].size, 0);
    ck_assert_int_eq(path_parse(&path, "/"), BS_OK);
    ck_assert_uint_eq(path.count, 1);
    static const char *const bad[] = {"/%", "/a%1", "/%zz", "/%00", "/a%0", "/1/2/3/4/5/6/7/%"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        ck_assert_int_eq(path_parse(&path, bad[i]), BS_INVALID_PATH);
    }
    static const char *const lost[] = {"", "*", "v1/pools", "/1/2/3/4/5/6/7"};
    for (size_t i = 0; i < sizeof lost / sizeof lost[0]; i++) {
        ck_assert_int_eq(path_parse(&path, lost[i]), BS_NOT_FOUND);
    }
    char name[1 + 3 * 65 + 1] = "/";
    for (int i = 0; i < 65; i++) {
        memcpy(name + 1 + 3 * i, "%41", 4);
    }
    ck_assert_int_eq(path_parse(&path, name), BS_OK);
    ck_assert_uint_eq(path.segments[0].size, 65);
    name[1 + 3 * 64] = '\0';
    ck_assert_int_eq(path_parse(&path, name), BS_OK);
    ck_assert_uint_eq(path.segments[0].size, 64);
}

END_TEST

/* Every pair of sizes comes back as it was; texts that no list gave out are refused. */
START_TEST(test_cursors)
{
    char longest[BS_ID_SIZE_MAX + 1];
    memset(longest, 'n', sizeof longest);
    for (uint32_t first = 1; first <= BS_ID_SIZE_MAX; first++) {
        for (uint32_t second = 0; second <= BS_ID_SIZE_MAX; second++) {
            char text[CURSOR_SIZE_MAX];
            char names[2][BS_ID_SIZE_MAX + 1];
            uint32_t sizes[2];
            char other[CURSOR_LIST_SIZE_MAX];
            cursor_print(text, "positions", (struct bs_text){longest, first},
                         (struct bs_text){longest, second});
            struct bs_text place = text_of(text);
            ck_assert(!cursor_take_list(&place, "accounts", other));
            ck_assert_str_eq(other, "positions");
            ck_assert(cursor_take_list(&place, "positions", other));
            ck_assert(cursor_parse(place, names, sizes));
            ck_assert_uint_eq(sizes[0], first);
            ck_assert_uint_eq(sizes[1], second);
            ck_assert_mem_eq(names[0], longest, first);
            ck_assert_mem_eq(names[1], longest, second);
        }
    }
    static const char *const bad[] = {"", "a", "YQ=", "YR", "YWE.", "AA", "AGE", "YQA", "YQBhAGE"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        char names[2][BS_ID_SIZE_MAX + 1];
        uint32_t sizes[2];
        ck_assert_msg(!cursor_parse(text_of(bad[i]), names, sizes), "%s", bad[i]);
    }
}

END_TEST

/* Every place comes back as it was, also with the longest key and numbers below 0. */
START_TEST(test_place_cursors)
{
    char longest[BS_PLACE_KEY_SIZE_MAX];
    memset(longest, 'n', sizeof longest);
    const bs_i128 numbers[] = {0, 1, -1, ((bs_i128)1 << 120) - 1, -((bs_i128)1 << 120) + 1};
    for (uint32_t size = 1; size <= BS_PLACE_KEY_SIZE_MAX; size++) {
        struct cursor_place place = {.seq = UINT64_MAX - size,
                                     .place = {.tier = (uint8_t)(size % 4),
                                               .numerator = numbers[size % 5],
                                               .denominator = numbers[size % 2],
                                               .key = {longest, size}}};
        struct cursor_place again;
        char text[CURSOR_SIZE_MAX], bytes[CURSOR_SIZE_MAX], other[CURSOR_LIST_SIZE_MAX];
        cursor_place_print(text, "adl-queue", &place);
        struct bs_text rest = text_of(text);
        ck_assert(cursor_take_list(&rest, "adl-queue", other));
        ck_assert(cursor_place_parse(rest, bytes, &again));
        ck_assert_ptr_eq(again.place.key.bytes, bytes + CURSOR_PLACE_KEY_AT);
        ck_assert(bs_text_equal(again.place.key, place.place.key));
        ck_assert(again.seq == place.seq && again.place.tier == place.place.tier &&
                  again.place.numerator == place.place.numerator &&
                  again.place.denominator == place.place.denominator);
    }
    struct cursor_place large = {.place = {.numerator = (bs_i128)1 << 120, .key = {"a", 1}}};
    struct cursor_place again;
    char text[CURSOR_SIZE_MAX], bytes[CURSOR_SIZE_MAX];
    cursor_place_print(text, "", &large);
    ck_assert(!cursor_place_parse(text_of(text + 1), bytes, &again));
    ck_assert(!cursor_place_parse(text_of("AAAA"), bytes, &again));
}

END_TEST

/* ---- queries ---- */

START_TEST(test_numbers)
{
    uint64_t number = 77;
    ck_assert(text_number(text_of("0"), 5, &number));
    ck_assert_uint_eq(number, 0);
    ck_assert(text_number(text_of("18446744073709551615"), UINT64_MAX, &number));
    ck_assert_uint_eq(number, UINT64_MAX);
    static const char *const bad[] = {"",
                                      "00",
                                      "01",
                                      "-1",
                                      "+1",
                                      " 1",
                                      "1 ",
                                      "6",
                                      "a",
                                      "18446744073709551616",
                                      "99999999999999999999999"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        ck_assert_msg(!text_number(text_of(bad[i]), 5, &number), "%s", bad[i]);
    }
}

END_TEST

START_TEST(test_parameters)
{
    struct read_query query = {.allowed = QUERY_POOL | QUERY_ACCOUNT | QUERY_TYPE | QUERY_LIMIT |
                                          QUERY_WAIT_MS | QUERY_AFTER_NUMBER | QUERY_SIDE,
                               .limit_max = 10,
                               .list = "settlements",
                               .type = UINT8_MAX};
    query_parameter(&query, text_of("pool"), text_of("a%2fb"));
    query_parameter(&query, text_of("%61ccount"), text_of("x y"));
    query_parameter(&query, text_of("type"), text_of("haircut"));
    query_parameter(&query, text_of("limit"), text_of("10"));
    query_parameter(&query, text_of("wait_ms"), text_of("60000"));
    query_parameter(&query, text_of("after"), text_of("settlements.12"));
    query_parameter(&query, text_of("side"), text_of("short"));
    ck_assert_msg(query.status == BS_OK, "%s", query.detail);
    ck_assert(bs_text_equal(query_name(&query, NAME_POOL), text_of("a/b")));
    ck_assert(bs_text_equal(query_name(&query, NAME_MEMBER), text_of("x y")));
    ck_assert_uint_eq(query.type, BS_ACTION_HAIRCUT);
    ck_assert_uint_eq(query.limit, 10);
    ck_assert_uint_eq(query.wait_ms, 60000);
    ck_assert_uint_eq(query.number, 12);
    ck_assert_uint_eq(query.side, 1);
    query_parameter(&query, text_of("limit"), text_of("10"));
    ck_assert_str_eq(query.detail, "limit: is given twice");
}

END_TEST

START_TEST(test_bad_parameters)
{
    static const struct {
        const char *key, *value, *detail;
    } rows[] = {
        {"limit", "11", "limit: must be a whole number from 1 to 10"},
        {"limit", "0", "limit: must be a whole number from 1 to 10"},
        {"pool", "%0a", "pool: a name has 1 to 64 bytes of UTF-8 without control characters"},
        {"pool", "%", "pool: is not validly percent-encoded"},
        {"side", "up", "side: must be long or short"},
        {"type", "ADL", "type: no action has this type"},
        {"wait_ms", "60001", "wait_ms: must be a whole number from 0 to 60000"},
        {"after", "x", "after: is not a cursor that this list gave out as next"},
        {"after", "YQ", "after: is not a cursor that this list gave out as next"},
        {"after", "accounts.", "after: is not a cursor that this list gave out as next"},
        {"after", "positions.YQ", "after: is a cursor of the list positions, this is accounts"},
        {"market", "m", "market: is not a parameter of this path"},
        {"\n\x80", "", "??: is not a parameter of this path"},
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct read_query query = {.allowed = QUERY_POOL | QUERY_TYPE | QUERY_LIMIT |
                                              QUERY_WAIT_MS | QUERY_AFTER_NAME | QUERY_SIDE,
                                   .limit_max = 10,
                                   .list = "accounts"};
        query_parameter(&query, text_of(rows[i].key), text_of(rows[i].value));
        ck_assert_int_eq(query.status, BS_INVALID_QUERY);
        ck_assert_str_eq(query.detail, rows[i].detail);
    }
    struct read_query query = {.status = BS_OK};
    query_needs_side(&query);
    ck_assert_int_eq(query.status, BS_INVALID_QUERY);
}

END_TEST

int main(void)
{
    TCase *tests = unit_tests("http_guard");
    UNIT_ADD(tests, test_heads, test_layout, test_bodies, test_printable, test_paths, test_cursors,
             test_place_cursors, test_numbers, test_parameters, test_bad_parameters);
    return unit_run(tests);
}
