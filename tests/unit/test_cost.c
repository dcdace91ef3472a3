/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a command costs: the pages of the engine's memory that it touches, counted by faults. A
 * command that does not look at everybody by its nature must not touch more of them the more
 * accounts there are. And the order of the accounts, which makes the deletes cheap, against a
 * plain list.
 */
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include "engine_fixture.h"
#include "lib/book/account_order.h"
#include "lib/book/names.h"
#include "random.h"
#include "unit_main.h"

#define ROUNDS 3u
#define MARGINS 5u /* of each market that is deleted */
#define FEW 1000u
#define MANY 100000u
#define SLACK 16u /* pages by which the same rows may be more scattered */

static struct {
    uint8_t *memory;
    size_t size, page;
    volatile uint32_t count;
} watched;

/* Lets the page be used from now on. */
static void on_fault(int number, siginfo_t *info, void *context)
{
    (void)number;
    (void)context;
    uint8_t *at = info->si_addr;
    if (at < watched.memory || at >= watched.memory + watched.size) {
        _exit(99);
    }
    size_t offset = (size_t)(at - watched.memory) / watched.page * watched.page;
    (void)mprotect(watched.memory + offset, watched.page, PROT_READ | PROT_WRITE);
    watched.count++;
}

static void watch_faults(void)
{
    struct sigaction action = {.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO};
    watched.page = (size_t)sysconf(_SC_PAGESIZE);
    ck_assert_int_eq(sigaction(SIGSEGV, &action, NULL), 0);
}

static void print(char name[32], const char *prefix, uint32_t number)
{
    (void)snprintf(name, 32, "%s-%07u", prefix, number);
}

/* Settlements look at everybody, and capacities and levels change at a start only. The rest writes a flag, two
 * numbers, or nothing. */
static bool is_left_out(uint8_t type)
{
    return type == BS_COMMAND_SETTLE || type == BS_COMMAND_CLOSE_PERIOD ||
           type == BS_COMMAND_RESUME || type == BS_COMMAND_FINAL_SETTLEMENT ||
           type == BS_COMMAND_OPEN_WINDOW || type == BS_COMMAND_CLOSE_WINDOW ||
           type == BS_COMMAND_HANDOVER || type == BS_COMMAND_OWN_FUND ||
           type == BS_COMMAND_REQUEST || type == BS_COMMAND_CAPACITY ||
           type == BS_COMMAND_FEATURE_LEVEL;
}

static struct bs_position_item item_of(const char *market, bool isolated)
{
    return (struct bs_position_item){.market = text(market),
                                     .size = dec(isolated ? "0" : "2"),
                                     .has_entry_price = !isolated,
                                     .entry_price = dec("100"),
                                     .adl_priority = BS_PRIORITY_NONE,
                                     .isolated = isolated,
                                     .has_collateral = isolated};
}

/* Accounts with a position, in the order of their names spread like hashes; and what the commands
 * need: flat accounts, empty pools, sources, and markets of which there are flat margins. */
static void fill_book(struct fixture *f, uint32_t accounts)
{
    const struct bs_layer adl = {.type = BS_LAYER_ADL, .protect_principal = true};
    char name[32], market[32];
    fixture_init(f, accounts + 100, accounts + 100);
    ck_assert_int_eq(put_pool(f, "p", 1, &adl), BS_OK);
    ck_assert_int_eq(put_market(f, "m", "p"), BS_OK);
    for (uint32_t i = 0; i < accounts; i++) {
        print(name, "account", (uint32_t)(((uint64_t)i * 7919) % accounts));
        ck_assert_int_eq(put_account(f, name, "p", "1000"), BS_OK);
        ck_assert_int_eq(put_position(f, name, "m", i % 2 == 0 ? "1" : "-1", "100"), BS_OK);
    }
    for (uint32_t round = 0; round < ROUNDS; round++) {
        print(name, "flat", round);
        ck_assert_int_eq(put_account(f, name, "p", "0"), BS_OK);
        print(name, "pool", round);
        ck_assert_int_eq(put_pool(f, name, 1, &adl), BS_OK);
        print(market, "market", round);
        ck_assert_int_eq(put_market(f, market, "p"), BS_OK);
        for (uint32_t i = 0; i < MARGINS; i++) {
            print(name, "account", i * 31);
            struct bs_command margin = {.type = BS_COMMAND_POSITION};
            margin.as.position = (struct bs_position_command){text(name), item_of(market, true), 0};
            ck_assert_int_eq(step(f, margin), BS_OK);
        }
    }
    ck_assert_int_eq(put_account(f, "debtor", "p", "1"), BS_OK);
    ck_assert_int_eq(put_position(f, "debtor", "m", "1", "100"), BS_OK);
    ck_assert_int_eq(put_mark(f, "m", "90"), BS_OK);
    ck_assert_int_eq(named(f, BS_COMMAND_SETTLE, "p"), BS_OK);
    ck_assert_uint_gt(f->actions_count, 0);
    (void)bs_engine_digest_part(f->engine, 0, 1); /* puts the names in order */
}

/* Definitions and deletes; a different row in each round. */
static void make_definitions(struct bs_command *commands, char names[][32], uint32_t round)
{
    static const char *const prefixes[] = {"new-pool", "new-market", "new-account",
                                           "flat",     "market",     "pool"};
    for (uint32_t i = 0; i < 6; i++) {
        print(names[i], prefixes[i], round);
    }
    commands[BS_COMMAND_POOL].as.pool = (struct bs_pool_command){
        .pool = text(names[0]), .asset = text("USD"), .decimals = 2, .period_ms = 3600000};
    commands[BS_COMMAND_MARKET].as.market = (struct bs_market_command){.market = text(names[1]),
                                                                       .pool = text("p"),
                                                                       .tick_size = dec("1"),
                                                                       .lot_size = dec("1"),
                                                                       .multiplier = dec("1")};
    commands[BS_COMMAND_ACCOUNT].as.account = (struct bs_account_command){
        .account = text(names[2]), .pool = text("p"), .collateral = dec("5")};
    commands[BS_COMMAND_ACCOUNT].has_source = true;
    commands[BS_COMMAND_ACCOUNT].source = text(round == 0   ? "source-0"
                                               : round == 1 ? "source-1"
                                                            : "source-2");
    commands[BS_COMMAND_ACCOUNT].source_seq = 1;
    commands[BS_COMMAND_DELETE_ACCOUNT].as.name.name = text(names[3]);
    commands[BS_COMMAND_DELETE_MARKET].as.name.name = text(names[4]);
    commands[BS_COMMAND_DELETE_POOL].as.name.name = text(names[5]);
    commands[BS_COMMAND_DELETE_SOURCE].as.name.name = commands[BS_COMMAND_ACCOUNT].source;
    commands[BS_COMMAND_PAUSE].as.name.name = text("p");
}

/* What moves an account, a mark or the fund. */
static void make_events(struct bs_command *commands, char account[32], uint32_t round)
{
    print(account, "account", 17 + round);
    commands[BS_COMMAND_POSITION].as.position =
        (struct bs_position_command){.account = text(account), .item = item_of("m", false)};
    commands[BS_COMMAND_FILL].as.fill = (struct bs_fill_command){
        .account = text(account), .market = text("m"), .size = dec("1"), .price = dec("90")};
    commands[BS_COMMAND_TRANSFER].as.transfer =
        (struct bs_transfer_command){.account = text(account), .amount = dec("-1")};
    commands[BS_COMMAND_MARK].as.mark =
        (struct bs_mark_command){.market = text("m"), .price = dec("91")};
    commands[BS_COMMAND_INSURANCE_FUND].as.fund =
        (struct bs_fund_command){.pool = text("p"), .amount = dec("10")};
    commands[BS_COMMAND_PROVIDER].as.provider =
        (struct bs_provider_command){.account = text(account),
                                     .market = text("m"),
                                     .max_position = dec("10"),
                                     .max_leverage_ppm = 1000000};
    commands[BS_COMMAND_UNFILLED].as.unfilled =
        (struct bs_unfilled_command){.pool = text("p"), .action = round + 1, .size = dec("1")};
}

static uint32_t pages_of(struct fixture *f, const struct bs_command *command)
{
    watched.memory = f->memory;
    watched.size = f->size;
    watched.count = 0;
    struct bs_command stamped = *command;
    if (command->type == BS_COMMAND_POSITION) {
        stamped.as.position.seen_action = bs_engine_actions(f->engine);
    }
    f->effects = (struct bs_effects){.actions = f->actions, .actions_max = f->window};
    stamped.seq = bs_engine_seq(f->engine) + 1;
    stamped.time_ms = f->now_ms;
    ck_assert_int_eq(mprotect(f->memory, f->size, PROT_NONE), 0);
    bs_engine_step(f->engine, &stamped, &f->effects);
    ck_assert_int_eq(mprotect(f->memory, f->size, PROT_READ | PROT_WRITE), 0);
    ck_assert_msg(f->effects.status == BS_OK, "%s is refused: %s",
                  bs_command_type_name(command->type), bs_status_name(f->effects.status));
    return watched.count;
}

START_TEST(a_command_touches_no_more_pages_the_more_accounts_there_are)
{
    watch_faults();
    struct fixture few, many;
    fill_book(&few, FEW);
    fill_book(&many, MANY);
    for (uint32_t round = 0; round < ROUNDS; round++) {
        struct bs_command commands[BS_COMMAND_COUNT] = {0};
        char names[6][32], account[32];
        make_definitions(commands, names, round);
        make_events(commands, account, round);
        for (uint8_t type = 1; type < BS_COMMAND_COUNT; type++) {
            commands[type].type = type;
            if (is_left_out(type) || (type == BS_COMMAND_UNFILLED && round > 0)) {
                continue;
            }
            uint32_t of_few = pages_of(&few, &commands[type]);
            uint32_t of_many = pages_of(&many, &commands[type]);
            ck_assert_msg(of_many <= of_few + SLACK, "%s %u: %u pages at %u accounts, %u at %u",
                          bs_command_type_name(type), round, of_few, FEW, of_many, MANY);
        }
    }
    fixture_fini(&few);
    fixture_fini(&many);
}

END_TEST

#define WIDE 96u /* positions of one account */

static void fill_wide(struct fixture *f)
{
    const struct bs_layer haircut = {.type = BS_LAYER_HAIRCUT, .basis = BS_BASIS_UNREALIZED_PROFIT};
    char market[32];
    fixture_init(f, 100, 4 * WIDE);
    ck_assert_int_eq(put_pool(f, "p", 1, &haircut), BS_OK);
    ck_assert_int_eq(put_account(f, "wide", "p", "1000000"), BS_OK);
    for (uint32_t i = 0; i < WIDE; i++) {
        print(market, "market", i);
        ck_assert_int_eq(put_market(f, market, "p"), BS_OK);
        ck_assert_int_eq(put_mark(f, market, "100"), BS_OK);
        ck_assert_int_eq(put_position(f, "wide", market, i % 2 == 0 ? "2" : "-2", "100"), BS_OK);
    }
}

/* All but the first of many withdrawals leave the positions and their markets alone. */
START_TEST(a_wide_account_is_summed_up_once)
{
    struct fixture f;
    watch_faults();
    fill_wide(&f);
    f.engine->config.checks_detection = false; /* or each sum is made again to compare it */
    const struct bs_command withdrawal = {
        .type = BS_COMMAND_TRANSFER, .as.transfer = {.account = text("wide"), .amount = dec("-1")}};
    uint32_t first = pages_of(&f, &withdrawal);
    uint32_t second = pages_of(&f, &withdrawal);
    ck_assert_msg(second + WIDE * sizeof(struct bs_market) / watched.page <= first,
                  "%u pages, then %u", first, second);
    fixture_fini(&f);
}

END_TEST

/* The engine compares what it keeps with the sum at every use (checks_detection). */
START_TEST(what_is_kept_of_a_wide_account_is_its_sum)
{
    static const char *const sizes[] = {"3", "-3", "-1", "1"};
    static const char *const prices[] = {"99", "100", "101", "90"};
    struct fixture f;
    uint32_t accepted[4] = {0};
    fill_wide(&f);
    ck_assert_int_eq(put_account(&f, "debtor", "p", "1"), BS_OK);
    for (uint32_t round = 0; round < 4000; round++) {
        char market[32];
        print(market, "market", (uint32_t)(random_next() % WIDE));
        uint32_t kind = (uint32_t)(random_next() % 4), pick = (uint32_t)(random_next() % 4);
        struct bs_command commands[] = {
            {.type = BS_COMMAND_FILL,
             .as.fill = {.account = text(round % 3 == 0 ? "debtor" : "wide"),
                         .market = text(market),
                         .size = dec(sizes[pick]),
                         .price = dec("100")}},
            {.type = BS_COMMAND_MARK,
             .as.mark = {.market = text(market), .price = dec(prices[pick])}},
            {.type = BS_COMMAND_TRANSFER,
             .as.transfer = {.account = text("wide"), .amount = dec("-1")}},
            {.type = BS_COMMAND_SETTLE, .as.name.name = text("p")},
        };
        accepted[kind] += step(&f, commands[kind]) == BS_OK;
    }
    for (uint32_t kind = 0; kind < 4; kind++) {
        ck_assert_uint_gt(accepted[kind], 100);
    }
    ck_assert(f.engine->positions.any_taken);
    fixture_fini(&f);
}

END_TEST

#define NAMES 3000u

/* The places are in the order of the names, are those that the rows know, and miss nobody. */
static void check_order(struct fixture *f, const bool *exists, uint32_t count)
{
    char name[32];
    uint32_t at = 0, number = 0, seen = 0;
    bs_account_order_refresh(f->engine);
    for (uint32_t account; (account = bs_account_order_next(f->engine, &at)) != 0;) {
        ck_assert_uint_eq(f->engine->accounts.cold[account].rank, at - 1);
        if (bs_account_text(f->engine, account).bytes[0] != 'a') {
            continue; /* the fund's */
        }
        while (number < NAMES && !exists[number]) {
            number++;
        }
        print(name, "account", number++);
        ck_assert(bs_text_equal(bs_account_text(f->engine, account), text(name)));
        seen++;
    }
    ck_assert_uint_eq(seen, count);
    print(name, "account", (uint32_t)(random_next() % NAMES));
    uint32_t after = bs_account_order_after(f->engine, text(name));
    uint32_t next = bs_account_order_next(f->engine, &after);
    ck_assert(next == 0 || bs_text_compare(bs_account_text(f->engine, next), text(name)) > 0);
}

START_TEST(the_order_is_that_of_a_plain_list)
{
    static bool exists[NAMES];
    const struct bs_layer haircut = {.type = BS_LAYER_HAIRCUT};
    struct fixture f;
    uint32_t count = 0;
    fixture_init(&f, NAMES, 10);
    ck_assert_int_eq(put_pool(&f, "p", 1, &haircut), BS_OK);
    for (uint32_t round = 0; round < 600; round++) {
        /* one by one in a row, or many at random; growing for a while, then shrinking */
        bool is_row = round % 3 == 0, grows = round / 100 % 2 == 0;
        uint32_t number = (uint32_t)(random_next() % NAMES), burst = round % 7 == 0 ? 200 : 3;
        for (uint32_t i = 0; i < burst; i++) {
            char name[32];
            number = is_row ? (number + 1) % NAMES : (uint32_t)(random_next() % NAMES);
            print(name, "account", number);
            bool comes = random_next() % 8 == 0 ? !grows : grows;
            if (comes && !exists[number]) {
                ck_assert_int_eq(put_account(&f, name, "p", "0"), BS_OK);
                count++;
            } else if (!comes && exists[number]) {
                ck_assert_int_eq(named(&f, BS_COMMAND_DELETE_ACCOUNT, name), BS_OK);
                count--;
            }
            exists[number] = comes;
            if (burst < 10) {
                check_order(&f, exists, count);
            }
        }
        check_order(&f, exists, count);
    }
    fixture_fini(&f);
}

END_TEST

/* New accounts that went again before anybody read may fill the list of those that wait. */
START_TEST(accounts_that_come_and_go_unread_do_not_fill_the_order)
{
    const struct bs_layer haircut = {.type = BS_LAYER_HAIRCUT};
    struct fixture f;
    fixture_init(&f, 10, 10);
    ck_assert_int_eq(put_pool(&f, "p", 1, &haircut), BS_OK);
    ck_assert_int_eq(put_account(&f, "zz", "p", "0"), BS_OK);
    for (uint32_t i = 0; i < 1000; i++) {
        char name[32], other[32];
        print(name, "account", i);
        print(other, "other", i);
        ck_assert_int_eq(put_account(&f, name, "p", "0"), BS_OK);
        ck_assert_int_eq(put_account(&f, other, "p", "0"), BS_OK);
        ck_assert_int_eq(named(&f, BS_COMMAND_DELETE_ACCOUNT, name), BS_OK);
        ck_assert_int_eq(named(&f, BS_COMMAND_DELETE_ACCOUNT, other), BS_OK);
    }
    ck_assert(bs_text_equal(
        bs_account_text(f.engine, bs_account_after(f.engine, 0, text("backstop:zzz"))),
        text("zz")));
    fixture_fini(&f);
}

END_TEST

int main(void)
{
    TCase *tests = unit_tests("cost");
    UNIT_ADD(tests, a_command_touches_no_more_pages_the_more_accounts_there_are,
             a_wide_account_is_summed_up_once, what_is_kept_of_a_wide_account_is_its_sum,
             the_order_is_that_of_a_plain_list,
             accounts_that_come_and_go_unread_do_not_fill_the_order);
    return unit_run(tests);
}
