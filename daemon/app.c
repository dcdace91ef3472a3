/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Start: log, replay, HTTP, then READY. Stop: HTTP refuses new connections, the core finishes its
 * requests and stores the digest, HTTP sends the last answers. A failed log ends the process at
 * once and drops the connections: what was not acknowledged may be durable, and the next start
 * finds out.
 */
#include "daemon/app.h"

#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sysexits.h>
#include <unistd.h>

#include "daemon/access/access.h"
#include "daemon/access/audit.h"
#include "daemon/app_options.h"
#include "daemon/backup/backups.h"
#include "daemon/logger/logger.h"
#include "daemon/logger/notify.h"
#include "daemon/port_file.h"
#include "daemon/reload.h"
#include "daemon/upkeep.h"

#define SIGNALS_COUNT 4
#define REPLAY_NOTIFY_NS ((uint64_t)1000000000)
#define REPLAY_EXTEND_US 30000000 /* the service manager's patience after each sign of life */
#define DESCRIPTORS_SPARE 1024    /* beside the connections: files, and webhooks' own */

struct app {
    const struct arguments *arguments;
    struct settings *settings;
    uv_loop_t loop;
    uv_signal_t signals[SIGNALS_COUNT];
    struct command_log *log;
    struct core *core;
    struct http_server *http;
    struct snapshot_keeper *snapshots; /* used by the follower */
    struct follower *follower;
    struct simulator *simulator;
    struct access access; /* read before the log, used by HTTP */
    struct webhooks *webhooks;
    struct upkeep upkeep;
    struct backups *backups;
    struct audit *audit;
    struct request report; /* of SIGUSR1 */
    bool is_reporting;
    bool is_stopping;
    bool has_keys;
    bool has_tls;
    uint64_t watchdog_ns; /* between two watchdog signals; 0 = no watchdog */
    uint64_t notified_ns; /* the last sign of life */
};

static const int signal_numbers[SIGNALS_COUNT] = {SIGTERM, SIGINT, SIGHUP, SIGUSR1};

int app_exit_status(int code)
{
    switch (-code) {
    case 0:
    case ECANCELED: /* stopped during the replay */
        return EX_OK;
    case EBADMSG:
    case ERANGE: /* the log has no such moment */
        return EX_DATAERR;
    case EADDRINUSE:
    case EADDRNOTAVAIL:
        return EX_UNAVAILABLE;
    case EINVAL:
        return EX_CONFIG;
    case ENOMEM:
    case EAGAIN:
    case EMFILE:
        return EX_OSERR;
    default:
        return EX_IOERR;
    }
}

/* ---- what the core calls ---- */

static bool stop_is_pending(void)
{
    sigset_t pending;
    return sigpending(&pending) == 0 &&
           (sigismember(&pending, SIGTERM) == 1 || sigismember(&pending, SIGINT) == 1);
}

static bool on_replay(void *user, uint64_t seq, uint64_t last_seq)
{
    struct app *app = user;
    uint64_t now_ns = uv_hrtime();
    if (now_ns - app->notified_ns >= REPLAY_NOTIFY_NS) {
        app->notified_ns = now_ns;
        (void)notify_send("EXTEND_TIMEOUT_USEC=%d\nSTATUS=Replaying: command %" PRIu64
                          " of %" PRIu64,
                          REPLAY_EXTEND_US, seq, last_seq);
        logger_write(LOGGER_INFO, "app", "replaying",
                     LOGGER_FIELDS(logger_uint("seq", seq), logger_uint("of", last_seq)));
    }
    return !stop_is_pending();
}

static void on_tick(void *user)
{
    struct app *app = user;
    uint64_t now_ns = uv_hrtime();
    if (app->watchdog_ns > 0 && now_ns - app->notified_ns >= app->watchdog_ns) {
        app->notified_ns = now_ns;
        (void)notify_send("WATCHDOG=1");
    }
}

static void on_failure(void *user, const char *message)
{
    (void)user;
    (void)notify_send("STATUS=The log failed: %.200s", message);
    _exit(EX_IOERR);
}

static void on_actions(void *user, uint64_t last_ordinal)
{
    struct app *app = user;
    http_server_wake(app->http, last_ordinal);
    webhooks_wake(app->webhooks);
}

/* ---- signals ---- */

static void on_stopped(void *user)
{
    struct app *app = user;
    for (uint32_t i = 0; i < SIGNALS_COUNT; i++) {
        uv_close((uv_handle_t *)&app->signals[i], NULL);
    }
}

static void stop(struct app *app, int number)
{
    if (app->is_stopping) {
        logger_write(LOGGER_WARN, "app", "second signal, stopping at once", NULL);
        _exit(128 + number);
    }
    app->is_stopping = true;
    logger_write(LOGGER_INFO, "app", "stopping",
                 LOGGER_FIELDS(logger_string("signal", strsignal(number))));
    (void)notify_send("STOPPING=1\nSTATUS=Finishing the requests taken");
    http_server_quiesce(app->http);
    core_stop(app->core, on_stopped, app);
}

static void reload(struct app *app)
{
    (void)notify_send("RELOADING=1");
    reload_settings(app->arguments, app->settings);
    reload_access(app->settings, app->http);
    (void)notify_send("READY=1");
}

static void report_query(struct request *request, struct core *core, struct bs_engine *engine)
{
    (void)request;
    char hex[33];
    struct bs_digest digest = bs_engine_digest(engine);
    struct core_stats stats = core_stats_get(core);
    struct bs_usage usage = bs_engine_usage(engine);
    (void)snprintf(hex, sizeof(hex), "%016" PRIx64 "%016" PRIx64, digest.words[0], digest.words[1]);
    logger_write(LOGGER_INFO, "app", "report",
                 LOGGER_FIELDS(logger_uint("seq", stats.applied_seq), logger_string("digest", hex),
                               logger_uint("actions", bs_engine_actions(engine)),
                               logger_uint("accounts", usage.accounts),
                               logger_uint("positions", usage.positions),
                               logger_uint("accepted", stats.commands_accepted),
                               logger_uint("rejected", stats.commands_rejected),
                               logger_uint("queue_depth", stats.queue_depth),
                               logger_uint("overruns", stats.settle_overruns)));
}

static void on_reported(struct request *request)
{
    struct app *app = request->user;
    app->is_reporting = false;
}

/* A query like any other, so that it sees a state between two batches. */
static void report(struct app *app)
{
    if (app->is_reporting) {
        return;
    }
    app->report = (struct request){.query = report_query, .done = on_reported, .user = app};
    app->is_reporting = core_submit(app->core, &app->report);
    if (!app->is_reporting) {
        logger_write(LOGGER_WARN, "app", "no report: the queue is full", NULL);
    }
}

static void on_signal(uv_signal_t *handle, int number)
{
    struct app *app = handle->data;
    if (number == SIGHUP) {
        reload(app);
    } else if (number == SIGUSR1) {
        report(app);
    } else {
        stop(app, number);
    }
}

/* Before any thread starts: threads inherit the mask, so only the loop takes signals. */
static void block_signals(void)
{
    sigset_t set;
    (void)sigemptyset(&set);
    for (uint32_t i = 0; i < SIGNALS_COUNT; i++) {
        (void)sigaddset(&set, signal_numbers[i]);
    }
    (void)pthread_sigmask(SIG_BLOCK, &set, NULL);
    (void)signal(SIGPIPE, SIG_IGN);
}

static void take_signals(struct app *app)
{
    sigset_t set;
    (void)sigemptyset(&set);
    for (uint32_t i = 0; i < SIGNALS_COUNT; i++) {
        (void)uv_signal_init(&app->loop, &app->signals[i]);
        app->signals[i].data = app;
        (void)uv_signal_start(&app->signals[i], on_signal, signal_numbers[i]);
        (void)sigaddset(&set, signal_numbers[i]);
    }
    (void)pthread_sigmask(SIG_UNBLOCK, &set, NULL);
}

/* ---- start ---- */

static void raise_descriptor_limit(const struct settings *settings)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0) {
        return;
    }
    limit.rlim_cur = limit.rlim_max;
    (void)setrlimit(RLIMIT_NOFILE, &limit);
    uint64_t wanted = settings_number(settings, SETTING_HTTP_CONNECTIONS_MAX) + DESCRIPTORS_SPARE;
    if (limit.rlim_max < wanted) {
        logger_write(
            LOGGER_WARN, "app", "too few file descriptors for http.connections_max",
            LOGGER_FIELDS(logger_uint("allowed", limit.rlim_max), logger_uint("wanted", wanted)));
    }
}

/* Reports a failed step of the start and returns the exit status for it. */
static int refuse(const char *what, int code, const char *error)
{
    int status = app_exit_status(code);
    logger_write(status == EX_OK ? LOGGER_INFO : LOGGER_ERROR, "app", what,
                 LOGGER_FIELDS(logger_string("reason", error)));
    (void)notify_send("STATUS=%.300s\nERRNO=%d", error, -code);
    return status;
}

static int open_log(struct app *app)
{
    char error[LOG_ERROR_SIZE];
    const char *directory = settings_text(app->settings, SETTING_STORAGE_DATA);
    int code = app_log_open(app->settings, true, &app->log, error);
    if (code < 0) {
        return refuse("the log cannot be opened", code, error);
    }
    const char *warning = log_filesystem_warning(directory);
    if (warning != NULL) {
        logger_write(LOGGER_WARN, "app", "unsafe filesystem",
                     LOGGER_FIELDS(logger_string("directory", directory),
                                   logger_string("warning", warning)));
    }
    return EX_OK;
}

/* Before the log, which may take minutes to replay, so that a mistake here shows at once. */
static int read_access(struct app *app)
{
    struct buffer problems = {0};
    struct buffer warnings = {0};
    int status = EX_OK;
    const char *path = settings_text(app->settings, SETTING_ACCESS_AUDIT);
    bool good = access_load(app->settings, &app->access, &problems, &warnings);
    if (good && (path[0] != '\0' || app->access.keys != NULL)) {
        app->audit = audit_open(path, &problems);
        good = app->audit != NULL;
    }
    if (!good) {
        logger_write_lines(LOGGER_ERROR, "access", "not started", buffer_string(&problems));
        (void)notify_send("STATUS=%.300s", buffer_string(&problems));
        status = EX_CONFIG;
    }
    logger_write_lines(LOGGER_WARN, "access", INSECURE_CONFIGURATION, buffer_string(&warnings));
    buffer_fini(&problems);
    buffer_fini(&warnings);
    return status;
}

/* Before the core, whose first writes ask it. */
static int watch_disk(struct app *app)
{
    int code = upkeep_watch_disk(&app->upkeep, app->settings);
    return code < 0 ? refuse("the disk cannot be watched", code, strerror(-code)) : EX_OK;
}

static int start_core(struct app *app)
{
    char error[LOG_ERROR_SIZE];
    struct core_options options;
    app_core_options(app->settings, &options);
    options.on_replay = on_replay;
    options.on_tick = on_tick;
    options.disk = app->upkeep.disk;
    options.on_failure = on_failure;
    options.user = app;
    app->notified_ns = uv_hrtime();
    int code = core_new(&app->core, &app->loop, app->log, &options, error);
    return code < 0 ? refuse("not started", code, error) : EX_OK;
}

static int start_upkeep(struct app *app)
{
    int code = upkeep_start(&app->upkeep, app->settings, app->log);
    return code < 0 ? refuse("the data directory cannot be looked after", code, strerror(-code))
                    : EX_OK;
}

static int start_follower(struct app *app)
{
    char error[LOG_ERROR_SIZE];
    struct follower_options options;
    struct snapshot_keeper_options snapshots;
    struct simulator_options simulator;
    app_follower_options(app->settings, &options);
    app_simulator_options(app->settings, &simulator);
    simulator.log = app->log;
    app_snapshot_options(app->settings, &snapshots);
    snapshots.on_two_kept = upkeep_on_snapshot;
    snapshots.user = &app->upkeep;
    int code = snapshot_keeper_new(&app->snapshots, app->core, app->log, &snapshots, error);
    if (code == 0) {
        options.hooks = snapshot_keeper_hooks(app->snapshots);
        code = follower_new(&app->follower, app->core, app->log, &options, error);
    }
    if (code == 0) {
        code = simulator_new(&app->simulator, app->follower, &simulator, error);
    }
    return code < 0 ? refuse("there is no second engine block", code, error) : EX_OK;
}

static int start_webhooks(struct app *app)
{
    char error[LOG_ERROR_SIZE];
    struct webhooks_options options;
    app_webhooks_options(app->settings, &options);
    int code = webhooks_new(&app->webhooks, app->core, app->log, &options, error);
    if (code < 0) {
        return refuse("webhooks cannot be sent", code, error);
    }
    upkeep_watch_webhooks(&app->upkeep, app->webhooks);
    return EX_OK;
}

static int start_backups(struct app *app)
{
    char error[LOG_ERROR_SIZE];
    int code = backups_new(&app->backups, app->log, error);
    return code < 0 ? refuse("backups cannot be made", code, error) : EX_OK;
}

static int start_http(struct app *app)
{
    char error[LOG_ERROR_SIZE];
    struct http_options options = {
        .follower = app->follower,
        .snapshots = app->snapshots,
        .simulator = app->simulator,
        .keys = app->access.keys,
        .tls = app->access.tls,
        .webhooks = app->webhooks,
        .backups = app->backups,
        .retention = app->upkeep.retention,
        .audit = app->audit,
    };
    app->has_keys = options.keys != NULL;
    app->has_tls = options.tls != NULL;
    app->access = (struct access){0}; /* the server's from here on, */
    app->audit = NULL;                /* this too */
    app_http_options(app->settings, &options);
    int code = http_server_new(&app->http, &options, app->core, app->log, error);
    if (code < 0) {
        return refuse("HTTP cannot be served", code, error);
    }
    core_on_actions(app->core, on_actions, app);
    return EX_OK;
}

static int announce(struct app *app)
{
    const struct socket_address *address = http_server_address(app->http);
    uint16_t port = socket_address_port(address);
    int code = port_file_write(settings_text(app->settings, SETTING_HTTP_PORT_FILE), port);
    if (code < 0) {
        (void)refuse("the port file cannot be written", code, strerror(-code));
        return EX_CANTCREAT;
    }
    char text[SOCKET_ADDRESS_TEXT_SIZE];
    socket_address_print(&address->any, text);
    (void)printf("listening on http%s://%s\n", app->has_tls ? "s" : "", text);
    (void)fflush(stdout);
    logger_write(LOGGER_INFO, "app",
                 app->has_keys ? "serving callers with a key"
                               : "serving this machine only: there are no access keys",
                 LOGGER_FIELDS(logger_uint("port", port)));
    uint64_t watchdog_us = notify_watchdog_us();
    app->watchdog_ns = watchdog_us * 1000 / 2;
    if (watchdog_us > 0 &&
        watchdog_us / 2 < settings_number(app->settings, SETTING_CORE_SETTLE_INTERVAL_MS) * 1000) {
        logger_write(LOGGER_WARN, "app", "the watchdog is shorter than two settlement intervals",
                     LOGGER_FIELDS(logger_uint("watchdog_us", watchdog_us)));
    }
    (void)notify_send("READY=1\nSTATUS=Serving %s", text);
    return EX_OK;
}

static int serve(struct app *app)
{
    static int (*const steps[])(struct app *) = {start_upkeep,  start_follower, start_webhooks,
                                                 start_backups, start_http,     announce};
    int status = EX_OK;
    for (size_t i = 0; status == EX_OK && i < sizeof(steps) / sizeof(steps[0]); i++) {
        status = steps[i](app);
    }
    if (status == EX_OK) {
        take_signals(app);
    } else {
        core_stop(app->core, NULL, NULL);
    }
    (void)uv_run(&app->loop, UV_RUN_DEFAULT);
    simulator_stop(app->simulator); /* answers what waits for it */
    follower_stop(app->follower);   /* likewise */
    upkeep_stop(&app->upkeep);
    webhooks_stop(app->webhooks); /* likewise */
    backups_stop(app->backups);   /* likewise */
    http_server_free(app->http);
    backups_free(app->backups);
    webhooks_free(app->webhooks);
    simulator_free(app->simulator);
    follower_free(app->follower);
    snapshot_keeper_free(app->snapshots);
    core_free(app->core);
    return status;
}

int app_run(const struct arguments *arguments, struct settings *settings)
{
    struct app app = {.arguments = arguments, .settings = settings};
    json_object_seed(0); /* random, before a second thread could ask for it */
    block_signals();
    raise_descriptor_limit(settings);
    (void)unlink(settings_text(settings, SETTING_HTTP_PORT_FILE)); /* of an earlier run */
    int code = uv_loop_init(&app.loop);
    if (code < 0) {
        return refuse("not started", code, uv_strerror(code));
    }
    static int (*const steps[])(struct app *) = {read_access, open_log, watch_disk, start_core};
    int status = EX_OK;
    for (size_t i = 0; status == EX_OK && i < sizeof(steps) / sizeof(steps[0]); i++) {
        status = steps[i](&app);
    }
    if (app.core != NULL) {
        status = serve(&app);
    }
    access_fini(&app.access);
    audit_close(app.audit);
    log_close(app.log);
    upkeep_fini(&app.upkeep);
    (void)uv_loop_close(&app.loop);
    if (status == EX_OK) {
        logger_write(LOGGER_INFO, "app", "stopped", NULL);
    }
    return status;
}
