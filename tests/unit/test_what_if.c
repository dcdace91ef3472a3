/* SPDX-License-Identifier: Apache-2.0 */
/* Goal: a copy of the block is an engine of its own, and what is changed in it is what was asked
 * for. Method: a small book, copied; the original must not notice. */
#include "lib/what_if.h"
#include "tests/unit/engine_fixture.h"
#include "tests/unit/unit_main.h"

static const struct bs_layer fund_only[] = {{.type = BS_LAYER_INSURANCE}};
static const struct bs_layer haircut[] = {{.type = BS_LAYER_HAIRCUT}};

static void set_up(struct fixture *f)
{
    fixture_init(f, 100, 400);
    ck_assert_int_eq(put_pool(f, "p", 1, fund_only), BS_OK);
    ck_assert_int_eq(put_pool(f, "other", 1, fund_only), BS_OK);
    ck_assert_int_eq(put_market(f, "m", "p"), BS_OK);
    ck_assert_int_eq(put_market(f, "bare", "p"), BS_OK);
    ck_assert_int_eq(put_market(f, "x", "other"), BS_OK);
    ck_assert_int_eq(put_account(f, "a", "p", "100"), BS_OK);
    ck_assert_int_eq(put_account(f, "b", "p", "1000"), BS_OK);
    ck_assert_int_eq(put_mark(f, "m", "100"), BS_OK);
    ck_assert_int_eq(put_position(f, "a", "m", "10", "100"), BS_OK);
    ck_assert_int_eq(put_position(f, "b", "m", "-10", "100"), BS_OK);
}

static bool same(struct bs_digest a, struct bs_digest b)
{
    return memcmp(a.words, b.words, sizeof(a.words)) == 0;
}

/* A copy at another address, as a fixture. */
static struct fixture copy_of(const struct fixture *f)
{
    struct fixture copy = *f;
    copy.memory = mmap(NULL, f->size, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    ck_assert_ptr_ne(copy.memory, MAP_FAILED);
    memcpy(copy.memory, f->memory, f->size);
    copy.engine = bs_engine_attach(copy.memory);
    copy.actions = calloc(FIXTURE_ACTIONS_MAX, sizeof *copy.actions);
    ck_assert_ptr_nonnull(copy.actions);
    return copy;
}

START_TEST(a_copy_is_an_engine_of_its_own)
{
    struct fixture f;
    set_up(&f);
    struct bs_digest before = bs_engine_digest(f.engine);
    struct fixture copy = copy_of(&f);
    ck_assert(same(bs_engine_digest(copy.engine), before));
    ck_assert_int_eq(put_mark(&copy, "m", "80"), BS_OK);
    ck_assert_int_eq(named(&copy, BS_COMMAND_SETTLE, "p"), BS_OK);
    ck_assert(copy.effects.settled);
    ck_assert_int_eq(put_account(&copy, "c", "p", "1"), BS_OK);
    ck_assert(same(bs_engine_digest(f.engine), before));
    /* The original goes the same way to the same state. */
    ck_assert_int_eq(put_mark(&f, "m", "80"), BS_OK);
    ck_assert_int_eq(named(&f, BS_COMMAND_SETTLE, "p"), BS_OK);
    ck_assert_int_eq(put_account(&f, "c", "p", "1"), BS_OK);
    ck_assert(same(bs_engine_digest(f.engine), bs_engine_digest(copy.engine)));
    fixture_fini(&copy);
    fixture_fini(&f);
}

END_TEST

START_TEST(parts_of_the_digest_see_every_account)
{
    struct fixture f;
    set_up(&f);
    struct fixture copy = copy_of(&f);
    ck_assert_int_eq(put_account(&copy, "b", "p", "1001"), BS_OK);
    bool differs = false;
    for (uint32_t first = 0; first < 4; first++) { /* a, b and the two backstop accounts */
        bool equal = same(bs_engine_digest_part(f.engine, first, 1),
                          bs_engine_digest_part(copy.engine, first, 1));
        ck_assert(equal || first == 1);
        differs = differs || !equal;
    }
    ck_assert(differs);
    ck_assert(same(bs_engine_digest_part(f.engine, 0, 4), bs_engine_digest(f.engine)));
    fixture_fini(&copy);
    fixture_fini(&f);
}

END_TEST

static int64_t mark_after(struct fixture *f, const char *market, int64_t move_ppm)
{
    uint32_t pool = bs_pool_find(f->engine, text("p"));
    struct bs_what_if_mark mark = {.market = text(market), .move_ppm = move_ppm};
    enum bs_status status = bs_what_if_mark(f->engine, pool, &mark);
    if (status != BS_OK) {
        return -(int64_t)status;
    }
    struct bs_market_view view;
    bs_market_view_get(f->engine, bs_market_find(f->engine, text(market)), &view);
    return cents(view.mark_price);
}

START_TEST(marks_move_to_the_nearest_tick)
{
    struct fixture f;
    set_up(&f);
    ck_assert_int_eq(mark_after(&f, "m", -130000), 8700);
    ck_assert_int_eq(mark_after(&f, "m", 0), 8700);
    ck_assert_int_eq(mark_after(&f, "m", 57), 8700); /* 8700.4959 */
    ck_assert_int_eq(mark_after(&f, "m", 58), 8701); /* 8700.5046 */
    ck_assert_int_eq(mark_after(&f, "m", -1000000), -(int64_t)BS_PRICE_NOT_POSITIVE);
    ck_assert_int_eq(mark_after(&f, "m", -999999), -(int64_t)BS_PRICE_NOT_POSITIVE); /* 0.0087 */
    ck_assert_int_eq(mark_after(&f, "bare", -1000), -(int64_t)BS_NO_MARK);
    ck_assert_int_eq(mark_after(&f, "nowhere", -1000), -(int64_t)BS_UNKNOWN_MARKET);
    ck_assert_int_eq(mark_after(&f, "x", -1000), -(int64_t)BS_MARKET_IN_OTHER_POOL);
    fixture_fini(&f);
}

END_TEST

START_TEST(fund_and_waterfall_are_replaced)
{
    struct fixture f;
    set_up(&f);
    uint32_t pool = bs_pool_find(f.engine, text("p"));
    const char *field = NULL;
    struct bs_what_if_totals totals;
    ck_assert_int_eq(bs_what_if_fund(f.engine, pool, dec("-1")), BS_INVALID_VALUE);
    ck_assert_int_eq(bs_what_if_fund(f.engine, pool, dec("0.001")), BS_TOO_MANY_DECIMALS);
    ck_assert_int_eq(bs_what_if_fund(f.engine, pool, dec("5")), BS_OK);
    bs_what_if_totals_get(f.engine, pool, &totals);
    ck_assert_int_eq((int64_t)totals.fund_equity, 500);
    static const struct bs_layer twice[] = {{.type = BS_LAYER_HAIRCUT}, {.type = BS_LAYER_HAIRCUT}};
    ck_assert_int_eq(bs_what_if_waterfall(f.engine, pool, twice, 2, &field), BS_INVALID_WATERFALL);
    ck_assert_int_eq(bs_what_if_waterfall(f.engine, pool, haircut, 1, &field), BS_OK);
    ck_assert_int_eq(mark_after(&f, "m", -200000), 8000);
    ck_assert_int_eq(named(&f, BS_COMMAND_SETTLE, "p"), BS_OK);
    bs_what_if_totals_get(f.engine, pool, &totals);
    ck_assert_int_eq((int64_t)totals.fund_equity, 500); /* there is no insurance layer now */
    ck_assert_int_eq(cents(account_of(&f, "b").equity), 110000);
    fixture_fini(&f);
}

END_TEST

START_TEST(rows_have_what_everybody_has)
{
    struct fixture f;
    set_up(&f);
    uint32_t pool = bs_pool_find(f.engine, text("p"));
    struct bs_what_if_account *rows = calloc(bs_what_if_rows(f.engine), sizeof(*rows));
    ck_assert_ptr_nonnull(rows);
    ck_assert_int_eq(mark_after(&f, "m", -50000), 9500);
    bs_what_if_accounts(f.engine, pool, rows);
    uint32_t b = bs_account_find(f.engine, text("b"));
    ck_assert_int_eq((int64_t)rows[b].equity, 105000);
    ck_assert_int_eq((int64_t)rows[b].gain, 5000);
    ck_assert(bs_text_equal(bs_what_if_key(f.engine, b), text("b")));
    uint32_t backstop = bs_account_find(f.engine, text("backstop:p"));
    ck_assert_int_eq((int64_t)rows[backstop].equity, 0);
    ck_assert(!bs_what_if_lacks_mark(f.engine, pool));
    ck_assert_int_eq(put_position(&f, "a", "bare", "1", "5"), BS_OK);
    ck_assert(bs_what_if_lacks_mark(f.engine, pool));
    free(rows);
    fixture_fini(&f);
}

END_TEST

int main(void)
{
    TCase *tests = unit_tests("what_if");
    UNIT_ADD(tests, a_copy_is_an_engine_of_its_own, parts_of_the_digest_see_every_account,
             marks_move_to_the_nearest_tick, fund_and_waterfall_are_replaced,
             rows_have_what_everybody_has);
    return unit_run(tests);
}
