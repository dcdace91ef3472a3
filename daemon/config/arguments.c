/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/config/arguments.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "api/text.h"

/* Options that are no settings; those that are have their setting's number. */
enum own_option {
    OPTION_CONFIG = SETTING_COUNT + 256,
    OPTION_CHECK_CONFIG,
    OPTION_DUMP_CONFIG,
    OPTION_FROM,
    OPTION_UNTIL,
    OPTION_STATE,
    OPTION_NO_WEBHOOKS,
    OPTION_VERSION,
    OPTION_HELP,
};

static const struct option own_options[] = {
    {"config", required_argument, NULL, OPTION_CONFIG},
    {"check-config", no_argument, NULL, OPTION_CHECK_CONFIG},
    {"dump-config", no_argument, NULL, OPTION_DUMP_CONFIG},
    {"from", required_argument, NULL, OPTION_FROM},
    {"until", required_argument, NULL, OPTION_UNTIL},
    {"state", no_argument, NULL, OPTION_STATE},
    {"no-webhooks", no_argument, NULL, OPTION_NO_WEBHOOKS},
    {"version", no_argument, NULL, OPTION_VERSION},
    {"help", no_argument, NULL, OPTION_HELP},
};

#define PLACES_COUNT 2 /* of log diff */
#define OWN_OPTIONS_COUNT ((uint32_t)(sizeof(own_options) / sizeof(own_options[0])))
#define OPTIONS_MAX (OWN_OPTIONS_COUNT + SETTING_COUNT + 1) /* the last is the empty one */

static uint32_t list_options(struct option options[OPTIONS_MAX])
{
    uint32_t count = 0;
    for (; count < OWN_OPTIONS_COUNT; count++) {
        options[count] = own_options[count];
    }
    for (enum setting setting = 0; setting < SETTING_COUNT; setting++) {
        const char *flag = setting_spec(setting)->flag;
        if (flag != NULL) {
            options[count++] = (struct option){flag, required_argument, NULL, (int)setting};
        }
    }
    options[count] = (struct option){0};
    return count;
}

static bool usage(const char *problem, const char *what, const char *nearest)
{
    (void)fprintf(stderr, "backstopd: %s '%s'%s%s%s\nTry 'backstopd --help'.\n", problem, what,
                  nearest != NULL ? "; did you mean '--" : "", nearest != NULL ? nearest : "",
                  nearest != NULL ? "'?" : "");
    return false;
}

static bool usage_unknown(const char *written, const struct option *options, uint32_t count)
{
    const char *names[OPTIONS_MAX];
    char name[64];
    for (uint32_t i = 0; i < count; i++) {
        names[i] = options[i].name;
    }
    (void)snprintf(name, sizeof(name), "%s", written + strspn(written, "-"));
    name[strcspn(name, "=")] = '\0';
    return usage("unknown or ambiguous option", written, settings_nearest(name, names, count));
}

static bool parse_from(struct arguments *arguments, const char *text)
{
    struct bs_text number = {text, (uint32_t)strlen(text)};
    if (!text_digits(number, UINT64_MAX, &arguments->from)) {
        return usage("--from takes a sequence number, not", text, NULL);
    }
    return true;
}

static bool parse_until(struct arguments *arguments, const char *text)
{
    return until_parse(&arguments->until, text) ||
           usage("--until takes a sequence number or a time such as 2025-10-10T21:16:04Z, not",
                 text, NULL);
}

static bool take_option(struct arguments *arguments, int option)
{
    if (option < SETTING_COUNT) {
        if (arguments->flags[option] != NULL) {
            return usage("given twice:", setting_spec((enum setting)option)->flag, NULL);
        }
        arguments->flags[option] = optarg;
        return true;
    }
    switch (option) {
    case OPTION_CONFIG:
        arguments->config = optarg;
        return true;
    case OPTION_CHECK_CONFIG:
        arguments->verb = VERB_CHECK_CONFIG;
        return true;
    case OPTION_DUMP_CONFIG:
        arguments->verb = VERB_DUMP_CONFIG;
        return true;
    case OPTION_FROM:
        return parse_from(arguments, optarg);
    case OPTION_UNTIL:
        return parse_until(arguments, optarg);
    case OPTION_STATE:
        arguments->shows_state = true;
        return true;
    case OPTION_NO_WEBHOOKS:
        arguments->without_webhooks = true;
        return true;
    case OPTION_VERSION:
        arguments->verb = VERB_VERSION;
        return true;
    default:
        arguments->verb = VERB_HELP;
        return true;
    }
}

/* The verbs after `log`, the words that follow each, and the options that it takes. */
static const struct log_verb {
    const char *name;
    enum verb verb;
    int words_count;
    bool takes_from, takes_until, takes_state;
} log_verbs[] = {
    {"verify", VERB_LOG_VERIFY, 0, false, false, false},
    {"dump", VERB_LOG_DUMP, 0, true, true, false},
    {"replay", VERB_LOG_REPLAY, 0, false, true, true},
    {"diff", VERB_LOG_DIFF, PLACES_COUNT, false, false, false},
};

static const struct log_verb *find_log_verb(const char *name)
{
    for (size_t i = 0; i < sizeof(log_verbs) / sizeof(log_verbs[0]); i++) {
        if (strcmp(name, log_verbs[i].name) == 0) {
            return &log_verbs[i];
        }
    }
    return NULL;
}

/* No option is for nothing. `verb` is NULL for the daemon itself. */
static bool check_options(const struct arguments *arguments, const struct log_verb *verb)
{
    if (arguments->from > 0 && (verb == NULL || !verb->takes_from)) {
        return usage("only log dump takes", "--from", NULL);
    }
    bool restores = arguments->verb == VERB_RESTORE;
    if (arguments->until.kind != UNTIL_END && !restores && (verb == NULL || !verb->takes_until)) {
        return usage("only log dump, log replay and restore take", "--until", NULL);
    }
    if (arguments->without_webhooks && !restores) {
        return usage("only restore takes", "--no-webhooks", NULL);
    }
    if (arguments->shows_state && (verb == NULL || !verb->takes_state)) {
        return usage("only log replay takes", "--state", NULL);
    }
    return true;
}

static bool take_places(struct arguments *arguments, char **words)
{
    for (uint32_t i = 0; i < PLACES_COUNT; i++) {
        if (!log_moment_parse(&arguments->places[i], words[i])) {
            return usage("log diff takes DIR, DIR@SEQ or DIR@TIME, not", words[i], NULL);
        }
    }
    if (arguments->flags[SETTING_STORAGE_DATA] != NULL) {
        return usage("log diff names its directories without", "--data", NULL);
    }
    arguments->flags[SETTING_STORAGE_DATA] = arguments->places[0].directory;
    return true;
}

static bool take_backup(struct arguments *arguments, int count, char **words)
{
    if (count != 2) {
        return usage("restore takes one word, the directory of the backup, after", words[count - 1],
                     NULL);
    }
    arguments->verb = VERB_RESTORE;
    arguments->backup = words[1];
    return check_options(arguments, NULL);
}

static bool take_words(struct arguments *arguments, int count, char **words)
{
    if (count == 0) {
        return check_options(arguments, NULL);
    }
    if (strcmp(words[0], "restore") == 0) {
        return take_backup(arguments, count, words);
    }
    if (strcmp(words[0], "log") != 0) {
        return usage("unknown verb", words[0], NULL);
    }
    const struct log_verb *verb = count > 1 ? find_log_verb(words[1]) : NULL;
    if (verb == NULL) {
        return usage("log takes verify, dump, replay or diff, not", count > 1 ? words[1] : "",
                     NULL);
    }
    if (count != 2 + verb->words_count) {
        return verb->words_count == 0
                   ? usage("no more words are expected after", words[1], NULL)
                   : usage("log diff takes two logs, each DIR, DIR@SEQ or DIR@TIME, after",
                           words[count - 1], NULL);
    }
    arguments->verb = verb->verb;
    return check_options(arguments, verb) &&
           (verb->words_count == 0 || take_places(arguments, words + 2));
}

bool arguments_parse(struct arguments *arguments, int argc, char **argv)
{
    struct option options[OPTIONS_MAX];
    uint32_t options_count = list_options(options);
    *arguments = (struct arguments){.verb = VERB_RUN};
    opterr = 0;
    optind = 0; /* from the beginning, also when called again */
    while (true) {
        int at = optind == 0 ? 1 : optind;
        int option = getopt_long(argc, argv, ":h", options, NULL);
        if (option == -1) {
            break;
        }
        if (option == ':') {
            return usage("an argument is missing after", argv[optind - 1], NULL);
        }
        if (option == '?') {
            return usage_unknown(argv[optind > at ? optind - 1 : at], options, options_count);
        }
        if (!take_option(arguments, option)) {
            return false;
        }
    }
    bool is_information = arguments->verb == VERB_HELP || arguments->verb == VERB_VERSION;
    return is_information || take_words(arguments, argc - optind, argv + optind);
}

bool arguments_load(const struct arguments *arguments, struct settings *settings)
{
    settings_init(settings);
    if (settings->problems_count > 0) { /* no memory */
        return false;
    }
    if (arguments->config != NULL) {
        settings_read_file(settings, arguments->config);
    }
    settings_read_environment(settings, environ);
    for (enum setting setting = 0; setting < SETTING_COUNT; setting++) {
        if (arguments->flags[setting] != NULL) {
            settings_set(settings, setting, arguments->flags[setting], ORIGIN_FLAG, 0);
        }
    }
    settings_check(settings);
    return settings->problems_count == 0;
}

static void help_option(struct buffer *out, const char *option, const char *argument,
                        const char *help, const char *fallback)
{
    char left[64];
    (void)snprintf(left, sizeof(left), "--%s%s%s", option, argument[0] == '\0' ? "" : " ",
                   argument);
    buffer_printf(out, "  %-36s %s", left, help);
    if (fallback[0] != '\0') {
        buffer_printf(out, " (default %s)", fallback);
    }
    buffer_text(out, "\n");
}

static void help_settings(struct buffer *out)
{
    for (enum setting setting = 0; setting < SETTING_COUNT; setting++) {
        const struct setting_spec *spec = setting_spec(setting);
        if (spec->flag != NULL) {
            help_option(out, spec->flag, spec->argument, spec->help, spec->fallback);
        }
    }
    help_option(out, "config", "FILE", "INI file with these settings and more, see below", "");
    help_option(out, "check-config", "", "check file, environment and flags, then exit 0 or 78",
                "");
    help_option(out, "dump-config", "", "print every effective setting and where it came from", "");
    help_option(out, "from", "SEQ", "log dump: begin at this sequence", "");
    help_option(out, "until", "SEQ|TIME", "log dump, log replay, restore: end after it", "");
    help_option(out, "state", "", "log replay: print the whole state as NDJSON", "");
    help_option(out, "no-webhooks", "", "restore: without the endpoints of webhooks", "");
    help_option(out, "version", "", "print the version", "");
    help_option(out, "help", "", "print this", "");
}

void arguments_help(struct buffer *out)
{
    buffer_text(
        out,
        "backstopd - decides who pays when a trader cannot cover a loss\n"
        "\n"
        "Usage:\n"
        "  backstopd --data DIR [--listen 127.0.0.1:PORT] [options]\n"
        "  backstopd log verify --data DIR      check a log as the start does\n"
        "  backstopd log dump --data DIR [--from SEQ] [--until SEQ|TIME]\n"
        "                                       list commands, actions and settlements\n"
        "  backstopd log replay --data DIR [--until SEQ|TIME] [--state]\n"
        "                                       the state at any moment\n"
        "  backstopd log diff DIR[@SEQ|TIME] DIR[@SEQ|TIME]\n"
        "                                       what differs between two states, by name\n"
        "  backstopd restore BACKUP --data NEW_DIR [--until SEQ|TIME] [--no-webhooks]\n"
        "                                       a data directory from what backstopctl backup "
        "wrote\n"
        "\n"
        "The log verbs change nothing and work beside a running daemon. With --archive\n"
        "DIR they also read the old files that the daemon moved there.\n"
        "\n"
        "Try it:\n"
        "  backstopd --data ./backstop-data &\n"
        "  curl http://127.0.0.1:8480/healthz\n"
        "  backstopctl health\n"
        "\n"
        "It keeps every command it acknowledged in DIR and replays them at the next start.\n"
        "It prints \"listening on http://...\" when it serves. Addresses other than 127.0.0.1\n"
        "and [::1] need access keys and TLS, see backstopd.conf(5).\n"
        "With --keys every request needs an access key of that file.\n"
        "\n"
        "Options:\n");
    help_settings(out);
    buffer_text(
        out,
        "\n"
        "Every setting can be given as [section] key in the file and as BACKSTOPD_SECTION_KEY\n"
        "in the environment; flags win over the environment, the environment over the file.\n"
        "--dump-config lists them all. Risk parameters are no settings: they are commands.\n"
        "\n"
        "Signals: TERM and INT finish what was taken and stop, a second one stops at once;\n"
        "HUP reads the settings again; USR1 logs the state's digest and figures.\n"
        "\n"
        "Exit status: 0 stopped as asked, or nothing differs; of log diff 1 something differs,\n"
        "2 one of them cannot be read; 64 wrong usage; 65 the log does not replay to the\n"
        "same state; 69 the address is taken; 71 the system refused something; 74 the log\n"
        "cannot be read or written; 78 wrong settings.\n"
        "\n"
        "More: backstopd(8), backstopd.conf(5).\n");
}
