/* SPDX-License-Identifier: Apache-2.0 */
/* What retention lets go. Goal: never what a start needs; age and size as the settings say; webhooks
 * hold files back from the limit of bytes, and not from that of days. Method: rows. */
#include <stdint.h>

#include "daemon/retention/retention_plan.h"
#include "tests/unit/unit_main.h"

#define DAY_S 86400
#define NOW_S (100 * DAY_S)

/* Four files of 10 bytes and 100 commands each, written 9, 8, 3 and 1 days ago; an action in five. */
static const struct log_old_file files[] = {
    {1, 10, NOW_S - 9 * DAY_S, 100, 20, 1},
    {2, 10, NOW_S - 8 * DAY_S, 200, 40, 2},
    {3, 10, NOW_S - 3 * DAY_S, 300, 60, 3},
    {4, 10, NOW_S - 1 * DAY_S, 400, 80, 4},
};

static const struct {
    struct retention_options options;
    struct retention_needs needs;
    uint64_t up_to_seq;
} rows[] = {
    /* no snapshot: everything stays */
    {{7, 0}, {0, UINT64_MAX}, 0},
    {{0, 0}, {0, UINT64_MAX}, 0},
    {{0, 1}, {0, UINT64_MAX}, 0},
    /* by age; a file goes whole or not at all */
    {{7, 0}, {1000, UINT64_MAX}, 200},
    {{7, 0}, {200, UINT64_MAX}, 200},
    {{7, 0}, {199, UINT64_MAX}, 100},
    {{7, 0}, {99, UINT64_MAX}, 0},
    {{9, 0}, {1000, UINT64_MAX}, 100},
    {{10, 0}, {1000, UINT64_MAX}, 0},
    {{0, 0}, {1000, UINT64_MAX}, 400},
    {{1, 0}, {1000, UINT64_MAX}, 400},
    /* by age although an endpoint is not through it */
    {{7, 0}, {1000, 0}, 200},
    /* by size: as many as it takes */
    {{7, 40}, {1000, UINT64_MAX}, 200},
    {{100, 40}, {1000, UINT64_MAX}, 0},
    {{100, 39}, {1000, UINT64_MAX}, 100},
    {{100, 30}, {1000, UINT64_MAX}, 100},
    {{100, 29}, {1000, UINT64_MAX}, 200},
    {{100, 1}, {1000, UINT64_MAX}, 400},
    {{100, 1}, {300, UINT64_MAX}, 300},
    /* by size, as far as endpoints are through */
    {{100, 1}, {1000, 19}, 0},
    {{100, 1}, {1000, 20}, 100},
    {{100, 1}, {1000, 59}, 200},
    {{100, 1}, {1000, 80}, 400},
    /* both: two by age, then one by size */
    {{7, 15}, {1000, 60}, 300},
    {{7, 15}, {1000, 59}, 200},
};

START_TEST(goes_by_the_table)
{
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        uint64_t up_to_seq = retention_plan(&rows[i].options, &rows[i].needs, files, 4, NOW_S);
        ck_assert_msg(up_to_seq == rows[i].up_to_seq, "row %zu: %llu", i,
                      (unsigned long long)up_to_seq);
    }
    ck_assert_uint_eq(retention_plan(&rows[0].options, &rows[4].needs, files, 0, NOW_S), 0);
}

END_TEST

int main(void)
{
    TCase *tests = unit_tests("retention");
    UNIT_ADD(tests, goes_by_the_table);
    return unit_run(tests);
}
