/* SPDX-License-Identifier: Apache-2.0 */
/*
 * backstopctl: a client of backstopd over HTTP. Here the command line is read; the verbs and
 * options are tables (verbs.c).
 */
#include <errno.h>
#include <getopt.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/verbs.h"

#define DEFAULT_BATCH 1000
#define BATCH_MAX 1000000L /* items of one request that a server takes */

static void print_options(int bits)
{
    for (size_t i = 0; i < OPTIONS_COUNT; i++) {
        const struct option_row *row = &option_rows[i];
        char name[32];
        if ((row->bit & bits) == 0) {
            continue;
        }
        snprintf(name, sizeof(name), "--%s%s%s", row->name, row->argument == NULL ? "" : " ",
                 row->argument == NULL ? "" : row->argument);
        printf("  %c%c%c %-17s %s\n", row->letter == 0 ? ' ' : '-',
               row->letter == 0 ? ' ' : row->letter, row->letter == 0 ? ' ' : ',', name, row->help);
    }
}

static int print_help(const struct verb *verb)
{
    if (verb != NULL) {
        printf("usage: backstopctl %s%s%s [OPTION...]\n\n%s.\n", verb->name,
               verb->operand == NULL ? "" : " ", verb->operand == NULL ? "" : verb->operand,
               verb->summary);
        printf("%s%s\n", verb->help[0] == '\n' ? "" : "\n", verb->help);
        print_options(verb->options | OPTIONS_OF_ALL);
        return cli_flush();
    }
    puts("usage: backstopctl VERB [OPERAND] [OPTION...]\n\nTalks to a backstopd server.\n");
    for (size_t i = 0; (verb = verb_at(i)) != NULL; i++) {
        printf("  %-12s%-7s %s\n", verb->name, verb->operand == NULL ? "" : verb->operand,
               verb->summary);
    }
    puts("\nOptions of every verb:");
    print_options(OPTIONS_OF_ALL);
    puts("\n`backstopctl VERB --help` explains a verb with examples; backstopctl(1) explains it "
         "all.");
    return cli_flush();
}

static const struct verb *find_verb(const char *name)
{
    size_t i = 0;
    const struct verb *verb;
    while ((verb = verb_at(i)) != NULL && strcmp(verb->name, name) != 0) {
        i++;
    }
    return verb;
}

static bool set_batch(struct options *options, const char *text)
{
    char *end = NULL;
    errno = 0;
    options->batch = strtol(text, &end, 10);
    if (errno != 0 || end == text || *end != '\0' || options->batch < 1 ||
        options->batch > BATCH_MAX) {
        cli_error("--batch takes a number from 1 to %ld, not '%s'", BATCH_MAX, text);
        return false;
    }
    return true;
}

static bool set_output(struct options *options, const char *text)
{
    options->json = strcmp(text, "json") == 0;
    if (!options->json && strcmp(text, "table") != 0) {
        cli_error("--output takes table or json, not '%s'", text);
        return false;
    }
    return true;
}

static bool add_to_list(const char **list, size_t *count, size_t count_max, const char *argument)
{
    if (*count == count_max) {
        cli_error("'%s' is one too many: at most %zu", argument, count_max);
        return false;
    }
    list[(*count)++] = argument;
    return true;
}

/* The options that are kept as they are written. */
static const char **text_of(struct options *options, int bit)
{
    switch (bit) {
    case OPTION_URL:
        return &options->url;
    case OPTION_ACCOUNT:
        return &options->account;
    case OPTION_AFTER:
        return &options->after;
    case OPTION_POOL:
        return &options->pool;
    case OPTION_SIDE:
        return &options->side;
    case OPTION_TYPE:
        return &options->type;
    case OPTION_FUND:
        return &options->fund;
    case OPTION_SETTLEMENT:
        return &options->settlement;
    case OPTION_KEY:
        return &options->key;
    case OPTION_KEY_FILE:
        return &options->key_file;
    case OPTION_CACERT:
        return &options->cacert;
    case OPTION_CERT:
        return &options->cert;
    case OPTION_CERT_KEY:
        return &options->cert_key;
    case OPTION_FILE:
        return &options->file;
    case OPTION_ROLES:
        return &options->roles;
    case OPTION_SUBJECT:
        return &options->subject;
    case OPTION_REQUESTS:
        return &options->requests;
    case OPTION_ITEMS:
        return &options->items;
    case OPTION_ORDER:
        return &options->order;
    case OPTION_BATCH_MAX:
        return &options->batch_max;
    default:
        return NULL;
    }
}

/* The options of a filter: a webhook takes each of them as often as wanted. */
static struct cli_names *names_of(struct options *options, int bit)
{
    return bit == OPTION_ACCOUNT ? &options->accounts
           : bit == OPTION_POOL  ? &options->pools
           : bit == OPTION_TYPE  ? &options->types
                                 : NULL;
}

static bool set_option(struct options *options, int bit, const char *argument)
{
    const char **text = text_of(options, bit);
    if (text != NULL) {
        struct cli_names *names = names_of(options, bit);
        *text = argument;
        return names == NULL || add_to_list(names->names, &names->count, CLI_NAMES_MAX, argument);
    }
    switch (bit) {
    case OPTION_OUTPUT:
        return set_output(options, argument);
    case OPTION_BATCH:
        return set_batch(options, argument);
    case OPTION_FOLLOW:
        options->follow = true;
        return true;
    case OPTION_QUIET:
        options->quiet = true;
        return true;
    case OPTION_SHOCK:
        return add_to_list(options->shocks, &options->shocks_count, CLI_SHOCKS_MAX, argument);
    case OPTION_WATERFALL:
        return add_to_list(options->waterfalls, &options->waterfalls_count, CLI_WATERFALLS_MAX,
                           argument);
    default:
        return true; /* help and version are answered once all is read */
    }
}

/* Reads all options, wherever they stand; *ret_seen has a bit for each that was given. */
static bool read_options(int argc, char **argv, struct options *options, int *ret_seen)
{
    struct option long_options[OPTIONS_COUNT + 1] = {0};
    char letters[2 * OPTIONS_COUNT + 1] = "";
    size_t letters_count = 0;
    for (size_t i = 0; i < OPTIONS_COUNT; i++) {
        const struct option_row *row = &option_rows[i];
        long_options[i].name = row->name;
        long_options[i].has_arg = row->argument == NULL ? no_argument : required_argument;
        long_options[i].val = (int)i + 256;
        if (row->letter != 0) {
            letters[letters_count++] = row->letter;
            if (row->argument != NULL) {
                letters[letters_count++] = ':';
            }
        }
    }
    int found = 0;
    while ((found = getopt_long(argc, argv, letters, long_options, NULL)) != -1) {
        size_t row = 0;
        while (row < OPTIONS_COUNT && found != (int)row + 256 && found != option_rows[row].letter) {
            row++;
        }
        if (row == OPTIONS_COUNT || !set_option(options, option_rows[row].bit, optarg)) {
            return false;
        }
        *ret_seen |= option_rows[row].bit;
    }
    return true;
}

static bool options_fit(const struct verb *verb, struct options *options, int seen)
{
    for (size_t i = 0; i < OPTIONS_COUNT; i++) {
        const struct cli_names *names = names_of(options, option_rows[i].bit);
        if (names != NULL && names->count > 1 && verb->run != verb_webhook) {
            cli_error("%s takes one --%s", verb->name, option_rows[i].name);
            return false;
        }
        if ((seen & option_rows[i].bit & ~(verb->options | OPTIONS_OF_ALL)) != 0) {
            cli_error("%s takes no --%s", verb->name, option_rows[i].name);
            return false;
        }
    }
    return true;
}

/* Words of what a verb takes; those in brackets may be left out. */
static int operands_of(const char *operand, bool with_optional)
{
    int count = 0;
    for (const char *word = operand; word != NULL; word = strchr(word, ' ')) {
        word += *word == ' ' ? 1 : 0;
        count += *word != '[' || with_optional ? 1 : 0;
    }
    return count;
}

static bool operands_fit(const struct verb *verb, char *const *operands, int count)
{
    int wanted = operands_of(verb->operand, false);
    int most = operands_of(verb->operand, true);
    if (count < wanted || (wanted == 1 && operands[0][0] == '\0')) {
        cli_error("%s: %s is missing", verb->name, verb->operand);
        return false;
    }
    if (count > most) {
        cli_error("%s: unexpected '%s'", verb->name, operands[most]);
        return false;
    }
    return true;
}

static int usage_error(const struct verb *verb)
{
    fprintf(stderr, "Try 'backstopctl%s%s --help'.\n", verb == NULL ? "" : " ",
            verb == NULL ? "" : verb->name);
    return EX_USAGE;
}

static bool wants_color(void)
{
    const char *no_color = getenv("NO_COLOR");
    const char *terminal = getenv("TERM");
    return isatty(STDOUT_FILENO) && (no_color == NULL || *no_color == '\0') && terminal != NULL &&
           strcmp(terminal, "dumb") != 0;
}

static int run(const struct verb *verb, struct cli *cli)
{
    const char *url = cli->options.url;
    if (url == NULL) {
        url = getenv("BACKSTOP_URL");
    }
    if (url == NULL || *url == '\0') {
        url = DEFAULT_URL;
    }
    cli->http = http_new(url);
    if (cli->http == NULL) {
        cli_error("not an http:// or https:// URL: '%s'", url);
        return usage_error(verb);
    }
    cli->color = wants_color();
    int code = cli_access(cli);
    if (code == EX_OK) {
        code = verb->run(cli);
    }
    int flushed = cli_flush();
    http_free(cli->http);
    return code == EX_OK ? flushed : code;
}

int main(int argc, char **argv)
{
    struct cli cli = {.options = {.batch = DEFAULT_BATCH, .side = "long"}};
    int seen = 0;
    /* Only for the widths of characters; nothing else depends on the locale. */
    if (setlocale(LC_CTYPE, "C.UTF-8") == NULL) {
        (void)setlocale(LC_CTYPE, "");
    }
    bool understood = read_options(argc, argv, &cli.options, &seen);
    const struct verb *verb = optind < argc ? find_verb(argv[optind]) : NULL;
    if (!understood) {
        return usage_error(verb);
    }
    if ((seen & OPTION_VERSION) != 0) {
        printf("backstopctl %s\njansson %s, %s\n", BACKSTOP_VERSION, jansson_version_str(),
               http_versions());
        return cli_flush();
    }
    if (verb == NULL && optind < argc) {
        cli_error("no verb '%s'", argv[optind]);
        return usage_error(NULL);
    }
    if ((seen & OPTION_HELP) != 0) {
        return print_help(verb);
    }
    if (verb == NULL) {
        cli_error("a verb is needed");
        return usage_error(NULL);
    }
    cli.operands = argv + optind + 1;
    cli.operands_count = argc - optind - 1;
    if (!options_fit(verb, &cli.options, seen) ||
        !operands_fit(verb, cli.operands, cli.operands_count)) {
        return usage_error(verb);
    }
    return run(verb, &cli);
}
