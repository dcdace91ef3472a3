/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Goal: the pure formulas of lib/rules give the figures of docs/policies.md. Method: worked by
 * hand, in cents, with the case beside each rule where it would be off by one.
 */
#include "tests/unit/unit_main.h"

#include "lib/rules/budget.h"
#include "lib/rules/default_window.h"
#include "lib/rules/drawdown.h"
#include "lib/rules/exact_price.h"
#include "lib/rules/haircut_weights.h"
#include "lib/rules/limits.h"
#include "lib/rules/seniority.h"
#include "lib/rules/solvency_bound.h"
#include "lib/rules/spread.h"

#define HOUR_MS INT64_C(3600000)

static void check(bs_i128 actual, int64_t expected)
{
    ck_assert_int_eq((int64_t)actual, expected);
    ck_assert(actual == expected);
}

/* A window of 64 hours has parts of one hour. The limit is 20 %, resumed below 10 %. */
static const struct bs_layer drawdown_layer = {
    .type = BS_LAYER_INSURANCE,
    .has_max_drawdown_ppm = true,
    .max_drawdown_ppm = 200000,
    .drawdown_window_ms = 64 * 3600000,
    .resume_ppm = 100000,
};

/* 1000.00 seen; at 800.01 the drawdown is 19.999 %, at 800.00 it is 20 %. */
START_TEST(test_drawdown_restricts)
{
    struct bs_drawdown_history history = {0};
    bs_drawdown_observe(&history, &drawdown_layer, 100000, 0, false);
    struct bs_drawdown found = bs_drawdown_of(&history, &drawdown_layer, 80001, HOUR_MS);
    check(found.peak, 100000);
    check(found.threshold, 80000);
    check(found.resume_at, 90001);
    ck_assert_uint_eq(found.drawdown_ppm, 199990);
    ck_assert(!found.restricted);
    found = bs_drawdown_of(&history, &drawdown_layer, 80000, HOUR_MS);
    ck_assert_uint_eq(found.drawdown_ppm, 200000);
    ck_assert(found.restricted);
    ck_assert(!history.restricted); /* looking writes nothing */
}

END_TEST

/* Restricted, it resumes below 10 %, not at it: at 900.01, not at 900.00. */
START_TEST(test_drawdown_resumes)
{
    struct bs_drawdown_history history = {0};
    bs_drawdown_observe(&history, &drawdown_layer, 100000, 0, false);
    bs_drawdown_observe(&history, &drawdown_layer, 80000, HOUR_MS, false);
    ck_assert(history.restricted);
    bs_drawdown_observe(&history, &drawdown_layer, 90000, 2 * HOUR_MS, false);
    ck_assert(history.restricted);
    bs_drawdown_observe(&history, &drawdown_layer, 90001, 3 * HOUR_MS, false);
    ck_assert(!history.restricted);
    bs_drawdown_observe(&history, &drawdown_layer, 90001, 3 * HOUR_MS, true);
    ck_assert(history.restricted); /* a draw was cut short */
}

END_TEST

/* The peak of hour 0 counts through hour 64 and is forgotten in hour 65; another window knows
 * nothing. */
START_TEST(test_drawdown_forgets)
{
    struct bs_drawdown_history history = {0};
    struct bs_layer other = drawdown_layer;
    other.drawdown_window_ms = 128 * 3600000;
    bs_drawdown_observe(&history, &drawdown_layer, 100000, 0, false);
    check(bs_drawdown_of(&history, &drawdown_layer, 500, 65 * HOUR_MS - 1).peak, 100000);
    check(bs_drawdown_of(&history, &drawdown_layer, 500, 65 * HOUR_MS).peak, 500);
    check(bs_drawdown_of(&history, &other, 500, HOUR_MS).peak, 500);
    ck_assert(!bs_drawdown_of(&history, &drawdown_layer, 0, 65 * HOUR_MS).restricted);
}

END_TEST

/* Gains of 30 and 20 from the last two periods; this one lost 40: the younger 30 are gone and 10 of
 * the older. */
START_TEST(test_seniority)
{
    bs_i128 gains[BS_AGES_MAX] = {30, 20};
    check(bs_gain_of_age(gains, -40, 0), -40);
    check(bs_gain_of_age(gains, -40, 1), 0);
    check(bs_gain_of_age(gains, -40, 2), 10);
    check(bs_gain_of_age(gains, 7, 1), 30);
    check(bs_gain_at_stake(gains, -40, 2), 10);
    check(bs_gain_at_stake(gains, 7, 1), 37);
    bs_gains_grow_older(gains, -40, 2);
    check(gains[0], 0); /* this period's: a loss leaves none */
    check(gains[1], 0);
    bs_gains_grow_older(gains, 5, 2);
    check(gains[0], 5);
    bs_gains_grow_older(gains, 6, 1);
    check(gains[0], 6);
    check(gains[1], 0); /* one age is remembered now */
}

END_TEST

/* 5 % of an equity of 1000.01 are 50.00, rounded down; 12.34 of them are used. */
START_TEST(test_limits)
{
    struct bs_layer layer = {.type = BS_LAYER_ADL};
    struct bs_limit_base base = {100001, 500000};
    struct bs_limit_use use = bs_limit_use_now(&(struct bs_limit_use){0}, 7, &base);
    ck_assert_uint_eq(use.number, 7);
    use.lost = 1234;
    use.closed = 200000;
    struct bs_allowance left = bs_limits_left(&layer, BS_LIMIT_SETTLEMENT, &use);
    ck_assert(left.loss == BS_UNLIMITED && left.close == BS_UNLIMITED);
    layer.has[BS_OPTION_MAX_LOSS_PPM] = true;
    layer.options[BS_OPTION_MAX_LOSS_PPM] = 50000;
    layer.has[BS_OPTION_MAX_CLOSE_PPM_PER_DAY] = true;
    layer.options[BS_OPTION_MAX_CLOSE_PPM_PER_DAY] = 300000;
    left = bs_limits_left(&layer, BS_LIMIT_SETTLEMENT, &use);
    check(left.loss, 5000 - 1234);
    ck_assert(left.close == BS_UNLIMITED);
    left = bs_limits_left(&layer, BS_LIMIT_DAY, &use);
    check(left.close, 150000 - 200000); /* overdrawn by a rounding, or a smaller limit */
    ck_assert(left.loss == BS_UNLIMITED);
    struct bs_limit_base later = {7, 8};
    check(bs_limit_use_now(&use, 7, &later).lost, 1234);
    use = bs_limit_use_now(&use, 8, &later);
    check(use.base.equity, 7);
    check(use.lost, 0);
}

END_TEST

START_TEST(test_budget)
{
    check(bs_budget_part(300, 1000, 600), 300);
    check(bs_budget_part(401, 1000, 600), 400);
    check(bs_budget_part(401, 1000, 1000), 0);
    check(bs_budget_part(401, 900, 1000), 0); /* lowered below what is used */
}

END_TEST

/* 0.1 % of 264.00 are 0.264, rounded down, for longs and shorts alike. */
START_TEST(test_spread)
{
    check(bs_spread_on(26400, 1000), 26);
    check(bs_spread_on(-26400, 1000), 26);
    check(bs_spread_limit(2099, 100000), 209);
    check(bs_spread_limit(0, 100000), 0);
    check(bs_spread_limit(-500, 100000), 0);
}

END_TEST

/* 100.00 gained since the window opened, 30.00 of it taken: 40.00 this period, 30.00 before. */
START_TEST(test_default_window)
{
    check(bs_default_window_gain(4000, 3000, 3000), 10000);
    check(bs_default_window_due(3000, 2500), 500);
    check(bs_default_window_due(3000, 3500), 0);
}

END_TEST

/* 890.01 for 10 lots: 3 bring ceil(267.003) = 267.01, the other 7 the rest. An equity of -20.01 on
 * weights of 1 and 1 becomes -10.00: rounded down it would be -10.01. */
START_TEST(test_exact_price)
{
    const struct bs_piecewise price = {89001, 10};
    check(bs_piece(&price, 0, 3), 26701);
    check(bs_piece(&price, 3, 7), 62300);
    check(bs_piece_at_entry(-26550, 3, -3), 26550);
    ck_assert(bs_exact_equity_after(-1000, -2001, 1, 2));
    ck_assert(!bs_exact_equity_after(-1001, -2001, 1, 2));
    ck_assert(!bs_exact_equity_after(-999, -2001, 1, 2));
    ck_assert(bs_exact_equity_after(0, -2001, 0, 2));
}

END_TEST

/* A gain of 100 on an equity of 80 with notional 400: weights 100, 100, 500 and 80; the cap is the
 * equity, or 25 % of the gain. */
START_TEST(test_haircut_weights)
{
    struct bs_payer_input input = {.gain = 100, .equity = 80, .notional = 400, .cap_ppm = 250000};
    struct bs_payer_terms terms = bs_payer_terms_of(BS_RULE_PRO_RATA, &input);
    check(terms.weight, 100);
    check(terms.cap, 80);
    terms = bs_payer_terms_of(BS_RULE_CAPPED_PRO_RATA, &input);
    check(terms.weight, 100);
    check(terms.cap, 25);
    terms = bs_payer_terms_of(BS_RULE_RISK_AWARE, &input);
    check(terms.weight, 500);
    check(terms.cap, 80);
    terms = bs_payer_terms_of(BS_RULE_MIN_MAX, &input);
    check(terms.weight, 80);
    check(terms.cap, 80);
    input.equity = 0; /* below a quantum: counts as one */
    terms = bs_payer_terms_of(BS_RULE_RISK_AWARE, &input);
    check(terms.weight, 40000);
    check(terms.cap, 0);
    ck_assert(bs_rule_needs_notional(BS_RULE_RISK_AWARE));
    ck_assert(!bs_rule_needs_notional(BS_RULE_MIN_MAX));
}

END_TEST

/* From 100 to 90 is a tenth; for an inverse contract a ninth, of the lower price. An account with
 * equity and value in the ratio of the move is not looked at, one with a quarter less is. */
START_TEST(test_solvency_bound)
{
    ck_assert_uint_eq(bs_bound_move(100, 90, false), (UINT64_C(1) << 32) / 10 + 1);
    ck_assert_uint_eq(bs_bound_move(100, 90, true), (UINT64_C(1) << 32) / 9 + 1);
    ck_assert_uint_eq(bs_bound_move(100, 100, false), 0);
    ck_assert_uint_eq(bs_bound_reach(0), 1);
    uint8_t reach = bs_bound_reach(bs_bound_move(100, 75, false));
    ck_assert_uint_ge(bs_bound_level(2500, 10000), reach);
    ck_assert_uint_lt(bs_bound_level(2000, 10000), reach);
    ck_assert_uint_eq(bs_bound_level(0, 0), BS_BOUND_NEVER);
    ck_assert_uint_eq(bs_bound_level(5, 0), BS_BOUND_NEVER);
    ck_assert_uint_eq(bs_bound_level(0, 5), 0);
    ck_assert_uint_eq(bs_bound_level(-1, 0), 0);
}

END_TEST

int main(void)
{
    TCase *tests = unit_tests("rules");
    UNIT_ADD(tests, test_drawdown_restricts, test_drawdown_resumes, test_drawdown_forgets,
             test_seniority, test_limits, test_budget, test_spread, test_default_window,
             test_exact_price, test_haircut_weights, test_solvency_bound);
    return unit_run(tests);
}
