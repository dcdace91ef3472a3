/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Goal: long lists, which are sorted part by part, come in the order of the definition: tier, exact
 * score, id; and a settlement in several chunks makes the actions of one in a single chunk.
 * Method: random books with few distinct figures, so that many candidates tie, judged pair by pair.
 */
#include <stdio.h>

#include "lib/book/account_order.h"
#include "tests/unit/engine_fixture.h"

#include "lib/book/accounts.h"
#include "lib/rules/scores.h"
#include "lib/settlement/plan.h"
#include "lib/settlement/queue.h"
#include "tests/unit/random.h"
#include "tests/unit/unit_main.h"

#define CANDIDATES 3000u

static bs_i128 random_bits(int bits_max)
{
    uint64_t high = random_next(), low = random_next();
    bs_u128 all = (bs_u128)high << 64 | low;
    return (bs_i128)(all >> (128 - 1 - random_next() % (uint64_t)bits_max));
}

/* Often close to the other, and often equal to it as a fraction. */
static struct bs_score near(struct bs_score other)
{
    struct bs_score score = {random_bits(126), random_bits(126) + 1};
    uint64_t kind = random_next() % 4;
    bs_i128 limit = (bs_i128)1 << 120;
    if (kind < 3 && bs_abs(other.numerator) < limit && other.denominator < limit) {
        bs_i128 factor = 1 + (bs_i128)(random_next() % 32);
        score = (struct bs_score){other.numerator * factor + (bs_i128)kind - 1,
                                  other.denominator * factor};
    }
    if (kind == 3 && random_next() % 2 == 0) {
        score.numerator = -score.numerator;
    }
    return score;
}

START_TEST(test_key_never_inverts)
{
    uint32_t differ = 0;
    struct bs_score a = {1, 1};
    for (int i = 0; i < 1000000; i++) {
        struct bs_score b = near(a);
        int order = bs_compare_products(a.numerator, b.denominator, b.numerator, a.denominator);
        uint64_t left = bs_score_key(a), right = bs_score_key(b);
        ck_assert_uint_eq(left >> 62, 0);
        ck_assert(order < 0 ? left <= right : order > 0 ? left >= right : left == right);
        differ += left != right;
        a = b;
    }
    ck_assert_uint_gt(differ, 300000);
}

END_TEST

static const char *name_of(char buffer[16], const char *kind, uint32_t number)
{
    (void)snprintf(buffer, 16, "%s%05u", kind, number);
    return buffer;
}

static const char *number_of(char buffer[16], int64_t number)
{
    (void)snprintf(buffer, 16, "%lld", (long long)number);
    return buffer;
}

static struct bs_layer adl_by(uint8_t ranking)
{
    return (struct bs_layer){.type = BS_LAYER_ADL, .ranking = ranking, .protect_principal = true};
}

/* Shorts in two markets, posted in an order that is not that of the ids. */
static void post_shorts(struct fixture *f, uint32_t count, int64_t lots)
{
    char name[16], number[16];
    for (uint32_t i = 0; i < count; i++) {
        name_of(name, "short", (uint32_t)((uint64_t)i * 1009 % count));
        number_of(number, 500 * lots + 100 * (int64_t)(random_next() % 3));
        ck_assert_int_eq(put_account(f, name, "usd", number), BS_OK);
        for (int market = 0; market < 2; market++) {
            char entry[16];
            number_of(number, -lots * (1 + (int64_t)(random_next() % 3)));
            number_of(entry, 95 + (int64_t)(random_next() % 10));
            ck_assert_int_eq(put_position(f, name, market == 0 ? "AAA" : "BBB", number, entry),
                             BS_OK);
        }
    }
}

static void open_pool_of(struct fixture *f, uint32_t capacity, uint32_t count,
                         const struct bs_layer *layers)
{
    fixture_init(f, capacity, capacity);
    ck_assert_int_eq(put_pool(f, "usd", count, layers), BS_OK);
    ck_assert_int_eq(put_market(f, "AAA", "usd"), BS_OK);
    ck_assert_int_eq(put_market(f, "BBB", "usd"), BS_OK);
}

static void open_pool(struct fixture *f, uint32_t capacity, uint8_t ranking)
{
    const struct bs_layer layers[] = {adl_by(ranking), {.type = BS_LAYER_HAIRCUT}};
    open_pool_of(f, capacity, 2, layers);
}

static void rank_both(struct fixture *f, struct bs_plan *plan, uint8_t ranking)
{
    struct bs_queues *queues = f->engine->plan->queues;
    bs_account_order_refresh(f->engine);
    bs_plan_begin(plan, f->engine, bs_pool_find(f->engine, text("usd")), f->now_ms);
    bs_queues_clear(queues, ranking);
    bs_queues_need(queues, f->engine, bs_market_find(f->engine, text("AAA")), 1);
    bs_queues_need(queues, f->engine, bs_market_find(f->engine, text("BBB")), 1);
    bs_queues_collect(queues, plan);
}

static uint32_t id_place(const struct fixture *f, const struct bs_candidate *candidate)
{
    return f->engine->accounts.cold[candidate->account].rank;
}

static void judge_list(const struct fixture *f, const struct bs_plan *plan, uint32_t market)
{
    const struct bs_engine *engine = f->engine;
    const struct bs_candidate *before = NULL;
    uint32_t tiers = 0;
    for (uint32_t rank = 0; rank < CANDIDATES; rank++) {
        const struct bs_candidate *candidate = bs_queue_at(plan, market, 1, rank);
        ck_assert_ptr_nonnull(candidate);
        uint32_t row = bs_position_find(engine, candidate->account, market);
        ck_assert(candidate->terms.equity == bs_account_equity(engine, candidate->account));
        ck_assert_int_eq(candidate->terms.lots, engine->positions.rows[row].size);
        ck_assert_int_eq(candidate->tier, bs_position_profit(engine, row) <= 0);
        if (before != NULL) {
            int order = bs_candidate_compare(before, candidate);
            ck_assert_int_le(order, 0);
            ck_assert(order < 0 || id_place(f, before) < id_place(f, candidate));
            tiers += before->tier != candidate->tier;
        }
        before = candidate;
    }
    ck_assert_ptr_null(bs_queue_at(plan, market, 1, CANDIDATES));
    ck_assert_uint_eq(tiers, 1);
}

START_TEST(test_long_lists)
{
    for (uint8_t ranking = 0; ranking < BS_RANKING_COUNT; ranking++) {
        struct fixture f;
        struct bs_plan plan;
        open_pool(&f, 3 * CANDIDATES, ranking);
        post_shorts(&f, CANDIDATES, 1);
        ck_assert_int_eq(put_mark(&f, "AAA", "97"), BS_OK);
        ck_assert_int_eq(put_mark(&f, "BBB", "101"), BS_OK);
        rank_both(&f, &plan, ranking);
        judge_list(&f, &plan, bs_market_find(f.engine, text("AAA")));
        rank_both(&f, &plan, ranking);
        uint32_t market = bs_market_find(f.engine, text("BBB"));
        (void)bs_queue_at(&plan, market, 1, 0);
        (void)bs_queue_at(&plan, market, 1, CANDIDATES / 2);
        judge_list(&f, &plan, market);
        fixture_fini(&f);
    }
}

END_TEST

/* What a candidate was ranked by stays, whatever becomes of its account. */
START_TEST(test_lists_that_are_kept)
{
    struct fixture f;
    struct bs_plan plan;
    open_pool(&f, 3 * CANDIDATES, BS_RANKING_PROFIT_LEVERAGE);
    post_shorts(&f, CANDIDATES, 1);
    ck_assert_int_eq(put_mark(&f, "AAA", "97"), BS_OK);
    ck_assert_int_eq(put_mark(&f, "BBB", "101"), BS_OK);
    uint32_t market = bs_market_find(f.engine, text("AAA"));
    struct bs_candidate *expected = calloc(CANDIDATES, sizeof *expected);
    ck_assert_ptr_nonnull(expected);
    rank_both(&f, &plan, BS_RANKING_PROFIT_LEVERAGE);
    for (uint32_t rank = 0; rank < CANDIDATES; rank++) {
        expected[rank] = *bs_queue_at(&plan, market, 1, rank);
    }
    rank_both(&f, &plan, BS_RANKING_PROFIT_LEVERAGE);
    bs_queues_keep(&plan);
    for (uint32_t i = 0; i < CANDIDATES; i++) {
        f.engine->accounts.hot[expected[i].account].collateral += 7919 * (int64_t)(i % 5);
    }
    for (uint32_t rank = 0; rank < CANDIDATES; rank++) {
        const struct bs_candidate *candidate = bs_queue_at(&plan, market, 1, rank);
        ck_assert_uint_eq(candidate->account, expected[rank].account);
        ck_assert(candidate->terms.equity == expected[rank].terms.equity);
    }
    free(expected);
    fixture_fini(&f);
}

END_TEST

#define FAILING 900u

/* So many closes that a plan with few steps needs several chunks; 0: with all it has. */
static void settle_longs(struct fixture *f, uint32_t steps, const char *const collateral[2])
{
    char name[16];
    f->engine->plan->steps_max = steps > 0 ? steps : f->engine->plan->steps_max;
    post_shorts(f, 400, 25);
    for (uint32_t i = 0; i < FAILING; i++) {
        name_of(name, "long", i);
        const char *market = i % 2 == 0 ? "AAA" : "BBB";
        ck_assert_int_eq(put_account(f, name, "usd", collateral[i % 2]), BS_OK);
        ck_assert_int_eq(put_position(f, name, market, "20", "104"), BS_OK);
    }
    ck_assert_int_eq(put_mark(f, "AAA", "94"), BS_OK);
    ck_assert_int_eq(put_mark(f, "BBB", "94"), BS_OK);
    ck_assert_int_eq(named(f, BS_COMMAND_SETTLE, "usd"), BS_OK);
}

static void settle_burst(struct fixture *f, uint32_t steps, uint8_t ranking)
{
    random_state = 7;
    open_pool(f, 1800, ranking);
    settle_longs(f, steps, (const char *const[]){"195", "185"});
}

static void put_provider(struct fixture *f, const char *market)
{
    struct bs_command command = {.type = BS_COMMAND_PROVIDER};
    command.as.provider = (struct bs_provider_command){.account = text(market),
                                                       .market = text(market),
                                                       .max_position = dec("8000"),
                                                       .max_leverage_ppm = BS_PPM,
                                                       .priority = BS_PRIORITY_NONE};
    ck_assert_int_eq(put_account(f, market, "usd", "1000000"), BS_OK);
    ck_assert_int_eq(step(f, command), BS_OK);
}

/* Providers take over the positions of 800 of the 900; what the fund then pays is not enough. */
static void settle_insured_last(struct fixture *f, uint32_t steps, uint8_t ranking)
{
    const struct bs_layer layers[] = {{.type = BS_LAYER_ASSIGN,
                                       .has = {[BS_OPTION_SPREAD_PPM] = true},
                                       .options = {[BS_OPTION_SPREAD_PPM] = 1000}},
                                      adl_by(ranking),
                                      {.type = BS_LAYER_INSURANCE},
                                      {.type = BS_LAYER_HAIRCUT}};
    random_state = 7;
    open_pool_of(f, 2000, 4, layers);
    ck_assert_int_eq(add_fund(f, "usd", "9000"), BS_OK);
    put_provider(f, "AAA");
    put_provider(f, "BBB");
    settle_longs(f, steps, (const char *const[]){"10", "20"});
}

/* The bounds on sizes know what was held between two chunks. */
static void level_peaks(struct bs_engine *small, struct bs_engine *large)
{
    for (uint32_t row = 1; row <= small->markets_used; row++) {
        ck_assert_int_ge(small->markets[row].size_peak, large->markets[row].size_peak);
        small->markets[row].size_peak = large->markets[row].size_peak;
        small->markets[row].size_peak_is_old = large->markets[row].size_peak_is_old;
    }
}

/* Several chunks did what one did. */
static void judge_chunks(const struct fixture *small, const struct fixture *large)
{
    uint8_t small_record[BS_ACTION_RECORD_SIZE_MAX], large_record[BS_ACTION_RECORD_SIZE_MAX];
    ck_assert_uint_eq(small->actions_count, large->actions_count);
    ck_assert_uint_gt(small->engine->plan->checks_count, large->engine->plan->checks_count);
    for (uint32_t i = 0; i < small->actions_count; i++) {
        size_t size = bs_action_encode(&small->actions[i], small_record);
        ck_assert_uint_eq(size, bs_action_encode(&large->actions[i], large_record));
        ck_assert_mem_eq(small_record, large_record, size);
    }
    level_peaks(small->engine, large->engine);
    struct bs_digest a = bs_engine_digest(small->engine), b = bs_engine_digest(large->engine);
    ck_assert_mem_eq(&a, &b, sizeof a);
}

START_TEST(test_chunks_rank_alike)
{
    for (uint8_t ranking = 0; ranking < BS_RANKING_COUNT; ranking++) {
        struct fixture small, large;
        settle_burst(&small, 1200, ranking); /* fewer than two sides that are pooled need */
        settle_burst(&large, 0, ranking);
        judge_chunks(&small, &large);
        fixture_fini(&small);
        fixture_fini(&large);
    }
}

END_TEST

/* What the fund paid is named from its layer on; debtor by debtor, in all actions. */
static void judge_reasons(const struct fixture *f, uint8_t ranking)
{
    uint32_t early = 0, paid = 0;
    for (uint32_t i = 0; i < f->actions_count; i++) {
        const struct bs_action *action = &f->actions[i];
        bool has_debt = (action->present & 1u << BS_ACTION_DECIMAL_reason_deficit) != 0;
        bool is_paid_known = (action->present & 1u << BS_ACTION_DECIMAL_reason_fund_paid) != 0;
        bool comes_first =
            bs_ranking_splits(ranking) &&
            (action->type == BS_ACTION_LIQUIDATION_CLOSE || action->type == BS_ACTION_ASSIGNMENT);
        ck_assert(!has_debt || is_paid_known != comes_first);
        early += has_debt && comes_first;
        paid += action->type == BS_ACTION_INSURANCE_DRAW;
    }
    ck_assert(early > 0 || !bs_ranking_splits(ranking));
    ck_assert_uint_gt(paid, 0);
}

/* The small plan's chunks end inside the assign layer, and before the fund pays. */
START_TEST(test_chunks_have_the_same_reasons)
{
    for (uint8_t ranking = 0; ranking < BS_RANKING_COUNT; ranking++) {
        struct fixture small, large;
        settle_insured_last(&small, 1200, ranking);
        settle_insured_last(&large, 0, ranking);
        judge_reasons(&large, ranking);
        judge_chunks(&small, &large);
        fixture_fini(&small);
        fixture_fini(&large);
    }
}

END_TEST

int main(void)
{
    TCase *tests = unit_tests("queue");
    UNIT_ADD(tests, test_key_never_inverts, test_long_lists, test_lists_that_are_kept,
             test_chunks_rank_alike, test_chunks_have_the_same_reasons);
    return unit_run(tests);
}
