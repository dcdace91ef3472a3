/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Goal: an engine that was loaded from a snapshot goes on as the one that was saved, whatever
 * happened before, and no bytes do harm to the loader. Method: random worlds that use every command
 * are stepped by two engines; every now and then the second is thrown away and loaded from the first,
 * with other capacities and another hash seed. Rows are cut off and changed byte by byte.
 */

#include <stdio.h>

#include "lib/book/book.h"
#include "lib/settlement/plan.h"
#include "tests/tools/reload.h"
#include "tests/unit/engine_fixture.h"
#include "tests/unit/random.h"
#include "tests/unit/unit_main.h"

#define HOUR_MS 3600000
#define STEPS 400
#define RELOAD_EVERY 12 /* steps, on average */

/* ---- random commands ---- */

static bool once_in(uint32_t count)
{
    return random_below(count) == 0;
}

static struct bs_decimal whole(int64_t value)
{
    return (struct bs_decimal){value, 0};
}

static int64_t around_zero(uint32_t most)
{
    return (int64_t)random_below(2 * most + 1) - most;
}

static struct bs_text some_pool(void)
{
    static const char *const names[] = {"p", "q", "a rather long name of a pool"};
    return text(names[random_below(20) < 15 ? 0 : random_below(3)]);
}

static struct bs_text some_market(void)
{
    static const char *const names[] = {"x", "y", "z", "inv", "other"};
    return text(names[random_below(5)]);
}

static struct bs_text some_account(void)
{
    static const char *const names[] = {
        "a", "b", "c", "d", "e", "f", "g", "h", "aa", "long name", "longer name of an account"};
    return text(names[random_below(11)]);
}

static void set_option(struct bs_layer *layer, enum bs_layer_option option, uint32_t value)
{
    layer->has[option] = once_in(3);
    layer->options[option] = layer->has[option] ? value : 0;
}

static struct bs_layer insurance(void)
{
    struct bs_layer layer = {.type = BS_LAYER_INSURANCE, .floor = whole(once_in(3) ? 50 : 0)};
    if (once_in(3)) {
        layer.has_max_per_settlement = true;
        layer.max_per_settlement = whole(100);
    }
    if (once_in(3)) {
        layer.has_max_drawdown_ppm = layer.has_drawdown_window = layer.has_resume_ppm = true;
        layer.max_drawdown_ppm = 500000;
        layer.drawdown_window_ms = HOUR_MS;
        layer.resume_ppm = 250000;
    }
    return layer;
}

static struct bs_layer adl(void)
{
    struct bs_layer layer = {.type = BS_LAYER_ADL,
                             .ranking = (uint8_t)random_below(BS_RANKING_COUNT),
                             .price = (uint8_t)random_below(BS_PRICE_COUNT),
                             .protect_principal = once_in(2)};
    set_option(&layer, BS_OPTION_HEDGED_LAST_PPM, 500000);
    set_option(&layer, BS_OPTION_MAX_CLOSE_PPM_PER_DAY, 600000);
    set_option(&layer, BS_OPTION_MAX_LOSS_PPM, 300000);
    return layer;
}

static struct bs_layer haircut(void)
{
    struct bs_layer layer = {.type = BS_LAYER_HAIRCUT,
                             .rule = (uint8_t)random_below(BS_RULE_COUNT),
                             .basis = (uint8_t)random_below(BS_BASIS_COUNT)};
    if (layer.basis == BS_BASIS_UNREALIZED_PROFIT) {
        layer.scope = (uint8_t)random_below(BS_SCOPE_COUNT);
    } else {
        layer.divide = (uint8_t)random_below(BS_DIVIDE_COUNT);
    }
    if (layer.basis == BS_BASIS_PERIOD_GAIN) {
        set_option(&layer, BS_OPTION_SENIORITY, 3);
    }
    layer.has[BS_OPTION_RESTITUTION] = once_in(2);
    return layer;
}

struct made {
    struct bs_command command;
    char id[16];
};

static void make_pool(struct made *made, const struct fixture *f)
{
    (void)f;
    struct bs_pool_command *pool = &made->command.as.pool;
    *pool =
        (struct bs_pool_command){.pool = some_pool(),
                                 .asset = text(once_in(9) ? "EUR" : "USD"),
                                 .decimals = 2,
                                 .mark_max_age_ms = once_in(4) ? 2 * HOUR_MS : 0,
                                 .period_ms = once_in(3) ? 0 : HOUR_MS,
                                 .trigger = once_in(4) ? BS_TRIGGER_HANDOVER : BS_TRIGGER_EQUITY};
    if (once_in(2)) {
        pool->layers[pool->layers_count++] = insurance();
    }
    if (once_in(3)) {
        struct bs_layer assign = {.type = BS_LAYER_ASSIGN};
        set_option(&assign, BS_OPTION_SPREAD_PPM, 10000);
        pool->layers[pool->layers_count++] = assign;
    }
    if (!once_in(4)) {
        pool->layers[pool->layers_count++] = adl();
    }
    if (!once_in(3)) {
        pool->layers[pool->layers_count++] = haircut();
    }
}

static void make_market_named(struct made *made, struct bs_text name)
{
    bool inverse = name.size == 3, other = name.size == 5;
    made->command.as.market =
        (struct bs_market_command){.market = name,
                                   .pool = text(other ? "q" : "p"),
                                   .contract = inverse ? BS_CONTRACT_INVERSE : BS_CONTRACT_LINEAR,
                                   .tick_size = whole(1),
                                   .lot_size = whole(1),
                                   .multiplier = whole(inverse ? 100 : 1),
                                   .maintenance_margin_ppm = 50000,
                                   .max_move_ppm = once_in(2) ? 300000 : 0,
                                   .max_move_span_ms = 1,
                                   .has_fund_budget = once_in(3),
                                   .own_fund = once_in(3)};
    if (made->command.as.market.has_fund_budget) {
        made->command.as.market.fund_budget = whole(random_below(300));
    }
}

static void make_market(struct made *made, const struct fixture *f)
{
    (void)f;
    make_market_named(made, some_market());
}

static struct bs_position_item some_item(void)
{
    struct bs_position_item item = {.market = some_market(),
                                    .size = whole(around_zero(9)),
                                    .adl_priority = once_in(3) ? random_below(4) : BS_PRIORITY_NONE,
                                    .isolated = once_in(4)};
    item.has_entry_price = item.size.mantissa != 0;
    item.entry_price = whole(item.has_entry_price ? 80 + random_below(40) : 0);
    if (item.isolated && once_in(2)) {
        item.has_collateral = true;
        item.collateral = whole(random_below(300));
    }
    return item;
}

static struct bs_text some_id(char bytes[16])
{
    int size = snprintf(bytes, 16, "id-%u", random_below(60));
    return once_in(2) ? (struct bs_text){bytes, (uint32_t)size} : (struct bs_text){0};
}

static void make_fill(struct made *made, const struct fixture *f)
{
    struct bs_fill_command *fill = &made->command.as.fill;
    int64_t size = around_zero(6);
    *fill = (struct bs_fill_command){.account = some_account(),
                                     .market = some_market(),
                                     .size = whole(size == 0 ? 1 : size),
                                     .price = whole(90 + random_below(20)),
                                     .fee = whole(once_in(3)),
                                     .trade_id = some_id(made->id),
                                     .isolated = once_in(5),
                                     .has_time = once_in(3)};
    fill->time_ms = fill->has_time ? f->now_ms - (int64_t)random_below(9000) : 0;
}

static void make_transfer(struct made *made, const struct fixture *f)
{
    struct bs_transfer_command *transfer = &made->command.as.transfer;
    *transfer = (struct bs_transfer_command){.account = some_account(),
                                             .amount = whole(around_zero(300)),
                                             .transfer_id = some_id(made->id),
                                             .has_time = once_in(3)};
    transfer->time_ms = transfer->has_time ? f->now_ms - (int64_t)random_below(9000) : 0;
    if (once_in(5)) {
        transfer->market = some_market();
    }
}

static void make_provider(struct made *made, const struct fixture *f)
{
    (void)f;
    bool has_quota = once_in(2);
    made->command.as.provider =
        (struct bs_provider_command){.account = some_account(),
                                     .market = some_market(),
                                     .max_position = whole(random_below(9)),
                                     .max_leverage_ppm = 5000000,
                                     .has_quota_period = has_quota,
                                     .has_quota_ppm = has_quota,
                                     .quota_period_ms = has_quota ? HOUR_MS : 0,
                                     .quota_ppm = has_quota ? 900000 : 0,
                                     .has_max_size = once_in(2),
                                     .priority = once_in(2) ? 1 : BS_PRIORITY_NONE};
    made->command.as.provider.max_size = whole(made->command.as.provider.has_max_size ? 3 : 0);
}

static void make_capacity(struct made *made, const struct fixture *f)
{
    (void)f;
    made->command.as.capacity =
        (struct bs_capacity_command){.accounts_max = 8 + random_below(20),
                                     .positions_max = 20 + random_below(40),
                                     .markets_max = 4 + random_below(2),
                                     .pools_max = 2 + random_below(2),
                                     .dedupe_window = 4u << random_below(3),
                                     .transfer_window = 4u << random_below(3),
                                     .source_window = 2u << random_below(3)};
}

static void make_position(struct made *made, const struct fixture *f)
{
    made->command.as.position = (struct bs_position_command){
        some_account(), some_item(), once_in(8) ? 0 : f->engine->pools[1].actions};
}

static void make_account(struct made *made, const struct fixture *f)
{
    struct bs_account_command *account = &made->command.as.account;
    *account =
        (struct bs_account_command){.account = some_account(),
                                    .pool = some_pool(),
                                    .collateral = whole(random_below(900)),
                                    .seen_action = once_in(8) ? 0 : f->engine->pools[1].actions,
                                    .has_haircut_cap_ppm = once_in(4)};
    account->haircut_cap_ppm = account->has_haircut_cap_ppm ? 300000 : 0;
}

static void make_mark(struct made *made, const struct fixture *f)
{
    (void)f;
    made->command.as.mark = (struct bs_mark_command){
        .market = some_market(), .price = whole(60 + random_below(80)), .confirm = once_in(3)};
}

static void make_fund(struct made *made, const struct fixture *f)
{
    (void)f;
    made->command.as.fund = (struct bs_fund_command){
        .pool = some_pool(), .amount = whole(around_zero(400)), .transfer_id = some_id(made->id)};
}

static void make_own_fund(struct made *made, const struct fixture *f)
{
    (void)f;
    made->command.as.own_fund =
        (struct bs_own_fund_command){.market = some_market(), .amount = whole(around_zero(90))};
}

static void make_handover(struct made *made, const struct fixture *f)
{
    (void)f;
    made->command.as.handover = (struct bs_handover_command){.account = some_account()};
}

/* Most of the newest actions of a pool. */
static void make_unfilled(struct made *made, const struct fixture *f)
{
    uint64_t newest = f->engine->pools[1].actions;
    made->command.as.unfilled = (struct bs_unfilled_command){
        .pool = text("p"),
        .action = 1 + (newest > 20 ? newest - 20 : 0) + random_below(20),
        .size = whole(1 + random_below(2))};
}

static void make_final(struct made *made, const struct fixture *f)
{
    (void)f;
    made->command.as.final = (struct bs_final_command){some_market(), whole(70 + random_below(60))};
}

static void make_window(struct made *made, const struct fixture *f)
{
    (void)f;
    made->command.as.window = (struct bs_window_command){some_pool(), text("default")};
}

static void name_pool(struct made *made, const struct fixture *f)
{
    (void)f;
    made->command.as.name = (struct bs_name_command){.name = some_pool()};
    if (made->command.type == BS_COMMAND_PAUSE) {
        made->command.as.name.reason = text("drill");
    }
}

static void name_account(struct made *made, const struct fixture *f)
{
    (void)f;
    made->command.as.name = (struct bs_name_command){.name = some_account()};
}

static void name_market(struct made *made, const struct fixture *f)
{
    (void)f;
    made->command.as.name = (struct bs_name_command){.name = some_market()};
}

static void name_source(struct made *made, const struct fixture *f)
{
    (void)f;
    made->command.as.name = (struct bs_name_command){.name = text(once_in(2) ? "S" : "T")};
}

/* Each as often as it says, in a hundred or so. */
static const struct maker {
    uint8_t type;
    uint32_t often;
    void (*make)(struct made *made, const struct fixture *f);
} makers[] = {
    {BS_COMMAND_POSITION, 14, make_position},
    {BS_COMMAND_FILL, 9, make_fill},
    {BS_COMMAND_MARK, 14, make_mark},
    {BS_COMMAND_SETTLE, 10, name_pool},
    {BS_COMMAND_TRANSFER, 6, make_transfer},
    {BS_COMMAND_ACCOUNT, 6, make_account},
    {BS_COMMAND_INSURANCE_FUND, 3, make_fund},
    {BS_COMMAND_OWN_FUND, 2, make_own_fund},
    {BS_COMMAND_CLOSE_PERIOD, 3, name_pool},
    {BS_COMMAND_RESUME, 6, name_pool},
    {BS_COMMAND_PAUSE, 1, name_pool},
    {BS_COMMAND_HANDOVER, 3, make_handover},
    {BS_COMMAND_UNFILLED, 6, make_unfilled},
    {BS_COMMAND_OPEN_WINDOW, 2, make_window},
    {BS_COMMAND_CLOSE_WINDOW, 1, make_window},
    {BS_COMMAND_PROVIDER, 4, make_provider},
    {BS_COMMAND_DELETE_ACCOUNT, 3, name_account},
    {BS_COMMAND_POOL, 3, make_pool},
    {BS_COMMAND_MARKET, 4, make_market},
    {BS_COMMAND_DELETE_MARKET, 2, name_market},
    {BS_COMMAND_DELETE_POOL, 3, name_pool},
    {BS_COMMAND_DELETE_SOURCE, 1, name_source},
    {BS_COMMAND_CAPACITY, 1, make_capacity},
    {BS_COMMAND_FINAL_SETTLEMENT, 1, make_final},
};

#define MAKERS (sizeof makers / sizeof makers[0])

static const struct maker *some_maker(void)
{
    uint32_t sum = 0;
    for (size_t i = 0; i < MAKERS; i++) {
        sum += makers[i].often;
    }
    uint32_t place = random_below(sum), at = 0;
    while (place >= makers[at].often) {
        place -= makers[at++].often;
    }
    return &makers[at];
}

static void make_command(struct made *made, const struct fixture *f)
{
    const struct maker *maker = some_maker();
    made->command = (struct bs_command){.type = maker->type};
    maker->make(made, f);
    if (once_in(6) && maker->type != BS_COMMAND_CAPACITY) {
        struct bs_source_view view;
        made->command.has_source = true;
        made->command.source = text(once_in(2) ? "S" : "T");
        if (!bs_source_view_get(f->engine, made->command.source, &view)) {
            view.next_seq = 1;
        }
        made->command.source_seq = view.next_seq + 1 - random_below(view.next_seq > 4 ? 5 : 2);
        made->command.sent = text(once_in(3) ? "one" : "other"); /* stands for the record's bytes */
    }
}

/* ---- two engines ---- */

static enum bs_status step_both(struct fixture *f, struct fixture *g,
                                const struct bs_command *command)
{
    enum bs_status status = step(f, *command);
    ck_assert_int_eq(step(g, *command), status);
    ck_assert_int_eq(g->effects.waiting, f->effects.waiting);
    ck_assert_uint_eq(g->actions_count, f->actions_count);
    for (uint32_t i = 0; i < f->actions_count; i++) {
        uint8_t one[BS_ACTION_RECORD_SIZE_MAX], other[BS_ACTION_RECORD_SIZE_MAX];
        size_t size = bs_action_encode(&f->actions[i], one);
        ck_assert_uint_eq(bs_action_encode(&g->actions[i], other), size);
        ck_assert_mem_eq(one, other, size);
    }
    return status;
}

/* Small capacities in force; `room` for what capacity commands ask for, and more. */
static void small_init(struct fixture *f, uint32_t more, uint64_t seed)
{
    fixture_init(f, 10 + more, 40 + more);
    f->config.capacity.markets_max = 5 + more;
    f->config.capacity.pools_max = 3 + more;
    f->config.room = f->config.capacity;
    f->config.room.accounts_max = 40 + more;
    f->config.room.positions_max = 80 + more;
    f->config.hash_seed = seed;
    munmap(f->memory, f->size);
    f->size = bs_engine_size(&f->config);
    f->memory = mmap(NULL, f->size, PROT_READ | PROT_WRITE,
                     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    ck_assert_ptr_ne(f->memory, MAP_FAILED);
    f->engine = bs_engine_init(f->memory, f->size, &f->config);
}

static void copy_engine(struct fixture *from, struct fixture *to)
{
    int zeroed = madvise(to->memory, to->size, MADV_DONTNEED);
    ck_assert_int_eq(zeroed, 0);
    to->config.hash_seed++;
    to->engine = bs_engine_init(to->memory, to->size, &to->config);
    reload(from->engine, to->engine);
    to->engine->plan->checks_count = from->engine->plan->checks_count;
    to->engine->config.refuses_check = from->engine->config.refuses_check;
}

/* Two pools that run, all markets at 100, accounts with 300 each. */
static void open_world(struct fixture *f)
{
    static const char *const markets[] = {"inv", "other", "x", "y", "z"};
    static const char *const accounts[] = {"a", "b", "c", "d", "e", "f"};
    struct made made;
    for (int i = 0; i < 2; i++) {
        made.command = (struct bs_command){.type = BS_COMMAND_POOL};
        make_pool(&made, f);
        made.command.as.pool.pool = text(i == 0 ? "p" : "q");
        ck_assert_int_eq(step(f, made.command), BS_OK);
        ck_assert_int_eq(add_fund(f, i == 0 ? "p" : "q", "200"), BS_OK);
        ck_assert_int_eq(named(f, BS_COMMAND_RESUME, i == 0 ? "p" : "q"), BS_OK);
    }
    for (int i = 0; i < 5; i++) {
        made.command = (struct bs_command){.type = BS_COMMAND_MARKET};
        make_market_named(&made, text(markets[i]));
        ck_assert_int_eq(step(f, made.command), BS_OK);
        ck_assert_int_eq(put_mark(f, markets[i], "100"), BS_OK);
    }
    for (int i = 0; i < 6; i++) {
        ck_assert_int_eq(put_account(f, accounts[i], "p", "300"), BS_OK);
    }
}

/* Counts the commands that are accepted. */
static void run_world(uint64_t seed, struct fixture *f, struct fixture *g,
                      uint32_t accepted[BS_COMMAND_COUNT])
{
    random_state = seed;
    small_init(f, 0, 1);
    small_init(g, 7, 2);
    open_world(f);
    copy_engine(f, g);
    g->window = 3; /* actions handed out at a time */
    for (uint32_t i = 0; i < STEPS; i++) {
        struct made made;
        make_command(&made, f);
        f->now_ms += once_in(4) ? (int64_t)random_below(HOUR_MS / 4) : 1;
        g->now_ms = f->now_ms;
        if (once_in(20)) {
            uint64_t next = f->engine->plan->checks_count + random_below(3);
            f->engine->config.refuses_check = g->engine->config.refuses_check = next;
        }
        accepted[made.command.type] += step_both(f, g, &made.command) == BS_OK;
        if (once_in(RELOAD_EVERY)) {
            copy_engine(f, g);
        }
    }
}

static void some_world(uint64_t seed, struct fixture *f, struct fixture *g)
{
    uint32_t accepted[BS_COMMAND_COUNT] = {0};
    run_world(seed, f, g, accepted);
}

START_TEST(test_worlds)
{
    uint32_t accepted[BS_COMMAND_COUNT] = {0}; /* of each type, in all worlds */
    for (uint64_t seed = 1; seed <= 150; seed++) {
        struct fixture f, g;
        run_world(seed, &f, &g, accepted);
        fixture_fini(&f);
        fixture_fini(&g);
    }
    for (size_t i = 0; i < MAKERS; i++) { /* the worlds are lively */
        ck_assert_uint_gt(accepted[makers[i].type], 20);
    }
}

END_TEST

/* ---- pieces, capacities, versions ---- */

START_TEST(test_any_pieces)
{
    struct fixture f, g;
    some_world(7, &f, &g);
    struct rows rows = rows_of(f.engine, BS_SNAPSHOT_ROW_MAX);
    for (size_t piece = BS_SNAPSHOT_ROW_MAX; piece < 2 * BS_SNAPSHOT_ROW_MAX; piece += 97) {
        struct rows again = rows_of(f.engine, piece);
        ck_assert_uint_eq(again.size, rows.size);
        ck_assert_mem_eq(again.bytes, rows.bytes, rows.size);
        free(again.bytes);
    }
    for (size_t piece = 1; piece < 300; piece += 7) {
        fixture_fini(&g);
        small_init(&g, 0, piece);
        ck_assert_int_eq(rows_load(&rows, g.engine, piece), BS_OK);
    }
    free(rows.bytes);
    fixture_fini(&f);
    fixture_fini(&g);
}

END_TEST

START_TEST(test_capacities)
{
    struct fixture f, g;
    struct bs_capacity_command in_force, largest;
    some_world(3, &f, &g);
    struct rows rows = rows_of(f.engine, BS_SNAPSHOT_ROW_MAX);
    ck_assert_int_eq(bs_snapshot_capacity(rows.bytes, rows.size, &in_force, &largest), BS_OK);
    ck_assert_mem_eq(&in_force, &f.engine->capacity, sizeof in_force);
    ck_assert_mem_eq(&largest, &f.engine->largest, sizeof largest);
    for (size_t size = 0; size < 3 * 8; size++) {
        ck_assert_int_ne(bs_snapshot_capacity(rows.bytes, size, &in_force, &largest), BS_OK);
    }
    fixture_fini(&g);
    fixture_init(&g, largest.accounts_max, largest.positions_max - 1);
    ck_assert_int_eq(rows_load(&rows, g.engine, rows.size), BS_OUT_OF_RANGE);
    free(rows.bytes);
    fixture_fini(&f);
    fixture_fini(&g);
}

END_TEST

/* ---- other bytes ---- */

/* A fresh engine in the same memory. */
static void clear(struct fixture *g)
{
    int zeroed = madvise(g->memory, g->size, MADV_DONTNEED);
    ck_assert_int_eq(zeroed, 0);
    g->engine = bs_engine_init(g->memory, g->size, &g->config);
}

/* What was loaded can be saved. */
static void try_rows(const struct rows *rows, struct fixture *g)
{
    clear(g);
    if (rows_load(rows, g->engine, rows->size) == BS_OK) {
        struct rows again = rows_of(g->engine, BS_SNAPSHOT_ROW_MAX);
        free(again.bytes);
    }
}

START_TEST(test_newer)
{
    struct fixture f;
    const struct bs_layer layer = {.type = BS_LAYER_INSURANCE};
    fixture_init(&f, 10, 10);
    ck_assert_int_eq(put_pool(&f, "p", 1, &layer), BS_OK);
    struct rows rows = rows_of(f.engine, BS_SNAPSHOT_ROW_MAX);
    rows.bytes = realloc(rows.bytes, rows.size + 1);
    ck_assert_ptr_nonnull(rows.bytes);
    uint8_t *end = rows.bytes + rows.size - 3; /* the row END: size, kind */
    end[2]++;                                  /* a kind of later times */
    clear(&f);
    ck_assert_int_eq(rows_load(&rows, f.engine, rows.size), BS_NEWER_RECORD);
    end[2]--;
    end[0]++; /* a field of later times */
    rows.bytes[rows.size++] = 1;
    clear(&f);
    ck_assert_int_eq(rows_load(&rows, f.engine, rows.size), BS_NEWER_RECORD);
    rows.bytes[3]++; /* the version */
    clear(&f);
    ck_assert_int_eq(rows_load(&rows, f.engine, rows.size), BS_NEWER_RECORD);
    free(rows.bytes);
    fixture_fini(&f);
}

END_TEST

START_TEST(test_cut_off)
{
    struct fixture f, g;
    some_world(11, &f, &g);
    struct rows rows = rows_of(f.engine, BS_SNAPSHOT_ROW_MAX);
    for (struct rows cut = rows; cut.size-- > 0;) {
        clear(&f);
        ck_assert_int_ne(rows_load(&cut, f.engine, cut.size + 1), BS_OK);
    }
    free(rows.bytes);
    fixture_fini(&f);
    fixture_fini(&g);
}

END_TEST

START_TEST(test_every_byte_changed)
{
    for (uint64_t seed = 21; seed < 24; seed++) {
        struct fixture f, g;
        some_world(seed, &f, &g);
        struct rows rows = rows_of(f.engine, BS_SNAPSHOT_ROW_MAX);
        for (size_t at = 0; at < rows.size; at++) {
            uint8_t was = rows.bytes[at];
            rows.bytes[at] = (uint8_t)(was ^ 1);
            try_rows(&rows, &f);
            rows.bytes[at] = (uint8_t)(was ^ (2u << random_below(7)));
            try_rows(&rows, &f);
            rows.bytes[at] = was;
        }
        free(rows.bytes);
        fixture_fini(&f);
        fixture_fini(&g);
    }
}

END_TEST

int main(void)
{
    TCase *tests = unit_tests("snapshot");
    UNIT_ADD(tests, test_worlds, test_any_pieces, test_capacities, test_newer, test_cut_off,
             test_every_byte_changed);
    return unit_run(tests);
}
