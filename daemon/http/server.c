/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/http/server.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "daemon/access/audit.h"
#include "daemon/http/connection.h"
#include "daemon/logger/logger.h"
#include "daemon/metrics/process.h"

/* A head has to fit, and bodies are read through it; the library clears it
 * after every request. */
#define CONNECTION_MEMORY_SIZE ((size_t)1 << 15)
#define LISTEN_BACKLOG 1024
#define SEARCH_MS 5 /* of a turn, for streams that search the log */
/* Of the connections, one of 16 but at most 32 are kept free: the library accepts 11 in a turn. */
#define RESERVE_SHARE 16
#define RESERVE_MAX 32
#define LAST_ANSWERS_MS 2000 /* at the end: for answers that are still being sent */

static void set_defaults(struct http_options *options)
{
    struct http_options defaults = {.connections_max = 1024,
                                    .body_size_max = (size_t)16 << 20,
                                    .unread_size_max = (size_t)256 << 20,
                                    .idle_timeout_s = 60,
                                    .header_deadline_ms = 5000,
                                    .body_deadline_ms = 10000,
                                    .answer_deadline_ms = 30000,
                                    .stall_limit_ms = 5000};
#define DEFAULT(field)                                                                             \
    if (options->field == 0) {                                                                     \
        options->field = defaults.field;                                                           \
    }
    DEFAULT(connections_max)
    DEFAULT(body_size_max)
    DEFAULT(unread_size_max)
    DEFAULT(idle_timeout_s)
    DEFAULT(header_deadline_ms)
    DEFAULT(body_deadline_ms)
    DEFAULT(answer_deadline_ms)
    DEFAULT(stall_limit_ms)
#undef DEFAULT
}

/* libmicrohttpd would decode %2F before we split the path and stop at %00. */
static size_t keep_escapes(void *user, struct MHD_Connection *mhd, char *text)
{
    (void)user;
    (void)mhd;
    return strlen(text);
}

__attribute__((format(printf, 2, 0))) static void on_library_message(void *user, const char *format,
                                                                     va_list arguments)
{
    struct http_server *server = user;
    char message[200];
    int size = vsnprintf(message, sizeof message, format, arguments);
    message[strcspn(message, "\n")] = '\0';
    server->library_messages++;
    if (size > 0) {
        logger_write(LOGGER_DEBUG, "http", "libmicrohttpd",
                     LOGGER_FIELDS(logger_string("message", message)));
    }
}

/* [::] listens on IPv4 too, whatever the system's default is. */
static int bind_to(struct http_server *server)
{
    struct socket_address *address = &server->address;
    socklen_t size = socket_address_size(address);
    int one = 1;
    int zero = 0;
    (void)setsockopt(server->listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (address->any.sa_family == AF_INET6) {
        (void)setsockopt(server->listener, IPPROTO_IPV6, IPV6_V6ONLY, &zero, sizeof zero);
    }
    return bind(server->listener, &address->any, size);
}

/* Opens the socket here, so that the operator is told why it cannot be opened. */
static int listen_on(struct http_server *server, char error[LOG_ERROR_SIZE])
{
    struct socket_address *address = &server->address;
    socklen_t size = socket_address_size(address);
    char text[SOCKET_ADDRESS_TEXT_SIZE];
    const char *what = "open a socket for";
    socket_address_print(&address->any, text);
    if (!socket_address_is_local(address) && (server->keys == NULL || server->tls == NULL)) {
        (void)snprintf(error, LOG_ERROR_SIZE,
                       "refusing to listen on %s: without keys and TLS only "
                       "127.0.0.1 and [::1] are served",
                       text);
        return -EACCES;
    }
    server->listener =
        socket(address->any.sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (server->listener < 0) {
        goto err_listen;
    }
    what = "bind";
    if (bind_to(server) != 0) {
        goto err_listen;
    }
    what = "listen on";
    if (listen(server->listener, LISTEN_BACKLOG) != 0 ||
        getsockname(server->listener, &address->any, &size) != 0) {
        goto err_listen;
    }
    return 0;
err_listen:;
    int code = -errno;
    (void)snprintf(error, LOG_ERROR_SIZE, "cannot %s %s: %s", what, text, strerror(-code));
    return code;
}

static int start_library(struct http_server *server, char error[LOG_ERROR_SIZE])
{
    const struct http_options *options = &server->options;
    bool is_tls = server->tls != NULL; /* without it the list of options ends before its own */
    server->daemon = MHD_start_daemon(
        (is_tls ? MHD_USE_TLS : 0) | MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ERROR_LOG,
        0, NULL, NULL, connection_on_request, server, MHD_OPTION_EXTERNAL_LOGGER,
        on_library_message, server, MHD_OPTION_LISTEN_SOCKET, server->listener,
        MHD_OPTION_UNESCAPE_CALLBACK, keep_escapes, NULL, MHD_OPTION_URI_LOG_CALLBACK,
        connection_on_target, NULL, MHD_OPTION_NOTIFY_CONNECTION, connection_on_notify, server,
        MHD_OPTION_NOTIFY_COMPLETED, connection_on_completed, server, MHD_OPTION_CONNECTION_LIMIT,
        (unsigned)options->connections_max, MHD_OPTION_PER_IP_CONNECTION_LIMIT,
        (unsigned)options->per_ip_connections_max, MHD_OPTION_CONNECTION_TIMEOUT,
        (unsigned)options->idle_timeout_s, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
        CONNECTION_MEMORY_SIZE, is_tls ? MHD_OPTION_HTTPS_CERT_CALLBACK : MHD_OPTION_END,
        tls_no_certificate, MHD_OPTION_HTTPS_PRIORITIES, TLS_PRIORITIES, MHD_OPTION_END);
    if (server->daemon == NULL) {
        (void)snprintf(error, LOG_ERROR_SIZE, "libmicrohttpd did not start: %s", strerror(errno));
        return -EIO;
    }
    return 0;
}

void http_server_signal(struct http_server *server)
{
    uint64_t one = 1;
    ssize_t written = write(server->event, &one, sizeof one);
    assert(written == (ssize_t)sizeof one);
}

/* Oldest first, so no connection waits longer than a later one. */
static void take_back_done(struct http_server *server)
{
    struct connection *taken = atomic_exchange(&server->done, NULL);
    struct connection *oldest = NULL;
    while (taken != NULL) {
        struct connection *next = taken->done_next;
        taken->done_next = oldest;
        oldest = taken;
        taken = next;
    }
    while (oldest != NULL) {
        struct connection *next = oldest->done_next;
        MHD_resume_connection(oldest->mhd);
        oldest = next;
    }
}

static void take_keys(struct http_server *server, struct keys *fresh)
{
    if (fresh != NULL) {
        if (server->keys != NULL) {
            keys_inherit(fresh, server->keys);
        }
        keys_free(server->keys);
        server->keys = fresh;
        server->generation++;
    }
}

static void take_tls(struct http_server *server, struct tls *fresh)
{
    if (fresh != NULL) {
        server->tls->next_retired = server->retired_tls;
        server->retired_tls = server->tls;
        server->tls = fresh;
        server->generation++;
    }
}

/*
 * Credentials that no session uses any more. The library is done with them a turn after the last
 * session was closed.
 */
static void free_retired(struct http_server *server)
{
    struct tls **link = &server->retired_tls;
    while (*link != NULL) {
        struct tls *tls = *link;
        if (tls->sessions == 0) {
            *link = tls->next_retired;
            tls_free(tls);
        } else {
            link = &tls->next_retired;
        }
    }
}

static void take_signal(struct http_server *server)
{
    uint64_t signals;
    ssize_t taken = read(server->event, &signals, sizeof signals);
    assert(taken == (ssize_t)sizeof signals);
    take_back_done(server);
    if (atomic_load(&server->quiesced) && !server->waits_ended) {
        (void)MHD_quiesce_daemon(server->daemon);
        (void)shutdown(server->listener, SHUT_RDWR); /* the backlog is refused too */
        server->waits_ended = true;
    }
    uint64_t last_ordinal = atomic_load(&server->last_ordinal);
    take_keys(server, atomic_exchange(&server->fresh_keys, NULL));
    take_tls(server, atomic_exchange(&server->fresh_tls, NULL));
    if (server->audit != NULL && atomic_exchange(&server->reopens_audit, false)) {
        audit_reopen(server->audit);
    }
    if (last_ordinal != server->told_ordinal || server->waits_ended) {
        server->told_ordinal = last_ordinal;
        sweep_tell(&server->sweep);
    }
}

static void turn(struct http_server *server)
{
    struct pollfd fds[3 + SWEEP_LINGERS_MAX];
    MHD_UNSIGNED_LONG_LONG library_ms = 0;
    int64_t timeout_ms = 0;
    nfds_t count = 3 + sweep_poll(&server->sweep, fds + 3, &timeout_ms);
    int epoll = MHD_get_daemon_info(server->daemon, MHD_DAEMON_INFO_EPOLL_FD)->epoll_fd;
    fds[0] = (struct pollfd){.fd = epoll, .events = POLLIN};
    fds[1] = (struct pollfd){.fd = server->event, .events = POLLIN};
    fds[2] = (struct pollfd){.fd = server->handshakes.waiting, .events = POLLIN};
    if (MHD_get_timeout(server->daemon, &library_ms) == MHD_YES &&
        library_ms < (MHD_UNSIGNED_LONG_LONG)timeout_ms) {
        timeout_ms = (int64_t)library_ms;
    }
    if (server->turns_at_once > 0) {
        server->turns_at_once--;
        timeout_ms = 0;
    }
    timeout_ms = server->tells_streams ? 0 : timeout_ms;
    (void)poll(fds, count, (int)timeout_ms);
    if ((fds[1].revents & POLLIN) != 0) {
        take_signal(server);
    }
    free_retired(server);
    server->search_until_ms = sweep_now_ms() + SEARCH_MS;
    if (server->tells_streams) {
        server->tells_streams = false;
        sweep_tell(&server->sweep);
    }
    sweep_run(&server->sweep);
    handshakes_resume(server);
    (void)MHD_run(server->daemon);
    handshakes_suspend(server);
}

/*
 * The HTTP thread. Not the library's own: that one asks epoll for 128 events at a time, and when it
 * gets exactly 128 it asks again before it handles them, waiting up to the idle timeout (0.9.75,
 * MHD_epoll). On our thread it never waits inside.
 */
static void *serve(void *user)
{
    struct http_server *server = user;
    (void)pthread_setname_np(pthread_self(), "bs-http");
    while (!atomic_load(&server->ending)) {
        turn(server);
    }
    int64_t deadline_ms = sweep_now_ms() + LAST_ANSWERS_MS;
    while (server->exchanges > 0 && sweep_now_ms() < deadline_ms) {
        turn(server);
    }
    return NULL;
}

/* Closes what http_server_new opened; the rest is NULL or -1. */
static void close_all(struct http_server *server)
{
    if (server->daemon != NULL) {
        handshakes_resume_all(server);
        (void)MHD_quiesce_daemon(server->daemon); /* or it would close our socket too */
        MHD_stop_daemon(server->daemon);
    }
    sweep_fini(&server->sweep);
    handshakes_fini(&server->handshakes);
    feed_fini(&server->feed);
    log_reads_free(server->log_reads);
    log_reader_close(server->reader);
    keys_free(server->keys);
    keys_free(atomic_load(&server->fresh_keys));
    free_retired(server);
    tls_free(server->tls);
    audit_close(server->audit);
    tls_free(atomic_load(&server->fresh_tls));
    if (server->listener >= 0) {
        (void)close(server->listener);
    }
    if (server->event >= 0) {
        (void)close(server->event);
    }
    free(server);
}

static int start(struct http_server *server, struct command_log *log, char error[LOG_ERROR_SIZE])
{
    int code = listen_on(server, error);
    if (code == 0) {
        code = log_reader_open(&server->reader, log, error);
        server->feed.reader = server->reader;
    }
    if (code == 0) {
        code = log_reads_start(&server->log_reads, log, error);
    }
    if (code == 0) {
        code = start_library(server, error);
    }
    if (code == 0) {
        code = handshakes_init(&server->handshakes);
    }
    if (code != 0) {
        return code;
    }
    server->event = eventfd(0, EFD_CLOEXEC);
    code = server->event < 0 ? -errno : -pthread_create(&server->thread, NULL, serve, server);
    if (code != 0) {
        (void)snprintf(error, LOG_ERROR_SIZE, "cannot start the HTTP thread: %s", strerror(-code));
    }
    return code;
}

static uint32_t places_of(const struct http_options *options)
{
    uint32_t reserve = options->connections_max / RESERVE_SHARE + 1;
    return options->connections_max - (reserve < RESERVE_MAX ? reserve : RESERVE_MAX);
}

int http_server_new(struct http_server **ret_server, const struct http_options *options,
                    struct core *core, struct command_log *log, char error[LOG_ERROR_SIZE])
{
    struct http_server *server = calloc(1, sizeof *server);
    if (server == NULL) {
        (void)snprintf(error, LOG_ERROR_SIZE, "no memory for the HTTP server");
        return -ENOMEM;
    }
    server->options = *options;
    server->address = options->address;
    server->core = core;
    server->started_s = process_start_s();
    server->keys = options->keys;
    server->tls = options->tls;
    server->audit = options->audit;
    server->generation = 1;
    server->listener = -1;
    server->event = -1;
    server->handshakes.waiting = -1;
    server->checks_layout = strncmp(MHD_get_version(), "0.", 2) == 0;
    set_defaults(&server->options);
    server->sweep.places = places_of(&server->options);
    server->sweep.header_deadline_ms = server->options.header_deadline_ms;
    server->sweep.resume = connection_resume;
    server->sweep.concerns = connection_concerns;
    int code = start(server, log, error);
    if (code != 0) {
        close_all(server);
        return code;
    }
    *ret_server = server;
    return 0;
}

const struct socket_address *http_server_address(const struct http_server *server)
{
    return &server->address;
}

void http_server_wake(struct http_server *server, uint64_t last_ordinal)
{
    atomic_store(&server->last_ordinal, last_ordinal);
    http_server_signal(server);
}

void http_server_set_keys(struct http_server *server, struct keys *keys)
{
    keys_free(atomic_exchange(&server->fresh_keys, keys)); /* two reloads in a row */
    http_server_signal(server);
}

void http_server_set_tls(struct http_server *server, struct tls *tls)
{
    tls_free(atomic_exchange(&server->fresh_tls, tls));
    http_server_signal(server);
}

void http_server_reopen_audit(struct http_server *server)
{
    atomic_store(&server->reopens_audit, true);
    http_server_signal(server);
}

void http_server_quiesce(struct http_server *server)
{
    if (!atomic_exchange(&server->quiesced, true)) {
        http_server_signal(server);
    }
}

void http_server_free(struct http_server *server)
{
    if (server == NULL) {
        return;
    }
    http_server_quiesce(server);
    log_reads_stop(server->log_reads);
    atomic_store(&server->ending, true);
    http_server_signal(server);
    (void)pthread_join(server->thread, NULL);
    close_all(server);
}
