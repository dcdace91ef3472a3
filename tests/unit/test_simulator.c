/* SPDX-License-Identifier: Apache-2.0 */
/* Goal: simulations run beside the core, leave nothing behind, and the second block notices when
 * the live one is not what the log gives. Method: a core on a memory log with a simulator, jobs as
 * the HTTP thread submits them, and a live state that is spoilt on purpose. */
#include "daemon/simulation/simulator.h"

#include <errno.h>
#include <stdlib.h>

#include "daemon/core/internal.h"
#include "lib/book/book.h"
#include "tests/unit/core_support.h"
#include "tests/unit/unit_main.h"

struct ask {
    struct simulator_job job;
    struct request request;
    atomic_bool is_done;
};

static void on_done(struct request *request)
{
    struct ask *ask = request->user;
    atomic_store(&ask->is_done, true);
}

static bool is_done(void *user)
{
    return atomic_load(&((struct ask *)user)->is_done);
}

static struct ask *ask_new(const char *body)
{
    struct ask *ask = calloc(1, sizeof(*ask));
    ck_assert_ptr_nonnull(ask);
    ask->job.request = &ask->request;
    ask->request.done = on_done;
    ask->request.user = ask;
    char padded[512 + API_BODY_PADDING] = {0};
    struct api_error error;
    ck_assert_uint_lt(strlen(body), 512);
    memcpy(padded, body, strlen(body));
    ck_assert_msg(api_simulation_parse(&ask->job.asked, padded, strlen(body), &error), "%s",
                  error.detail);
    return ask;
}

static void ask_free(struct ask *ask)
{
    buffer_fini(&ask->request.body);
    free(ask);
}

static const char *body_of(struct ask *ask)
{
    buffer_append(&ask->request.body, "", 1);
    return ask->request.body.bytes;
}

struct pair {
    struct world world;
    struct follower *follower;
    struct simulator *simulator;
};

static void pair_start(struct pair *pair, const struct simulator_options *options,
                       uint32_t check_interval_s)
{
    char error[LOG_ERROR_SIZE];
    world_init(&pair->world);
    ck_assert_int_eq(world_start(&pair->world, error), 0);
    world_set_up(&pair->world);
    struct follower_options following = {.check_interval_s = check_interval_s};
    ck_assert_int_eq(
        follower_new(&pair->follower, pair->world.core, pair->world.log, &following, error), 0);
    ck_assert_int_eq(simulator_new(&pair->simulator, pair->follower, options, error), 0);
}

static void pair_stop(struct pair *pair)
{
    simulator_free(pair->simulator);
    follower_free(pair->follower);
    world_stop(&pair->world);
    world_fini(&pair->world);
}

static const struct simulator_options usual = {.time_limit_ms = 20000, .queue_max = 2};

static struct bs_digest live(struct pair *pair)
{
    return bs_engine_digest(pair->world.core->executor.engine);
}

START_TEST(a_simulation_leaves_no_trace)
{
    struct pair pair;
    pair_start(&pair, &usual, 0);
    struct bs_digest before = live(&pair);
    uint64_t seq = pair.world.core->executor.seq;
    const char *first = NULL;
    struct ask *asks[3];
    for (int i = 0; i < 3; i++) { /* the same answer each time: nothing stays in the block */
        asks[i] = ask_new("{\"pool\":\"p\",\"shocks\":[{\"market\":\"m\",\"price\":\"80\"}],"
                          "\"waterfalls\":{\"q\":\"classic_queue\",\"h\":[{\"layer\":"
                          "\"haircut\"}]},\"actions\":true}");
        ck_assert(simulator_submit(pair.simulator, &asks[i]->job));
        world_wait(&pair.world, is_done, asks[i]);
        ck_assert_int_eq(asks[i]->request.status, 200);
        const char *body = body_of(asks[i]);
        ck_assert_ptr_nonnull(strstr(body, "\"deficit\":\"100\""));
        ck_assert_ptr_nonnull(strstr(body, "\"overshoot\":\"0\""));
        first = i == 0 ? body : first;
        ck_assert_str_eq(body, first);
    }
    for (int i = 0; i < 3; i++) {
        ask_free(asks[i]);
    }
    struct bs_digest after = live(&pair);
    ck_assert_mem_eq(&before, &after, sizeof(before));
    ck_assert_uint_eq(pair.world.core->executor.seq, seq);
    pair_stop(&pair);
}

END_TEST

START_TEST(only_so_many_may_wait)
{
    struct pair pair;
    pair_start(&pair, &usual, 0);

    enum { ASKS = 64 };
    struct ask *asks[ASKS];
    bool taken[ASKS];
    uint32_t taken_count = 0;
    for (int i = 0; i < ASKS; i++) {
        asks[i] = ask_new("{\"pool\":\"p\"}");
    }
    for (int i = 0; i < ASKS; i++) {
        taken[i] = simulator_submit(pair.simulator, &asks[i]->job);
        taken_count += taken[i];
    }
    for (int i = 0; i < ASKS; i++) {
        if (taken[i]) {
            world_wait(&pair.world, is_done, asks[i]);
            ck_assert_int_eq(asks[i]->request.status, 200);
        }
        ask_free(asks[i]);
    }
    ck_assert_uint_ge(taken_count, 3);
    ck_assert_uint_lt(taken_count, ASKS);
    pair_stop(&pair);
}

END_TEST

START_TEST(what_waits_is_answered_at_the_end)
{
    struct pair pair;
    pair_start(&pair, &usual, 0);
    struct ask *asks[3];
    bool taken[3];
    for (int i = 0; i < 3; i++) {
        asks[i] = ask_new("{\"pool\":\"p\"}");
        taken[i] = simulator_submit(pair.simulator, &asks[i]->job);
    }
    pair_stop(&pair);
    for (int i = 0; i < 3; i++) {
        ck_assert(!taken[i] || is_done(asks[i]));
        ck_assert(!taken[i] || asks[i]->request.status == 200 || asks[i]->request.status == 503);
        ask_free(asks[i]);
    }
}

END_TEST

START_TEST(off_takes_nothing)
{
    struct pair pair;
    const struct simulator_options off = {.is_off = true};
    pair_start(&pair, &off, 0);
    struct ask *ask = ask_new("{\"pool\":\"p\"}");
    ck_assert(simulator_is_off(pair.simulator));
    ck_assert(!simulator_submit(pair.simulator, &ask->job));
    ask_free(ask);
    pair_stop(&pair);
}

END_TEST

struct wanted_checks {
    const struct follower *follower;
    uint64_t count;
};

static bool has_checked(void *user)
{
    const struct wanted_checks *wanted = user;
    return follower_stats_get(wanted->follower).checks >= wanted->count;
}

START_TEST(a_spoilt_state_is_noticed)
{
    struct pair pair;
    pair_start(&pair, &usual, 1);
    struct wanted_checks wanted = {.follower = pair.follower, .count = 1};
    world_wait(&pair.world, has_checked, &wanted);
    ck_assert_uint_eq(follower_stats_get(pair.follower).mismatches, 0);
    /* One quantum in one account, which no command made. */
    struct bs_engine *engine = pair.world.core->executor.engine;
    uint32_t account = bs_account_find(engine, (struct bs_text){"b", 1});
    engine->accounts.hot[account].collateral++;
    wanted.count = follower_stats_get(pair.follower).checks + 1;
    world_wait(&pair.world, has_checked, &wanted);
    engine->accounts.hot[account].collateral--;
    wanted.count++;
    world_wait(&pair.world, has_checked, &wanted); /* the block was made again and agrees again */
    ck_assert_uint_eq(follower_stats_get(pair.follower).mismatches, 1);
    pair_stop(&pair);
}

END_TEST

START_TEST(a_limit_stops_the_block_and_it_goes_on)
{
    char error[LOG_ERROR_SIZE];
    struct world world;
    struct block block;
    struct log_reader *reader;
    world_init(&world);
    ck_assert_int_eq(world_start(&world, error), 0);
    world_set_up(&world);
    struct request mark;
    request_init(&mark, "{\"type\":\"mark\",\"market\":\"m\",\"price\":\"80\"}\n"
                        "{\"type\":\"settle\",\"pool\":\"p\"}");
    request_run(&world, &mark);
    request_fini(&mark);
    ck_assert_int_eq(log_reader_open(&reader, world.log, error), 0);
    ck_assert_int_eq(block_open(&block, &world.options.engine, reader, error), 0);
    uint64_t last_seq = log_last_seq(world.log);
    atomic_bool stop = false;
    struct block_limit late = {.until_ms = 1, .stop = &stop};
    ck_assert_int_eq(block_advance(&block, last_seq, &late, error), -ETIMEDOUT);
    ck_assert_uint_gt(block_seq(&block), 0); /* one batch at least, so that it gets ahead */
    ck_assert_uint_lt(block_seq(&block), last_seq);
    struct block_limit none = {.stop = &stop};
    ck_assert_int_eq(block_advance(&block, last_seq, &none, error), 0);
    struct bs_digest followed = bs_engine_digest(block.engine);
    struct bs_digest digest = bs_engine_digest(world.core->executor.engine);
    ck_assert_mem_eq(&followed, &digest, sizeof(digest));
    atomic_store(&stop, true);
    ck_assert_int_eq(block_limit_reached(&none), -ECANCELED);
    block_close(&block);
    log_reader_close(reader);
    world_stop(&world);
    world_fini(&world);
}

END_TEST

int main(void)
{
    TCase *tests = unit_tests("simulator");
    UNIT_ADD(tests, a_simulation_leaves_no_trace, only_so_many_may_wait,
             what_waits_is_answered_at_the_end, off_takes_nothing, a_spoilt_state_is_noticed,
             a_limit_stops_the_block_and_it_goes_on);
    return unit_run(tests);
}
