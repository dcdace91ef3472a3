/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/config/settings.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "api/text.h"
#include "daemon/config/address.h"

static const struct setting_spec specs[SETTING_COUNT] = {
#define X(code, section, key, flag, kind, argument, fallback, min, max, help)                      \
    {#section, #key, flag, SETTING_##kind, argument, fallback, min, max, help},
#include "daemon/config/settings.def"
#undef X
};

const struct setting_spec *setting_spec(enum setting setting)
{
    assert(setting < SETTING_COUNT);
    return &specs[setting];
}

void settings_problem(struct settings *settings, enum setting_origin origin, const char *format,
                      ...)
{
    char text[SETTINGS_PATH_SIZE_MAX + 512];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    buffer_printf(&settings->problems, "%s\n", text);
    settings->problems_count++;
    settings->usage_problems_count += origin == ORIGIN_FLAG ? 1 : 0;
}

/* "backstopd.conf:7: http.listen", "BACKSTOPD_HTTP_LISTEN" or "--listen". */
static void describe(const struct settings *settings, enum setting setting,
                     enum setting_origin origin, uint32_t line, struct buffer *out)
{
    const struct setting_spec *spec = &specs[setting];
    if (origin == ORIGIN_FLAG) {
        buffer_printf(out, "--%s", spec->flag);
    } else if (origin == ORIGIN_ENVIRONMENT) {
        size_t start = out->size;
        buffer_printf(out, "BACKSTOPD_%s_%s", spec->section, spec->key);
        for (size_t i = start; i < out->size; i++) {
            char c = out->bytes[i];
            out->bytes[i] = (char)(c >= 'a' && c <= 'z' ? c - 'a' + 'A' : c);
        }
    } else if (origin == ORIGIN_FILE) {
        buffer_printf(out, "%s:%" PRIu32 ": %s.%s", settings->path, line, spec->section, spec->key);
    } else {
        buffer_printf(out, "default of %s.%s", spec->section, spec->key);
    }
}

static const char *parse_number(const struct setting_spec *spec, const char *text, uint64_t *number)
{
    if (!text_digits((struct bs_text){text, (uint32_t)strlen(text)}, UINT64_MAX, number)) {
        return "is not a whole number";
    }
    if (*number < spec->min || *number > spec->max) {
        return "is out of range";
    }
    if (spec->kind == SETTING_POWER && (*number & (*number - 1)) != 0) {
        return "is not a power of two";
    }
    return NULL;
}

static const char *parse_choice(const struct setting_spec *spec, const char *text, uint64_t *number)
{
    size_t size = strlen(text);
    uint64_t index = 0;
    const char *word = spec->argument;
    while (true) {
        size_t word_size = strcspn(word, "|");
        if (word_size == size && memcmp(word, text, size) == 0) {
            *number = index;
            return NULL;
        }
        if (word[word_size] == '\0') {
            return "is not one of its choices";
        }
        word += word_size + 1;
        index++;
    }
}

static const char *parse(const struct setting_spec *spec, const char *text, uint64_t *number)
{
    struct address_ranges ranges;
    struct address_ports ports;
    struct socket_address address;
    switch (spec->kind) {
    case SETTING_PATH:
        return strlen(text) < SETTINGS_PATH_SIZE_MAX ? NULL : "is too long";
    case SETTING_ADDRESS:
        return socket_address_parse(&address, text);
    case SETTING_NUMBER:
    case SETTING_POWER:
        return parse_number(spec, text, number);
    case SETTING_CHOICE:
        return parse_choice(spec, text, number);
    case SETTING_CIDRS:
        return address_ranges_parse(&ranges, text)
                   ? NULL
                   : "is not a list of ranges such as 10.1.0.0/16,fd00::/8";
    case SETTING_PORTS:
        return address_ports_parse(&ports, text) ? NULL
                                                 : "is not a list of ports such as 443,9000-9100";
    }
    return "has an unknown kind";
}

static void refuse(struct settings *settings, enum setting setting, const char *text,
                   const struct setting_value *value, const char *problem)
{
    const struct setting_spec *spec = &specs[setting];
    struct buffer where = {0};
    describe(settings, setting, value->origin, value->line, &where);
    if (spec->kind == SETTING_NUMBER || spec->kind == SETTING_POWER) {
        settings_problem(settings, value->origin, "%s: \"%s\" %s (%" PRIu64 " to %" PRIu64 ")",
                         buffer_string(&where), text, problem, spec->min, spec->max);
    } else if (spec->kind == SETTING_CHOICE) {
        settings_problem(settings, value->origin, "%s: \"%s\" %s (%s)", buffer_string(&where), text,
                         problem, spec->argument);
    } else {
        settings_problem(settings, value->origin, "%s: \"%s\" %s", buffer_string(&where), text,
                         problem);
    }
    buffer_fini(&where);
}

void settings_set(struct settings *settings, enum setting setting, const char *text,
                  enum setting_origin origin, uint32_t line)
{
    struct setting_value value = {.origin = origin, .line = line};
    const char *problem = parse(&specs[setting], text, &value.number);
    if (problem != NULL) {
        refuse(settings, setting, text, &value, problem);
        return;
    }
    value.text = strdup(text);
    if (value.text == NULL) {
        settings_problem(settings, origin, "out of memory");
        return;
    }
    free(settings->values[setting].text);
    settings->values[setting] = value;
}

void settings_init(struct settings *settings)
{
    *settings = (struct settings){0};
    for (enum setting setting = 0; setting < SETTING_COUNT; setting++) {
        settings_set(settings, setting, specs[setting].fallback, ORIGIN_DEFAULT, 0);
    }
}

void settings_fini(struct settings *settings)
{
    for (enum setting setting = 0; setting < SETTING_COUNT; setting++) {
        free(settings->values[setting].text);
    }
    buffer_fini(&settings->problems);
    *settings = (struct settings){0};
}

static bool is_set(const struct settings *settings, enum setting setting)
{
    return settings_text(settings, setting)[0] != '\0';
}

/* A named file without its partner, and more than this machine served without keys and TLS. Not
 * usage: the command line may be fine and the file lack something. */
static void check_access(struct settings *settings)
{
    bool has_certificate = is_set(settings, SETTING_TLS_CERTIFICATE);
    bool has_keys = is_set(settings, SETTING_ACCESS_KEYS);
    if (has_certificate != is_set(settings, SETTING_TLS_KEY)) {
        settings_problem(settings, ORIGIN_FILE, "tls.certificate and tls.key are needed together");
    }
    if (is_set(settings, SETTING_TLS_CLIENT_CA) && !(has_certificate && has_keys)) {
        settings_problem(settings, ORIGIN_FILE,
                         "tls.client_ca needs tls.certificate, and access.keys, which says who a "
                         "client certificate stands for");
    }
    struct socket_address address = settings_address(settings, SETTING_HTTP_LISTEN);
    if (!socket_address_is_local(&address) && !(has_certificate && has_keys)) {
        settings_problem(
            settings, ORIGIN_FILE,
            "http.listen: \"%s\" is not 127.0.0.1 or [::1]: other machines are served only with "
            "access.keys%s and with tls.certificate and tls.key%s",
            settings_text(settings, SETTING_HTTP_LISTEN), has_keys ? "" : " (not set)",
            has_certificate ? "" : " (not set)");
    }
}

void settings_check(struct settings *settings)
{
    check_access(settings);
    if (settings_text(settings, SETTING_STORAGE_DATA)[0] == '\0') {
        settings_problem(settings, ORIGIN_FLAG,
                         "storage.data is required: say where the log is kept, with --data DIR");
    }
}

uint64_t settings_number(const struct settings *settings, enum setting setting)
{
    return settings->values[setting].number;
}

struct socket_address settings_address(const struct settings *settings, enum setting setting)
{
    struct socket_address address;
    const char *problem = socket_address_parse(&address, settings->values[setting].text);
    assert(problem == NULL); /* or the text would not have been taken */
    return address;
}

uint32_t settings_number32(const struct settings *settings, enum setting setting)
{
    uint64_t number = settings_number(settings, setting);
    assert(number <= UINT32_MAX);
    return (uint32_t)number;
}

const char *settings_text(const struct settings *settings, enum setting setting)
{
    return settings->values[setting].text;
}

void settings_dump(const struct settings *settings, struct buffer *out)
{
    const char *section = "";
    for (enum setting setting = 0; setting < SETTING_COUNT; setting++) {
        const struct setting_spec *spec = &specs[setting];
        const struct setting_value *value = &settings->values[setting];
        if (strcmp(section, spec->section) != 0) {
            buffer_printf(out, "%s[%s]\n", section[0] == '\0' ? "" : "\n", spec->section);
            section = spec->section;
        }
        buffer_printf(out, "%s = %s ; ", spec->key, value->text);
        if (value->origin == ORIGIN_DEFAULT) {
            buffer_text(out, "default");
        } else {
            describe(settings, setting, value->origin, value->line, out);
        }
        buffer_text(out, "\n");
    }
}
