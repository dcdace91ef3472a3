/* SPDX-License-Identifier: Apache-2.0 */
/* Goal: events are encoded once for all readers, and a cursor that the log no longer reaches is
 * answered by name. Method: a core on a memory log that drops actions on request, its feed asked
 * directly, and an HTTP server in front of it read over a socket. */
#include <stdio.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "daemon/http/feed.h"
#include "daemon/http/server.h"
#include "daemon/log/log_memory.h"
#include "tests/unit/core_support.h"
#include "tests/unit/unit_main.h"

#define ANSWER_SIZE 16384

static bool is_told(void *user)
{
    struct world *world = user;
    return core_durable_ordinal(world->core) == world->woken_ordinal &&
           world->woken_ordinal == log_last_ordinal(world->log);
}

/* Pauses and resumes pool "p": two actions each time. */
static void make_actions(struct world *world, uint32_t count)
{
    uint64_t wanted = core_durable_ordinal(world->core) + count;
    for (uint32_t i = 0; i < count; i += 2) {
        struct request request;
        request_init(&request, "{\"type\":\"pause\",\"pool\":\"p\",\"reason\":\"x\"}\n"
                               "{\"type\":\"resume\",\"pool\":\"p\"}\n");
        request_run(world, &request);
        ck_assert_int_eq(request.status, 200);
        request_fini(&request);
    }
    while (world->woken_ordinal < wanted) {
        (void)uv_run(&world->loop, UV_RUN_ONCE);
    }
    world_wait(world, is_told, world);
}

static void begin(struct world *world, uint32_t actions_count)
{
    char error[LOG_ERROR_SIZE] = "";
    world_init(world);
    ck_assert_int_eq(world_start(world, error), 0);
    world_set_up(world); /* its resume is the first action */
    make_actions(world, actions_count - 1);
    ck_assert_uint_eq(core_durable_ordinal(world->core), actions_count);
}

static void end(struct world *world)
{
    world_stop(world);
    world_fini(world);
}

START_TEST(shared_blocks_are_encoded_once)
{
    struct world world;
    char error[LOG_ERROR_SIZE] = "";
    begin(&world, 101);
    struct feed feed = {0};
    ck_assert_int_eq(log_reader_open(&feed.reader, world.log, error), 0);
    struct feed_block *first = feed_shared(&feed, 0, 101, error);
    struct feed_block *again = feed_shared(&feed, 40, 101, error);
    ck_assert_ptr_eq(first, again);
    ck_assert_uint_eq(first->count, FEED_BLOCK_EVENTS);
    ck_assert_uint_eq(first->references, 3);
    struct feed_block *second = feed_shared(&feed, 64, 100, error);
    ck_assert_uint_eq(second->events[0].ordinal, 65);
    ck_assert_uint_eq(second->last, 100);
    ck_assert_uint_eq(feed.encoded, 100);
    ck_assert_ptr_eq(feed_shared(&feed, 100, 101, error), second); /* it grew */
    ck_assert_uint_eq(second->last, 101);
    ck_assert_uint_eq(feed.encoded, 101);
    ck_assert_int_eq(
        strncmp(first->text.bytes, "id: 00000000_1\nevent: pool_resumed\ndata: {\"id\":1,", 49), 0);
    feed_release(&feed, first);
    feed_release(&feed, again);
    feed_release(&feed, second);
    feed_release(&feed, second);
    feed_fini(&feed);
    log_reader_close(feed.reader);
    end(&world);
}

END_TEST

/* As another thread would: what is read for two is kept, what cannot be read is not. */
START_TEST(a_block_is_loaded_once)
{
    struct world world;
    char error[LOG_ERROR_SIZE] = "";
    begin(&world, 101);
    struct feed feed = {0};
    ck_assert_int_eq(log_reader_open(&feed.reader, world.log, error), 0);
    struct feed_load load = {0}, other = {0};
    ck_assert(feed_load_begin(&feed, &load, 3));
    ck_assert(!load.is_awaited);
    ck_assert(!feed_load_begin(&feed, &other, 63));
    ck_assert(load.is_awaited);
    ck_assert(!feed_is_loading(&feed, 64));
    ck_assert(load.read.is_stream);
    load.read.run(&load.read, feed.reader);
    feed_load_end(&feed, &load);
    ck_assert(load.is_read);
    ck_assert(feed_keeps(&feed, 3));
    ck_assert_uint_eq(feed.encoded, FEED_BLOCK_EVENTS);
    struct feed_block *block = feed_shared(&feed, 0, 101, error);
    ck_assert_uint_eq(block->count, FEED_BLOCK_EVENTS);
    ck_assert_uint_eq(feed.encoded, FEED_BLOCK_EVENTS);
    feed_release(&feed, block);
    ck_assert(feed_load_begin(&feed, &other, 64)); /* not all of it is there */
    other.read.run(&other.read, feed.reader);
    feed_load_end(&feed, &other);
    ck_assert(!other.is_read);
    ck_assert(strstr(other.error, "is missing in the log") != NULL);
    ck_assert(!feed_keeps(&feed, 64));
    feed_fini(&feed);
    log_reader_close(feed.reader);
    end(&world);
}

END_TEST

START_TEST(filters_are_the_same_in_both_kinds_of_block)
{
    struct world world;
    char error[LOG_ERROR_SIZE] = "";
    begin(&world, 41);
    struct feed feed = {0};
    ck_assert_int_eq(log_reader_open(&feed.reader, world.log, error), 0);
    const struct log_filter filters[] = {
        {.type = BS_ACTION_POOL_PAUSED},
        {.type = UINT8_MAX, .pool = {"p", 1}},
        {.type = UINT8_MAX, .pool = {"q", 1}},
        {.type = UINT8_MAX, .account = {"a", 1}},
    };
    struct feed_block *shared = feed_shared(&feed, 0, 41, error);
    for (size_t i = 0; i < sizeof(filters) / sizeof(filters[0]); i++) {
        struct feed_block *selected = feed_selected(&feed, &filters[i], 41, error);
        uint32_t found = 0;
        for (uint32_t index = 0; index < shared->count; index++) {
            if (feed_matches(shared, index, &filters[i])) {
                ck_assert_uint_lt(found, selected->count);
                ck_assert_uint_eq(selected->events[found].ordinal, shared->events[index].ordinal);
                found++;
            }
        }
        ck_assert_uint_eq(found, selected->count);
        ck_assert_uint_eq(found, i == 0 ? 20 : i == 1 ? 41 : 0);
        ck_assert_uint_eq(selected->last, 41);
        feed_release(&feed, selected);
    }
    feed_release(&feed, shared);
    feed_fini(&feed);
    log_reader_close(feed.reader);
    end(&world);
}

END_TEST

/* What is held stays; what is not held and was used longest ago goes. */
START_TEST(blocks_are_bounded)
{
    struct world world;
    char error[LOG_ERROR_SIZE] = "";
    uint64_t last = (FEED_BLOCKS_MAX + 2) * FEED_BLOCK_EVENTS + 1;
    begin(&world, (uint32_t)last);
    struct feed feed = {0};
    ck_assert_int_eq(log_reader_open(&feed.reader, world.log, error), 0);
    struct feed_block *held = feed_shared(&feed, 0, last, error);
    for (uint64_t after = 0; after < last; after += FEED_BLOCK_EVENTS) {
        feed_release(&feed, feed_shared(&feed, after, last, error));
    }
    ck_assert_uint_eq(feed.held, FEED_BLOCKS_MAX + 1);
    ck_assert(!feed_keeps(&feed, 0));
    ck_assert(feed_keeps(&feed, last - 1));
    ck_assert_uint_eq(held->events[0].ordinal, 1);
    feed_release(&feed, held);
    ck_assert_uint_eq(feed.held, FEED_BLOCKS_MAX);
    feed_fini(&feed);
    log_reader_close(feed.reader);
    end(&world);
}

END_TEST

static int ask(const struct http_server *server, const char *target)
{
    struct socket_address address = *http_server_address(server);
    struct timeval patience = {.tv_sec = 20};
    char request[200];
    int size = snprintf(request, sizeof(request), "GET %s HTTP/1.0\r\n\r\n", target);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    ck_assert_int_eq(connect(fd, &address.any, socket_address_size(&address)), 0);
    ck_assert_int_eq(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)), 0);
    ck_assert_int_eq((int)write(fd, request, (size_t)size), size);
    return fd;
}

/* Reads until one of the texts is there and says whether it was the first; fails at the end of the
 * stream. */
static bool expect_either(int fd, const char *text, const char *other)
{
    static char answer[ANSWER_SIZE];
    size_t size = 0;
    answer[0] = '\0';
    while (strstr(answer, text) == NULL && strstr(answer, other) == NULL) {
        ck_assert_msg(size < ANSWER_SIZE - 1, "no %s in %s", text, answer);
        ssize_t received = read(fd, answer + size, ANSWER_SIZE - 1 - size);
        ck_assert_msg(received > 0, "no %s in %s", text, answer);
        size += (size_t)received;
        answer[size] = '\0';
    }
    return strstr(answer, text) != NULL;
}

static void expect(int fd, const char *text)
{
    (void)expect_either(fd, text, text);
}

static void expect_answer(const struct http_server *server, const char *target, const char *text)
{
    int fd = ask(server, target);
    expect(fd, text);
    (void)close(fd);
}

START_TEST(a_cursor_the_log_dropped_is_expired)
{
    struct world world;
    struct http_server *server = NULL;
    char error[LOG_ERROR_SIZE] = "";
    begin(&world, 9);
    struct http_options options = {
        .streams = {
            .clients_max = 10, .ping_interval_s = 15, .stall_timeout_s = 30, .behind_max = 1000}};
    ck_assert_ptr_null(socket_address_parse(&options.address, "127.0.0.1:0"));
    ck_assert_int_eq(http_server_new(&server, &options, world.core, world.log, error), 0);
    log_memory_drop(world.log, 5);
    expect_answer(server, "/v1/stream?after=4", "\"code\":\"cursor_expired\"");
    expect_answer(server, "/v1/actions?after=4", "HTTP/1.1 410 ");
    expect_answer(server, "/v1/actions?after=4", "\"after: the actions up to 5 are no longer kept");
    expect_answer(server, "/v1/stream?after=5", "id: 00000000_5\n\nid: 00000000_6\nevent: ");
    expect_answer(server, "/v1/actions", "{\"data\":[{\"id\":6,");
    expect_answer(server, "/v1/stream?after=10", "HTTP/1.1 400 ");
    expect_answer(server, "/v1/actions?after=00000000_6", "{\"data\":[{\"id\":7,");
    expect_answer(server, "/v1/stream?after=00000001_6", "\"code\":\"cursor_of_another_log\"");
    expect_answer(server, "/v1/actions?after=00000001_6",
                  "\"after: it is of log 00000001, this server answers from log 00000000\"");

    /* One that waits is told of actions only when some of them are dropped already. Had it not yet
     * begun to wait, it has sent them: then once more. */
    int fd = ask(server, "/v1/stream");
    expect(fd, "id: 00000000_9\n\n");
    bool is_ended = false;
    for (uint64_t last = 13; !is_ended && last < 200; last += 4) {
        char last_event[32];
        (void)snprintf(last_event, sizeof(last_event), "id: 00000000_%u\nevent: ", (unsigned)last);
        (void)usleep(50000);
        make_actions(&world, 4);
        log_memory_drop(world.log, last - 2);
        http_server_wake(server, last);
        is_ended = expect_either(
            fd, "event: closing\ndata: {\"reason\":\"cursor_expired\",\"after\":\"00000000_",
            last_event);
    }
    ck_assert(is_ended);
    (void)close(fd);
    core_stop(world.core, NULL, NULL);
    (void)uv_run(&world.loop, UV_RUN_DEFAULT);
    http_server_free(server);
    core_free(world.core);
    world_fini(&world);
}

END_TEST

int main(void)
{
    TCase *tests = unit_tests("stream");
    UNIT_ADD(tests, shared_blocks_are_encoded_once, a_block_is_loaded_once,
             filters_are_the_same_in_both_kinds_of_block, blocks_are_bounded,
             a_cursor_the_log_dropped_is_expired);
    return unit_run(tests);
}
