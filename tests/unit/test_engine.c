/* SPDX-License-Identifier: Apache-2.0 */
/* Goal: the engine's entry as a whole. Method: small books by hand, figures worked out beside them.
 */
#include "tests/unit/engine_fixture.h"
#include "tests/unit/unit_main.h"

#include <stdio.h>

static const struct bs_layer insurance = {.type = BS_LAYER_INSURANCE};
static const struct bs_layer queue = {.type = BS_LAYER_ADL, .protect_principal = true};
static const struct bs_layer haircut = {.type = BS_LAYER_HAIRCUT};

static void make_pool(struct fixture *f)
{
    const struct bs_layer layers[] = {insurance, queue, haircut};
    fixture_init(f, 20000, 40000);
    ck_assert_int_eq(put_pool(f, "usd", 3, layers), BS_OK);
    ck_assert_int_eq(put_market(f, "BTC", "usd"), BS_OK);
}

static void hold(struct fixture *f, const char *account, const char *collateral, const char *size,
                 const char *entry)
{
    ck_assert_int_eq(put_account(f, account, "usd", collateral), BS_OK);
    ck_assert_int_eq(put_position(f, account, "BTC", size, entry), BS_OK);
}

/* bob long 10 at 100 with 100: bankrupt at 90. Mark 88: deficit 20. Fund 5, so 15 from the short,
 * who would have made 120 and gets 105: closed at 89.50. */
START_TEST(test_fund_then_adl)
{
    struct fixture f;
    make_pool(&f);
    hold(&f, "bob", "100", "10", "100");
    hold(&f, "alice", "500", "-10", "100");
    ck_assert_int_eq(add_fund(&f, "usd", "5"), BS_OK);
    ck_assert_int_eq(put_mark(&f, "BTC", "88"), BS_OK);
    ck_assert_int_eq(named(&f, BS_COMMAND_SETTLE, "usd"), BS_OK);
    ck_assert_uint_eq(f.actions_count, 3);
    ck_assert_int_eq(f.actions[0].type, BS_ACTION_INSURANCE_DRAW);
    ck_assert_int_eq(cents(f.actions[0].decimals[BS_ACTION_DECIMAL_amount]), 500);
    ck_assert_int_eq(f.actions[1].type, BS_ACTION_LIQUIDATION_CLOSE);
    ck_assert_int_eq(f.actions[2].type, BS_ACTION_ADL);
    ck_assert_int_eq(cents(f.actions[2].decimals[BS_ACTION_DECIMAL_price]), 8950);
    ck_assert_int_eq(cents(f.actions[2].decimals[BS_ACTION_DECIMAL_realized_pnl]), 10500);
    ck_assert_int_eq(cents(f.actions[2].decimals[BS_ACTION_DECIMAL_cost_to_mark]), 1500);
    ck_assert_int_eq(cents(account_of(&f, "bob").equity), 0);
    ck_assert_int_eq(cents(account_of(&f, "alice").collateral), 60500);
    ck_assert_int_eq(cents(account_of(&f, "backstop:usd").equity), 0);
    ck_assert(f.effects.settled);
    ck_assert_uint_eq(f.effects.settlement.number, 1);
    /* A deficit seen twice is charged once. */
    ck_assert_int_eq(named(&f, BS_COMMAND_SETTLE, "usd"), BS_OK);
    ck_assert_uint_eq(f.actions_count, 0);
    fixture_fini(&f);
}

END_TEST

/* 10,000 accounts alike: ties end in the account id, and a small window of actions hands out the
 * same ones. */
START_TEST(test_ties_and_windows)
{
    struct bs_digest digests[2];
    for (int run = 0; run < 2; run++) {
        struct fixture f;
        make_pool(&f);
        char name[16];
        for (int i = 0; i < 10000; i++) {
            /* posted in a scattered order: 7919 is coprime to 10,000 */
            (void)snprintf(name, sizeof name, "s%05d", i * 7919 % 10000);
            hold(&f, name, "100", "-1", "100");
        }
        hold(&f, "loser", "100000", "9000", "100");
        ck_assert_int_eq(put_mark(&f, "BTC", "88"), BS_OK);
        f.window = run == 0 ? FIXTURE_ACTIONS_MAX : 3;
        ck_assert_int_eq(named(&f, BS_COMMAND_SETTLE, "usd"), BS_OK);
        ck_assert_uint_eq(f.actions_count, 18000);
        for (uint32_t i = 0; i < 9000; i++) {
            (void)snprintf(name, sizeof name, "s%05u", i);
            const struct bs_action *action = &f.actions[2 * i + 1];
            ck_assert_int_eq(action->type, BS_ACTION_ADL);
            ck_assert(bs_text_equal(action->account, text(name)));
            ck_assert_uint_eq(action->rank, i + 1);
            ck_assert_uint_eq(action->id, 2 * i + 2);
        }
        digests[run] = bs_engine_digest(f.engine);
        fixture_fini(&f);
    }
    ck_assert_mem_eq(&digests[0], &digests[1], sizeof digests[0]);
}

END_TEST

START_TEST(test_full_tables)
{
    const struct bs_layer layers[] = {queue};
    struct fixture f;
    fixture_init(&f, 4, 4);
    ck_assert_int_eq(put_pool(&f, "usd", 1, layers), BS_OK);
    ck_assert_int_eq(put_market(&f, "A", "usd"), BS_OK);
    ck_assert_int_eq(put_market(&f, "B", "usd"), BS_OK);
    char name[16];
    uint32_t taken = 0;
    for (int i = 0; i < 40; i++) {
        (void)snprintf(name, sizeof name, "n%d", i);
        enum bs_status status = put_account(&f, name, "usd", "1");
        taken += status == BS_OK;
        ck_assert(status == BS_OK || status == BS_FULL_ACCOUNTS);
    }
    ck_assert_uint_ge(taken, 4);
    ck_assert_uint_le(taken, 14); /* accounts_max and what the pools may have for themselves */
    ck_assert_int_eq(put_position(&f, "n0", "A", "1", "1"), BS_OK);
    ck_assert_int_eq(put_position(&f, "n0", "B", "1", "1"), BS_OK);
    ck_assert_int_eq(put_position(&f, "n1", "A", "1", "1"), BS_OK);
    ck_assert_int_eq(put_position(&f, "n1", "B", "1", "1"), BS_OK);
    struct bs_digest before = bs_engine_digest(f.engine);
    ck_assert_int_eq(put_position(&f, "n2", "A", "1", "1"), BS_FULL_POSITIONS);
    struct bs_digest after = bs_engine_digest(f.engine);
    ck_assert_mem_eq(&before, &after, sizeof before);
    ck_assert_int_eq(put_position(&f, "n1", "B", "0", NULL), BS_OK);
    ck_assert_int_eq(put_position(&f, "n2", "A", "1", "1"), BS_OK);
    fixture_fini(&f);
}

END_TEST

START_TEST(test_delete)
{
    struct fixture f;
    make_pool(&f);
    hold(&f, "bob", "0", "1", "1");
    ck_assert_int_eq(named(&f, BS_COMMAND_DELETE_ACCOUNT, "bob"), BS_NOT_FLAT);
    ck_assert_int_eq(named(&f, BS_COMMAND_DELETE_MARKET, "BTC"), BS_IN_USE);
    ck_assert_int_eq(named(&f, BS_COMMAND_DELETE_POOL, "usd"), BS_IN_USE);
    ck_assert_int_eq(put_position(&f, "bob", "BTC", "0", NULL), BS_OK);
    ck_assert_int_eq(named(&f, BS_COMMAND_DELETE_ACCOUNT, "backstop:usd"), BS_RESERVED_ACCOUNT);
    ck_assert_int_eq(named(&f, BS_COMMAND_DELETE_ACCOUNT, "bob"), BS_OK);
    ck_assert_int_eq(named(&f, BS_COMMAND_DELETE_ACCOUNT, "bob"), BS_UNKNOWN_ACCOUNT);
    ck_assert_int_eq(named(&f, BS_COMMAND_DELETE_MARKET, "BTC"), BS_OK);
    ck_assert_int_eq(named(&f, BS_COMMAND_RESUME, "usd"), BS_OK);
    ck_assert_uint_eq(f.actions[0].id, 1);
    ck_assert_int_eq(named(&f, BS_COMMAND_DELETE_POOL, "usd"), BS_OK);
    /* Action numbers of a name never start again. */
    ck_assert_int_eq(put_pool(&f, "usd", 1, &queue), BS_OK);
    ck_assert_int_eq(named(&f, BS_COMMAND_RESUME, "usd"), BS_OK);
    ck_assert_uint_eq(f.actions[0].id, 2);
    ck_assert_int_eq(put_account(&f, "bob", "usd", "3"), BS_OK);
    fixture_fini(&f);
}

END_TEST

/* Names arrive in any order; lists come in bytewise order, across deletions. */
START_TEST(test_account_order)
{
    struct fixture f;
    make_pool(&f);
    char name[16];
    for (int i = 0; i < 2000; i++) {
        (void)snprintf(name, sizeof name, "k%d", i * 1237 % 2000);
        ck_assert_int_eq(put_account(&f, name, "usd", "0"), BS_OK);
        if (i % 3 == 0) {
            ck_assert_int_eq(named(&f, BS_COMMAND_DELETE_ACCOUNT, name), BS_OK);
        }
        if (i % 97 == 0) {
            (void)bs_engine_digest(f.engine);
        }
    }
    struct bs_account_view view = {0};
    char last[BS_ID_SIZE_MAX] = "";
    struct bs_text after = {last, 0};
    uint32_t seen = 0;
    for (uint32_t account; (account = bs_account_after(f.engine, 0, after)) != 0; seen++) {
        bs_account_view_get(f.engine, account, &view);
        ck_assert_int_gt(bs_text_compare(view.account, after), 0);
        memcpy(last, view.account.bytes, view.account.size);
        after.size = view.account.size;
    }
    ck_assert_uint_eq(seen, 2000 - 667 + 1); /* and the backstop account */
    fixture_fini(&f);
}

END_TEST

/* The fund, long 10 at 100 with 50, owes 50 at 90: bob takes its position at 95. What is taken back
 * of that moves the fund's cash, but after the settlement. */
START_TEST(test_reversal_is_outside_of_a_settlement)
{
    struct fixture f;
    struct bs_fund_change_view rows[8];
    make_pool(&f);
    ck_assert_int_eq(add_fund(&f, "usd", "50"), BS_OK);
    ck_assert_int_eq(put_position(&f, "backstop:usd", "BTC", "10", "100"), BS_OK);
    hold(&f, "bob", "500", "-10", "100");
    ck_assert_int_eq(put_mark(&f, "BTC", "90"), BS_OK);
    ck_assert_int_eq(named(&f, BS_COMMAND_SETTLE, "usd"), BS_OK);
    ck_assert_uint_eq(f.actions_count, 2);
    ck_assert_uint_eq(f.actions[0].settlement, 1);
    struct bs_command unfilled = {.type = BS_COMMAND_UNFILLED};
    unfilled.as.unfilled =
        (struct bs_unfilled_command){.pool = text("usd"), .action = 1, .size = dec("4")};
    ck_assert_int_eq(step(&f, unfilled), BS_OK);
    ck_assert_uint_eq(f.actions_count, 2);
    ck_assert_uint_eq(f.actions[0].settlement, 0);
    uint32_t count = bs_fund_history_get(f.engine, bs_pool_find(f.engine, text("usd")), 0, 8, rows);
    ck_assert_uint_eq(count, 3);
    ck_assert_uint_eq(rows[1].settlement, 1);
    ck_assert_int_eq(rows[2].cause, BS_FUND_REVERSAL);
    ck_assert_int_eq(cents(rows[2].amount), 2000);
    ck_assert_uint_eq(rows[2].settlement, 0);
    fixture_fini(&f);
}

END_TEST

int main(void)
{
    TCase *tests = unit_tests("engine");
    UNIT_ADD(tests, test_fund_then_adl, test_ties_and_windows, test_full_tables, test_delete,
             test_account_order, test_reversal_is_outside_of_a_settlement);
    return unit_run(tests);
}
