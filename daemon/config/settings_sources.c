/* SPDX-License-Identifier: Apache-2.0 */
/* Settings from an INI file and from the environment. */
#include <ctype.h>
#include <errno.h>
#include <ini.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "daemon/config/settings.h"

#define ENVIRONMENT_PREFIX "BACKSTOPD_"
#define NAME_SIZE_MAX 64
#define SUGGESTION_SIZE (NAME_SIZE_MAX + 32)

struct source {
    struct settings *settings;
    FILE *file;
    uint32_t line;
};

static enum setting find(const char *section, const char *key)
{
    for (enum setting setting = 0; setting < SETTING_COUNT; setting++) {
        const struct setting_spec *spec = setting_spec(setting);
        if (strcmp(spec->section, section) == 0 && strcmp(spec->key, key) == 0) {
            return setting;
        }
    }
    return SETTING_COUNT;
}

static bool is_section(const char *section)
{
    for (enum setting setting = 0; setting < SETTING_COUNT; setting++) {
        if (strcmp(setting_spec(setting)->section, section) == 0) {
            return true;
        }
    }
    return false;
}

/* "; did you mean section.key?", or nothing when no setting is near. */
static void suggest(const char *section, const char *key, char ret_text[SUGGESTION_SIZE])
{
    char names[SETTING_COUNT][NAME_SIZE_MAX];
    const char *pointers[SETTING_COUNT];
    char written[2 * NAME_SIZE_MAX];
    for (enum setting setting = 0; setting < SETTING_COUNT; setting++) {
        const struct setting_spec *spec = setting_spec(setting);
        (void)snprintf(names[setting], NAME_SIZE_MAX, "%s.%s", spec->section, spec->key);
        pointers[setting] = names[setting];
    }
    (void)snprintf(written, sizeof(written), "%s.%s", section, key);
    const char *nearest = settings_nearest(written, pointers, SETTING_COUNT);
    ret_text[0] = '\0';
    if (nearest != NULL) {
        (void)snprintf(ret_text, SUGGESTION_SIZE, "; did you mean %s?", nearest);
    }
}

static void problem_unknown(struct source *source, const char *section, const char *key)
{
    char suggestion[SUGGESTION_SIZE];
    const char *what = is_section(section) ? "is not a setting" : "is in an unknown section";
    suggest(section, key, suggestion);
    if (section[0] == '\0') {
        what = "comes before any [section]";
    }
    settings_problem(source->settings, ORIGIN_FILE, "%s:%" PRIu32 ": %s%s%s %s%s",
                     source->settings->path, source->line, section, section[0] == '\0' ? "" : ".",
                     key, what, suggestion);
}

/* libinih's callback. Problems are gathered, so it always continues. */
static int on_pair(void *user, const char *section, const char *key, const char *value)
{
    struct source *source = user;
    struct settings *settings = source->settings;
    enum setting setting = find(section, key);
    if (setting == SETTING_COUNT) {
        problem_unknown(source, section, key);
    } else if (settings->values[setting].origin == ORIGIN_FILE) {
        settings_problem(
            settings, ORIGIN_FILE, "%s:%" PRIu32 ": %s.%s is set twice, first in line %" PRIu32,
            settings->path, source->line, section, key, settings->values[setting].line);
    } else {
        settings_set(settings, setting, value, ORIGIN_FILE, source->line);
    }
    return 1;
}

static void check_line(struct source *source, const char *line)
{
    bool is_comment = line[0] == ';' || line[0] == '#' || line[0] == '\0';
    bool is_section = line[0] == '[' && strchr(line, ']') != NULL;
    bool is_pair = line[0] != '[' && strpbrk(line, "=:") != NULL;
    if (!is_comment && !is_section && !is_pair) {
        settings_problem(source->settings, ORIGIN_FILE,
                         "%s:%" PRIu32 ": neither a [section], a \"key = value\" nor a comment",
                         source->settings->path, source->line);
    }
}

/*
 * libinih's reader: one line without its indentation, which would make it a continuation of the
 * line before. It reports no line numbers and cuts long lines silently, so both are handled here.
 */
static char *read_line(char *line, int size, void *user)
{
    struct source *source = user;
    if (fgets(line, size, source->file) == NULL) {
        return NULL;
    }
    source->line++;
    size_t length = strlen(line);
    if (length > 0 && line[length - 1] != '\n' && !feof(source->file)) {
        settings_problem(source->settings, ORIGIN_FILE,
                         "%s:%" PRIu32 ": the line is longer than %d bytes", source->settings->path,
                         source->line, size - 2);
        int next = fgetc(source->file);
        while (next != '\n' && next != EOF) {
            next = fgetc(source->file);
        }
    }
    char *start = line;
    while (isspace((unsigned char)*start)) {
        start++;
    }
    memmove(line, start, strlen(start) + 1);
    check_line(source, strncmp(line, "\xef\xbb\xbf", 3) == 0 ? line + 3 : line);
    return line;
}

void settings_read_file(struct settings *settings, const char *path)
{
    settings->path = path;
    struct source source = {.settings = settings, .file = fopen(path, "re")};
    if (source.file == NULL) {
        settings_problem(settings, ORIGIN_FILE, "%s: %s", path, strerror(errno));
        return;
    }
    uint32_t problems_before = settings->problems_count;
    int result = ini_parse_stream(read_line, &source, on_pair, &source);
    if (ferror(source.file) != 0) {
        settings_problem(settings, ORIGIN_FILE, "%s: cannot be read", path);
    } else if (result != 0 && settings->problems_count == problems_before) {
        settings_problem(settings, ORIGIN_FILE, "%s:%d: not understood", path, result);
    }
    (void)fclose(source.file);
}

/* BACKSTOPD_HTTP_LISTEN -> "http", "listen": the first word is the section. */
static bool split_name(const char *name, size_t size, char section[NAME_SIZE_MAX],
                       char key[NAME_SIZE_MAX])
{
    size_t section_size = strcspn(name, "_");
    if (section_size >= size || size >= NAME_SIZE_MAX) {
        return false;
    }
    for (size_t i = 0; i < size; i++) {
        char lower = (char)tolower((unsigned char)name[i]);
        if (i < section_size) {
            section[i] = lower;
        } else if (i > section_size) {
            key[i - section_size - 1] = lower;
        }
    }
    section[section_size] = '\0';
    key[size - section_size - 1] = '\0';
    return true;
}

/*
 * A variable of an unknown section belongs to another program: Kubernetes sets BACKSTOPD_PORT and
 * BACKSTOPD_SERVICE_HOST beside a service called backstopd. An unknown key of a section is a
 * mistake.
 */
static void read_variable(struct settings *settings, const char *variable)
{
    const char *name = variable + strlen(ENVIRONMENT_PREFIX);
    const char *equals = strchr(name, '=');
    char section[NAME_SIZE_MAX];
    char key[NAME_SIZE_MAX];
    if (equals == NULL || !split_name(name, (size_t)(equals - name), section, key) ||
        !is_section(section)) {
        return;
    }
    enum setting setting = find(section, key);
    if (setting < SETTING_COUNT) {
        settings_set(settings, setting, equals + 1, ORIGIN_ENVIRONMENT, 0);
        return;
    }
    char suggestion[SUGGESTION_SIZE];
    suggest(section, key, suggestion);
    settings_problem(settings, ORIGIN_ENVIRONMENT, "%.*s: %s.%s is not a setting%s",
                     (int)(equals - variable), variable, section, key, suggestion);
}

void settings_read_environment(struct settings *settings, char *const *environment)
{
    for (; *environment != NULL; environment++) {
        if (strncmp(*environment, ENVIRONMENT_PREFIX, strlen(ENVIRONMENT_PREFIX)) == 0) {
            read_variable(settings, *environment);
        }
    }
}
