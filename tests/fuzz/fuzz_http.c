/* SPDX-License-Identifier: Apache-2.0 */
/*
 * All that a client can send: the bytes of an input go over a socket to the real HTTP server, which
 * is libmicrohttpd with our guard, gate, routes and readers. Behind it is a small book. Reads are answered from it, and writes say what became of each item, but
 * nothing is stored, so that no input depends on the one before. An input with an Authorization
 * goes to a second server, which asks for the key "k".
 *
 * The answers must be whole, with a known status and JSON where they say so, and each problem has
 * a code of the table. Linked with --wrap for the two doors that lead out of the HTTP thread.
 */
#include <pthread.h>
#include <unistd.h>

#include "api/json_state.h"
#include "daemon/access/keys.h"
#include "daemon/follower/follower.h"
#include "daemon/http/server.h"
#include "daemon/log/log_memory.h"
#include "daemon/logger/logger.h"
#include "daemon/webhooks/webhooks.h"
#include "tests/fuzz/http_client.h"

#define SILENCE_MS 20

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
    struct follower *follower;
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
    const struct follower_options following = {.check_interval_s = 0};
    result = follower_new(&site.follower, site.core, site.log, &following, error);
    assert(result == 0);
    for (int i = 0; i < 2; i++) {
        struct http_options http = {.follower = site.follower,
                                    .keys = i == 1 ? make_keys() : NULL,
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
    follower_free(site.follower);
    core_free(site.core);
    log_close(site.log);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct buffer answers;
    if (site.core == NULL) {
        open_site();
        (void)atexit(close_site);
    }
    char *text = fuzz_copy(data, size, 1);
    bool has_key = strcasestr(text, "authorization") != NULL;
    bool has_head = memmem(text, size, "HEAD", 4) != NULL; /* a length and no body */
    bool may_wait =
        memmem(text, size, "wait_ms", 7) != NULL || memmem(text, size, "stream", 6) != NULL;
    struct fuzz_door door = {.port = site.port[has_key ? 1 : 0], .silence_ms = SILENCE_MS};
    fuzz_exchange(&door, (struct bs_text){text, (uint32_t)size}, may_wait, &answers);
    if (!has_head) {
        fuzz_check_answers(&answers, NULL, NULL);
    }
    free(text);
    return 0;
}
