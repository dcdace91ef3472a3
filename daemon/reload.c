/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/reload.h"

#include "daemon/access/access.h"
#include "daemon/logger/logger.h"

/* The level and format of log lines change at once; other changes are only reported. */
static void compare_settings(struct settings *running, const struct settings *fresh)
{
    for (enum setting setting = 0; setting < SETTING_COUNT; setting++) {
        const char *text = settings_text(fresh, setting);
        if (strcmp(text, settings_text(running, setting)) == 0) {
            continue;
        }
        bool is_live = setting == SETTING_LOGGING_LEVEL || setting == SETTING_LOGGING_FORMAT;
        const struct setting_value *value = &fresh->values[setting];
        if (is_live) {
            settings_set(running, setting, text, value->origin, value->line);
        }
        logger_write(LOGGER_WARN, "config",
                     is_live ? "a setting changed" : "a setting changed and needs a restart",
                     LOGGER_FIELDS(logger_string("section", setting_spec(setting)->section),
                                   logger_string("key", setting_spec(setting)->key),
                                   logger_string("value", text)));
    }
    logger_set_level((enum logger_level)settings_number(fresh, SETTING_LOGGING_LEVEL));
    logger_set_format((enum logger_format)settings_number(fresh, SETTING_LOGGING_FORMAT));
}

void reload_settings(const struct arguments *arguments, struct settings *running)
{
    struct settings fresh;
    if (arguments_load(arguments, &fresh)) {
        compare_settings(running, &fresh);
        logger_write(LOGGER_INFO, "config", "read the settings again", NULL);
    } else {
        logger_write_lines(LOGGER_ERROR, "config", "the new settings are refused",
                           buffer_string(&fresh.problems));
    }
    settings_fini(&fresh);
}

void reload_access(const struct settings *settings, struct http_server *http)
{
    struct access access;
    struct buffer problems = {0};
    struct buffer warnings = {0};
    bool good = access_load(settings, &access, &problems, &warnings);
    logger_write_lines(LOGGER_WARN, "access", INSECURE_CONFIGURATION, buffer_string(&warnings));
    if (!good) {
        logger_write_lines(LOGGER_ERROR, "access", "the new keys are refused, the old ones stay",
                           buffer_string(&problems));
    } else if (access.keys != NULL) {
        logger_write(LOGGER_INFO, "access", "read the keys again",
                     LOGGER_FIELDS(logger_uint("keys", access.keys->count)));
        http_server_set_keys(http, access.keys);
    }
    if (good && access.tls != NULL) {
        logger_write(LOGGER_INFO, "access", "read the certificate again", NULL);
        http_server_set_tls(http, access.tls);
    }
    http_server_reopen_audit(http);
    buffer_fini(&problems);
    buffer_fini(&warnings);
}
