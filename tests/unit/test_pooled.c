/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Goal: work and actions of a split grow with debtors + counterparties, and lots of a counterparty that
 * many debtors got go back to as many, however few actions the caller takes at a time.
 * Method: 2,000 debtors against 2,000 counterparties; 1,500 against one.
 */
#include <stdio.h>
#include <time.h>

#include "tests/unit/engine_fixture.h"
#include "tests/unit/unit_main.h"

#define CROWD 2000u
#define DEBTORS 1500u
#define SECONDS_MAX 5.0 /* measured: 0.01; debtor by debtor it took 30 */

static const char *name_of(char name[16], const char *kind, uint32_t i)
{
    (void)snprintf(name, 16, "%s%05u", kind, i);
    return name;
}

static void open_pool(struct fixture *f, uint8_t ranking)
{
    const struct bs_layer layers[] = {
        {.type = BS_LAYER_ADL, .ranking = ranking, .protect_principal = true},
        {.type = BS_LAYER_HAIRCUT}};
    fixture_init(f, 2 * CROWD + 10, 2 * CROWD + 10);
    ck_assert_int_eq(put_pool(f, "usd", 2, layers), BS_OK);
    ck_assert_int_eq(put_market(f, "AAA", "usd"), BS_OK);
}

/* Each owes a bit more than the one before: 10 lots at 100, less 5 a lot, on 40 or less. */
static void post_debtors(struct fixture *f, uint32_t count)
{
    char name[16], collateral[16];
    for (uint32_t i = 0; i < count; i++) {
        (void)snprintf(collateral, sizeof collateral, "%u.%02u", 39 - i / 100, 99 - i % 100);
        ck_assert_int_eq(put_account(f, name_of(name, "long", i), "usd", collateral), BS_OK);
        ck_assert_int_eq(put_position(f, name, "AAA", "10", "100"), BS_OK);
    }
}

static uint32_t count_of(const struct fixture *f, uint8_t type)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < f->actions_count; i++) {
        count += f->actions[i].type == type;
    }
    return count;
}

static void settle_crowd(uint8_t ranking, uint32_t window)
{
    struct fixture f;
    char name[16];
    open_pool(&f, ranking);
    post_debtors(&f, CROWD);
    for (uint32_t i = 0; i < CROWD; i++) {
        ck_assert_int_eq(put_account(&f, name_of(name, "short", i), "usd", "1000"), BS_OK);
        ck_assert_int_eq(put_position(&f, name, "AAA", "-10", "100"), BS_OK);
    }
    ck_assert_int_eq(put_mark(&f, "AAA", "95"), BS_OK);
    f.window = window;
    clock_t began = clock();
    ck_assert_int_eq(named(&f, BS_COMMAND_SETTLE, "usd"), BS_OK);
    ck_assert_double_lt((double)(clock() - began) / CLOCKS_PER_SEC, SECONDS_MAX);
    ck_assert_uint_eq(count_of(&f, BS_ACTION_LIQUIDATION_CLOSE), CROWD);
    ck_assert_uint_eq(count_of(&f, BS_ACTION_ADL), CROWD);
    ck_assert_uint_eq(f.actions_count, 2 * CROWD);
    fixture_fini(&f);
}

START_TEST(test_actions_grow_with_the_sum)
{
    settle_crowd(BS_RANKING_PRO_RATA, FIXTURE_ACTIONS_MAX);
    settle_crowd(BS_RANKING_LEVERAGE_WATER_FILL, 7);
}

END_TEST

static enum bs_status take_back(struct fixture *f, uint64_t action, const char *size)
{
    struct bs_command command = {.type = BS_COMMAND_UNFILLED};
    command.as.unfilled =
        (struct bs_unfilled_command){.pool = text("usd"), .action = action, .size = dec(size)};
    return step(f, command);
}

START_TEST(test_lots_go_back_to_many)
{
    struct fixture f;
    open_pool(&f, BS_RANKING_PRO_RATA);
    post_debtors(&f, DEBTORS);
    ck_assert_int_eq(put_account(&f, "all", "usd", "1000000"), BS_OK);
    ck_assert_int_eq(put_position(&f, "all", "AAA", "-15000", "100"), BS_OK);
    ck_assert_int_eq(put_mark(&f, "AAA", "95"), BS_OK);
    ck_assert_int_eq(named(&f, BS_COMMAND_SETTLE, "usd"), BS_OK);
    ck_assert_uint_eq(f.actions_count, DEBTORS + 1);
    uint64_t adl = f.actions[DEBTORS].id;
    int64_t before = cents(account_of(&f, "all").equity);
    f.window = 2;
    ck_assert_int_eq(take_back(&f, adl, "15"), BS_OK); /* of two debtors */
    ck_assert_uint_eq(f.actions_count, 3);
    ck_assert_int_eq(take_back(&f, adl, "14985"), BS_OK);
    ck_assert_uint_eq(f.actions_count, DEBTORS - 1 + 1);
    ck_assert_uint_eq(count_of(&f, BS_ACTION_REVERSAL), f.actions_count);
    ck_assert_int_eq(take_back(&f, adl, "1"), BS_MORE_THAN_CLOSED);
    ck_assert_int_gt(cents(account_of(&f, "all").equity), before);
    ck_assert_uint_eq(account_of(&f, "all").positions_count, 1);
    ck_assert_uint_eq(account_of(&f, "long00000").positions_count, 1);
    /* The next run leaves it out, and there is nobody else. */
    ck_assert_int_eq(named(&f, BS_COMMAND_SETTLE, "usd"), BS_OK);
    ck_assert_uint_eq(count_of(&f, BS_ACTION_ADL), 0);
    ck_assert_uint_eq(count_of(&f, BS_ACTION_TAKEOVER), DEBTORS);
    fixture_fini(&f);
}

END_TEST

int main(void)
{
    TCase *tests = unit_tests("pooled");
    UNIT_ADD(tests, test_actions_grow_with_the_sum, test_lots_go_back_to_many);
    return unit_run(tests);
}
