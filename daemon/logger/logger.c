/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/logger/logger.h"

#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "api/text.h"

#define LOGGER_REPEATS_MAX 256 /* kinds of lines whose repetition is watched; a power of two */

struct line {
    char text[LOGGER_LINE_SIZE_MAX];
    size_t size;
    bool is_cut;
};

/* How often one kind of line came in its window. Kinds that share a slot share its budget. */
struct repeat {
    int64_t window_ms; /* when it opened */
    uint32_t count;
    uint64_t held_back;
};

static const char *const level_names[LOGGER_LEVEL_COUNT] = {"debug", "info", "warn", "error"};
static const char *const format_names[LOGGER_FORMAT_COUNT] = {"text", "json"};

/* Standard error is one per process; so is the count of its lines. */
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static enum logger_level level_min = LOGGER_INFO;
static enum logger_format line_format = LOGGER_TEXT;
static struct repeat repeats[LOGGER_REPEATS_MAX];

const char *logger_level_name(uint32_t level)
{
    return level < LOGGER_LEVEL_COUNT ? level_names[level] : NULL;
}

const char *logger_format_name(uint32_t format)
{
    return format < LOGGER_FORMAT_COUNT ? format_names[format] : NULL;
}

void logger_set_level(enum logger_level level)
{
    (void)pthread_mutex_lock(&mutex);
    level_min = level;
    (void)pthread_mutex_unlock(&mutex);
}

void logger_set_format(enum logger_format format)
{
    (void)pthread_mutex_lock(&mutex);
    line_format = format;
    (void)pthread_mutex_unlock(&mutex);
}

/* Room is kept for the end of the line: "...", a quote, a brace and the newline. */
static void add(struct line *line, const char *bytes, size_t size)
{
    size_t room = sizeof(line->text) - 8 - line->size;
    if (size > room) {
        line->is_cut = true;
        size = room;
    }
    memcpy(line->text + line->size, bytes, size);
    line->size += size;
}

static void add_string(struct line *line, const char *text)
{
    add(line, text, strlen(text));
}

/* A character or an escape is never cut in two. */
static void add_whole(struct line *line, const char *bytes, size_t size)
{
    if (size > sizeof(line->text) - 8 - line->size) {
        line->is_cut = true;
    } else {
        add(line, bytes, size);
    }
}

/* The escapes of JSON serve both formats: a line stays one line, in the order in which it is read,
 * whatever a client sent. */
static void add_quoted(struct line *line, struct bs_text text)
{
    uint32_t size;
    add(line, "\"", 1);
    for (uint32_t i = 0; i < text.size && !line->is_cut; i += size) {
        struct bs_text rest = {text.bytes + i, text.size - i};
        uint32_t character = text_character(rest, &size);
        char escape[TEXT_ESCAPE_SIZE];
        if (character == '"' || character == '\\') {
            escape[0] = '\\';
            escape[1] = (char)character;
            add_whole(line, escape, 2);
        } else if (!text_is_shown(character)) {
            add_whole(line, escape, text_escape(character, escape));
        } else {
            add_whole(line, rest.bytes, size);
        }
    }
    add(line, "\"", 1);
}

static bool is_plain(struct bs_text text)
{
    for (uint32_t i = 0; i < text.size; i++) {
        unsigned char byte = (unsigned char)text.bytes[i];
        if (byte <= ' ' || byte == '"' || byte == '=' || byte == '\\' || byte >= 0x7f) {
            return false;
        }
    }
    return text.size > 0;
}

static void add_number(struct line *line, const struct logger_field *field)
{
    char digits[24];
    int size = field->kind == LOGGER_KIND_INT
                   ? snprintf(digits, sizeof(digits), "%" PRId64, (int64_t)field->number)
                   : snprintf(digits, sizeof(digits), "%" PRIu64, field->number);
    add(line, digits, (size_t)size);
}

static void add_field(struct line *line, const struct logger_field *field)
{
    bool is_json = line_format == LOGGER_JSON;
    add_string(line, is_json ? ",\"" : " ");
    add_string(line, field->key);
    add_string(line, is_json ? "\":" : "=");
    if (field->kind != LOGGER_KIND_TEXT) {
        add_number(line, field);
    } else if (is_json || !is_plain(field->text)) {
        add_quoted(line, field->text);
    } else {
        add(line, field->text.bytes, field->text.size);
    }
}

static void add_time(struct line *line, int64_t now_ms)
{
    time_t seconds = (time_t)(now_ms / 1000);
    struct tm parts;
    char text[40] = "";
    (void)gmtime_r(&seconds, &parts);
    size_t size = strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &parts);
    (void)snprintf(text + size, sizeof(text) - size, ".%03dZ", (int)(now_ms % 1000));
    add_string(line, text);
}

static void add_head(struct line *line, int64_t now_ms, enum logger_level level,
                     const char *component, const char *message)
{
    bool is_json = line_format == LOGGER_JSON;
    add_string(line, is_json ? "{\"time\":\"" : "");
    add_time(line, now_ms);
    add_string(line, is_json ? "\",\"level\":\"" : " ");
    add_string(line, level_names[level]);
    add_string(line, is_json ? "\",\"component\":\"" : " ");
    add_string(line, component);
    add_string(line, is_json ? "\",\"message\":\"" : " ");
    add_string(line, message);
    add_string(line, is_json ? "\"" : "");
}

static void write_line(struct line *line)
{
    line->text[line->size++] = '\n';
    size_t written = 0;
    while (written < line->size) {
        ssize_t size = write(STDERR_FILENO, line->text + written, line->size - written);
        if (size < 0 && errno != EINTR) {
            return; /* there is nowhere to say so */
        }
        written += size > 0 ? (size_t)size : 0;
    }
}

/* A field that does not fit is left out whole, so that a JSON line stays valid. */
static void add_fields(struct line *line, const struct logger_field *fields, uint64_t held_back)
{
    const struct logger_field held = logger_uint("held_back", held_back);
    size_t whole_size = line->size;
    if (held_back > 0) {
        add_field(line, &held);
    }
    for (; fields != NULL && fields->kind != LOGGER_FIELDS_END && !line->is_cut; fields++) {
        whole_size = line->size;
        add_field(line, fields);
    }
    if (line->is_cut && line_format == LOGGER_JSON) {
        line->size = whole_size;
    } else if (line->is_cut) {
        memcpy(line->text + line->size, "...", 3);
        line->size += 3;
    }
    if (line_format == LOGGER_JSON) {
        line->text[line->size++] = '}';
    }
}

/* FNV-1a over what makes two lines the same kind. */
static uint32_t kind_hash(const char *component, const char *message)
{
    uint32_t hash = 2166136261u;
    for (const char *c = component; *c != '\0'; c++) {
        hash = (hash ^ (unsigned char)*c) * 16777619u;
    }
    for (const char *c = message; *c != '\0'; c++) {
        hash = (hash ^ (unsigned char)*c) * 16777619u;
    }
    return hash;
}

/* False: hold it back. *ret_held_back are the lines of the last window that were. */
static bool may_pass(struct repeat *repeat, int64_t now_ms, uint64_t *ret_held_back)
{
    *ret_held_back = 0;
    if (now_ms < repeat->window_ms || now_ms - repeat->window_ms >= LOGGER_WINDOW_MS) {
        *ret_held_back = repeat->held_back;
        *repeat = (struct repeat){.window_ms = now_ms};
    }
    if (repeat->count >= LOGGER_BURST) {
        repeat->held_back++;
        return false;
    }
    repeat->count++;
    return true;
}

void logger_write(enum logger_level level, const char *component, const char *message,
                  const struct logger_field *fields)
{
    int saved_errno = errno;
    struct timespec now;
    (void)clock_gettime(CLOCK_REALTIME, &now);
    int64_t now_ms = (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
    struct repeat *repeat = &repeats[kind_hash(component, message) & (LOGGER_REPEATS_MAX - 1)];
    uint64_t held_back = 0;
    (void)pthread_mutex_lock(&mutex);
    if (level >= level_min && may_pass(repeat, now_ms, &held_back)) {
        struct line line;
        line.size = 0;
        line.is_cut = false;
        add_head(&line, now_ms, level, component, message);
        add_fields(&line, fields, held_back);
        write_line(&line);
    }
    (void)pthread_mutex_unlock(&mutex);
    errno = saved_errno;
}

void logger_write_lines(enum logger_level level, const char *component, const char *message,
                        const char *text)
{
    for (const char *line = text; line != NULL && *line != '\0';) {
        size_t size = strcspn(line, "\n");
        logger_write(level, component, message,
                     LOGGER_FIELDS(logger_text("what", (struct bs_text){line, (uint32_t)size})));
        line += size + (line[size] == '\n' ? 1 : 0);
    }
}
