/* SPDX-License-Identifier: Apache-2.0 */
/* Goal: settings are strict, their order of precedence holds, and the manual names every one.
 * Method: files and variables with planted mistakes. The manual pages are looked for in
 * $BACKSTOP_SOURCE_ROOT. */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "daemon/config/arguments.h"
#include "tests/unit/unit_main.h"

static char path[PATH_MAX];

static void write_file(const char *text)
{
    const char *directory = getenv("TMPDIR") != NULL ? getenv("TMPDIR") : "/tmp";
    (void)snprintf(path, sizeof(path), "%s/backstop-config-XXXXXX", directory);
    int fd = mkstemp(path);
    ck_assert_int_ge(fd, 0);
    FILE *file = fdopen(fd, "w");
    ck_assert_ptr_nonnull(file);
    ck_assert_int_ge(fputs(text, file), 0);
    ck_assert_int_eq(fclose(file), 0);
}

static void read_text(struct settings *settings, const char *text)
{
    write_file(text);
    settings_init(settings);
    settings_read_file(settings, path);
    ck_assert_int_eq(unlink(path), 0);
}

/* The file's only problem contains all the words, the first being its line number. */
static void expect_problem(const char *text, const char *line, const char *words)
{
    struct settings settings;
    char where[PATH_MAX + 32];
    read_text(&settings, text);
    (void)snprintf(where, sizeof(where), "%s:%s: ", path, line);
    ck_assert_msg(settings.problems_count == 1, "%s: %u problems: %s", text,
                  (unsigned)settings.problems_count, settings.problems.bytes);
    ck_assert_msg(strstr(settings.problems.bytes, where) != NULL, "no \"%s\" in %s", where,
                  settings.problems.bytes);
    ck_assert_msg(strstr(settings.problems.bytes, words) != NULL, "no \"%s\" in %s", words,
                  settings.problems.bytes);
    settings_fini(&settings);
}

START_TEST(file_is_read)
{
    struct settings settings;
    read_text(&settings, "# comment\n; comment\n\n[storage]\n data = /x y ; not part of it\n"
                         "[http]\nlisten = 127.0.0.1:0\n\tconnections_max=7\n"
                         "[logging]\nlevel: warn\nformat = json\n[core]\nqueue_max = 1\n");
    ck_assert_msg(settings.problems_count == 0, "%s", settings.problems.bytes);
    ck_assert_str_eq(settings_text(&settings, SETTING_STORAGE_DATA), "/x y");
    ck_assert_uint_eq(settings.values[SETTING_STORAGE_DATA].line, 5);
    struct socket_address address = settings_address(&settings, SETTING_HTTP_LISTEN);
    ck_assert_uint_eq(socket_address_port(&address), 0);
    ck_assert_uint_eq(ntohl(address.v4.sin_addr.s_addr), 0x7f000001);
    ck_assert_uint_eq(settings_number(&settings, SETTING_HTTP_CONNECTIONS_MAX), 7);
    ck_assert_uint_eq(settings_number(&settings, SETTING_LOGGING_LEVEL), 2);
    ck_assert_uint_eq(settings_number(&settings, SETTING_LOGGING_FORMAT), 1);
    ck_assert_uint_eq(settings_number(&settings, SETTING_CORE_QUEUE_MAX), 1);
    ck_assert_uint_eq(settings_number(&settings, SETTING_CORE_BATCH_RECORDS_MAX), 65536);
    settings_fini(&settings);
}

END_TEST

START_TEST(addresses_to_listen_on)
{
    static const struct {
        const char *text, *printed;
        bool is_local;
        uint16_t port;
    } rows[] = {
        {"localhost:80", "127.0.0.1:80", true, 80},
        {"127.0.0.2:65535", "127.0.0.2:65535", true, 65535},
        {"0.0.0.0:0", "0.0.0.0:0", false, 0},
        {"10.0.0.1:8480", "10.0.0.1:8480", false, 8480},
        {"[::1]:8480", "[::1]:8480", true, 8480},
        {"[0:0:0:0:0:0:0:1]:1", "[::1]:1", true, 1},
        {"[::]:80", "[::]:80", false, 80},
        {"[2001:db8::1]:443", "[2001:db8::1]:443", false, 443},
        {"[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]:65535",
         "[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]:65535", false, 65535},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct socket_address address;
        char text[SOCKET_ADDRESS_TEXT_SIZE];
        ck_assert_ptr_null(socket_address_parse(&address, rows[i].text));
        socket_address_print(&address.any, text);
        ck_assert_str_eq(text, rows[i].printed);
        ck_assert_uint_eq(socket_address_port(&address), rows[i].port);
        ck_assert_msg(socket_address_is_local(&address) == rows[i].is_local, "%s", rows[i].text);
    }
}

END_TEST

START_TEST(a_client_of_ipv4_is_printed_as_one)
{
    struct sockaddr_in6 address = {.sin6_family = AF_INET6, .sin6_port = htons(443)};
    const uint8_t mapped[16] = {[10] = 0xff, [11] = 0xff, 192, 0, 2, 1};
    char text[SOCKET_ADDRESS_TEXT_SIZE];
    memcpy(&address.sin6_addr, mapped, sizeof(mapped));
    socket_address_print((const struct sockaddr *)&address, text);
    ck_assert_str_eq(text, "192.0.2.1:443");
}

END_TEST

START_TEST(problems_are_named)
{
    static const struct {
        const char *text, *line, *words;
    } rows[] = {
        {"[http]\nlisten_ = 127.0.0.1:1\n", "2", "http.listen_ is not a setting; did you mean"},
        {"[htp]\nlisten = 127.0.0.1:1\n", "2", "in an unknown section; did you mean http.listen?"},
        {"[zebra]\nstripes = 1\n", "2", "zebra.stripes is in an unknown section"},
        {"data = x\n", "1", "data comes before any [section]"},
        {"[core]\nqueue_max = 1\n\nqueue_max = 2\n", "4", "is set twice, first in line 2"},
        {"[core]\nqueue_max = 0\n", "2", "\"0\" is out of range (1 to 1048576)"},
        {"[core]\nqueue_max = 99999999999999999999999\n", "2", "is not a whole number"},
        {"[core]\nqueue_max = -1\n", "2", "\"-1\" is not a whole number"},
        {"[core]\nqueue_max = 1k\n", "2", "\"1k\" is not a whole number"},
        {"[core]\nqueue_max =\n", "2", "\"\" is not a whole number"},
        {"[capacity]\ndedupe_window = 1025\n", "2", "\"1025\" is not a power of two"},
        {"[logging]\nlevel = loud\n", "2",
         "\"loud\" is not one of its choices (debug|info|warn|error)"},
        {"[logging]\nlevel = info|warn\n", "2", "is not one of its choices"},
        {"[http]\nlisten = example.org:80\n", "2", "localhost, an IPv4 address, or an IPv6"},
        {"[http]\nlisten = ::1:80\n", "2", "an IPv6 address in brackets"},
        {"[http]\nlisten = [fe80::1%lo]:80\n", "2", "an IPv6 address in brackets"},
        {"[http]\nlisten = [::ffff:127.0.0.1]:80\n", "2", "an IPv6 address in brackets"},
        {"[http]\nlisten = []:80\n", "2", "an IPv6 address in brackets"},
        {"[http]\nlisten = [:80\n", "2", "an IPv6 address in brackets"},
        {"[http]\nlisten = [127.0.0.1]:80\n", "2", "an IPv6 address in brackets"},
        {"[http]\nlisten = [::1]\n", "2", "is not HOST:PORT"},
        {"[http]\nlisten = 127.0.0.1\n", "2", "is not HOST:PORT"},
        {"[http]\nlisten = 127.0.0.1:65536\n", "2", "is not HOST:PORT"},
        {"[core\n", "1", "neither a [section]"},
        {"[core]\nqueue_max\n", "2", "neither a [section], a \"key = value\" nor a comment"},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        expect_problem(rows[i].text, rows[i].line, rows[i].words);
    }
}

END_TEST

START_TEST(long_line_is_a_problem)
{
    char text[1024] = "[storage]\ndata = ";
    memset(text + strlen(text), 'x', 600);
    strcat(text, "\n");
    expect_problem(text, "2", "the line is longer than");
}

END_TEST

START_TEST(all_problems_are_reported)
{
    struct settings settings;
    read_text(&settings, "[core]\nqueue_max = x\nbatch_records_max = y\nfoo = 1\nnonsense\n");
    ck_assert_uint_eq(settings.problems_count, 4);
    settings_fini(&settings);
}

END_TEST

START_TEST(missing_file_is_a_problem)
{
    struct settings settings;
    settings_init(&settings);
    settings_read_file(&settings, "/nonexistent/backstopd.conf");
    ck_assert_uint_eq(settings.problems_count, 1);
    ck_assert_ptr_nonnull(strstr(settings.problems.bytes, "No such file or directory"));
    settings_fini(&settings);
}

END_TEST

START_TEST(environment_is_strict_in_its_own_sections)
{
    char *const environment[] = {"HOME=/",
                                 "BACKSTOPD_CORE_QUEUE_MAX=5",
                                 "BACKSTOPD_PORT=tcp://10.0.0.1:8480", /* set by Kubernetes */
                                 "BACKSTOPD_SERVICE_HOST=10.0.0.1",
                                 "BACKSTOPD_CORE_QUEUE_MIN=5",
                                 "BACKSTOPD_LOGGING_LEVEL=loud",
                                 NULL};
    struct settings settings;
    settings_init(&settings);
    settings_read_environment(&settings, environment);
    ck_assert_uint_eq(settings_number(&settings, SETTING_CORE_QUEUE_MAX), 5);
    ck_assert_uint_eq(settings.problems_count, 2);
    ck_assert_ptr_nonnull(strstr(settings.problems.bytes,
                                 "BACKSTOPD_CORE_QUEUE_MIN: core.queue_min is not a setting; did "
                                 "you mean core.queue_max?"));
    ck_assert_ptr_nonnull(strstr(settings.problems.bytes, "BACKSTOPD_LOGGING_LEVEL: \"loud\""));
    settings_fini(&settings);
}

END_TEST

START_TEST(flags_win_over_environment_over_file)
{
    struct arguments arguments;
    struct settings settings;
    write_file(
        "[storage]\ndata = file\n[core]\nsettle_interval_ms = 1\n[logging]\nlevel = error\n");
    char *argv[] = {"backstopd", "--config", path, "--settle-interval-ms=3", NULL};
    ck_assert_int_eq(setenv("BACKSTOPD_CORE_SETTLE_INTERVAL_MS", "2", 1), 0);
    ck_assert_int_eq(setenv("BACKSTOPD_LOGGING_LEVEL", "warn", 1), 0);
    ck_assert(arguments_parse(&arguments, 4, argv));
    ck_assert_msg(arguments_load(&arguments, &settings), "%s", settings.problems.bytes);
    ck_assert_str_eq(settings_text(&settings, SETTING_STORAGE_DATA), "file");
    ck_assert_uint_eq(settings_number(&settings, SETTING_CORE_SETTLE_INTERVAL_MS), 3);
    ck_assert_str_eq(settings_text(&settings, SETTING_LOGGING_LEVEL), "warn");
    struct buffer dump = {0};
    settings_dump(&settings, &dump);
    ck_assert_ptr_nonnull(strstr(dump.bytes, "settle_interval_ms = 3 ; --settle-interval-ms\n"));
    ck_assert_ptr_nonnull(strstr(dump.bytes, "level = warn ; BACKSTOPD_LOGGING_LEVEL\n"));
    ck_assert_ptr_nonnull(strstr(dump.bytes, ":2: storage.data\n"));
    ck_assert_ptr_nonnull(strstr(dump.bytes, "queue_max = 4096 ; default\n"));
    ck_assert_int_eq(unsetenv("BACKSTOPD_CORE_SETTLE_INTERVAL_MS"), 0);
    ck_assert_int_eq(unsetenv("BACKSTOPD_LOGGING_LEVEL"), 0);
    ck_assert_int_eq(unlink(path), 0);
    settings_fini(&settings);
    struct settings again; /* what was dumped reads back as the same */
    read_text(&again, dump.bytes);
    ck_assert_msg(again.problems_count == 0, "%s", again.problems.bytes);
    ck_assert_uint_eq(settings_number(&again, SETTING_CORE_SETTLE_INTERVAL_MS), 3);
    settings_fini(&again);
    buffer_fini(&dump);
}

END_TEST

START_TEST(data_is_required)
{
    struct arguments arguments;
    struct settings settings;
    char *argv[] = {"backstopd", NULL};
    ck_assert(arguments_parse(&arguments, 1, argv));
    ck_assert(!arguments_load(&arguments, &settings));
    ck_assert_uint_eq(settings.usage_problems_count, 1);
    ck_assert_ptr_nonnull(strstr(settings.problems.bytes, "--data DIR"));
    settings_fini(&settings);
}

END_TEST

START_TEST(verbs_are_told_apart)
{
    static const struct {
        char *argv[6];
        bool is_valid;
        enum verb verb;
    } rows[] = {
        {{"backstopd", "--help"}, true, VERB_HELP},
        {{"backstopd", "-h"}, true, VERB_HELP},
        {{"backstopd", "--version"}, true, VERB_VERSION},
        {{"backstopd", "--check-config"}, true, VERB_CHECK_CONFIG},
        {{"backstopd", "--dump-config", "--data", "d"}, true, VERB_DUMP_CONFIG},
        {{"backstopd", "log", "verify", "--data", "d"}, true, VERB_LOG_VERIFY},
        {{"backstopd", "--data", "d", "log", "dump", "--from=7"}, true, VERB_LOG_DUMP},
        {{"backstopd", "log", "dump", "--until", "2025-10-10T21:16:04Z"}, true, VERB_LOG_DUMP},
        {{"backstopd", "log", "replay", "--until=7", "--state"}, true, VERB_LOG_REPLAY},
        {{"backstopd", "log", "diff", "a", "b@2025-10-10T21:16:04Z"}, true, VERB_LOG_DIFF},
        {{"backstopd", "log", "diff", "a@7", "x@y/"}, true, VERB_LOG_DIFF},
        {{"backstopd", "--data", "d"}, true, VERB_RUN},
        {{"backstopd", "--data"}, false, VERB_RUN},
        {{"backstopd", "--data", "a", "--data", "b"}, false, VERB_RUN},
        {{"backstopd", "--dataa", "d"}, false, VERB_RUN},
        {{"backstopd", "-x"}, false, VERB_RUN},
        {{"backstopd", "serve"}, false, VERB_RUN},
        {{"backstopd", "log"}, false, VERB_RUN},
        {{"backstopd", "log", "truncate"}, false, VERB_RUN},
        {{"backstopd", "log", "dump", "--from", "x"}, false, VERB_RUN},
        {{"backstopd", "log", "dump", "--until", "soon"}, false, VERB_RUN},
        {{"backstopd", "log", "dump", "more"}, false, VERB_RUN},
        {{"backstopd", "log", "replay", "--from", "7"}, false, VERB_RUN},
        {{"backstopd", "log", "verify", "--until", "7"}, false, VERB_RUN},
        {{"backstopd", "log", "dump", "--state"}, false, VERB_RUN},
        {{"backstopd", "--until", "7"}, false, VERB_RUN},
        {{"backstopd", "log", "diff", "a"}, false, VERB_RUN},
        {{"backstopd", "log", "diff", "a", "b@x"}, false, VERB_RUN},
        {{"backstopd", "log", "diff", "a", "@7"}, false, VERB_RUN},
        {{"backstopd", "log", "diff", "a", "b", "--data=d"}, false, VERB_RUN},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct arguments arguments;
        char *argv[7] = {NULL};
        int argc = 0;
        while (argc < 6 && rows[i].argv[argc] != NULL) {
            argv[argc] = rows[i].argv[argc];
            argc++;
        }
        bool is_valid = arguments_parse(&arguments, argc, argv);
        ck_assert_msg(is_valid == rows[i].is_valid, "row %zu", i);
        ck_assert_msg(!is_valid || arguments.verb == rows[i].verb, "row %zu", i);
    }
}

END_TEST

static char *read_manual(const char *name)
{
    const char *root = getenv("BACKSTOP_SOURCE_ROOT");
    char file_name[PATH_MAX];
    (void)snprintf(file_name, sizeof(file_name), "%s/%s", root != NULL ? root : ".", name);
    FILE *file = fopen(file_name, "r");
    ck_assert_msg(file != NULL, "%s cannot be opened", file_name);
    char *text = calloc(1, 65536);
    ck_assert_ptr_nonnull(text);
    ck_assert_uint_gt(fread(text, 1, 65535, file), 0);
    ck_assert_int_eq(fclose(file), 0);
    return text;
}

/* What a file says is fine on its own, but not together. */
START_TEST(access_needs_its_parts)
{
    static const struct {
        const char *text, *words; /* NULL = no problem */
    } rows[] = {
        {"[http]\nlisten = 10.0.0.1:1\n",
         "access.keys (not set) and with tls.certificate and tls.key (not set)"},
        {"[http]\nlisten = 10.0.0.1:1\n[access]\nkeys = k\n",
         "access.keys and with tls.certificate and tls.key (not set)"},
        {"[http]\nlisten = 10.0.0.1:1\n[tls]\ncertificate = c\nkey = k\n",
         "access.keys (not set) and with"},
        {"[http]\nlisten = 10.0.0.1:1\n[access]\nkeys = k\n[tls]\ncertificate = c\nkey = k\n",
         NULL},
        {"[http]\nlisten = 127.1.2.3:1\n", NULL},
        {"[tls]\nkey = k\n", "needed together"},
        {"[tls]\ncertificate = c\nkey = k\nclient_ca = a\n", "tls.client_ca needs"},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char text[400];
        struct settings settings;
        snprintf(text, sizeof(text), "%s[storage]\ndata = d\n", rows[i].text);
        read_text(&settings, text);
        settings_check(&settings);
        bool fine = settings.problems_count == 0;
        ck_assert_msg(rows[i].words == NULL
                          ? fine
                          : !fine && strstr(settings.problems.bytes, rows[i].words) != NULL,
                      "%s: %s", rows[i].text, fine ? "" : settings.problems.bytes);
        ck_assert_uint_eq(settings.usage_problems_count, 0);
        settings_fini(&settings);
    }
}

END_TEST

/* Each setting is in --help (if it has a flag), in both manual pages and in the example file. */
START_TEST(manual_names_every_setting)
{
    char *daemon_page = read_manual("docs/backstopd.8");
    char *file_page = read_manual("docs/backstopd.conf.5");
    char *example = read_manual("data/backstopd.conf.example");
    struct buffer help = {0};
    arguments_help(&help);
    for (enum setting setting = 0; setting < SETTING_COUNT; setting++) {
        const struct setting_spec *spec = setting_spec(setting);
        char words[128];
        (void)snprintf(words, sizeof(words), "\n.It Ic %s = ", spec->key);
        const char *entry = strstr(file_page, words);
        ck_assert_msg(entry != NULL, "backstopd.conf(5) does not name %s", spec->key);
        (void)snprintf(words, sizeof(words), "%s = %s\n", spec->key, spec->fallback);
        ck_assert_msg(spec->fallback[0] == '\0' || strstr(example, words) != NULL,
                      "the example does not have %s", words);
        if (spec->flag != NULL) {
            (void)snprintf(words, sizeof(words), "\n.It Fl -%s ", spec->flag);
            ck_assert_msg(strstr(daemon_page, words) != NULL, "backstopd(8) lacks %s", spec->flag);
            (void)snprintf(words, sizeof(words), "--%s ", spec->flag);
            ck_assert_msg(strstr(help.bytes, words) != NULL, "--help lacks %s", spec->flag);
        }
    }
    buffer_fini(&help);
    free(daemon_page);
    free(file_page);
    free(example);
}

END_TEST

int main(void)
{
    TCase *tests = unit_tests("config");
    UNIT_ADD(tests, file_is_read, addresses_to_listen_on, a_client_of_ipv4_is_printed_as_one,
             problems_are_named, long_line_is_a_problem, all_problems_are_reported,
             missing_file_is_a_problem, environment_is_strict_in_its_own_sections,
             flags_win_over_environment_over_file, data_is_required, verbs_are_told_apart,
             access_needs_its_parts, manual_names_every_setting);
    return unit_run(tests);
}
