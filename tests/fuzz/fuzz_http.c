/* SPDX-License-Identifier: Apache-2.0 */
/*
 * All that a client can send: the bytes of an input go over a socket to the real HTTP server, which
 * is libmicrohttpd with our guard, gate, routes and readers. Behind
 * it is a small book. Reads are answered from it, and writes say what became of each item, but
 * nothing is stored, so that no input depends on the one before. An input with an Authorization
 * goes to a second server, which asks for the key "k".
 *
 * The answers must be whole, with a known status and JSON where they say so, and each problem has
 * a code of the table. Linked with --wrap for the two doors that lead out of the HTTP thread.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "api/json_state.h"
#include "api/json_token.h"
#include "daemon/access/keys.h"
#include "daemon/http/server.h"
#include "daemon/log/log_memory.h"
#include "daemon/logger/logger.h"
#include "daemon/webhooks/webhooks.h"
#include "tests/fuzz/fuzz.h"

#define PATIENCE_S 20
#define SILENCE_MS 20
#define SOURCES 200 /* 127.0.0.1 and up */

static const char keys_file[] =
    "all feed,ops sha256:8254c329a92850f6d539dd376f4816ee2764517da5e0235514af433164480d7a\n";

static const char world[] =
    "{\"type\":\"pool\",\"pool\":\"p\",\"asset\":\"USDC\",\"decimals\":2,\"mark_max_age_ms\":0}\n"
    "{\"type\":\"market\",\"market\":\"m\",\"pool\":\"p\",\"contract\":\"linear\",\"tick_size\":"
    "\"1\","
    "\"lot_size\":\"1\",\"maintenance_margin_ppm\":5000}\n"
    "{\"type\":\"account\",\"account\":\"a\",\"pool\":\"p\",\"collateral\":\"100\",\"positions\":"
    "[{\"market\":\"m\",\"size\":10,\"entry_price\":100}]}\n"
    "{\"type\":\"account\",\"account\":\"b\",\"pool\":\"p\",\"collateral\":\"5000\",\"positions\":"
    "[{\"market\":\"m\",\"size\":-10,\"entry_price\":100}]}\n"
    "{\"type\":\"provider\",\"account\":\"b\",\"market\":\"m\",\"max_position\":5}\n"
    "{\"type\":\"mark\",\"market\":\"m\",\"price\":\"80\"}\n"
    "{\"type\":\"resume\",\"pool\":\"p\"}\n"
    "{\"type\":\"settle\",\"pool\":\"p\"}\n";

static struct {
    struct core *core;
    struct bs_engine *engine;
    struct command_log *log;
    uv_loop_t loop;
    struct http_server *server[2]; /* without keys, with them */
    uint16_t port[2];
    pthread_mutex_t one_reader;
} site = {.one_reader = PTHREAD_MUTEX_INITIALIZER};

/* ---- the doors ---- */

bool __real_core_submit(struct core *core, struct request *request);
bool __wrap_core_submit(struct core *core, struct request *request);
bool __wrap_webhooks_submit(struct webhooks *webhooks, struct webhooks_job *job);

/* What a write is remembered by, if it came with an Idempotency-Key. */
static void check_key_record(const struct buffer *record)
{
    struct bs_command command;
    if (record->size > 0) {
        enum bs_status status =
            bs_command_decode((const uint8_t *)record->bytes, record->size, &command);
        assert(status == BS_OK);
        assert(command.type == BS_COMMAND_REQUEST);
        assert(command.as.request.key.size > 0);
    }
}

/* On an HTTP thread: the core loop does not turn once the book is there. */
bool __wrap_core_submit(struct core *core, struct request *request)
{
    if (site.engine == NULL) {
        return __real_core_submit(core, request);
    }
    if (request->query != NULL) {
        (void)pthread_mutex_lock(&site.one_reader);
        request->query(request, core, site.engine);
        (void)pthread_mutex_unlock(&site.one_reader);
    } else {
        check_key_record(&request->key_record);
        api_write_result(&request->body, 7, &request->batch, false, &request->status);
        request->content_type =
            request->status >= 400 ? "application/problem+json" : "application/json";
    }
    request->done(request);
    return true;
}

bool __wrap_webhooks_submit(struct webhooks *webhooks, struct webhooks_job *job)
{
    (void)webhooks;
    (void)job;
    return false; /* it is too busy */
}

/* ---- the site ---- */

static void take_engine(struct request *request, struct core *core, struct bs_engine *engine)
{
    (void)core;
    site.engine = engine;
    request->status = 200;
}

static void on_done(struct request *request)
{
    *(bool *)request->user = true;
}

static void submit(struct request *request)
{
    bool is_done = false;
    request->done = on_done;
    request->user = &is_done;
    bool taken = core_submit(site.core, request);
    assert(taken);
    while (!is_done) {
        (void)uv_run(&site.loop, UV_RUN_ONCE);
    }
}

static void fill_book(void)
{
    struct request request = {0};
    struct api_route route = {0};
    struct api_error error;
    char *body = fuzz_copy(world, sizeof world - 1, API_BODY_PADDING);
    bool good = api_parse(&request.batch, &route, body, sizeof world - 1, true, &error);
    assert(good);
    submit(&request);
    assert(request.batch.rejections_count == 0);
    while (core_durable_ordinal(site.core) == 0) { /* what the settlement caused */
        (void)uv_run(&site.loop, UV_RUN_ONCE);
    }
    struct request query = {.query = take_engine};
    submit(&query);
    free(body);
    api_batch_fini(&request.batch);
    buffer_fini(&request.body);
}

static struct keys *make_keys(void)
{
    char path[] = "/tmp/backstop-fuzz-XXXXXX";
    struct buffer problems = {0};
    int fd = mkstemp(path);
    assert(fd >= 0);
    ssize_t written = write(fd, keys_file, sizeof keys_file - 1);
    assert(written == (ssize_t)sizeof keys_file - 1);
    struct keys *keys = keys_load(path, 0, &problems);
    assert(keys != NULL);
    (void)unlink(path);
    (void)close(fd);
    return keys;
}

static void open_site(void)
{
    char error[LOG_ERROR_SIZE] = "";
    struct core_options options;
    logger_set_level(LOGGER_ERROR);
    core_options_defaults(&options);
    options.settle_interval_ms = 0;
    options.engine.capacity.accounts_max = 100;
    options.engine.capacity.positions_max = 400;
    options.engine.capacity.markets_max = 10;
    options.engine.capacity.pools_max = 10;
    options.engine.capacity.dedupe_window = 16;
    options.engine.capacity.transfer_window = 16;
    int result = uv_loop_init(&site.loop) + log_open_memory(&site.log) +
                 core_new(&site.core, &site.loop, site.log, &options, error);
    assert(result == 0);
    fill_book();
    for (int i = 0; i < 2; i++) {
        struct http_options http = {.keys = i == 1 ? make_keys() : NULL,
                                    .body_size_max = 65536,
                                    .streams = {.clients_max = 4,
                                                .ping_interval_s = 60,
                                                .stall_timeout_s = 60,
                                                .behind_max = 1000}};
        const char *problem = socket_address_parse(&http.address, "127.0.0.1:0");
        assert(problem == NULL);
        result = http_server_new(&site.server[i], &http, site.core, site.log, error);
        assert(result == 0);
        site.port[i] = socket_address_port(http_server_address(site.server[i]));
    }
}

static void on_stopped(void *user)
{
    *(bool *)user = true;
}

static void close_site(void)
{
    bool is_stopped = false;
    http_server_free(site.server[0]);
    http_server_free(site.server[1]);
    core_stop(site.core, on_stopped, &is_stopped);
    while (!is_stopped) {
        (void)uv_run(&site.loop, UV_RUN_ONCE);
    }
    core_free(site.core);
    log_close(site.log);
}

/* ---- one client ---- */

/*
 * libFuzzer looks after the time by a signal, which interrupts what waits: then it is done again. A
 * connection that went on meanwhile says so.
 */
static int connect_once(int fd, const struct sockaddr_in *address)
{
    int result;
    do {
        result = connect(fd, (const struct sockaddr *)address, sizeof *address);
    } while (result != 0 && (errno == EINTR || errno == EALREADY));
    return result != 0 && errno == EISCONN ? 0 : result;
}

/* From many addresses: the ports of one would run out, as each is kept for a minute. */
static int connect_to(uint16_t port)
{
    static uint32_t connects;
    struct sockaddr_in from = {.sin_family = AF_INET,
                               .sin_addr = {htonl(INADDR_LOOPBACK + connects++ % SOURCES)}};
    int one = 1;
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr = {htonl(INADDR_LOOPBACK)}};
    struct timeval patience = {.tv_sec = PATIENCE_S};
    struct linger at_once = {.l_onoff = 1}; /* closing leaves no port waiting behind */
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert(fd >= 0);
    (void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    (void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    (void)setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &one, sizeof one);
    int result = bind(fd, (const struct sockaddr *)&from, sizeof from);
    assert(result == 0);
    if (connect_once(fd, &address) != 0) {
        perror("fuzz_http: connect");
        abort();
    }
    return fd;
}

static void send_all(int fd, const void *bytes, size_t size)
{
    for (size_t sent = 0; sent < size;) { /* the server may close in the middle */
        ssize_t more = send(fd, (const char *)bytes + sent, size - sent, MSG_NOSIGNAL);
        if (more < 0 && errno == EINTR) {
            continue;
        }
        if (more <= 0) {
            break;
        }
        sent += (size_t)more;
    }
}

/* False: the server has closed. */
static bool receive(int fd, struct buffer *answer)
{
    buffer_reserve(answer, 65536 + 1);
    ssize_t got;
    do {
        got = recv(fd, answer->bytes + answer->size, 65536, 0);
    } while (got < 0 && errno == EINTR);
    assert(got >= 0 || errno == ECONNRESET || errno == EPIPE); /* or it hangs */
    answer->size += got > 0 ? (size_t)got : 0;
    answer->bytes[answer->size] = '\0';
    return got > 0;
}

/*
 * Sends the input and a last request, which asks the server to close. If that was swallowed by what
 * stood before it, there is silence: then we close our side, and the server must close its own.
 * A request that waits for news may do so for longer than we do.
 */
static void exchange(uint16_t port, struct bs_text input, bool may_wait, struct buffer *answer)
{
    static const char last[] = "GET /livez HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
    int fd = connect_to(port);
    bool open = true;
    buffer_clear(answer);
    send_all(fd, input.bytes, input.size);
    send_all(fd, last, sizeof last - 1);
    struct pollfd silence = {.fd = fd, .events = POLLIN};
    while (open && poll(&silence, 1, SILENCE_MS) > 0) {
        open = receive(fd, answer);
    }
    if (open) {
        (void)shutdown(fd, SHUT_WR);
    }
    while (open && !may_wait) {
        open = receive(fd, answer);
    }
    (void)close(fd);
}

/* ---- its answer ---- */

static const char *header_of(const char *head, const char *name)
{
    const char *line = strcasestr(head, name);
    return line == NULL ? NULL : line + strlen(name);
}

static void check_problem(const char *body)
{
    const char *code = strstr(body, "\"code\":\"");
    assert(code != NULL);
    code += strlen("\"code\":\"");
    size_t size = strcspn(code, "\"");
    for (enum bs_status status = 0; status < BS_STATUS_COUNT; status++) {
        const char *name = bs_status_name(status);
        if (strlen(name) == size && memcmp(name, code, size) == 0) {
            return;
        }
    }
    assert(false); /* no such code */
}

static void check_body(const char *type, int status, const char *body, size_t size)
{
    struct json_position position;
    bool is_problem = strncmp(type, "application/problem+json", 24) == 0;
    char *text = fuzz_copy(body, size, 1);
    if (is_problem || strncmp(type, "application/json", 16) == 0) {
        bool is_json = !json_locate(text, size, &position);
        assert(is_json);
    }
    if (is_problem) {
        assert(status >= 400);
        check_problem(text);
    }
    free(text);
}

/* One answer, and where the next one begins; NULL: it did not come as a whole, or it says no length
 * and is the last. */
static const char *check_answer(const char *head, const char *end)
{
    assert(strncmp(head, "HTTP/1.", 7) == 0);
    const char *body = strstr(head, "\r\n\r\n");
    if (body == NULL) {
        return NULL;
    }
    body += 4;
    int status = (int)strtol(head + strlen("HTTP/1.1 "), NULL, 10);
    assert(status == 100 || (status >= 200 && status < 600));
    if (status == 100) {
        return body;
    }
    const char *type = header_of(head, "\r\nContent-Type: ");
    const char *length = header_of(head, "\r\nContent-Length: ");
    if (length == NULL || length > body) {
        return NULL;
    }
    size_t size = strtoul(length, NULL, 10);
    if (size > (size_t)(end - body)) {
        return NULL;
    }
    if (type == NULL || type > body) {
        return NULL; /* a refusal of libmicrohttpd's own; 0.9.75 sends the head of some twice */
    }
    check_body(type, status, body, size);
    return body + size;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct buffer answer;
    if (site.core == NULL) {
        open_site();
        (void)atexit(close_site);
    }
    char *text = fuzz_copy(data, size, 1);
    bool has_key = strcasestr(text, "authorization") != NULL;
    bool has_head = memmem(text, size, "HEAD", 4) != NULL; /* a length and no body */
    bool may_wait =
        memmem(text, size, "wait_ms", 7) != NULL || memmem(text, size, "stream", 6) != NULL;
    exchange(site.port[has_key ? 1 : 0], (struct bs_text){text, (uint32_t)size}, may_wait, &answer);
    const char *end = answer.bytes + answer.size;
    for (const char *at = answer.bytes; !has_head && at != NULL && at < end;) {
        at = check_answer(at, end);
    }
    free(text);
    return 0;
}
