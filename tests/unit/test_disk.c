/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The watch of the disk, with figures instead of a disk. Goal: writes are refused and taken again at
 * the right figures, levels do not flutter, each change is told once; the reserve is made only where
 * there is room, and given up before a start without.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/disk/disk_watch.h"
#include "daemon/logger/logger.h"
#include "tests/unit/unit_main.h"

#define MIB ((uint64_t)1 << 20)
#define DISK_SIZE (1000 * MIB)

struct fixture {
    char directory[64];
    struct disk_room room;
    int code; /* of the next look */
    struct disk_watch *watch;
    uint32_t changes;
    struct disk_state told;
};

static int on_read(void *user, int directory, struct disk_room *ret_room)
{
    struct fixture *fixture = user;
    (void)directory;
    *ret_room = fixture->room;
    return fixture->code;
}

static void on_change(void *user, const struct disk_state *state)
{
    struct fixture *fixture = user;
    fixture->changes++;
    fixture->told = *state;
}

static void start(struct fixture *fixture, uint64_t free, const struct reserve_options *reserve)
{
    struct disk_watch_options options;
    logger_set_level(LOGGER_ERROR);
    memset(fixture, 0, sizeof(*fixture));
    (void)strcpy(fixture->directory, "/tmp/backstop-disk-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(fixture->directory));
    fixture->room = (struct disk_room){.size = DISK_SIZE, .free = free};
    disk_watch_options_defaults(&options);
    options.directory = fixture->directory;
    options.reserve = *reserve;
    options.interval_ms = 600000; /* the test looks */
    options.read_room = on_read;
    options.user = fixture;
    ck_assert_int_eq(disk_watch_start(&fixture->watch, &options), 0);
    disk_watch_on_change(fixture->watch, on_change, fixture);
}

static void look(struct fixture *fixture, uint64_t free)
{
    fixture->room.free = free;
    disk_watch_look(fixture->watch);
}

static bool has_reserve(const struct fixture *fixture, uint64_t *ret_blocks)
{
    char path[96];
    struct stat status;
    (void)snprintf(path, sizeof(path), "%s/%s", fixture->directory, RESERVE_NAME);
    bool exists = stat(path, &status) == 0;
    *ret_blocks = exists ? (uint64_t)status.st_blocks * 512 : 0;
    return exists;
}

static void finish(struct fixture *fixture)
{
    char path[96];
    disk_watch_free(fixture->watch);
    (void)snprintf(path, sizeof(path), "%s/%s", fixture->directory, RESERVE_NAME);
    (void)unlink(path);
    ck_assert_int_eq(rmdir(fixture->directory), 0);
}

START_TEST(refuses_below_and_takes_again_a_quarter_above)
{
    static const struct {
        uint64_t free;
        bool is_low;
    } steps[] = {
        {100 * MIB, false},    {99 * MIB, true},   {100 * MIB, true},
        {125 * MIB - 1, true}, {125 * MIB, false}, {100 * MIB, false},
        {100 * MIB - 1, true}, {0, true},          {DISK_SIZE, false},
    };
    const struct reserve_options reserve = {.free_min = 100 * MIB};
    struct fixture fixture;
    start(&fixture, DISK_SIZE, &reserve);
    for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
        look(&fixture, steps[i].free);
        ck_assert_int_eq(disk_watch_is_low(fixture.watch), steps[i].is_low);
        ck_assert_uint_eq(disk_watch_state(fixture.watch).room.free, steps[i].free);
    }
    finish(&fixture);
}

END_TEST

START_TEST(tells_each_change_once)
{
    static const struct {
        uint64_t free;
        uint8_t level;
        uint32_t changes;
    } steps[] = {
        {151 * MIB, DISK_ROOMY, 0},      {150 * MIB, DISK_FILLING, 1},
        {155 * MIB, DISK_FILLING, 1},    {160 * MIB, DISK_FILLING, 1},
        {161 * MIB, DISK_ROOMY, 2},      {40 * MIB, DISK_NEARLY_FULL, 3},
        {50 * MIB, DISK_NEARLY_FULL, 3}, {59 * MIB, DISK_NEARLY_FULL, 3},
        {61 * MIB, DISK_FILLING, 4},     {900 * MIB, DISK_ROOMY, 5},
    };
    const struct reserve_options reserve = {0};
    struct fixture fixture;
    start(&fixture, 500 * MIB, &reserve);
    for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
        look(&fixture, steps[i].free);
        ck_assert_uint_eq(disk_watch_state(fixture.watch).level, steps[i].level);
        ck_assert_uint_eq(fixture.changes, steps[i].changes);
        ck_assert(!disk_watch_is_low(fixture.watch)); /* free_min 0: never */
    }
    ck_assert_str_eq(disk_level_name(fixture.told.level), "roomy");
    finish(&fixture);
}

END_TEST

START_TEST(tells_a_newcomer_what_is_wrong)
{
    const struct reserve_options reserve = {.free_min = 100 * MIB};
    struct fixture fixture;
    start(&fixture, 10 * MIB, &reserve);
    ck_assert_uint_eq(fixture.changes, 1);
    ck_assert(fixture.told.is_low);
    disk_watch_on_change(fixture.watch, NULL, NULL);
    look(&fixture, DISK_SIZE);
    ck_assert_uint_eq(fixture.changes, 1);
    finish(&fixture);
}

END_TEST

START_TEST(a_failed_look_changes_nothing)
{
    const struct reserve_options reserve = {.free_min = 100 * MIB};
    struct fixture fixture;
    start(&fixture, 10 * MIB, &reserve);
    fixture.code = -EIO;
    look(&fixture, DISK_SIZE);
    ck_assert(disk_watch_is_low(fixture.watch));
    fixture.code = 0;
    look(&fixture, DISK_SIZE);
    ck_assert(!disk_watch_is_low(fixture.watch));
    finish(&fixture);
}

END_TEST

START_TEST(makes_the_reserve_where_there_is_room)
{
    const struct reserve_options reserve = {.size = MIB, .free_min = 100 * MIB};
    struct fixture fixture;
    uint64_t blocks;
    ck_assert_uint_eq(reserve_make_from(&reserve), 126 * MIB);
    start(&fixture, 126 * MIB - 1, &reserve);
    ck_assert(!has_reserve(&fixture, &blocks));
    look(&fixture, 126 * MIB);
    ck_assert(has_reserve(&fixture, &blocks));
    ck_assert_uint_ge(blocks, MIB); /* allocated, not sparse */
    ck_assert(disk_watch_state(fixture.watch).has_reserve);
    look(&fixture, 1); /* while it runs the reserve is kept */
    ck_assert(has_reserve(&fixture, &blocks));
    finish(&fixture);
}

END_TEST

START_TEST(gives_the_reserve_up_only_on_a_low_disk)
{
    struct fixture fixture;
    uint64_t blocks;
    const struct reserve_options none = {0};
    const struct reserve_options roomy = {.size = MIB, .free_min = 1};
    const struct reserve_options low = {.size = MIB, .free_min = UINT64_MAX / 2};
    start(&fixture, DISK_SIZE, &none);
    int directory = open(fixture.directory, O_RDONLY | O_DIRECTORY);
    ck_assert_int_eq(reserve_make(directory, MIB), 0);
    reserve_release_if_low(directory, &roomy);
    ck_assert(has_reserve(&fixture, &blocks));
    reserve_release_if_low(directory, &low);
    ck_assert(!has_reserve(&fixture, &blocks));
    reserve_release_if_low(directory, &low); /* without one too */
    (void)close(directory);
    finish(&fixture);
}

END_TEST

int main(void)
{
    TCase *tests = unit_tests("disk");
    UNIT_ADD(tests, refuses_below_and_takes_again_a_quarter_above, tells_each_change_once,
             tells_a_newcomer_what_is_wrong, a_failed_look_changes_nothing,
             makes_the_reserve_where_there_is_room, gives_the_reserve_up_only_on_a_low_disk);
    return unit_run(tests);
}
