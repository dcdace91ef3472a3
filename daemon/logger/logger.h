/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Structured log lines to standard error, one write per line, from any thread:
 *
 *     2025-10-10T21:16:04.831Z info core replayed records=1200 seconds=0.4
 *     {"time":"...","level":"info","component":"core","message":"replayed","records":1200}
 *
 * A line that repeats (same component and message) more than LOGGER_BURST times in
 * LOGGER_WINDOW_MS is held back; the next one let through says how many were. The level and format
 * belong to the process, as standard error does.
 */
#ifndef LOGGER_H
#define LOGGER_H

#include "lib/base/base.h"

#define LOGGER_BURST 10
#define LOGGER_WINDOW_MS 10000
#define LOGGER_LINE_SIZE_MAX 2048 /* a longer line is cut and ends in "..." */

enum logger_level { LOGGER_DEBUG, LOGGER_INFO, LOGGER_WARN, LOGGER_ERROR, LOGGER_LEVEL_COUNT };

enum logger_format { LOGGER_TEXT, LOGGER_JSON, LOGGER_FORMAT_COUNT };

enum logger_kind { LOGGER_FIELDS_END, LOGGER_KIND_TEXT, LOGGER_KIND_UINT, LOGGER_KIND_INT };

struct logger_field {
    const char *key;
    enum logger_kind kind;
    struct bs_text text;
    uint64_t number; /* the two's complement of a negative LOGGER_KIND_INT */
};

static inline struct logger_field logger_text(const char *key, struct bs_text value)
{
    return (struct logger_field){.key = key, .kind = LOGGER_KIND_TEXT, .text = value};
}

static inline struct logger_field logger_string(const char *key, const char *value)
{
    return logger_text(key, (struct bs_text){value, (uint32_t)strlen(value)});
}

static inline struct logger_field logger_uint(const char *key, uint64_t value)
{
    return (struct logger_field){.key = key, .kind = LOGGER_KIND_UINT, .number = value};
}

static inline struct logger_field logger_int(const char *key, int64_t value)
{
    return (struct logger_field){.key = key, .kind = LOGGER_KIND_INT, .number = (uint64_t)value};
}

/* The fields of a line: LOGGER_FIELDS(logger_uint("seq", 7), logger_string("pool", "usdc")). */
#define LOGGER_FIELDS(...) ((const struct logger_field[]){__VA_ARGS__, {.kind = LOGGER_FIELDS_END}})

void logger_set_level(enum logger_level level);
void logger_set_format(enum logger_format format);
/* `component` and `message` are constant texts; `fields` may be NULL. Keeps errno. */
void logger_write(enum logger_level level, const char *component, const char *message,
                  const struct logger_field *fields);

/* One line of log for each line of `text`, as its field "what"; `text` may be NULL. */
void logger_write_lines(enum logger_level level, const char *component, const char *message,
                        const char *text);

const char *logger_level_name(uint32_t level);   /* NULL past the end */
const char *logger_format_name(uint32_t format); /* NULL past the end */

#endif
