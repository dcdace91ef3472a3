/* SPDX-License-Identifier: Apache-2.0 */
/* Snapshots: what is saved loads again, and the loaded engine goes on as the saved one does. */
#include "tests/tools/reload.h"
#include "tests/unit/engine_fixture.h"
#include "tests/unit/unit_main.h"

START_TEST(test_round_trip)
{
    struct fixture f, g;
    const struct bs_layer layers[] = {
        {.type = BS_LAYER_INSURANCE}, {.type = BS_LAYER_ADL}, {.type = BS_LAYER_HAIRCUT}};
    fixture_init(&f, 100, 1000);
    fixture_init(&g, 100, 1000);
    reload(f.engine, g.engine);
    fixture_fini(&g);
    fixture_init(&g, 200, 2000);
    ck_assert_int_eq(put_pool(&f, "p", 3, layers), BS_OK);
    put_market(&f, "m", "p");
    put_market(&f, "b", "p");
    put_account(&f, "a", "p", "100.00");
    put_account(&f, "c", "p", "100.00");
    ck_assert_int_eq(put_position(&f, "a", "m", "5", "100"), BS_OK);
    ck_assert_int_eq(put_position(&f, "a", "b", "5", "100"), BS_OK);
    ck_assert_int_eq(put_position(&f, "c", "m", "-5", "100"), BS_OK);
    put_mark(&f, "m", "100");
    put_mark(&f, "b", "50");
    reload(f.engine, g.engine);
    fixture_fini(&f);
    fixture_fini(&g);
}

END_TEST
int main(void)
{
    TCase *tests = unit_tests("snapshot");
    UNIT_ADD(tests, test_round_trip);
    return unit_run(tests);
}
