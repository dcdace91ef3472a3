/* SPDX-License-Identifier: Apache-2.0 */
/*
 * backstopctl: a client of backstopd over HTTP. This file reads the command line; the verbs and the
 * options are tables, verbs.def and options.def.
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
#define BATCH_MAX 1000000L /* most items of one request that a server accepts */

static int print_help(const struct verb *verb)
{
    if (verb != NULL) {
        printf("usage: backstopctl %s%s%s [OPTION...]\n\n%s.\n", verb->name,
               verb->operand == NULL ? "" : " ", verb->operand == NULL ? "" : verb->operand,
               verb->summary);
        printf("%s%s\n", verb->help[0] == '\n' ? "" : "\n", verb->help);
        options_print(verb->options | OPTIONS_OF_ALL);
        return cli_flush();
    }
    puts("usage: backstopctl VERB [OPERAND] [OPTION...]\n\nTalks to a backstopd server.\n");
    for (size_t i = 0; (verb = verb_at(i)) != NULL; i++) {
        printf("  %-12s%-7s %s\n", verb->name, verb->operand == NULL ? "" : verb->operand,
               verb->summary);
    }
    puts("\nOptions of every verb:");
    options_print(OPTIONS_OF_ALL);
    puts("\n`backstopctl VERB --help` explains a verb with examples; backstopctl(1) explains it "
         "all.");
    return cli_flush();
}

static bool set_batch(struct cli *cli)
{
    const char *text = cli->options.batch;
    char *end = NULL;
    if (text == NULL) {
        cli->batch = DEFAULT_BATCH;
        return true;
    }
    errno = 0;
    cli->batch = strtol(text, &end, 10);
    if (errno != 0 || end == text || *end != '\0' || cli->batch < 1 || cli->batch > BATCH_MAX) {
        cli_error("--batch takes a number from 1 to %ld, not '%s'", BATCH_MAX, text);
        return false;
    }
    return true;
}

static bool set_output(struct cli *cli)
{
    const char *text = cli->options.output;
    cli->json = text != NULL && strcmp(text, "json") == 0;
    if (text != NULL && !cli->json && strcmp(text, "table") != 0) {
        cli_error("--output takes table or json, not '%s'", text);
        return false;
    }
    return true;
}

/* The words of an operand; those in brackets may be left out. */
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

static const struct verb *read_verb(const char *name)
{
    const struct verb *verb = verb_named(name);
    const char *like = verb_like(name);
    if (verb == NULL && like != NULL) {
        cli_error("no verb '%s': did you mean '%s'?", name, like);
    } else if (verb == NULL) {
        cli_error("no verb '%s'", name);
    }
    return verb;
}

static int print_version(void)
{
    printf("backstopctl %s\njansson %s, %s\n", BACKSTOP_VERSION, jansson_version_str(),
           http_versions());
    return cli_flush();
}

int main(int argc, char **argv)
{
    struct cli cli = {.options = {.side = "long"}};
    /* Only for the widths of characters; nothing else depends on the locale. */
    if (setlocale(LC_CTYPE, "C.UTF-8") == NULL) {
        (void)setlocale(LC_CTYPE, "");
    }
    bool understood = options_read(argc, argv, &cli.options);
    const char *name = optind < argc ? argv[optind] : NULL;
    if (!understood) {
        return usage_error(name == NULL ? NULL : verb_named(name));
    }
    if (cli.options.version) {
        return print_version();
    }
    const struct verb *verb = name == NULL ? NULL : read_verb(name);
    if (name != NULL && verb == NULL) {
        return usage_error(NULL);
    }
    if (cli.options.help) {
        return print_help(verb);
    }
    if (verb == NULL) {
        cli_error("a verb is needed");
        return usage_error(NULL);
    }
    cli.operands = argv + optind + 1;
    cli.operands_count = argc - optind - 1;
    if (!options_fit(&cli.options, verb->name, verb->options | OPTIONS_OF_ALL, verb->repeated) ||
        !set_output(&cli) || !set_batch(&cli) ||
        !operands_fit(verb, cli.operands, cli.operands_count)) {
        return usage_error(verb);
    }
    return run(verb, &cli);
}
