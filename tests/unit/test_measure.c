/* SPDX-License-Identifier: Apache-2.0 */
/* Goal: Gini, PTSR, PMR and worst shares are what the formulas give. Method: figures worked out by
 * hand. */

#include "daemon/simulation/measure.h"
#include "tests/unit/unit_main.h"

static int64_t gini_of(uint32_t count, const int64_t *losses, bool *ret_known)
{
    struct measure_loss rows[8] = {0};
    bs_i128 ppm = -1;
    for (uint32_t i = 0; i < count; i++) {
        rows[i].account = i;
        rows[i].loss = losses[i];
    }
    *ret_known = measure_gini(rows, count, &ppm);
    return (int64_t)ppm;
}

START_TEST(gini)
{
    static const struct {
        uint32_t count;
        int64_t losses[8];
        bool known;
        int64_t ppm;
    } cases[] = {
        {0, {0}, false, -1},
        {1, {0}, false, -1},
        {3, {0, 0, 0}, false, -1},
        {1, {77}, true, 0},
        {4, {5, 5, 5, 5}, true, 0},
        {2, {0, 9}, true, 500000},            /* (n-1)/n */
        {5, {0, 0, 0, 0, 100}, true, 800000}, /* (n-1)/n */
        {4, {4, 2, 3, 1}, true, 250000},      /* (-3 - 2 + 3 + 12) / (4 * 10) */
        {3, {1, 2, 2}, true, 133333},         /* (-2 + 4) / (3 * 5), rounded down */
        {2, {-50, 9}, true, 500000},          /* who gained lost nothing */
        {2, {1, INT64_MAX}, true, 499999},    /* no overflow */
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        bool known;
        int64_t ppm = gini_of(cases[i].count, cases[i].losses, &known);
        ck_assert_msg(known == cases[i].known, "case %zu", i);
        ck_assert_msg(ppm == cases[i].ppm, "case %zu: %lld", i, (long long)ppm);
    }
}

END_TEST

START_TEST(shares)
{
    bs_i128 ppm = 0;
    ck_assert(!measure_ppm(1, 0, &ppm));
    ck_assert(!measure_ppm(1, -1, &ppm));
    ck_assert(measure_ppm(2, 3, &ppm));
    ck_assert_int_eq((int64_t)ppm, 666666);
    ck_assert(measure_ppm(-1, 3, &ppm));
    ck_assert_int_eq((int64_t)ppm, -333334);
    ck_assert(measure_ppm((bs_i128)1 << 100, (bs_i128)1 << 101, &ppm));
    ck_assert_int_eq((int64_t)ppm, 500000);
}

END_TEST

START_TEST(worst)
{
    static const struct measure_loss losses[] = {
        {.account = 1, .loss = 50, .equity = 1000, .gain = 100},
        {.account = 2, .loss = 30, .equity = 100, .gain = 100},
        {.account = 3, .loss = 30, .equity = 100, .gain = 40},
        {.account = 4, .loss = 10, .equity = 0, .gain = -5},
        {.account = 5, .loss = 0, .equity = 7, .gain = 0},
    };
    struct measure_worst found;
    measure_worst(losses, 5, &found);
    ck_assert(found.has_equity);
    ck_assert(found.has_gain);
    ck_assert_int_eq((int64_t)found.of_equity_ppm, 300000);
    ck_assert_uint_eq(found.equity_account, 2); /* the first of two */
    ck_assert_int_eq((int64_t)found.of_gain_ppm, 750000);
    ck_assert_uint_eq(found.gain_account, 3);
    ck_assert_uint_eq(found.without_gain, 1);
    measure_worst(losses, 0, &found);
    ck_assert(!found.has_equity);
    ck_assert(!found.has_gain);
}

END_TEST

/* Winners 1..3 with gains 900, 500, 400; 100 is taken in all, from 1 alone or by gain; the largest
 * deficit is 400. PTSR is the largest gain left over 100, PMR over 400. */
START_TEST(what_is_left_to_the_top)
{
    static const struct what_row {
        bs_i128 equity, gain;
    } rows[] = {{0, 0}, {1000, 900}, {600, 500}, {400, 400}, {-5, 2000}};
    struct bs_what_if_account accounts[5];
    for (int i = 0; i < 5; i++) {
        accounts[i] = (struct bs_what_if_account){rows[i].equity, rows[i].gain};
    }
    static const struct measure_loss from_one[] = {{.account = 1, .loss = 500}};
    static const uint32_t one_place[5] = {0, 1, 0, 0, 0};
    bs_i128 top = measure_top_left(accounts, 5, one_place, from_one);
    bs_i128 ppm;
    ck_assert_int_eq((int64_t)top, 500); /* account 2, who was not touched */
    ck_assert(measure_ppm(top, 100, &ppm));
    ck_assert_int_eq((int64_t)ppm, 5000000);
    ck_assert(measure_ppm(top, 400, &ppm));
    ck_assert_int_eq((int64_t)ppm, 1250000);
    static const struct measure_loss by_gain[] = {
        {.account = 3, .loss = 22}, {.account = 2, .loss = 28}, {.account = 1, .loss = 50}};
    static const uint32_t places[5] = {0, 3, 2, 1, 0};
    ck_assert_int_eq((int64_t)measure_top_left(accounts, 5, places, by_gain), 850);
}

END_TEST

int main(void)
{
    TCase *tests = unit_tests("measure");
    UNIT_ADD(tests, gini, shares, worst, what_is_left_to_the_top);
    return unit_run(tests);
}
