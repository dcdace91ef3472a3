/* SPDX-License-Identifier: Apache-2.0 */
/* Goal: the service manager gets what it is promised, and log lines keep their shape. Method: a
 * socket of our own as $NOTIFY_SOCKET, a pipe as standard error. */
#include <errno.h>
#include <jansson.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "api/text.h"
#include "daemon/logger/logger.h"
#include "daemon/logger/notify.h"
#include "tests/unit/unit_main.h"

/* Binds a datagram socket; a name that begins with '@' is an abstract one. */
static int listen_on(const char *name)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    size_t size = strlen(name);
    memcpy(address.sun_path, name, size);
    if (name[0] == '@') {
        address.sun_path[0] = '\0';
    }
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    ck_assert_int_ge(fd, 0);
    socklen_t address_size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + size);
    ck_assert_int_eq(bind(fd, (struct sockaddr *)&address, address_size), 0);
    return fd;
}

static void expect_datagram(int fd, const char *expected)
{
    char text[1024] = "";
    ssize_t size = recv(fd, text, sizeof(text) - 1, MSG_DONTWAIT);
    ck_assert_int_eq(size, (ssize_t)strlen(expected));
    ck_assert_str_eq(text, expected);
}

START_TEST(states_reach_a_path_and_an_abstract_socket)
{
    char names[2][64];
    (void)snprintf(names[0], sizeof(names[0]), "/tmp/backstop-notify-%d", (int)getpid());
    (void)snprintf(names[1], sizeof(names[1]), "@backstop-notify-%d", (int)getpid());
    for (uint32_t i = 0; i < 2; i++) {
        int fd = listen_on(names[i]);
        ck_assert_int_eq(setenv("NOTIFY_SOCKET", names[i], 1), 0);
        ck_assert_int_eq(notify_send("READY=1\nSTATUS=Serving %d", 8480), 1);
        expect_datagram(fd, "READY=1\nSTATUS=Serving 8480");
        ck_assert_int_eq(close(fd), 0);
        ck_assert_int_lt(notify_send("WATCHDOG=1"), 0);
    }
    ck_assert_int_eq(unlink(names[0]), 0);
}

END_TEST

START_TEST(no_manager_is_no_error)
{
    ck_assert_int_eq(unsetenv("NOTIFY_SOCKET"), 0);
    ck_assert_int_eq(notify_send("READY=1"), 0);
    ck_assert_int_eq(setenv("NOTIFY_SOCKET", "relative/path", 1), 0);
    ck_assert_int_eq(notify_send("READY=1"), -EAFNOSUPPORT);
}

END_TEST

START_TEST(watchdog_is_for_this_process_only)
{
    char process[32];
    (void)snprintf(process, sizeof(process), "%d", (int)getpid());
    ck_assert_int_eq(setenv("NOTIFY_SOCKET", "@x", 1), 0);
    ck_assert_int_eq(unsetenv("WATCHDOG_USEC"), 0);
    ck_assert_uint_eq(notify_watchdog_us(), 0);
    ck_assert_int_eq(setenv("WATCHDOG_USEC", "30000000", 1), 0);
    ck_assert_int_eq(unsetenv("WATCHDOG_PID"), 0);
    ck_assert_uint_eq(notify_watchdog_us(), 30000000);
    ck_assert_int_eq(setenv("WATCHDOG_PID", process, 1), 0);
    ck_assert_uint_eq(notify_watchdog_us(), 30000000);
    ck_assert_int_eq(setenv("WATCHDOG_PID", "1", 1), 0);
    ck_assert_uint_eq(notify_watchdog_us(), 0);
}

END_TEST

/* ---- the logger, with standard error in a pipe ---- */

static int pipe_end;
static int saved_stderr;

static void capture(enum logger_format format)
{
    int ends[2];
    logger_set_format(format);
    saved_stderr = dup(STDERR_FILENO);
    ck_assert_int_ge(saved_stderr, 0);
    ck_assert_int_eq(pipe(ends), 0);
    ck_assert_int_eq(dup2(ends[1], STDERR_FILENO), STDERR_FILENO);
    ck_assert_int_eq(close(ends[1]), 0);
    pipe_end = ends[0];
}

static size_t captured(char *text, size_t size)
{
    ssize_t got = read(pipe_end, text, size - 1);
    ck_assert_int_eq(dup2(saved_stderr, STDERR_FILENO), STDERR_FILENO);
    ck_assert_int_eq(close(saved_stderr), 0);
    ck_assert_int_eq(close(pipe_end), 0);
    ck_assert_int_ge(got, 0);
    text[got] = '\0';
    return (size_t)got;
}

START_TEST(text_lines_quote_what_could_mislead)
{
    char line[4096];
    capture(LOGGER_TEXT);
    logger_write(
        LOGGER_WARN, "core", "a message",
        LOGGER_FIELDS(logger_uint("seq", 7), logger_int("lag", -3), logger_string("pool", "usdc"),
                      logger_string("reason", "two\nlines=\"x\""), logger_string("empty", "")));
    (void)captured(line, sizeof(line));
    ck_assert_str_eq(line + 24, " warn core a message seq=7 lag=-3 pool=usdc "
                                "reason=\"two\\u000alines=\\\"x\\\"\" empty=\"\"\n");
    ck_assert_int_eq(line[10], 'T');
    ck_assert_int_eq(line[23], 'Z');
}

END_TEST

/* Nothing that a client sends makes a line look like another one. */
static void check_escaped(enum logger_format format, const char *said, const char *seen)
{
    char line[4096];
    char wanted[200];
    capture(format);
    logger_write(LOGGER_WARN, "core", seen, LOGGER_FIELDS(logger_string("name", said)));
    (void)captured(line, sizeof(line));
    (void)snprintf(wanted, sizeof(wanted),
                   format == LOGGER_JSON ? "\"name\":\"%s\"" : "name=\"%s\"", seen);
    ck_assert_msg(strstr(line, wanted) != NULL, "%s does not hold %s", line, wanted);
    for (const char *c = line; *c != '\0'; c++) {
        ck_assert(strncmp(c, "\xe2\x80\xae", 3) != 0);
    }
}

START_TEST(lines_escape_what_is_not_seen)
{
    static const char *const texts[][2] = {
        {"a\xe2\x80\xaez", "a\\u202ez"},
        {"\xe2\x80\xaa", "\\u202a"},
        {"\xe2\x80\xa8\xe2\x80\xa9", "\\u2028\\u2029"},
        {"\xe2\x81\xa6\xe2\x81\xa9", "\\u2066\\u2069"},
        {"\xe2\x80\x8e\xe2\x80\x8f", "\\u200e\\u200f"},
        {"\xd8\x9c", "\\u061c"},
        {"\xc2\x80\xc2\x9f", "\\u0080\\u009f"},
        {"\x7f\x1b[2J", "\\u007f\\u001b[2J"},
        {"x\xff\xc3", "x\\ufffd\\ufffd"},
        {"\xed\xa0\x80", "\\ufffd\\ufffd\\ufffd"},
        {"\xc0\xaf", "\\ufffd\\ufffd"},
        {"caf\xc3\xa9 \xf0\x9f\x98\x80", "caf\xc3\xa9 \xf0\x9f\x98\x80"},
    };
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        check_escaped(LOGGER_TEXT, texts[i][0], texts[i][1]);
        check_escaped(LOGGER_JSON, texts[i][0], texts[i][1]);
    }
}

END_TEST

/* A line is cut between characters, not in one. */
START_TEST(lines_are_cut_between_characters)
{
    for (size_t shift = 0; shift < 4; shift++) {
        char line[4096];
        char huge[3000] = "";
        memset(huge, 'x', shift);
        for (size_t i = shift; i + 4 < sizeof(huge); i += 4) {
            memcpy(huge + i, "\xf0\x9f\x98\x80", 5);
        }
        capture(LOGGER_TEXT);
        logger_write(LOGGER_ERROR, "log", "long", LOGGER_FIELDS(logger_string("huge", huge)));
        size_t size = captured(line, sizeof(line));
        ck_assert_uint_le(size, LOGGER_LINE_SIZE_MAX);
        ck_assert(text_is_clean((struct bs_text){line, (uint32_t)size - 1}));
    }
}

END_TEST

START_TEST(json_lines_are_json)
{
    char line[4096];
    char huge[3000];
    memset(huge, 'x', sizeof(huge) - 1);
    huge[sizeof(huge) - 1] = '\0';
    capture(LOGGER_JSON);
    logger_write(LOGGER_ERROR, "log", "failed",
                 LOGGER_FIELDS(logger_string("error", "a \"b\"\t"), logger_uint("n", 1),
                               logger_string("huge", huge), logger_uint("cut", 1)));
    size_t size = captured(line, sizeof(line));
    ck_assert_uint_lt(size, LOGGER_LINE_SIZE_MAX);
    json_t *object = json_loads(line, JSON_REJECT_DUPLICATES, NULL);
    ck_assert_msg(object != NULL, "%s", line);
    ck_assert_str_eq(json_string_value(json_object_get(object, "level")), "error");
    ck_assert_str_eq(json_string_value(json_object_get(object, "error")), "a \"b\"\t");
    ck_assert_int_eq(json_integer_value(json_object_get(object, "n")), 1);
    ck_assert_ptr_null(json_object_get(object, "huge"));
    json_decref(object);
}

END_TEST

START_TEST(levels_and_repetition_are_held_back)
{
    char lines[16384];
    capture(LOGGER_TEXT);
    logger_write(LOGGER_DEBUG, "core", "unseen", NULL);
    for (uint32_t i = 0; i < 3 * LOGGER_BURST; i++) {
        logger_write(LOGGER_INFO, "core", "again", LOGGER_FIELDS(logger_uint("i", i)));
    }
    logger_write(LOGGER_INFO, "core", "another", NULL);
    (void)captured(lines, sizeof(lines));
    uint32_t lines_count = 0;
    for (const char *c = lines; *c != '\0'; c++) {
        lines_count += *c == '\n' ? 1 : 0;
    }
    ck_assert_uint_eq(lines_count, LOGGER_BURST + 1);
    ck_assert_ptr_nonnull(strstr(lines, "info core another\n"));
    ck_assert_ptr_null(strstr(lines, "unseen"));
}

END_TEST

int main(void)
{
    TCase *tests = unit_tests("notify");
    UNIT_ADD(tests, states_reach_a_path_and_an_abstract_socket, no_manager_is_no_error,
             watchdog_is_for_this_process_only, text_lines_quote_what_could_mislead,
             lines_escape_what_is_not_seen, lines_are_cut_between_characters, json_lines_are_json,
             levels_and_repetition_are_held_back);
    return unit_run(tests);
}
