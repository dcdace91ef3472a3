/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/core_support.h"

#include <stdio.h>
#include <stdlib.h>

#include "daemon/log/log_memory.h"

#define WAIT_NS_MAX ((uint64_t)20000000000)

void world_init(struct world *world)
{
    *world = (struct world){0};
    ck_assert_int_eq(uv_loop_init(&world->loop), 0);
    ck_assert_int_eq(log_open_memory(&world->log), 0);
    core_options_defaults(&world->options);
    world->options.settle_interval_ms = 0;
    world->options.engine.capacity.accounts_max = 1000;
    world->options.engine.capacity.positions_max = 4000;
    world->options.engine.capacity.markets_max = 10;
    world->options.engine.capacity.pools_max = 10;
    world->options.engine.capacity.dedupe_window = 1024;
    world->options.engine.capacity.transfer_window = 1024;
    world->options.engine.capacity.source_window = 16;
}

static void on_actions(void *user, uint64_t last_ordinal)
{
    struct world *world = user;
    world->woken_ordinal = last_ordinal;
}

static void on_failure(void *user, const char *message)
{
    struct world *world = user;
    world->is_failed = true;
    (void)snprintf(world->failure, sizeof(world->failure), "%s", message);
}

int world_start(struct world *world, char error[LOG_ERROR_SIZE])
{
    world->is_stopped = false;
    world->options.on_failure = on_failure;
    world->options.user = world;
    int code = core_new(&world->core, &world->loop, world->log, &world->options, error);
    if (code == 0) {
        core_on_actions(world->core, on_actions, world);
    }
    return code;
}

static void on_stopped(void *user)
{
    struct world *world = user;
    world->is_stopped = true;
}

void world_stop(struct world *world)
{
    core_stop(world->core, on_stopped, world);
    (void)uv_run(&world->loop, UV_RUN_DEFAULT);
    ck_assert(world->is_stopped);
    core_free(world->core);
    world->core = NULL;
}

void world_fini(struct world *world)
{
    log_close(world->log);
    ck_assert_int_eq(uv_loop_close(&world->loop), 0);
}

void world_wait(struct world *world, bool (*condition)(void *user), void *user)
{
    uint64_t start_ns = uv_hrtime();
    while (!condition(user)) {
        (void)uv_run(&world->loop, UV_RUN_NOWAIT);
        ck_assert_uint_lt(uv_hrtime() - start_ns, WAIT_NS_MAX);
    }
}

static void on_done(struct request *request)
{
    bool *is_done = request->user;
    *is_done = true;
}

void request_init(struct request *request, const char *items)
{
    struct api_error error;
    struct api_route route = {0};
    size_t size = strlen(items);
    *request = (struct request){.done = on_done};
    request->user = calloc(1, sizeof(bool));
    char *body = calloc(1, size + API_BODY_PADDING);
    ck_assert_ptr_nonnull(request->user);
    ck_assert_ptr_nonnull(body);
    memcpy(body, items, size);
    if (size > 0) {
        ck_assert_msg(api_parse(&request->batch, &route, body, size, true, &error), "%s",
                      error.detail);
    }
    free(body);
}

void request_fini(struct request *request)
{
    free(request->user);
    api_batch_fini(&request->batch);
    buffer_fini(&request->body);
}

bool request_is_answered(void *request)
{
    const bool *is_done = ((struct request *)request)->user;
    return *is_done;
}

void request_run(struct world *world, struct request *request)
{
    ck_assert(core_submit(world->core, request));
    world_wait(world, request_is_answered, request);
}

static const char set_up[] =
    "{\"type\":\"pool\",\"pool\":\"p\",\"asset\":\"USDC\",\"decimals\":2,\"mark_max_age_ms\":0,"
    "\"period\":\"8h\",\"waterfall\":[{\"layer\":\"insurance\"},{\"layer\":\"adl\"},"
    "{\"layer\":\"haircut\"}]}\n"
    "{\"type\":\"market\",\"market\":\"m\",\"pool\":\"p\",\"contract\":\"linear\",\"tick_size\":"
    "\"1\","
    "\"lot_size\":\"1\",\"multiplier\":\"1\",\"maintenance_margin_ppm\":5000}\n"
    "{\"type\":\"account\",\"account\":\"a\",\"pool\":\"p\",\"collateral\":\"100\"}\n"
    "{\"type\":\"account\",\"account\":\"b\",\"pool\":\"p\",\"collateral\":\"5000\"}\n"
    "{\"type\":\"position\",\"account\":\"a\",\"market\":\"m\",\"size\":\"10\",\"entry_price\":"
    "\"100\"}\n"
    "{\"type\":\"position\",\"account\":\"b\",\"market\":\"m\",\"size\":\"-10\","
    "\"entry_price\":\"100\"}\n"
    "{\"type\":\"mark\",\"market\":\"m\",\"price\":\"100\"}\n"
    "{\"type\":\"resume\",\"pool\":\"p\"}\n";

void world_set_up(struct world *world)
{
    struct request request;
    request_init(&request, set_up);
    request_run(world, &request);
    ck_assert_msg(request.status == 200, "%s", request.body.bytes);
    request_fini(&request);
}
