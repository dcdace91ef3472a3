/* SPDX-License-Identifier: Apache-2.0 */
/* Goal: behaviour changes at the record that raises the level and not before; a build that does not
 * know the level refuses log and snapshot. Method: engines that know the level of the tests. */
#include <errno.h>

#include "daemon/config/settings.h"
#include "daemon/core/internal.h"
#include "lib/book/feature.h"
#include "tests/tools/reload.h"
#include "tests/unit/core_support.h"
#include "tests/unit/engine_fixture.h"
#include "tests/unit/unit_main.h"

static enum bs_status raise_to(struct fixture *f, uint32_t level)
{
    return step(
        f, (struct bs_command){.type = BS_COMMAND_FEATURE_LEVEL, .as.feature_level.level = level});
}

static enum bs_status pool_is(struct fixture *f, uint8_t type)
{
    return step(f, (struct bs_command){.type = type, .as.name.name = text("p")});
}

static void init(struct fixture *f, bool knows_test_level)
{
    const struct bs_layer layers[] = {{.type = BS_LAYER_INSURANCE}};
    fixture_init(f, 10, 10);
    f->engine->config.knows_test_level = knows_test_level;
    ck_assert_int_eq(put_pool(f, "p", 1, layers), BS_OK);
    ck_assert_int_eq(pool_is(f, BS_COMMAND_RESUME), BS_OK);
}

static bool digests_equal(struct fixture *f, struct fixture *g)
{
    struct bs_digest a = bs_engine_digest(f->engine);
    struct bs_digest b = bs_engine_digest(g->engine);
    return memcmp(a.words, b.words, sizeof(a.words)) == 0;
}

START_TEST(behaviour_changes_at_the_record)
{
    struct fixture f, g;
    init(&f, true);
    init(&g, false);
    for (uint32_t i = 0; i < 2; i++) { /* level 1 in both, with a record and without */
        ck_assert_int_eq(pool_is(&f, BS_COMMAND_PAUSE), BS_OK);
        ck_assert_int_eq(pool_is(&g, BS_COMMAND_PAUSE), BS_OK);
        ck_assert(digests_equal(&f, &g));
        ck_assert_int_eq(pool_is(&f, BS_COMMAND_RESUME), BS_OK);
        ck_assert_int_eq(pool_is(&g, BS_COMMAND_RESUME), BS_OK);
        ck_assert_int_eq(raise_to(&f, BS_FEATURE_LEVEL_FIRST), BS_OK);
        ck_assert(digests_equal(&f, &g));
    }
    ck_assert_int_eq(raise_to(&f, BS_FEATURE_LEVEL_TEST), BS_OK);
    ck_assert(!digests_equal(&f, &g));
    ck_assert_int_eq(pool_is(&f, BS_COMMAND_PAUSE), BS_MISSING_FIELD);
    ck_assert_int_eq(pool_is(&g, BS_COMMAND_PAUSE), BS_OK);
    fixture_fini(&f);
    fixture_fini(&g);
}

END_TEST

START_TEST(a_level_is_known_and_never_falls)
{
    struct fixture f;
    init(&f, false);
    ck_assert_uint_eq(bs_engine_feature_level(f.engine), BS_FEATURE_LEVEL_FIRST);
    ck_assert_uint_eq(setting_spec(SETTING_CORE_FEATURE_LEVEL)->max, BS_FEATURE_LEVEL_NEWEST);
    ck_assert_int_eq(raise_to(&f, BS_FEATURE_LEVEL_NEWEST + 1), BS_NEWER_RECORD);
    ck_assert_int_eq(raise_to(&f, 0), BS_INVALID_VALUE);
    fixture_fini(&f);
    init(&f, true);
    ck_assert_int_eq(raise_to(&f, BS_FEATURE_LEVEL_TEST), BS_OK);
    ck_assert_int_eq(raise_to(&f, BS_FEATURE_LEVEL_FIRST), BS_INVALID_VALUE);
    ck_assert_uint_eq(bs_engine_feature_level(f.engine), BS_FEATURE_LEVEL_TEST);
    fixture_fini(&f);
}

END_TEST

START_TEST(a_snapshot_keeps_the_level)
{
    struct fixture f, g;
    init(&f, true);
    ck_assert_int_eq(raise_to(&f, BS_FEATURE_LEVEL_TEST), BS_OK);
    struct rows rows = rows_of(f.engine, BS_SNAPSHOT_ROW_MAX);
    fixture_init(&g, 10, 10);
    ck_assert_int_eq(rows_load(&rows, g.engine, BS_SNAPSHOT_ROW_MAX), BS_NEWER_RECORD);
    fixture_fini(&g);
    fixture_init(&g, 10, 10);
    g.engine->config.knows_test_level = true;
    ck_assert_int_eq(rows_load(&rows, g.engine, BS_SNAPSHOT_ROW_MAX), BS_OK);
    free(rows.bytes);
    ck_assert_uint_eq(bs_engine_feature_level(g.engine), BS_FEATURE_LEVEL_TEST);
    ck_assert(digests_equal(&f, &g));
    fixture_fini(&f);
    fixture_fini(&g);
}

END_TEST

static int start(struct world *world, bool knows_test_level, uint32_t level, char *error)
{
    world->options.engine.knows_test_level = knows_test_level;
    world->options.feature_level = level;
    return world_start(world, error);
}

/* The level in force after a start that must succeed. */
static uint32_t level_after(struct world *world, bool knows_test_level, uint32_t level)
{
    char error[LOG_ERROR_SIZE] = "";
    ck_assert_msg(start(world, knows_test_level, level, error) == 0, "%s", error);
    uint32_t in_force = bs_engine_feature_level(world->core->executor.engine);
    world_stop(world);
    return in_force;
}

static void check_refused(struct world *world, bool knows_test_level, uint32_t level, int code,
                          const char *why)
{
    char error[LOG_ERROR_SIZE] = "";
    uint64_t seq = log_last_seq(world->log);
    ck_assert_int_eq(start(world, knows_test_level, level, error), code);
    ck_assert_msg(strstr(error, why) != NULL, "\"%s\" does not say \"%s\"", error, why);
    ck_assert_uint_eq(log_last_seq(world->log), seq);
}

START_TEST(an_old_log_keeps_its_level_until_told)
{
    struct world world;
    world_init(&world);
    ck_assert_uint_eq(level_after(&world, false, FEATURE_LEVEL_OF_LOG), 1);
    uint64_t seq = log_last_seq(world.log);
    ck_assert_uint_eq(level_after(&world, true, FEATURE_LEVEL_OF_LOG), 1);
    ck_assert_uint_eq(log_last_seq(world.log), seq); /* so the older build still starts */
    ck_assert_uint_eq(level_after(&world, false, FEATURE_LEVEL_OF_LOG), 1);
    check_refused(&world, false, 2, -EINVAL, "this version knows levels up to 1");
    ck_assert_uint_eq(level_after(&world, true, BS_FEATURE_LEVEL_TEST), BS_FEATURE_LEVEL_TEST);
    ck_assert_uint_eq(log_last_seq(world.log), seq + 1);
    ck_assert_uint_eq(level_after(&world, true, FEATURE_LEVEL_OF_LOG), BS_FEATURE_LEVEL_TEST);
    check_refused(&world, true, 1, -EINVAL, "never taken back");
    check_refused(&world, false, FEATURE_LEVEL_OF_LOG, -EBADMSG,
                  "the log is at feature level 1000000 from seq 2 on");
    world_fini(&world);
}

END_TEST

START_TEST(a_new_log_has_the_newest)
{
    struct world world;
    world_init(&world);
    ck_assert_uint_eq(level_after(&world, true, FEATURE_LEVEL_OF_LOG), BS_FEATURE_LEVEL_TEST);
    world_fini(&world);
    world_init(&world);
    ck_assert_uint_eq(level_after(&world, true, 1), 1);
    world_fini(&world);
}

END_TEST

int main(void)
{
    TCase *tests = unit_tests("feature_level");
    UNIT_ADD(tests, behaviour_changes_at_the_record, a_level_is_known_and_never_falls,
             a_snapshot_keeps_the_level, an_old_log_keeps_its_level_until_told,
             a_new_log_has_the_newest);
    return unit_run(tests);
}
