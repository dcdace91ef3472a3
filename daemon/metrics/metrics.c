/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/metrics/metrics.h"

#include <inttypes.h>

#include "daemon/metrics/process.h"

#define NS_PER_S 1000000000u

struct metric {
    const char *name, *type, *labels, *help;
    void (*put)(struct buffer *out, const struct metrics *m, const struct metric *metric);
    uint64_t value;
};

/* ---- one number ---- */

static void put_sample(struct buffer *out, const struct metric *metric)
{
    bool has_labels = metric->labels[0] != '\0';
    buffer_printf(out, "backstopd_%s%s%s%s ", metric->name, has_labels ? "{" : "", metric->labels,
                  has_labels ? "}" : "");
}

static void put_number(struct buffer *out, const struct metrics *m, const struct metric *metric)
{
    (void)m;
    put_sample(out, metric);
    buffer_printf(out, "%" PRIu64 "\n", metric->value);
}

/* Nanoseconds as decimal seconds, exactly. */
static void put_seconds(struct buffer *out, const struct metrics *m, const struct metric *metric)
{
    (void)m;
    put_sample(out, metric);
    buffer_printf(out, "%" PRIu64 ".%09" PRIu64 "\n", metric->value / NS_PER_S,
                  metric->value % NS_PER_S);
}

/* Parts per million as a fraction. */
static void put_ratio(struct buffer *out, const struct metrics *m, const struct metric *metric)
{
    (void)m;
    put_sample(out, metric);
    buffer_printf(out, "%" PRIu64 ".%06" PRIu64 "\n", metric->value / 1000000,
                  metric->value % 1000000);
}

/* ---- several samples ---- */

static void put_build(struct buffer *out, const struct metrics *m, const struct metric *metric)
{
    (void)m;
    buffer_printf(out, "backstopd_%s{version=\"%s\"} 1\n", metric->name, BACKSTOP_VERSION);
}

static void put_statuses(struct buffer *out, const struct metrics *m, const struct metric *metric)
{
    for (uint32_t i = 0; i < METRICS_STATUSES; i++) {
        if (m->http.requests[i] > 0) {
            buffer_printf(out, "backstopd_%s{code=\"%u\"} %" PRIu64 "\n", metric->name,
                          METRICS_STATUS_MIN + i, m->http.requests[i]);
        }
    }
}

static void put_stream_ends(struct buffer *out, const struct metrics *m,
                            const struct metric *metric)
{
    for (uint32_t i = 0; m->http.stream_ends[i].reason != NULL; i++) {
        buffer_printf(out, "backstopd_%s{reason=\"%s\"} %" PRIu64 "\n", metric->name,
                      m->http.stream_ends[i].reason, m->http.stream_ends[i].count);
    }
}

struct histogram {
    const uint32_t *bounds_ms;
    uint32_t bounds_count;
    const uint64_t *counts; /* one more than bounds */
    uint64_t total_ns;
};

/* Cumulative buckets, as Prometheus wants them. */
static void put_histogram(struct buffer *out, const char *name, const struct histogram *histogram)
{
    uint64_t count = 0;
    for (uint32_t i = 0; i < histogram->bounds_count; i++) {
        uint32_t bound_ms = histogram->bounds_ms[i];
        count += histogram->counts[i];
        buffer_printf(out, "backstopd_%s_bucket{le=\"%u.%03u\"} %" PRIu64 "\n", name,
                      bound_ms / 1000, bound_ms % 1000, count);
    }
    count += histogram->counts[histogram->bounds_count];
    buffer_printf(out, "backstopd_%s_bucket{le=\"+Inf\"} %" PRIu64 "\n", name, count);
    buffer_printf(out, "backstopd_%s_sum %" PRIu64 ".%09" PRIu64 "\n", name,
                  histogram->total_ns / NS_PER_S, histogram->total_ns % NS_PER_S);
    buffer_printf(out, "backstopd_%s_count %" PRIu64 "\n", name, count);
}

static void put_settle_lags(struct buffer *out, const struct metrics *m,
                            const struct metric *metric)
{
    static const uint32_t bounds_ms[CORE_LAG_BUCKETS - 1] = CORE_LAG_BOUNDS;
    struct histogram lags = {bounds_ms, CORE_LAG_BUCKETS - 1, m->core.settle_lags,
                             m->core.settle_lag_ns_total};
    put_histogram(out, metric->name, &lags);
}

static void put_latencies(struct buffer *out, const struct metrics *m, const struct metric *metric)
{
    static const uint32_t bounds_ms[WEBHOOKS_LATENCY_BUCKETS - 1] = WEBHOOKS_LATENCY_BOUNDS;
    struct histogram latencies = {bounds_ms, WEBHOOKS_LATENCY_BUCKETS - 1, m->webhooks.latencies,
                                  m->webhooks.latency_ms_total * (NS_PER_S / 1000)};
    put_histogram(out, metric->name, &latencies);
}

/* ---- one sample a pool ---- */

static void label(struct buffer *out, struct bs_text text)
{
    for (uint32_t i = 0; i < text.size; i++) {
        if (text.bytes[i] == '\\' || text.bytes[i] == '"') {
            buffer_append(out, "\\", 1);
        }
        buffer_append(out, text.bytes + i, 1); /* names hold no control characters */
    }
}

static void put_amount(struct buffer *out, const char *name, const struct bs_pool_view *view,
                       struct bs_wide amount)
{
    char text[BS_DECIMAL_TEXT_MAX];
    (void)bs_wide_print(amount, text);
    buffer_printf(out, "backstopd_%s{pool=\"", name);
    label(out, view->pool);
    buffer_text(out, "\",asset=\"");
    label(out, view->asset);
    buffer_printf(out, "\"} %s\n", text);
}

#define PUT_OF_POOLS(what, member)                                                                 \
    static void put_##what(struct buffer *out, const struct metrics *m,                            \
                           const struct metric *metric)                                            \
    {                                                                                              \
        struct bs_pool_view view = {0};                                                            \
        for (uint32_t pool = bs_pool_after(m->engine, view.pool); pool != 0;                       \
             pool = bs_pool_after(m->engine, view.pool)) {                                         \
            bs_pool_view_get(m->engine, pool, &view);                                              \
            put_amount(out, metric->name, &view, view.member);                                     \
        }                                                                                          \
    }
PUT_OF_POOLS(fund_collateral, fund.collateral)
PUT_OF_POOLS(fund_equity, fund.equity)
PUT_OF_POOLS(unallocated_deficit, unallocated_deficit)
#undef PUT_OF_POOLS

/* ---- the page ---- */

static void put_rows(struct buffer *out, const struct metrics *m)
{
    const struct metric rows[] = {
#define METRIC(name, type, labels, help, put, value) {#name, #type, labels, help, put_##put, value},
#include "daemon/metrics/metrics.def"
#undef METRIC
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const struct metric *row = &rows[i];
        if (i == 0 || strcmp(row->name, rows[i - 1].name) != 0) {
            buffer_printf(out, "# HELP backstopd_%s %s\n# TYPE backstopd_%s %s\n", row->name,
                          row->help, row->name, row->type);
        }
        row->put(out, m, row);
    }
}

void metrics_render(struct buffer *out, struct metrics *metrics, const struct core *core,
                    const struct bs_engine *engine)
{
    assert(core != NULL);
    assert(engine != NULL);
    metrics->core = core_stats_get(core);
    metrics->log = log_stats_get(core_log(core));
    metrics->disk = disk_watch_state(core_options_get(core)->disk);
    metrics->capacity = core_options_get(core)->engine.capacity;
    metrics->usage = bs_engine_usage(engine);
    metrics->engine = engine;
    put_rows(out, metrics);
}
