/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Goal: the plan check refuses every plan that breaks a rule, and a refusal changes nothing.
 * Method: a sound plan by hand passes; each mutation of it must not.
 */
#include "tests/unit/engine_fixture.h"

#include "lib/settlement/check.h"
#include "lib/settlement/plan.h"
#include "tests/unit/unit_main.h"

static const struct bs_layer layers[] = {
    {.type = BS_LAYER_INSURANCE},
    {.type = BS_LAYER_ADL, .protect_principal = true},
    {.type = BS_LAYER_HAIRCUT},
};

struct book {
    struct fixture f;
    struct bs_plan *plan;
    uint32_t bob, alice, backstop, market;
};

/* bob long 10 at 100 with 100, mark 88: deficit 20.00; alice short 10 with 500: gain 120.00. */
static void open_book(struct book *book)
{
    struct fixture *f = &book->f;
    fixture_init(f, 100, 100);
    ck_assert_int_eq(put_pool(f, "usd", 3, layers), BS_OK);
    ck_assert_int_eq(put_market(f, "BTC", "usd"), BS_OK);
    ck_assert_int_eq(put_account(f, "bob", "usd", "100"), BS_OK);
    ck_assert_int_eq(put_account(f, "alice", "usd", "500"), BS_OK);
    ck_assert_int_eq(put_position(f, "bob", "BTC", "10", "100"), BS_OK);
    ck_assert_int_eq(put_position(f, "alice", "BTC", "-10", "100"), BS_OK);
    ck_assert_int_eq(add_fund(f, "usd", "5"), BS_OK);
    ck_assert_int_eq(put_mark(f, "BTC", "88"), BS_OK);
    book->bob = bs_account_find(f->engine, text("bob"));
    book->alice = bs_account_find(f->engine, text("alice"));
    book->backstop = bs_account_find(f->engine, text("backstop:usd"));
    book->market = bs_market_find(f->engine, text("BTC"));
    book->plan = f->engine->plan;
    bs_plan_begin(book->plan, f->engine, bs_pool_find(f->engine, text("usd")), f->now_ms);
    book->plan->debtors[0] =
        (struct bs_debtor){.account = book->bob, .deficit = 2000, .owed = 2000};
    book->plan->debtors_count = 1;
    book->plan->debtor_next = 1;
}

/* Fund 5.00, then the close at 89.50 against alice: the steps of a sound plan. */
static void sound_steps(const struct book *book, struct bs_step steps[2])
{
    steps[0] =
        (struct bs_step){.type = BS_STEP_DRAW, .account = book->bob, .debtor = 1, .amount = 500};
    steps[1] = (struct bs_step){.type = BS_STEP_CLOSE,
                                .account = book->bob,
                                .counterparty = book->alice,
                                .market = book->market,
                                .debtor = 1,
                                .lots = 10,
                                .amount = 89500,
                                .as.close.leg_value = 89500};
}

static bool verdict(struct book *book, const struct bs_step *steps, uint32_t count)
{
    memcpy(book->plan->steps, steps, count * sizeof *steps);
    book->plan->steps_count = count;
    struct bs_digest before = bs_engine_digest(book->f.engine);
    bool ok = bs_plan_check(book->plan);
    struct bs_digest after = bs_engine_digest(book->f.engine);
    ck_assert_mem_eq(&before, &after, sizeof before);
    return ok;
}

START_TEST(test_sound_plan)
{
    struct book book;
    struct bs_step steps[2];
    open_book(&book);
    sound_steps(&book, steps);
    ck_assert(verdict(&book, steps, 2));
    fixture_fini(&book.f);
}

END_TEST

typedef void (*mutate_fn)(const struct book *book, struct bs_step steps[2]);

static void over_close(const struct book *book, struct bs_step steps[2])
{
    (void)book;
    steps[1].lots = 11;
}

static void takes_too_much(const struct book *book, struct bs_step steps[2])
{
    (void)book;
    steps[1].amount = 89501; /* one cent beyond what is owed */
}

static void takes_too_little(const struct book *book, struct bs_step steps[2])
{
    (void)book;
    steps[1].amount = 89499; /* bob stays one cent in debt */
}

static void fund_below_floor(const struct book *book, struct bs_step steps[2])
{
    (void)book;
    steps[0].amount = 501;
    steps[1].amount = 89499;
}

static void wrong_side(const struct book *book, struct bs_step steps[2])
{
    steps[1].counterparty = book->backstop;
}

static void against_itself(const struct book *book, struct bs_step steps[2])
{
    steps[1].counterparty = book->bob;
}

static void negative_draw(const struct book *book, struct bs_step steps[2])
{
    (void)book;
    steps[0].amount = -500;
    steps[1].amount = 90500;
}

static void position_left(const struct book *book, struct bs_step steps[2])
{
    (void)book;
    steps[1].lots = 9;
}

static void haircut_without_loss(const struct book *book, struct bs_step steps[2])
{
    book->plan->rounds[0] = (struct bs_round){.loss = 1500, .total = 12000};
    steps[1] = (struct bs_step){
        .type = BS_STEP_HAIRCUT, .account = book->alice, .amount = 1500, .as.haircut.gain = 12000};
}

static const mutate_fn mutations[] = {
    over_close,     takes_too_much, takes_too_little, fund_below_floor,     wrong_side,
    against_itself, negative_draw,  position_left,    haircut_without_loss,
};

START_TEST(test_mutated_plan)
{
    struct book book;
    struct bs_step steps[2];
    open_book(&book);
    sound_steps(&book, steps);
    mutations[_i](&book, steps);
    ck_assert(!verdict(&book, steps, 2));
    fixture_fini(&book.f);
}

END_TEST

/* A plan whose amounts left their range is refused although its steps are sound. */
START_TEST(test_overflowed_plan)
{
    struct book book;
    struct bs_step steps[2];
    open_book(&book);
    sound_steps(&book, steps);
    book.plan->overflow = true;
    ck_assert(!verdict(&book, steps, 2));
    fixture_fini(&book.f);
}

END_TEST

int main(void)
{
    TCase *tests = unit_tests("plan");
    UNIT_ADD(tests, test_sound_plan);
    tcase_add_loop_test(tests, test_mutated_plan, 0, (int)(sizeof mutations / sizeof *mutations));
    UNIT_ADD(tests, test_overflowed_plan);
    return unit_run(tests);
}
