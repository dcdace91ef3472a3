/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Goal: a detection that looks at few accounts misses nobody, and does look at few.
 * Method: random books whose marks walk, by little and by much; the engine compares each of its
 * detections with one over all accounts (checks_detection) and aborts on a difference.
 */
#include <stdio.h>

#include "tests/unit/engine_fixture.h"

#include "lib/book/bounds.h"
#include "tests/unit/random.h"
#include "tests/unit/unit_main.h"

#define ACCOUNTS 400u
#define MARKETS 6u

/* 0 to `most`. */
static int64_t random_to(int64_t most)
{
    return (int64_t)(random_next() % (uint64_t)(most + 1));
}

/* "account", 7 -> account7 */
static const char *print(char buffer[24], const char *kind, int64_t number)
{
    (void)snprintf(buffer, 24, "%s%lld", kind, (long long)number);
    return buffer;
}

static enum bs_status put_inverse(struct fixture *f, const char *name)
{
    struct bs_command command = {.type = BS_COMMAND_MARKET};
    command.as.market = (struct bs_market_command){.market = text(name),
                                                   .pool = text("usd"),
                                                   .contract = BS_CONTRACT_INVERSE,
                                                   .tick_size = dec("0.01"),
                                                   .lot_size = dec("1"),
                                                   .multiplier = dec("1000"),
                                                   .maintenance_margin_ppm = 50000};
    return step(f, command);
}

struct world {
    struct fixture f;
    int64_t mark[MARKETS]; /* cents */
    uint64_t looked_at, found;
};

static void open_world(struct world *w)
{
    const struct bs_layer layers[] = {{.type = BS_LAYER_HAIRCUT}};
    *w = (struct world){.looked_at = 0};
    fixture_init(&w->f, 2000, 8000);
    ck_assert_int_eq(put_pool(&w->f, "usd", 1, layers), BS_OK);
    for (uint32_t i = 0; i < MARKETS; i++) {
        char name[24];
        print(name, "market", i);
        ck_assert_int_eq(i % 3 == 2 ? put_inverse(&w->f, name) : put_market(&w->f, name, "usd"),
                         BS_OK);
        w->mark[i] = 5000 + random_to(20000);
    }
}

static void mark(struct world *w, uint32_t market)
{
    char name[24], price[48];
    (void)snprintf(price, sizeof price, "%lld.%02lld", (long long)(w->mark[market] / 100),
                   (long long)(w->mark[market] % 100));
    size_t end = strlen(price);
    while (price[end - 1] == '0') {
        end--;
    }
    price[end - (price[end - 1] == '.')] = '\0';
    ck_assert_int_eq(put_mark(&w->f, print(name, "market", market), price), BS_OK);
}

/* Often cross, sometimes isolated; leverage from nothing to far too much. */
static void post(struct world *w, uint32_t account)
{
    char name[24], market[24], size[24], entry[24], collateral[24];
    print(name, "account", account);
    print(collateral, "", 1 + random_to(10) * random_to(1000));
    struct bs_command item = {.type = BS_COMMAND_ACCOUNT};
    item.as.account = (struct bs_account_command){.account = text(name),
                                                  .pool = text("usd"),
                                                  .collateral = dec(collateral),
                                                  .seen_action = bs_engine_actions(w->f.engine)};
    ck_assert_int_eq(step(&w->f, item), BS_OK);
    for (int64_t legs = random_to(3); legs > 0; legs--) {
        uint32_t row = (uint32_t)random_to(MARKETS - 1);
        struct bs_command command = {.type = BS_COMMAND_POSITION};
        print(size, "", (random_to(1) * 2 - 1) * (1 + random_to(60)));
        print(entry, "", 1 + w->mark[row] / 100);
        command.as.position =
            (struct bs_position_command){.account = text(name),
                                         .item = {.market = text(print(market, "market", row)),
                                                  .size = dec(size),
                                                  .has_entry_price = true,
                                                  .entry_price = dec(entry),
                                                  .isolated = random_to(7) == 0,
                                                  .adl_priority = BS_PRIORITY_NONE},
                                         .seen_action = bs_engine_actions(w->f.engine)};
        command.as.position.item.has_collateral = command.as.position.item.isolated;
        command.as.position.item.collateral = dec("300");
        ck_assert_int_eq(step(&w->f, command), BS_OK);
    }
}

static void move(struct world *w, int64_t most_ppm)
{
    for (uint32_t i = 0; i < MARKETS; i++) {
        if (random_to(3) > 0) {
            int64_t ppm = random_to(2 * most_ppm) - most_ppm;
            int64_t mark_now = w->mark[i] + w->mark[i] * ppm / 1000000;
            w->mark[i] = mark_now < 50 ? 50 : mark_now > 10000000 ? 10000000 : mark_now;
            mark(w, i);
        }
    }
}

static void settle(struct world *w)
{
    uint32_t pool = bs_pool_find(w->f.engine, text("usd"));
    struct bs_bound_walk walk = bs_bound_begin(w->f.engine, pool);
    while (bs_bound_next(w->f.engine, &walk) != 0) {
        w->looked_at++;
    }
    ck_assert_int_eq(named(&w->f, BS_COMMAND_SETTLE, "usd"), BS_OK);
    w->found += w->f.effects.settled ? w->f.effects.settlement.insolvent_accounts : 0;
}

/* Withdrawals as far as they are allowed, closed positions, accounts that go. */
static void disturb(struct world *w)
{
    char name[24];
    print(name, "account", random_to(ACCOUNTS - 1));
    struct bs_command command = {.type = BS_COMMAND_TRANSFER};
    command.as.transfer = (struct bs_transfer_command){
        .account = text(name), .amount = dec("-50"), .kind = BS_TRANSFER_BY_SIGN};
    (void)step(&w->f, command);
    command = (struct bs_command){.type = BS_COMMAND_DELETE_ACCOUNT};
    command.as.name.name = text(name);
    (void)step(&w->f, command);
}

START_TEST(test_nobody_is_missed)
{
    const int64_t moves_ppm[] = {100, 2000, 30000, 300000};
    uint64_t rounds = 0, looked_at = 0, found = 0;
    for (uint64_t run = 0; run < 12; run++) {
        struct world w;
        random_state = 1 + run * 7919;
        open_world(&w);
        for (uint32_t i = 0; i < ACCOUNTS; i++) {
            post(&w, i);
        }
        for (uint32_t i = 0; i < MARKETS; i++) {
            mark(&w, i);
        }
        settle(&w);
        w.looked_at = 0;
        for (int round = 0; round < 150; round++, rounds++) {
            move(&w, moves_ppm[run % 4]);
            settle(&w);
            if (round % 4 == 0) {
                disturb(&w);
                post(&w, (uint32_t)random_to(ACCOUNTS - 1));
            }
        }
        looked_at += w.looked_at;
        found += w.found;
        fixture_fini(&w.f);
    }
    ck_assert_uint_gt(found, 300);
    ck_assert_uint_lt(looked_at, rounds * ACCOUNTS / 2);
}

END_TEST

/* The bound is met exactly: no move that is allowed by an account's level is looked at. */
START_TEST(test_few_are_looked_at)
{
    struct world w;
    random_state = 99;
    open_world(&w);
    w.mark[0] = 10000;
    mark(&w, 0);
    ck_assert_int_eq(put_account(&w.f, "thin", "usd", "10"), BS_OK);
    ck_assert_int_eq(put_position(&w.f, "thin", "market0", "1", "100"), BS_OK);
    ck_assert_int_eq(put_account(&w.f, "thick", "usd", "90"), BS_OK);
    ck_assert_int_eq(put_position(&w.f, "thick", "market0", "-1", "100"), BS_OK);
    settle(&w);
    ck_assert_uint_eq(w.looked_at, 2);
    settle(&w);
    ck_assert_uint_eq(w.looked_at, 2);
    w.mark[0] = 9300;
    mark(&w, 0);
    settle(&w);
    ck_assert_uint_eq(w.looked_at, 2);
    w.mark[0] = 9001;
    mark(&w, 0);
    settle(&w);
    ck_assert_uint_eq(w.looked_at, 3);
    ck_assert_uint_eq(w.found, 0);
    w.mark[0] = 8999;
    mark(&w, 0);
    settle(&w);
    ck_assert_uint_eq(w.found, 1);
    fixture_fini(&w.f);
}

END_TEST

int main(void)
{
    TCase *tests = unit_tests("solvency_bound");
    UNIT_ADD(tests, test_nobody_is_missed, test_few_are_looked_at);
    return unit_run(tests);
}
