/* SPDX-License-Identifier: Apache-2.0 */
/* The command line of backstopd, and the settings it leads to. */
#ifndef ARGUMENTS_H
#define ARGUMENTS_H

#include "daemon/config/settings.h"
#include "daemon/config/until.h"

enum verb {
    VERB_RUN,
    VERB_CHECK_CONFIG,
    VERB_DUMP_CONFIG,
    VERB_LOG_VERIFY,
    VERB_LOG_DUMP,
    VERB_LOG_REPLAY,
    VERB_LOG_DIFF,
    VERB_RESTORE,
    VERB_VERSION,
    VERB_HELP,
};

struct arguments {
    enum verb verb;
    const char *config;               /* path of the INI file, NULL = none */
    const char *flags[SETTING_COUNT]; /* NULL = not given */
    uint64_t from;                    /* log dump: first sequence */
    struct until until;               /* log dump, log replay, restore: the last command */
    bool shows_state;                 /* log replay */
    const char *backup;               /* restore: where the backup is */
    bool without_webhooks;            /* restore */
    struct log_moment places[2];      /* log diff */
};

/* False: it wrote to standard error what is wrong. The texts point into argv. */
BS_MUST_USE bool arguments_parse(struct arguments *arguments, int argc, char **argv);

/* Defaults, file, environment, flags, checked. True without problems; settings_fini either way. */
BS_MUST_USE bool arguments_load(const struct arguments *arguments, struct settings *settings);

void arguments_help(struct buffer *out);

#endif
