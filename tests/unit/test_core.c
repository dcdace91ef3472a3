/* SPDX-License-Identifier: Apache-2.0 */
/* Goal: the core loop keeps its promises. Method: a real engine on a memory log, one loop, and
 * faults. */
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "daemon/core/internal.h"
#include "daemon/log/log_memory.h"
#include "tests/unit/core_support.h"
#include "tests/unit/unit_main.h"

#define MARK(price) "{\"type\":\"mark\",\"market\":\"m\",\"price\":\"" price "\"}\n"
#define SETTLE "{\"type\":\"settle\",\"pool\":\"p\"}\n"
#define ACCOUNT(name, pool, collateral)                                                            \
    "{\"type\":\"account\",\"account\":\"" name "\",\"pool\":\"" pool                              \
    "\",\"collateral\":\"" collateral "\"}\n"
#define POSITION(name, size)                                                                       \
    "{\"type\":\"position\",\"account\":\"" name "\",\"market\":\"m\",\"size\":\"" size            \
    "\",\"entry_price\":\"100\"}\n"

#define THREADS 4
#define REQUESTS_OF_THREAD 500

static void start(struct world *world)
{
    char error[LOG_ERROR_SIZE] = "";
    int code = world_start(world, error);
    ck_assert_msg(code == 0, "%s", error);
}

static struct bs_digest digest_of(struct world *world)
{
    return bs_engine_digest(world->core->executor.engine);
}

/* ---- queue ---- */

START_TEST(queue_is_bounded)
{
    struct queue queue;
    struct request requests[4] = {0};
    ck_assert_int_eq(queue_init(&queue, 2, 100), 0);
    requests[0].batch.records.size = 1000; /* alone, any size is taken */
    requests[1].batch.records.size = 1;
    ck_assert(queue_push(&queue, &requests[0]));
    ck_assert(!queue_push(&queue, &requests[1]));
    ck_assert_ptr_eq(queue_take(&queue), &requests[0]);
    ck_assert_msg(!queue_push(&queue, &requests[1]), "taken is still waiting");
    queue_done(&queue, &requests[0]);
    ck_assert(queue_push(&queue, &requests[1]));
    ck_assert(queue_push(&queue, &requests[2]));
    ck_assert_msg(!queue_push(&queue, &requests[3]), "two at most");
    ck_assert_ptr_eq(queue_take(&queue), &requests[1]);
    ck_assert_ptr_eq(requests[1].next, &requests[2]);
    ck_assert_ptr_null(requests[2].next);
    ck_assert_ptr_null(queue_take(&queue));
    queue_done(&queue, &requests[1]);
    queue_done(&queue, &requests[2]);
    queue_close(&queue);
    ck_assert(!queue_push(&queue, &requests[3]));
    queue_fini(&queue);
}

END_TEST

/* ---- writes and queries ---- */

static const char *looked_for = ""; /* the account of the next look */

static void look(struct request *request, struct core *core, struct bs_engine *engine)
{
    (void)core;
    struct bs_account_view view;
    struct bs_text name = {looked_for, (uint32_t)strlen(looked_for)};
    uint32_t account = bs_account_find(engine, name);
    buffer_printf(&request->body, "%u ", (unsigned)bs_engine_seq(engine));
    if (account != 0) {
        char text[BS_DECIMAL_TEXT_MAX];
        bs_account_view_get(engine, account, &view);
        (void)bs_wide_print(view.collateral, text);
        buffer_text(&request->body, text);
    }
    request->status = 200;
}

START_TEST(write_is_durable_then_answered_then_seen)
{
    struct world world;
    struct request write;
    struct request query;
    world_init(&world);
    start(&world);
    world_set_up(&world);
    request_init(&write, ACCOUNT("c", "p", "12.50"));
    request_run(&world, &write);
    ck_assert_int_eq(write.status, 200);
    ck_assert_str_eq(write.content_type, "application/json");
    ck_assert_uint_eq(write.last_seq, 10);
    ck_assert_uint_eq(log_last_seq(world.log), 10);
    ck_assert_ptr_nonnull(strstr(write.body.bytes, "\"seq\":10"));
    request_init(&query, "");
    query.query = look;
    looked_for = "c";
    request_run(&world, &query);
    ck_assert_str_eq(query.body.bytes, "10 12.5");
    struct core_stats stats = core_stats_get(world.core);
    ck_assert_uint_eq(stats.commands_accepted, 9);
    ck_assert_uint_eq(stats.applied_seq, 10);
    ck_assert_uint_eq(stats.queue_depth, 0);
    request_fini(&query);
    request_fini(&write);
    world_stop(&world);
    world_fini(&world);
}

END_TEST

START_TEST(rejections_come_in_item_order)
{
    struct world world;
    struct request write;
    world_init(&world);
    start(&world);
    world_set_up(&world);
    request_init(&write,
                 ACCOUNT("c", "nowhere", "1") "{\"type\":\"account\"}\n" ACCOUNT("d", "p", "1"));
    request_run(&world, &write);
    ck_assert_int_eq(write.status, 207);
    ck_assert_uint_eq(write.batch.rejections_count, 2);
    const char *first = strstr(write.body.bytes, "{\"index\":0,\"code\":\"unknown_pool\"");
    const char *second = strstr(write.body.bytes, "{\"index\":1,\"code\":\"missing_field\"");
    ck_assert_ptr_nonnull(first);
    ck_assert_ptr_nonnull(second);
    ck_assert(first < second);
    request_fini(&write);
    world_stop(&world);
    world_fini(&world);
}

END_TEST

START_TEST(request_without_records_needs_no_commit)
{
    struct world world;
    struct request write;
    world_init(&world);
    start(&world);
    request_init(&write, "{\"type\":\"account\"}\n");
    request_run(&world, &write);
    ck_assert_int_eq(write.status, 422);
    ck_assert_str_eq(write.content_type, "application/problem+json");
    ck_assert_uint_eq(core_stats_get(world.core).batches, 0);
    ck_assert_uint_eq(core_stats_get(world.core).commands_rejected, 1);
    request_fini(&write);
    world_stop(&world);
    world_fini(&world);
}

END_TEST

START_TEST(stale_update_shows_the_state)
{
    struct world world;
    struct request write;
    world_init(&world);
    start(&world);
    world_set_up(&world);
    /* The sender of the position has not seen that b was closed. */
    request_init(&write, MARK("80") SETTLE POSITION("b", "-10"));
    request_run(&world, &write);
    ck_assert_int_eq(write.status, 207);
    ck_assert_uint_eq(write.batch.rejections_count, 1);
    ck_assert_int_eq(write.batch.rejections[0].status, BS_STALE_UPDATE);
    ck_assert_ptr_nonnull(write.batch.rejections[0].state);
    ck_assert_ptr_nonnull(strstr(write.batch.rejections[0].state, "\"account\":\"b\""));
    request_fini(&write);
    world_stop(&world);
    world_fini(&world);
}

END_TEST

struct all_answered {
    struct request *requests;
    uint32_t count;
};

static bool all_are_answered(void *user)
{
    struct all_answered *all = user;
    for (uint32_t i = 0; i < all->count; i++) {
        if (!request_is_answered(&all->requests[i])) {
            return false;
        }
    }
    return true;
}

/* Requests of three records, commits of at most four: no request is split, none is lost. */
START_TEST(requests_are_never_split)
{
    struct world world;
    struct request requests[20];
    world_init(&world);
    world.options.batch_records_max = 4;
    start(&world);
    world_set_up(&world);
    uint64_t batches = core_stats_get(world.core).batches;
    for (uint32_t i = 0; i < 20; i++) {
        request_init(&requests[i], MARK("101") MARK("102") MARK("103"));
        ck_assert(core_submit(world.core, &requests[i]));
    }
    struct all_answered all = {requests, 20};
    world_wait(&world, all_are_answered, &all);
    for (uint32_t i = 0; i < 20; i++) {
        ck_assert_uint_eq(requests[i].last_seq, 9 + 3 * (i + 1));
        ck_assert_int_eq(requests[i].status, 200);
        request_fini(&requests[i]);
    }
    ck_assert_uint_ge(core_stats_get(world.core).batches - batches, 20);
    world_stop(&world);
    world_fini(&world);
}

END_TEST

START_TEST(full_queue_refuses)
{
    struct world world;
    struct request requests[5];
    world_init(&world);
    world.options.queue_max = 4;
    start(&world);
    for (uint32_t i = 0; i < 5; i++) {
        request_init(&requests[i], "");
        requests[i].query = look;
    }
    for (uint32_t i = 0; i < 4; i++) {
        ck_assert(core_submit(world.core, &requests[i]));
    }
    ck_assert(!core_submit(world.core, &requests[4]));
    ck_assert_uint_eq(core_stats_get(world.core).queue_full, 1);
    ck_assert_uint_eq(core_stats_get(world.core).queue_depth, 4);
    struct all_answered all = {requests, 4};
    world_wait(&world, all_are_answered, &all);
    ck_assert(core_submit(world.core, &requests[4]));
    world_wait(&world, request_is_answered, &requests[4]);
    for (uint32_t i = 0; i < 5; i++) {
        request_fini(&requests[i]);
    }
    world_stop(&world);
    world_fini(&world);
}

END_TEST

START_TEST(stop_finishes_what_was_taken)
{
    struct world world;
    struct request requests[10];
    struct request late;
    world_init(&world);
    start(&world);
    world_set_up(&world);
    for (uint32_t i = 0; i < 10; i++) {
        request_init(&requests[i], MARK("101"));
        ck_assert(core_submit(world.core, &requests[i]));
    }
    struct bs_digest stored;
    uint64_t stored_seq = 0;
    world_stop(&world);
    for (uint32_t i = 0; i < 10; i++) {
        ck_assert(request_is_answered(&requests[i]));
        request_fini(&requests[i]);
    }
    ck_assert(log_get_digest(world.log, &stored_seq, &stored));
    ck_assert_uint_eq(stored_seq, log_last_seq(world.log));
    start(&world);
    core_stop(world.core, NULL, NULL);
    request_init(&late, MARK("101"));
    ck_assert(!core_submit(world.core, &late));
    (void)uv_run(&world.loop, UV_RUN_DEFAULT);
    core_free(world.core);
    request_fini(&late);
    world_fini(&world);
}

END_TEST

/* ---- settlements ---- */

static bool settled_once(void *user)
{
    struct world *world = user;
    return core_stats_get(world->core).settlements == 1 &&
           core_durable_ordinal(world->core) == bs_engine_actions(world->core->executor.engine);
}

static bool never(void *user)
{
    uint64_t *until_ns = user;
    return uv_hrtime() > *until_ns;
}

START_TEST(timer_settles_and_an_idle_core_writes_nothing)
{
    struct world world;
    struct request write;
    world_init(&world);
    world.options.settle_interval_ms = 5;
    start(&world);
    world_set_up(&world);
    request_init(&write, MARK("80"));
    request_run(&world, &write);
    world_wait(&world, settled_once, &world);
    ck_assert_uint_gt(world.woken_ordinal, 0);
    ck_assert_uint_eq(world.woken_ordinal, core_durable_ordinal(world.core));
    ck_assert_uint_eq(log_last_ordinal(world.log), world.woken_ordinal);
    ck_assert_uint_eq(core_stats_get(world.core).actions, world.woken_ordinal);
    uint64_t seq = log_last_seq(world.log);
    uint64_t commits = log_stats_get(world.log).commits;
    uint64_t until_ns = uv_hrtime() + 200 * 1000000;
    world_wait(&world, never, &until_ns);
    ck_assert_uint_eq(log_last_seq(world.log), seq);
    ck_assert_uint_eq(log_stats_get(world.log).commits, commits);
    request_fini(&write);
    world_stop(&world);
    world_fini(&world);
}

END_TEST

/* A loop that stood still for many intervals: the missed ticks are counted, the schedule stays. */
START_TEST(missed_ticks_are_counted)
{
    struct world world;
    world_init(&world);
    world.options.settle_interval_ms = 10;
    start(&world);
    uint64_t until_ns = uv_hrtime() + 30 * 1000000;
    world_wait(&world, never, &until_ns);
    uint64_t before = core_stats_get(world.core).settle_overruns;
    until_ns = uv_hrtime() + 105 * 1000000;
    while (uv_hrtime() < until_ns) {
        /* the loop does not turn */
    }
    until_ns = uv_hrtime() + 30 * 1000000;
    world_wait(&world, never, &until_ns);
    ck_assert_uint_ge(core_stats_get(world.core).settle_overruns - before, 9);
    ck_assert_uint_ge(core_stats_get(world.core).loop_lag_ns_max, 90 * 1000000);
    world_stop(&world);
    world_fini(&world);
}

END_TEST

/* More actions than the outbox holds: stepping pauses, queries wait, everything arrives in order.
 */
START_TEST(stepping_pauses_when_the_outbox_is_full)
{
    enum { PAYERS = 50000 };

    struct world world;
    struct request write;
    struct request query;
    struct buffer items = {0};
    world_init(&world);
    world.options.engine.capacity.accounts_max = PAYERS + 10;
    world.options.engine.capacity.positions_max = PAYERS + 10;
    start(&world);
    world.core->executor.outbox.segments_max = 2;
    world_set_up(&world);
    /* Rebates are gains: everybody pays when "z" fails and no one is on the other side. */
    for (uint32_t i = 0; i < PAYERS; i++) {
        buffer_printf(&items,
                      ACCOUNT("w%05u", "p", "10") "{\"type\":\"transfer\",\"account\":\"w%05u\","
                                                  "\"amount\":\"1\",\"kind\":\"rebate\"}\n",
                      (unsigned)i, (unsigned)i);
    }
    buffer_text(&items, ACCOUNT("z", "p", "-40000") SETTLE);
    request_init(&write, items.bytes);
    buffer_fini(&items);
    request_init(&query, "");
    query.query = look;
    looked_for = "w00000";
    ck_assert(core_submit(world.core, &write));
    ck_assert(core_submit(world.core, &query));
    world_wait(&world, request_is_answered, &write);
    ck_assert_int_eq(write.status, 200);
    world_wait(&world, request_is_answered, &query);
    world_wait(&world, settled_once, &world);
    ck_assert_uint_ge(core_durable_ordinal(world.core), PAYERS);
    ck_assert_uint_eq(log_last_ordinal(world.log), core_durable_ordinal(world.core));
    struct bs_digest before = digest_of(&world);
    world_stop(&world);
    start(&world);
    struct bs_digest after = digest_of(&world);
    ck_assert_mem_eq(&before, &after, sizeof(before));
    request_fini(&query);
    request_fini(&write);
    world_stop(&world);
    world_fini(&world);
}

END_TEST

/* ---- failure of the log ---- */

static bool has_failed(void *user)
{
    return ((struct world *)user)->is_failed;
}

START_TEST(failed_commit_answers_nobody)
{
    struct world world;
    struct request write;
    struct request late;
    world_init(&world);
    start(&world);
    world_set_up(&world);
    log_memory_fail(world.log, 1, -ENOSPC);
    request_init(&write, MARK("101"));
    ck_assert(core_submit(world.core, &write));
    world_wait(&world, has_failed, &world);
    ck_assert_str_ne(world.failure, "");
    ck_assert(!request_is_answered(&write));
    request_init(&late, MARK("102"));
    ck_assert(!core_submit(world.core, &late));
    world_stop(&world);
    ck_assert(!request_is_answered(&write));
    request_fini(&late);
    request_fini(&write);
    world_fini(&world);
}

END_TEST

/* The log fails while the last requests are being finished: the stop still ends. */
START_TEST(failure_while_stopping_ends_the_stop)
{
    struct world world;
    struct request write;
    struct bs_digest digest;
    uint64_t seq = 0;
    world_init(&world);
    start(&world);
    world_set_up(&world);
    log_memory_fail(world.log, 1, -EIO);
    request_init(&write, MARK("101"));
    ck_assert(core_submit(world.core, &write));
    world_stop(&world);
    ck_assert(world.is_failed);
    ck_assert(!request_is_answered(&write));
    ck_assert(!log_get_digest(world.log, &seq, &digest));
    request_fini(&write);
    world_fini(&world);
}

END_TEST

/* ---- many threads ---- */

struct producer {
    pthread_t thread;
    struct core *core;
    struct request requests[REQUESTS_OF_THREAD];
    _Atomic uint32_t answered;
};

static void on_produced(struct request *request)
{
    struct producer *producer = request->user;
    (void)atomic_fetch_add(&producer->answered, 1);
}

static void *produce(void *user)
{
    struct producer *producer = user;
    for (uint32_t i = 0; i < REQUESTS_OF_THREAD; i++) {
        struct request *request = &producer->requests[i];
        request_init(request, i % 3 == 0 ? "" : MARK("101") MARK("100"));
        free(request->user);
        request->done = on_produced;
        request->user = producer;
        request->query = i % 3 == 0 ? look : NULL;
        while (!core_submit(producer->core, request)) {
            (void)core_stats_get(producer->core);
        }
    }
    return NULL;
}

static bool all_produced(void *user)
{
    struct producer *producers = user;
    for (uint32_t i = 0; i < THREADS; i++) {
        if (atomic_load(&producers[i].answered) < REQUESTS_OF_THREAD) {
            return false;
        }
    }
    return true;
}

START_TEST(threads_submit_at_once)
{
    struct world world;
    struct producer *producers = calloc(THREADS, sizeof(*producers));
    ck_assert_ptr_nonnull(producers);
    world_init(&world);
    world.options.queue_max = 64;
    world.options.settle_interval_ms = 1;
    start(&world);
    world_set_up(&world);
    for (uint32_t i = 0; i < THREADS; i++) {
        producers[i].core = world.core;
        ck_assert_int_eq(pthread_create(&producers[i].thread, NULL, produce, &producers[i]), 0);
    }
    world_wait(&world, all_produced, producers);
    for (uint32_t i = 0; i < THREADS; i++) {
        ck_assert_int_eq(pthread_join(producers[i].thread, NULL), 0);
        for (uint32_t j = 0; j < REQUESTS_OF_THREAD; j++) {
            struct request *request = &producers[i].requests[j];
            ck_assert_int_eq(request->status, 200);
            api_batch_fini(&request->batch);
            buffer_fini(&request->body);
        }
    }
    struct bs_digest before; /* after the last settlement of the timer */
    uint64_t seq = 0;
    world_stop(&world);
    ck_assert(log_get_digest(world.log, &seq, &before));
    start(&world);
    struct bs_digest after = digest_of(&world);
    ck_assert_mem_eq(&before, &after, sizeof(before));
    world_stop(&world);
    free(producers);
    world_fini(&world);
}

END_TEST

/* ---- one long request ---- */

#define LONG_ITEMS 1000

static void request_init_long(struct request *request)
{
    struct buffer items = {0};
    for (uint32_t i = 0; i < LONG_ITEMS; i++) {
        buffer_printf(&items, "{\"type\":\"transfer\",\"account\":\"b\",\"amount\":\"1\"}\n");
    }
    request_init(request, items.bytes);
    buffer_fini(&items);
}

static void note_seq(struct request *request, struct core *core, struct bs_engine *engine)
{
    (void)core;
    buffer_printf(&request->body, "%u", (unsigned)bs_engine_seq(engine));
    request->status = 200;
}

START_TEST(reads_go_between_the_items_of_a_long_request)
{
    struct world world;
    struct request write;
    uint32_t between = 0;
    world_init(&world);
    world.options.step_budget_us = 0;
    start(&world);
    world_set_up(&world);
    uint64_t before = log_last_seq(world.log);
    request_init_long(&write);
    ck_assert(core_submit(world.core, &write));
    while (!request_is_answered(&write)) {
        struct request query;
        request_init(&query, "");
        query.query = note_seq;
        request_run(&world, &query);
        uint64_t seq = strtoull(query.body.bytes, NULL, 10);
        between += seq > before && seq < before + LONG_ITEMS ? 1 : 0;
        request_fini(&query);
    }
    ck_assert_uint_gt(between, LONG_ITEMS / 100);
    ck_assert_int_eq(write.status, 200);
    ck_assert_uint_eq(write.last_seq, before + LONG_ITEMS);
    request_fini(&write);
    world_stop(&world);
    world_fini(&world);
}

END_TEST

static uint32_t signs_of_life;

static bool count_sign(void *user, uint64_t seq, uint64_t last_seq)
{
    (void)user;
    ck_assert_uint_le(seq, last_seq);
    signs_of_life++;
    return true;
}

START_TEST(a_replay_gives_signs_of_life_within_a_batch)
{
    struct world world;
    struct request write;
    world_init(&world);
    start(&world);
    world_set_up(&world);
    request_init_long(&write);
    request_run(&world, &write);
    request_fini(&write);
    ck_assert_uint_le(log_stats_get(world.log).commits, 4);
    world_stop(&world);
    world.options.on_replay = count_sign;
    start(&world);
    ck_assert_uint_ge(signs_of_life, LONG_ITEMS / 256 + 2);
    world_stop(&world);
    world_fini(&world);
}

END_TEST

int main(void)
{
    TCase *tests = unit_tests("core");
    UNIT_ADD(tests, queue_is_bounded, write_is_durable_then_answered_then_seen,
             rejections_come_in_item_order, request_without_records_needs_no_commit,
             stale_update_shows_the_state, requests_are_never_split, full_queue_refuses,
             stop_finishes_what_was_taken, timer_settles_and_an_idle_core_writes_nothing,
             missed_ticks_are_counted, stepping_pauses_when_the_outbox_is_full,
             failed_commit_answers_nobody, failure_while_stopping_ends_the_stop,
             threads_submit_at_once, reads_go_between_the_items_of_a_long_request,
             a_replay_gives_signs_of_life_within_a_batch);
    return unit_run(tests);
}
