/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <sysexits.h>

#include "daemon/access/access.h"
#include "daemon/app.h"
#include "daemon/logger/logger.h"
#include "daemon/offline/offline.h"
#include "daemon/offline/restore.h"

static int print(const struct buffer *text)
{
    bool is_written = !text->failed && fwrite(text->bytes, 1, text->size, stdout) == text->size;
    return is_written && fflush(stdout) == 0 ? EX_OK : EX_IOERR;
}

static int print_help(void)
{
    struct buffer text = {0};
    arguments_help(&text);
    int status = print(&text);
    buffer_fini(&text);
    return status;
}

static int dump_config(const struct settings *settings)
{
    struct buffer text = {0};
    settings_dump(settings, &text);
    int status = print(&text);
    buffer_fini(&text);
    return status;
}

/* The settings are valid; the files they name must be, too. */
static int check_access(const struct settings *settings)
{
    struct access access = {0};
    struct buffer problems = {0};
    struct buffer warnings = {0};
    bool good = access_load(settings, &access, &problems, &warnings);
    if (warnings.size > 0) {
        (void)fputs(buffer_string(&warnings), stderr);
    }
    if (!good) {
        (void)fputs(buffer_string(&problems), stderr);
    } else {
        (void)puts("the settings are valid");
    }
    access_fini(&access);
    buffer_fini(&problems);
    buffer_fini(&warnings);
    return good ? EX_OK : EX_CONFIG;
}

static int run_verb(const struct arguments *arguments, struct settings *settings)
{
    logger_set_level((enum logger_level)settings_number(settings, SETTING_LOGGING_LEVEL));
    logger_set_format((enum logger_format)settings_number(settings, SETTING_LOGGING_FORMAT));
    switch (arguments->verb) {
    case VERB_CHECK_CONFIG:
        return check_access(settings);
    case VERB_DUMP_CONFIG:
        return dump_config(settings);
    case VERB_LOG_VERIFY:
        return offline_verify(settings);
    case VERB_LOG_DUMP:
        return offline_dump(settings, arguments->from, &arguments->until);
    case VERB_LOG_REPLAY:
        return offline_replay(settings, &arguments->until, arguments->shows_state);
    case VERB_LOG_DIFF:
        return offline_diff(settings, &arguments->places[0], &arguments->places[1]);
    case VERB_RESTORE:
        return offline_restore(
            settings, &(struct restore_options){.backup = arguments->backup,
                                                .until = arguments->until,
                                                .without_webhooks = arguments->without_webhooks});
    case VERB_RUN:
    case VERB_VERSION:
    case VERB_HELP:
        break;
    }
    return app_run(arguments, settings);
}

int main(int argc, char **argv)
{
    struct arguments arguments;
    struct settings settings;
    if (!arguments_parse(&arguments, argc, argv)) {
        return EX_USAGE;
    }
    if (arguments.verb == VERB_HELP) {
        return print_help();
    }
    if (arguments.verb == VERB_VERSION) {
        (void)puts("backstopd " BACKSTOP_VERSION);
        return EX_OK;
    }
    int status;
    if (arguments_load(&arguments, &settings)) {
        status = run_verb(&arguments, &settings);
    } else {
        bool is_usage = settings.usage_problems_count == settings.problems_count &&
                        arguments.verb != VERB_CHECK_CONFIG;
        (void)fputs(buffer_string(&settings.problems), stderr);
        status = is_usage ? EX_USAGE : EX_CONFIG;
    }
    settings_fini(&settings);
    return status;
}
