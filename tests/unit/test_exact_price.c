/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Goal: of every close exactly one amount passes the plan check. Method: sound plans of two legs
 * and three pieces, worked out by hand; then a quantum is moved from one amount to another, so that
 * money, sizes and what is owed still come out even, and the check must refuse.
 */
#include "tests/unit/engine_fixture.h"

#include "lib/settlement/check.h"
#include "lib/settlement/plan.h"
#include "tests/unit/unit_main.h"

static const struct bs_layer layers[] = {
    {.type = BS_LAYER_ADL, .protect_principal = true},
    {.type = BS_LAYER_HAIRCUT},
};

struct book {
    struct fixture f;
    struct bs_plan *plan;
    struct bs_step steps[3];
};

static void put_step(struct book *book, uint32_t i, const char *counterparty, const char *market,
                     int64_t lots)
{
    struct bs_engine *engine = book->f.engine;
    book->steps[i] = (struct bs_step){
        .type = BS_STEP_CLOSE,
        .account = bs_account_find(engine, text("bob")),
        .counterparty = bs_account_find(engine, text(counterparty)),
        .market = bs_market_find(engine, text(market)),
        .debtor = 1,
        .lots = lots,
    };
}

static void amounts(struct book *book, const int64_t rows[3][2])
{
    for (uint32_t i = 0; i < 3; i++) {
        book->steps[i].as.close.leg_value = rows[i][0];
        book->steps[i].amount = rows[i][1];
    }
}

/* bob is long 10 of each market at 100.00 with 219.99, both marks are 88.00: he owes 20.01, of
 * which the legs carry 10.01 and 10.00. alice (3, entered at `entry`) and carol (7) are short. */
static void open_book(struct book *book, const char *entry)
{
    struct fixture *f = &book->f;
    fixture_init(f, 100, 100);
    ck_assert_int_eq(put_pool(f, "usd", 2, layers), BS_OK);
    ck_assert_int_eq(put_market(f, "BTC", "usd"), BS_OK);
    ck_assert_int_eq(put_market(f, "ETH", "usd"), BS_OK);
    ck_assert_int_eq(put_account(f, "bob", "usd", "219.99"), BS_OK);
    ck_assert_int_eq(put_account(f, "alice", "usd", "500"), BS_OK);
    ck_assert_int_eq(put_account(f, "carol", "usd", "500"), BS_OK);
    ck_assert_int_eq(put_position(f, "bob", "BTC", "10", "100"), BS_OK);
    ck_assert_int_eq(put_position(f, "bob", "ETH", "10", "100"), BS_OK);
    ck_assert_int_eq(put_position(f, "alice", "BTC", "-3", entry), BS_OK);
    ck_assert_int_eq(put_position(f, "carol", "BTC", "-7", "100"), BS_OK);
    ck_assert_int_eq(put_position(f, "carol", "ETH", "-10", "100"), BS_OK);
    ck_assert_int_eq(put_mark(f, "BTC", "88"), BS_OK);
    ck_assert_int_eq(put_mark(f, "ETH", "88"), BS_OK);
    book->plan = f->engine->plan;
    bs_plan_begin(book->plan, f->engine, bs_pool_find(f->engine, text("usd")), f->now_ms);
    book->plan->debtors[0] = (struct bs_debtor){
        .account = bs_account_find(f->engine, text("bob")), .deficit = 2001, .owed = 2001};
    book->plan->debtors_count = 1;
    book->plan->debtor_next = 1;
    put_step(book, 0, "alice", "BTC", 3);
    put_step(book, 1, "carol", "BTC", 7);
    put_step(book, 2, "carol", "ETH", 10);
}

static bool verdict(struct book *book)
{
    memcpy(book->plan->steps, book->steps, sizeof book->steps);
    book->plan->steps_count = 3;
    return bs_plan_check(book->plan);
}

/* Planned value of the leg and amount of the piece, in cents: ceil(89001 * 3 / 10) = 26701. */
static const int64_t sound[3][2] = {{89001, 26701}, {89001, 62300}, {89000, 89000}};
/* alice is protected at her entry, 88.50 * 3; the 1.51 that fall short are the next leg's. */
static const int64_t at_entry[3][2] = {{89001, 26550}, {89001, 62300}, {89151, 89151}};

static const struct {
    const char *entry;
    int64_t rows[3][2];
} broken[] = {
    {"100", {{89002, 26701}, {89002, 62301}, {88999, 88999}}},  /* a leg for a cent more */
    {"100", {{89000, 26700}, {89000, 62300}, {89001, 89001}}},  /* a leg for a cent less */
    {"100", {{89001, 26702}, {89001, 62299}, {89000, 89000}}},  /* a piece for a cent more */
    {"100", {{89001, 26700}, {89001, 62301}, {89000, 89000}}},  /* a piece for a cent less */
    {"100", {{89001, 26701}, {89000, 62300}, {89000, 89000}}},  /* two values of one leg */
    {"100", {{88001, 26401}, {88001, 61600}, {90000, 90000}}},  /* one leg carries it all */
    {"88.5", {{89001, 26551}, {89001, 62300}, {89150, 89150}}}, /* past the protected entry */
    {"88.5", {{89001, 26549}, {89001, 62300}, {89152, 89152}}}, /* short of it */
    {"88.5", {{89001, 26550}, {89001, 62451}, {89000, 89000}}}, /* the next one of the leg pays */
};

START_TEST(test_sound)
{
    struct book book;
    open_book(&book, _i == 0 ? "100" : "88.5");
    amounts(&book, _i == 0 ? sound : at_entry);
    ck_assert(verdict(&book));
    fixture_fini(&book.f);
}

END_TEST

START_TEST(test_broken)
{
    struct book book;
    open_book(&book, broken[_i].entry);
    amounts(&book, broken[_i].rows);
    ck_assert(!verdict(&book));
    fixture_fini(&book.f);
}

END_TEST

/* The same legs in another order than the closing order, and a close that belongs to nobody. */
START_TEST(test_order_and_debtor)
{
    struct book book;
    open_book(&book, "100");
    amounts(&book, sound);
    struct bs_step first = book.steps[2];
    book.steps[2] = book.steps[1];
    book.steps[1] = book.steps[0];
    book.steps[0] = first;
    ck_assert(!verdict(&book));
    book.steps[0] = book.steps[1];
    book.steps[1] = book.steps[2];
    book.steps[2] = first;
    ck_assert(verdict(&book));
    book.steps[0].debtor = 0;
    ck_assert(!verdict(&book));
    fixture_fini(&book.f);
}

END_TEST

int main(void)
{
    TCase *tests = unit_tests("exact_price");
    tcase_add_loop_test(tests, test_sound, 0, 2);
    tcase_add_loop_test(tests, test_broken, 0, (int)(sizeof broken / sizeof *broken));
    UNIT_ADD(tests, test_order_and_debtor);
    return unit_run(tests);
}
