/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Prints docs/metrics.md from the table of metrics. With --check FILE it compares instead: a test
 * keeps the committed page and the table equal.
 */
#include "api/page_main.h"

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

static void print(struct buffer *out)
{
    buffer_text(out, introduction);
    for (size_t i = 0; i < ROWS_COUNT; i++) {
        if (begins_family(i)) {
            put_family(out, i);
        }
    }
}

int main(int argc, char **argv)
{
    const struct page metrics = {"metrics_page", "daemon/metrics/metrics.def", print};
    return page_main(&metrics, argc, argv);
}
