/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Prints docs/metrics.md from the table of metrics. With --check FILE it compares instead: a test
 * keeps the committed page and the table equal.
 */
#include <stdio.h>
#include <stdlib.h>

#include "api/buffer.h"
#include "lib/base/base.h"

static const char introduction[] =
    "<!-- SPDX-License-Identifier: Apache-2.0 -->\n"
    "<!-- Printed by daemon/metrics/metrics_page.c from daemon/metrics/metrics.def: do not edit. "
    "-->\n"
    "# Metrics\n"
    "\n"
    "`GET /metrics` answers in Prometheus text format 0.0.4. Counters and longest times count "
    "from\n"
    "the start of the process.\n"
    "\n"
    "| metric | type | labels | meaning |\n"
    "|---|---|---|---|\n";

static const struct row {
    const char *name, *type, *labels, *help;
} rows[] = {

#define METRIC(name, type, labels, help, put, value) {#name, #type, labels, help},
#include "daemon/metrics/metrics.def"
#undef METRIC
};

#define ROWS_COUNT (sizeof(rows) / sizeof(rows[0]))

static bool begins_family(size_t i)
{
    return i == 0 || strcmp(rows[i].name, rows[i - 1].name) != 0;
}

static void put_family(struct buffer *out, size_t first)
{
    buffer_printf(out, "| `backstopd_%s` | %s | ", rows[first].name, rows[first].type);
    for (size_t i = first; i < ROWS_COUNT && (i == first || !begins_family(i)); i++) {
        const char *comma = i == first ? "" : ", ";
        if (rows[i].labels[0] != '\0') {
            buffer_printf(out, "%s`%s`", comma, rows[i].labels);
        }
    }
    buffer_printf(out, " | %s |\n", rows[first].help);
}

/* Whether a file holds exactly these bytes. */
static bool same(const char *path, const struct buffer *expected)
{
    FILE *file = fopen(path, "rb");
    if (file == NULL) {
        perror(path);
        return false;
    }
    struct buffer actual = {0};
    buffer_reserve(&actual, expected->size + 1);
    actual.size = fread(actual.bytes, 1, expected->size + 1, file);
    bool equal = ferror(file) == 0 && actual.size == expected->size &&
                 memcmp(actual.bytes, expected->bytes, actual.size) == 0;
    buffer_fini(&actual);
    (void)fclose(file);
    return equal;
}

int main(int argc, char **argv)
{
    bool check = argc == 3 && strcmp(argv[1], "--check") == 0;
    if (argc != 1 && !check) {
        (void)fprintf(stderr, "usage: metrics_page [--check FILE]\n");
        return 64;
    }
    struct buffer out = {0};
    buffer_text(&out, introduction);
    for (size_t i = 0; i < ROWS_COUNT; i++) {
        if (begins_family(i)) {
            put_family(&out, i);
        }
    }
    bool good = check ? same(argv[2], &out) : fwrite(out.bytes, 1, out.size, stdout) == out.size;
    if (!good && check) {
        (void)fprintf(stderr, "%s differs from metrics.def: write it again with metrics_page\n",
                      argv[2]);
    }
    buffer_fini(&out);
    return good ? EXIT_SUCCESS : EXIT_FAILURE;
}
