/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/metrics/metrics.h"

#include <dirent.h>
#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "daemon/simulation/simulator.h"
#include "daemon/webhooks/webhooks.h"

#define HTTP_STATUS_MIN 100
#define HTTP_STATUS_MAX 599
#define NS_PER_S 1000000000u

/* The HTTP server has several threads and outlives no process: counters of the process. */
static _Atomic uint64_t http_requests[HTTP_STATUS_MAX - HTTP_STATUS_MIN + 1];

void metrics_http_request(int status)
{
    int known = status < HTTP_STATUS_MIN || status > HTTP_STATUS_MAX ? 500 : status;
    (void)atomic_fetch_add_explicit(&http_requests[known - HTTP_STATUS_MIN], 1,
                                    memory_order_relaxed);
}

static void head(struct buffer *out, const char *name, const char *type, const char *help)
{
    buffer_printf(out, "# HELP backstopd_%s %s\n# TYPE backstopd_%s %s\n", name, help, name, type);
}

static void counter(struct buffer *out, const char *name, uint64_t value, const char *help)
{
    head(out, name, "counter", help);
    buffer_printf(out, "backstopd_%s %" PRIu64 "\n", name, value);
}

static void gauge(struct buffer *out, const char *name, uint64_t value, const char *help)
{
    head(out, name, "gauge", help);
    buffer_printf(out, "backstopd_%s %" PRIu64 "\n", name, value);
}

/* Nanoseconds as decimal seconds, exactly. */
static void seconds(struct buffer *out, const char *name, const char *type, uint64_t ns,
                    const char *help)
{
    head(out, name, type, help);
    buffer_printf(out, "backstopd_%s %" PRIu64 ".%09" PRIu64 "\n", name, ns / NS_PER_S,
                  ns % NS_PER_S);
}

struct histogram {
    const uint32_t *bounds_ms;
    uint32_t bounds_count;
    const uint64_t *counts; /* one more than bounds */
    uint64_t total_ns;
};

/* Cumulative buckets, as Prometheus wants them. */
static void render_histogram(struct buffer *out, const char *name, const char *help,
                             const struct histogram *histogram)
{
    uint64_t count = 0;
    head(out, name, "histogram", help);
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

static void render_lag(struct buffer *out, const struct core_stats *stats)
{
    static const uint32_t bounds_ms[CORE_LAG_BUCKETS - 1] = CORE_LAG_BOUNDS;
    struct histogram lag = {bounds_ms, CORE_LAG_BUCKETS - 1, stats->settle_lags,
                            stats->settle_lag_ns_total};
    render_histogram(
        out, "settle_lag_seconds",
        "From when a tick of the settlement timer was due to when its settlement was done.", &lag);
}

static void render_core(struct buffer *out, const struct core *core)
{
    struct core_stats stats = core_stats_get(core);
    head(out, "commands_total", "counter", "Commands answered, by result.");
    buffer_printf(out, "backstopd_commands_total{result=\"accepted\"} %" PRIu64 "\n",
                  stats.commands_accepted);
    buffer_printf(out, "backstopd_commands_total{result=\"rejected\"} %" PRIu64 "\n",
                  stats.commands_rejected);
    gauge(out, "applied_seq", stats.applied_seq, "Sequence of the last command executed.");
    seconds(out, "step_seconds_total", "counter", stats.step_ns_total,
            "Time spent executing durable commands and answering them.");
    counter(out, "settlements_total", stats.settlements, "Settlements that did something.");
    counter(out, "settlement_overrun_total", stats.settle_overruns,
            "Ticks of the settlement timer that were missed or came before the last was done.");
    counter(out, "actions_total", stats.actions, "Actions published.");
    gauge(out, "pools_halted", stats.halted_pools,
          "Pools halted because a settlement plan failed its own check.");
    gauge(out, "queue_depth", stats.queue_depth, "Requests waiting for the core loop.");
    counter(out, "queue_rejected_total", stats.queue_full,
            "Requests refused because the queue was full or closed.");
    seconds(out, "loop_lag_seconds_max", "gauge", stats.loop_lag_ns_max,
            "Longest delay of a tick of the settlement timer since the start.");
    render_lag(out, &stats);
}

static void render_log(struct buffer *out, const struct command_log *log)
{
    struct log_stats stats = log_stats_get(log);
    counter(out, "log_commits_total", stats.commits, "Durable commits.");
    counter(out, "log_records_total", stats.records, "Command records made durable.");
    counter(out, "log_bytes_total", stats.bytes, "Bytes made durable.");
    seconds(out, "log_commit_seconds_total", "counter", stats.commit_ns_total,
            "Time spent in commits.");
    seconds(out, "log_commit_seconds_max", "gauge", stats.commit_ns_max,
            "Longest commit since the start.");
}

static void render_simulations(struct buffer *out)
{
    struct simulator_stats stats = simulator_stats_get();
    head(out, "simulations_total", "counter", "Simulations and comparisons, by result.");

    const struct {
        const char *result;
        uint64_t count;
    } rows[] = {{"answered", stats.answered},
                {"refused", stats.refused},
                {"timed_out", stats.timed_out},
                {"overloaded", stats.overloaded}};

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        buffer_printf(out, "backstopd_simulations_total{result=\"%s\"} %" PRIu64 "\n",
                      rows[i].result, rows[i].count);
    }
    seconds(out, "simulation_seconds_total", "counter", stats.run_ns_total,
            "Time spent in simulations and comparisons.");
    seconds(out, "simulation_seconds_max", "gauge", stats.run_ns_max,
            "Longest of them since the start.");
    gauge(out, "shadow_seq", stats.shadow_seq,
          "Sequence that the second engine block has followed the log to; 0 without one.");
    counter(out, "shadow_checks_total", stats.checks,
            "Comparisons of the second block's digest with the live one's.");
    counter(out, "shadow_mismatches_total", stats.mismatches,
            "Self-checks that found a difference; must be 0.");
}

static uint64_t age_ms(int64_t time_ms)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_REALTIME, &now);
    int64_t age = (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000 - time_ms;
    return time_ms == 0 || age < 0 ? 0 : (uint64_t)age;
}

static void render_latency(struct buffer *out, const struct webhooks_stats *stats)
{
    static const uint32_t bounds_ms[WEBHOOKS_LATENCY_BUCKETS - 1] = WEBHOOKS_LATENCY_BOUNDS;
    struct histogram latency = {bounds_ms, WEBHOOKS_LATENCY_BUCKETS - 1, stats->latencies,
                                stats->latency_ms_total * (NS_PER_S / 1000)};
    render_histogram(out, "webhook_latency_seconds",
                     "From the time of an action to the answer of a receiver that took its notice.",
                     &latency);
}

static void render_webhooks(struct buffer *out)
{
    struct webhooks_stats stats = webhooks_stats_get();

    const struct {
        const char *result;
        uint64_t count;
    } rows[] = {{"delivered", stats.delivered},
                {"failed", stats.failed},
                {"unanswered", stats.unanswered},
                {"refused", stats.refused}};

    head(out, "webhook_attempts_total", "counter",
         "Requests to receivers: taken, answered otherwise, not answered, address refused.");
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        buffer_printf(out, "backstopd_webhook_attempts_total{result=\"%s\"} %" PRIu64 "\n",
                      rows[i].result, rows[i].count);
    }
    head(out, "webhook_endpoints", "gauge", "Webhook endpoints, by state.");
    buffer_printf(out, "backstopd_webhook_endpoints{state=\"enabled\"} %" PRIu64 "\n",
                  stats.endpoints - stats.endpoints_disabled);
    buffer_printf(out, "backstopd_webhook_endpoints{state=\"disabled\"} %" PRIu64 "\n",
                  stats.endpoints_disabled);
    counter(out, "webhook_endpoints_disabled_total", stats.disabled_total,
            "Endpoints disabled because their receiver was gone or kept failing.");
    gauge(out, "webhook_queue_depth", stats.queue_depth,
          "Actions that enabled endpoints have not been through yet, summed over them.");
    seconds(out, "webhook_oldest_undelivered_seconds", "gauge",
            age_ms(stats.oldest_time_ms) * (NS_PER_S / 1000),
            "Age of the oldest notice that waits for an enabled endpoint.");
    counter(out, "webhook_save_failures_total", stats.save_failures,
            "Times that the state of webhooks could not be saved.");
    render_latency(out, &stats);
}

static void render_http(struct buffer *out)
{
    head(out, "http_requests_total", "counter", "HTTP requests answered, by status.");
    for (int status = HTTP_STATUS_MIN; status <= HTTP_STATUS_MAX; status++) {
        uint64_t count =
            atomic_load_explicit(&http_requests[status - HTTP_STATUS_MIN], memory_order_relaxed);
        if (count > 0) {
            buffer_printf(out, "backstopd_http_requests_total{code=\"%d\"} %" PRIu64 "\n", status,
                          count);
        }
    }
}

static void render_usage(struct buffer *out, const struct bs_config *config,
                         const struct bs_engine *engine)
{
    struct bs_usage usage = bs_engine_usage(engine);
    gauge(out, "pools", usage.pools, "Pools held.");
    gauge(out, "pools_capacity", config->pools_max, "Pools that fit.");
    gauge(out, "markets", usage.markets, "Markets held.");
    gauge(out, "markets_capacity", config->markets_max, "Markets that fit.");
    gauge(out, "accounts", usage.accounts, "Accounts held.");
    gauge(out, "accounts_capacity", config->accounts_max, "Accounts that fit.");
    gauge(out, "positions", usage.positions, "Positions held.");
    gauge(out, "positions_capacity", config->positions_max, "Positions that fit.");
}

static void label(struct buffer *out, struct bs_text text)
{
    for (uint32_t i = 0; i < text.size; i++) {
        if (text.bytes[i] == '\\' || text.bytes[i] == '"') {
            buffer_append(out, "\\", 1);
        }
        buffer_append(out, text.bytes + i, 1); /* names hold no control characters */
    }
}

typedef struct bs_wide (*amount_fn)(const struct bs_pool_view *view);

static struct bs_wide fund_collateral(const struct bs_pool_view *view)
{
    return view->fund_collateral;
}

static struct bs_wide fund_equity(const struct bs_pool_view *view)
{
    return view->fund_equity;
}

static struct bs_wide unallocated_deficit(const struct bs_pool_view *view)
{
    return view->unallocated_deficit;
}

/* A family of samples stands together, so the pools are walked once for each. */
static void render_pools(struct buffer *out, const struct bs_engine *engine, const char *name,
                         amount_fn amount_of)
{
    struct bs_pool_view view = {0};
    for (uint32_t pool = bs_pool_after(engine, view.pool); pool != 0;
         pool = bs_pool_after(engine, view.pool)) {
        char amount[BS_DECIMAL_TEXT_MAX];
        bs_pool_view_get(engine, pool, &view);
        (void)bs_wide_print(amount_of(&view), amount);
        buffer_printf(out, "backstopd_%s{pool=\"", name);
        label(out, view.pool);
        buffer_text(out, "\",asset=\"");
        label(out, view.asset);
        buffer_printf(out, "\"} %s\n", amount);
    }
}

static void render_funds(struct buffer *out, const struct bs_engine *engine)
{
    head(out, "fund_collateral", "gauge", "Cash of the insurance fund, in the pool's asset.");
    render_pools(out, engine, "fund_collateral", fund_collateral);
    head(out, "fund_equity", "gauge", "Equity of the insurance fund, in the pool's asset.");
    render_pools(out, engine, "fund_equity", fund_equity);
    head(out, "unallocated_deficit", "gauge", "Losses nobody could pay; must be 0.");
    render_pools(out, engine, "unallocated_deficit", unallocated_deficit);
}

static uint64_t resident_bytes(void)
{
    FILE *file = fopen("/proc/self/statm", "re");
    if (file == NULL) {
        return 0;
    }
    uint64_t pages = 0;
    int fields_count = fscanf(file, "%*u %" SCNu64, &pages);
    (void)fclose(file);
    return fields_count == 1 ? pages * (uint64_t)sysconf(_SC_PAGESIZE) : 0;
}

static uint64_t open_descriptors(void)
{
    DIR *directory = opendir("/proc/self/fd");
    if (directory == NULL) {
        return 0;
    }
    uint64_t count = 0;
    while (readdir(directory) != NULL) {
        count++;
    }
    (void)closedir(directory);
    return count - 3; /* ".", ".." and the directory itself */
}

/* Field 22 of /proc/self/stat: clock ticks from the boot to the start of the process. */
static uint64_t start_ticks(void)
{
    char text[1024];
    FILE *file = fopen("/proc/self/stat", "re");
    if (file == NULL) {
        return 0;
    }
    size_t size = fread(text, 1, sizeof(text) - 1, file);
    (void)fclose(file);
    text[size] = '\0';
    const char *field = strrchr(text, ')'); /* the end of field 2, which may hold anything */
    for (uint32_t i = 2; field != NULL && i < 22; i++) {
        field = strchr(field + 1, ' ');
    }
    return field == NULL ? 0 : strtoull(field, NULL, 10);
}

/* Read once: a clock that is set later must not look like a restart. */
static uint64_t start_time_s(void)
{
    static uint64_t start_s;
    if (start_s == 0) {
        struct timespec wall;
        struct timespec since_boot;
        (void)clock_gettime(CLOCK_REALTIME, &wall);
        (void)clock_gettime(CLOCK_BOOTTIME, &since_boot);
        uint64_t started_s = start_ticks() / (uint64_t)sysconf(_SC_CLK_TCK);
        start_s = (uint64_t)wall.tv_sec - ((uint64_t)since_boot.tv_sec - started_s);
    }
    return start_s;
}

static void render_process(struct buffer *out)
{
    gauge(out, "process_resident_memory_bytes", resident_bytes(), "Memory resident.");
    gauge(out, "process_open_fds", open_descriptors(), "File descriptors open.");
    gauge(out, "process_start_time_seconds", start_time_s(), "Start of the process, Unix time.");
}

void metrics_render(struct buffer *out, const struct core *core, struct bs_engine *engine)
{
    head(out, "build_info", "gauge", "The version that runs; always 1.");
    buffer_printf(out, "backstopd_build_info{version=\"%s\"} 1\n", BACKSTOP_VERSION);
    render_core(out, core);
    render_log(out, core_log(core));
    render_http(out);
    render_simulations(out);
    render_webhooks(out);
    render_usage(out, &core_options_get(core)->engine, engine);
    render_funds(out, engine);
    render_process(out);
}

void metrics_query(struct request *request, struct core *core, struct bs_engine *engine)
{
    metrics_render(&request->body, core, engine);
    request->status = 200;
    request->content_type = METRICS_CONTENT_TYPE;
}
