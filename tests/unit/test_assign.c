/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Goal: of every assignment exactly one passes the plan check, and nobody is deleveraged before all
 * providers were asked. Method: a sound plan of two providers and a close, worked out by hand;
 * then one thing in it is moved, so that money, sizes and what is owed still come out even.
 * Registrations: full table, removal, what they outlive.
 */
#include <stdio.h>

#include "lib/book/account_order.h"
#include "tests/unit/engine_fixture.h"

#include "lib/book/accounts.h"
#include "lib/settlement/asked.h"
#include "lib/settlement/assign.h"
#include "lib/settlement/check.h"
#include "tests/unit/unit_main.h"

#define ASSIGN                                                                                     \
    {                                                                                              \
        .type = BS_LAYER_ASSIGN, .has = {[BS_OPTION_SPREAD_PPM] = true}, .options = {              \
            [BS_OPTION_SPREAD_PPM] = 1000                                                          \
        }                                                                                          \
    }

static const struct bs_layer layers[] = {
    ASSIGN,
    {.type = BS_LAYER_ADL, .protect_principal = true},
};

static enum bs_status put_provider(struct fixture *f, const char *account, const char *market,
                                   const char *max_position)
{
    struct bs_command command = {.type = BS_COMMAND_PROVIDER};
    command.as.provider = (struct bs_provider_command){.account = text(account),
                                                       .market = text(market),
                                                       .max_position = dec(max_position),
                                                       .max_leverage_ppm = BS_PPM,
                                                       .priority = BS_PRIORITY_NONE};
    return step(f, command);
}

/* The debtors of a side are closed together. */
static const struct bs_layer split_layers[] = {
    ASSIGN,
    {.type = BS_LAYER_ADL, .ranking = BS_RANKING_PRO_RATA, .protect_principal = true},
};

struct book {
    struct fixture f;
    struct bs_plan *plan;
    struct bs_step steps[3];
};

static struct bs_step step_to(struct book *book, uint8_t type, const char *counterparty,
                              int64_t lots, int64_t amount)
{
    struct bs_engine *engine = book->f.engine;
    struct bs_step step = {
        .type = type,
        .account = bs_account_find(engine, text("bob")),
        .counterparty = bs_account_find(engine, text(counterparty)),
        .market = bs_market_find(engine, text("BTC")),
        .debtor = 1,
        .lots = lots,
        .amount = amount,
    };
    if (type == BS_STEP_CLOSE) {
        step.as.close.leg_value = amount;
    }
    return step;
}

/* bob is long 10 at 100.00 with 100.00; at 88.00 he owes 20.00. lp1 takes 3 lots for 264.00 less
 * 0.26, lp2 4 for 352.00 less 0.35; carol's 3 close for 264.00 and the 20.61 then owed. */
static void open_book_by(struct book *book, const struct bs_layer waterfall[2])
{
    struct fixture *f = &book->f;
    fixture_init(f, 100, 100);
    ck_assert_int_eq(put_pool(f, "usd", 2, waterfall), BS_OK);
    ck_assert_int_eq(put_market(f, "BTC", "usd"), BS_OK);
    ck_assert_int_eq(put_account(f, "bob", "usd", "100"), BS_OK);
    ck_assert_int_eq(put_account(f, "carol", "usd", "500"), BS_OK);
    ck_assert_int_eq(put_account(f, "lp1", "usd", "1000"), BS_OK);
    ck_assert_int_eq(put_account(f, "lp2", "usd", "1000"), BS_OK);
    ck_assert_int_eq(put_position(f, "bob", "BTC", "10", "100"), BS_OK);
    ck_assert_int_eq(put_position(f, "carol", "BTC", "-10", "100"), BS_OK);
    ck_assert_int_eq(put_provider(f, "lp2", "BTC", "4"), BS_OK);
    ck_assert_int_eq(put_provider(f, "lp1", "BTC", "3"), BS_OK);
    ck_assert_int_eq(put_mark(f, "BTC", "88"), BS_OK);
    book->plan = f->engine->plan;
    bs_account_order_refresh(f->engine);
    bs_plan_begin(book->plan, f->engine, bs_pool_find(f->engine, text("usd")), f->now_ms);
    bs_asked_begin(book->plan);
    book->plan->debtors[0] = (struct bs_debtor){
        .account = bs_account_find(f->engine, text("bob")), .deficit = 2000, .owed = 2000};
    book->plan->debtors_count = 1;
    book->plan->debtor_next = 1;
    book->steps[0] = step_to(book, BS_STEP_ASSIGN, "lp1", 3, 26374);
    book->steps[1] = step_to(book, BS_STEP_ASSIGN, "lp2", 4, 35165);
    book->steps[1].as.assign.place = 1;
    book->steps[2] = step_to(book, BS_STEP_CLOSE, "carol", 3, 28461);
}

static void open_book(struct book *book)
{
    open_book_by(book, layers);
}

static bool verdict(struct book *book, uint32_t count)
{
    memcpy(book->plan->steps, book->steps, sizeof book->steps);
    book->plan->steps_count = count;
    return bs_plan_check(book->plan);
}

static void put_amount(struct book *book, uint32_t i, int64_t amount)
{
    book->steps[i].amount = amount;
    if (book->steps[i].type == BS_STEP_CLOSE) {
        book->steps[i].as.close.leg_value = amount;
    }
}

START_TEST(test_sound)
{
    struct book book;
    open_book(&book);
    ck_assert(verdict(&book, 3));
    fixture_fini(&book.f);
}

END_TEST

/* A cent more or less for the provider, which the close makes up for. */
START_TEST(test_amounts)
{
    struct book book;
    open_book(&book);
    put_amount(&book, 0, 26373);
    put_amount(&book, 2, 28462);
    ck_assert(!verdict(&book, 3));
    put_amount(&book, 0, 26375);
    put_amount(&book, 2, 28460);
    ck_assert(!verdict(&book, 3));
    put_amount(&book, 0, 26374);
    put_amount(&book, 2, 28461);
    ck_assert(verdict(&book, 3));
    fixture_fini(&book.f);
}

END_TEST

/* lp1 takes 2 instead of 3, and carol is closed for the lot. */
START_TEST(test_less_than_its_room)
{
    struct book book;
    open_book(&book);
    book.steps[0].lots = 2;
    put_amount(&book, 0, 17583);
    book.steps[2].lots = 4;
    put_amount(&book, 2, 35200 + 2000 + 17 + 35);
    ck_assert(!verdict(&book, 3));
    fixture_fini(&book.f);
}

END_TEST

/* lp2 takes a lot more than it offered. */
START_TEST(test_more_than_its_room)
{
    struct book book;
    open_book(&book);
    book.steps[1].lots = 5;
    put_amount(&book, 1, 44000 - 44);
    book.steps[2].lots = 2;
    put_amount(&book, 2, 17600 + 2000 + 26 + 44);
    ck_assert(!verdict(&book, 3));
    fixture_fini(&book.f);
}

END_TEST

/* Out of turn; and carol closed while lp2, or nobody, was asked. */
START_TEST(test_turns)
{
    struct book book;
    open_book(&book);
    struct bs_step first = book.steps[0], second = book.steps[1], close = book.steps[2];
    book.steps[0] = second;
    book.steps[1] = first;
    ck_assert(!verdict(&book, 3));
    book.steps[0] = first;
    book.steps[1] = close;
    book.steps[1].lots = 7;
    put_amount(&book, 1, 61600 + 2000 + 26);
    ck_assert(!verdict(&book, 2));
    book.steps[0] = close;
    book.steps[0].lots = 10;
    put_amount(&book, 0, 88000 + 2000);
    ck_assert(!verdict(&book, 1));
    book.plan->asked_count = 0; /* as it may be where there is no provider */
    ck_assert(verdict(&book, 1));
    fixture_fini(&book.f);
}

END_TEST

/* A chunk that ends inside the layer, after lp1 alone or after both: bob's turn ends with it. */
START_TEST(test_turn_at_the_end_of_a_chunk)
{
    for (uint32_t count = 1; count <= 2; count++) {
        struct book book;
        open_book_by(&book, split_layers);
        book.plan->fund_debtor = 1;
        book.plan->debtor_next = 0;
        ck_assert(verdict(&book, count) == (count == 2));
        fixture_fini(&book.f);
    }
}

END_TEST

/* Another account than the one whose turn it is, no case, and a pool that asks nobody. */
START_TEST(test_strangers)
{
    struct book book;
    open_book(&book);
    book.steps[0].counterparty = bs_account_find(book.f.engine, text("carol"));
    ck_assert(!verdict(&book, 3));
    book.steps[0].counterparty = bs_account_find(book.f.engine, text("lp1"));
    book.steps[0].debtor = 0;
    ck_assert(!verdict(&book, 3));
    book.steps[0].debtor = 1;
    ck_assert(verdict(&book, 3));
    struct bs_policy adl_alone = *book.plan->policy;
    adl_alone.layers[0] = adl_alone.layers[1];
    adl_alone.layers_count = 1;
    book.plan->policy = &adl_alone;
    ck_assert(!verdict(&book, 3));
    fixture_fini(&book.f);
}

END_TEST

START_TEST(test_registrations)
{
    struct fixture f;
    fixture_init(&f, 5000, 100);
    ck_assert_int_eq(put_pool(&f, "usd", 2, layers), BS_OK);
    ck_assert_int_eq(put_market(&f, "BTC", "usd"), BS_OK);
    for (uint32_t i = 0; i <= BS_PROVIDERS_MAX; i++) {
        char name[16];
        snprintf(name, sizeof name, "lp%04u", (i * 2741) % (BS_PROVIDERS_MAX + 1));
        ck_assert_int_eq(put_account(&f, name, "usd", "0"), BS_OK);
        ck_assert_int_eq(put_provider(&f, name, "BTC", "1"),
                         i < BS_PROVIDERS_MAX ? BS_OK : BS_FULL_PROVIDERS);
    }
    struct bs_digest full = bs_engine_digest(f.engine);
    ck_assert_int_eq(put_provider(&f, "lp0007", "BTC", "2"), BS_OK);
    ck_assert_int_eq(put_provider(&f, "lp0007", "BTC", "1"), BS_OK);
    struct bs_digest again = bs_engine_digest(f.engine);
    ck_assert_mem_eq(&full, &again, sizeof full);
    uint32_t rows = 0;
    char before[16] = "";
    for (uint32_t row = 0; bs_provider_next(f.engine, 0, 0, &row); row++, rows++) {
        struct bs_provider_view view;
        bs_provider_view_get(f.engine, row, &view);
        ck_assert(bs_text_compare(text(before), view.account) < 0);
        ck_assert_uint_eq(view.account.size, 6);
        memcpy(before, view.account.bytes, 6);
    }
    ck_assert_uint_eq(rows, BS_PROVIDERS_MAX);
    ck_assert_uint_eq(bs_provider_after(f.engine, text("lp0007"), text("BTC")), 8);
    /* With its account it goes; a market that somebody providers in cannot become another one. */
    ck_assert_int_eq(named(&f, BS_COMMAND_DELETE_ACCOUNT, "lp0007"), BS_OK);
    ck_assert_uint_eq(bs_provider_after(f.engine, text("lp0007"), text("BTC")), 7);
    struct bs_command other = {.type = BS_COMMAND_MARKET};
    other.as.market = (struct bs_market_command){.market = text("BTC"),
                                                 .pool = text("usd"),
                                                 .tick_size = dec("0.1"),
                                                 .lot_size = dec("1"),
                                                 .multiplier = dec("1")};
    ck_assert_int_eq(step(&f, other), BS_IN_USE);
    ck_assert_int_eq(named(&f, BS_COMMAND_DELETE_MARKET, "BTC"), BS_OK);
    uint32_t row = 0;
    ck_assert(!bs_provider_next(f.engine, 0, 0, &row));
    fixture_fini(&f);
}

END_TEST

/* A table of positions that is full: a provider that would need a row more is not asked. */
START_TEST(test_positions_are_full)
{
    struct fixture f;
    fixture_init(&f, 100, 2);
    ck_assert_int_eq(put_pool(&f, "usd", 2, layers), BS_OK);
    ck_assert_int_eq(put_market(&f, "BTC", "usd"), BS_OK);
    ck_assert_int_eq(put_account(&f, "bob", "usd", "100"), BS_OK);
    ck_assert_int_eq(put_account(&f, "carol", "usd", "500"), BS_OK);
    ck_assert_int_eq(put_account(&f, "lp1", "usd", "1000"), BS_OK);
    ck_assert_int_eq(put_position(&f, "bob", "BTC", "10", "100"), BS_OK);
    ck_assert_int_eq(put_position(&f, "carol", "BTC", "-10", "100"), BS_OK);
    ck_assert_int_eq(put_provider(&f, "lp1", "BTC", "4"), BS_OK);
    ck_assert_int_eq(put_mark(&f, "BTC", "88"), BS_OK);
    ck_assert_int_eq(named(&f, BS_COMMAND_SETTLE, "usd"), BS_OK);
    ck_assert_uint_eq(f.actions_count, 2);
    ck_assert_int_eq(f.actions[1].type, BS_ACTION_ADL);
    ck_assert_int_eq(cents(account_of(&f, "bob").equity), 0);
    fixture_fini(&f);
}

END_TEST

int main(void)
{
    TCase *tests = unit_tests("assign");
    UNIT_ADD(tests, test_sound, test_amounts, test_less_than_its_room, test_more_than_its_room,
             test_turns, test_turn_at_the_end_of_a_chunk, test_strangers, test_registrations,
             test_positions_are_full);
    return unit_run(tests);
}
