/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The daemon's settings: defaults, overridden by an INI file, by BACKSTOPD_SECTION_KEY in the
 * environment, by flags, in this order. Strict: an unknown, repeated or out-of-range setting is a
 * problem, and all problems are gathered before they are reported.
 *
 * Risk parameters are commands in the log and never settings.
 */
#ifndef SETTINGS_H
#define SETTINGS_H

#include "api/buffer.h"
#include "daemon/config/socket_address.h"
#include "lib/base/base.h"

#define SETTINGS_PATH_SIZE_MAX 4096

enum setting {

#define X(code, section, key, flag, kind, argument, fallback, min, max, help) SETTING_##code,
#include "daemon/config/settings.def"
#undef X
    SETTING_COUNT
};

enum setting_kind {
    SETTING_PATH,
    SETTING_ADDRESS,
    SETTING_NUMBER,
    SETTING_POWER,
    SETTING_CHOICE,
    SETTING_CIDRS,
    SETTING_PORTS
};

struct setting_spec {
    const char *section;
    const char *key;
    const char *flag; /* without "--"; NULL = none */
    enum setting_kind kind;
    const char *argument;
    const char *fallback;
    uint64_t min, max;
    const char *help;
};

enum setting_origin { ORIGIN_DEFAULT, ORIGIN_FILE, ORIGIN_ENVIRONMENT, ORIGIN_FLAG };

struct setting_value {
    char *text;      /* malloc'd, as given */
    uint64_t number; /* NUMBER, POWER; CHOICE: index of the word */
    enum setting_origin origin;
    uint32_t line; /* ORIGIN_FILE */
};

struct settings {
    struct setting_value values[SETTING_COUNT];
    const char *path;       /* of the file, NULL = none; the caller's */
    struct buffer problems; /* lines for standard error */
    uint32_t problems_count;
    uint32_t usage_problems_count; /* those of them that are about flags */
};

const struct setting_spec *setting_spec(enum setting setting);

void settings_init(struct settings *settings); /* to the defaults */
void settings_fini(struct settings *settings);

/* Each adds its problems to settings->problems. */
void settings_read_file(struct settings *settings, const char *path);
void settings_read_environment(struct settings *settings, char *const *environment);
void settings_set(struct settings *settings, enum setting setting, const char *text,
                  enum setting_origin origin, uint32_t line);
void settings_check(struct settings *settings); /* what concerns several, and what is required */
void settings_problem(struct settings *settings, enum setting_origin origin, const char *format,
                      ...) __attribute__((format(printf, 3, 4)));

uint64_t settings_number(const struct settings *settings, enum setting setting);
/* Of a setting whose maximum fits. */
uint32_t settings_number32(const struct settings *settings, enum setting setting);
struct socket_address settings_address(const struct settings *settings, enum setting setting);
const char *settings_text(const struct settings *settings, enum setting setting);

/* The effective settings as a file that can be read back, each with its origin. */
void settings_dump(const struct settings *settings, struct buffer *out);

/* The name of `names` nearest to what was written, or NULL when none is near. */
const char *settings_nearest(const char *written, const char *const *names, uint32_t names_count);

#endif
