/* SPDX-License-Identifier: Apache-2.0 */
/* Goal: one wrong second of the wall clock does not decide for ever, and engine time never goes
 * back. Method: readings of a clock that jumps. */
#include "daemon/core/clock.h"
#include "tests/unit/core_support.h"
#include "tests/unit/unit_main.h"

#define START_MS INT64_C(1760130964000)
#define HOUR_MS INT64_C(3600000)

static struct clock_reading reading;

/* Reads 100 ms later, so many times; returns the jumps seen. */
static uint32_t pass(struct clock *clock, uint32_t readings)
{
    uint32_t jumps = 0;
    for (uint32_t i = 0; i < readings; i++) {
        int64_t before = clock_time_ms(clock), jump_ms;
        reading.wall_ms += 100;
        reading.monotonic_ns += 100000000;
        jumps += clock_read(clock, reading, &jump_ms) == CLOCK_JUMPED;
        ck_assert_int_ge(clock_time_ms(clock), before);
    }
    return jumps;
}

static void begin(struct clock *clock, int64_t stamp_ms)
{
    reading = (struct clock_reading){START_MS, 5000000000};
    (void)clock_start(clock, stamp_ms, reading);
}

START_TEST(time_is_the_wall_clock)
{
    struct clock clock;
    begin(&clock, START_MS - 1000);
    ck_assert_int_eq(clock_time_ms(&clock), START_MS);
    ck_assert_uint_eq(pass(&clock, 100), 0);
    ck_assert_int_eq(clock_time_ms(&clock), START_MS + 10000);
    reading.wall_ms += 1500; /* what a time service may do */
    ck_assert_uint_eq(pass(&clock, 1), 0);
    ck_assert_int_eq(clock_time_ms(&clock), reading.wall_ms);
    ck_assert_int_eq(clock_offset_ms(&clock), 0);
}

END_TEST

START_TEST(a_jump_is_taken_over_when_somebody_says_so)
{
    struct clock clock;
    int64_t moved_ms;
    begin(&clock, START_MS);
    ck_assert(clock_adopt(&clock, &moved_ms));
    ck_assert_int_eq(moved_ms, 0);
    reading.wall_ms += 6 * HOUR_MS;
    ck_assert_uint_eq(pass(&clock, 1), 1);
    ck_assert(clock_adopt(&clock, &moved_ms));
    ck_assert_int_gt(moved_ms, 6 * HOUR_MS - 1000);
    ck_assert_int_eq(clock_time_ms(&clock), reading.wall_ms);
    ck_assert_uint_eq(pass(&clock, 10), 0);
    ck_assert_int_eq(clock_time_ms(&clock), reading.wall_ms);
    reading.wall_ms -= HOUR_MS;
    ck_assert_uint_eq(pass(&clock, 1), 1);
    int64_t before_ms = clock_time_ms(&clock);
    ck_assert(!clock_adopt(&clock, &moved_ms));
    ck_assert_int_eq(clock_time_ms(&clock), before_ms);
}

END_TEST

START_TEST(a_jump_ahead_that_is_taken_back_costs_seconds)
{
    struct clock clock;
    begin(&clock, START_MS);
    reading.wall_ms += 6 * HOUR_MS;
    ck_assert_uint_eq(pass(&clock, 100), 1);
    ck_assert_int_ge(clock_time_ms(&clock), START_MS + 10000);
    ck_assert_int_le(clock_time_ms(&clock), START_MS + 10100);
    ck_assert_int_gt(clock_offset_ms(&clock), 6 * HOUR_MS - 1000);
    reading.wall_ms -= 6 * HOUR_MS;
    ck_assert_uint_eq(pass(&clock, 20), 1);
    ck_assert_int_eq(clock_offset_ms(&clock), 0);
    ck_assert_int_eq(clock_time_ms(&clock), reading.wall_ms);
    ck_assert_uint_eq(clock.jumps_count, 2);
}

END_TEST

START_TEST(a_jump_ahead_that_stays_is_followed_slowly)
{
    struct clock clock;
    begin(&clock, START_MS);
    reading.wall_ms += 12000;
    ck_assert_uint_eq(pass(&clock, 1000), 1); /* 100 s: one of the 12 */
    ck_assert_int_eq(clock_time_ms(&clock), reading.wall_ms - 11000);
    (void)pass(&clock, 9100);
    ck_assert_int_eq(clock_time_ms(&clock), reading.wall_ms);
}

END_TEST

START_TEST(a_jump_back_passes_time_at_half_speed)
{
    struct clock clock;
    begin(&clock, START_MS);
    reading.wall_ms -= 10000;
    ck_assert_uint_eq(pass(&clock, 100), 1);
    ck_assert_int_eq(clock_time_ms(&clock), START_MS + 5000);
    (void)pass(&clock, 101);
    ck_assert_int_eq(clock_time_ms(&clock), reading.wall_ms);
}

END_TEST

START_TEST(a_start_follows_a_downtime_and_not_a_clock_behind)
{
    struct clock clock;
    begin(&clock, START_MS - 72 * HOUR_MS);
    ck_assert_int_eq(clock_time_ms(&clock), START_MS);
    ck_assert_uint_eq(clock.jumps_count, 0);
    begin(&clock, START_MS + HOUR_MS);
    ck_assert_int_eq(clock_time_ms(&clock), START_MS + HOUR_MS);
    ck_assert_uint_eq(clock.jumps_count, 1);
    ck_assert_int_eq(clock_offset_ms(&clock), -HOUR_MS);
    ck_assert_uint_eq(pass(&clock, 100), 0);
    ck_assert_int_eq(clock_time_ms(&clock), START_MS + HOUR_MS + 5000);
}

END_TEST

static struct clock_reading read_fake(void *user)
{
    (void)user;
    reading.wall_ms += 10;
    reading.monotonic_ns += 10000000;
    return reading;
}

static void post_mark(struct world *world)
{
    struct request write;
    request_init(&write, "{\"type\":\"mark\",\"market\":\"m\",\"price\":\"100\"}\n");
    request_run(world, &write);
    ck_assert_int_eq(write.status, 200);
    request_fini(&write);
}

/* Six wrong hours for one write; then the clock is right again, and so are the stamps. */
START_TEST(six_wrong_hours_for_one_write_are_forgotten)
{
    struct world world;
    char error[LOG_ERROR_SIZE] = "";
    reading = (struct clock_reading){START_MS, 5000000000};
    world_init(&world);
    world.options.read_clock = read_fake;
    ck_assert_int_eq(world_start(&world, error), 0);
    world_set_up(&world);
    reading.wall_ms += 6 * HOUR_MS;
    post_mark(&world);
    struct core_stats stats = core_stats_get(world.core);
    ck_assert_uint_eq(stats.clock_jumps, 1);
    ck_assert_uint_gt(stats.clock_apart_ns, UINT64_C(21590) * 1000000000);
    reading.wall_ms -= 6 * HOUR_MS;
    post_mark(&world);
    ck_assert_uint_eq(core_stats_get(world.core).clock_apart_ns, 0);
    world_stop(&world);
    ck_assert_int_eq(world_start(&world, error), 0);
    ck_assert_uint_eq(core_stats_get(world.core).clock_jumps, 0);
    world_stop(&world);
    world_fini(&world);
}

END_TEST

int main(void)
{
    TCase *tests = unit_tests("clock");
    UNIT_ADD(tests, time_is_the_wall_clock, a_jump_is_taken_over_when_somebody_says_so,
             a_jump_ahead_that_is_taken_back_costs_seconds,
             a_jump_ahead_that_stays_is_followed_slowly, a_jump_back_passes_time_at_half_speed,
             a_start_follows_a_downtime_and_not_a_clock_behind,
             six_wrong_hours_for_one_write_are_forgotten);
    return unit_run(tests);
}
