/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The engine alone, on one core: figures for the rows of the speed table that need no network.
 * Prints; asserts nothing about time. Each time is the best of a few rounds.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "daemon/core/lookahead.h"
#include "lib/book/accounts.h"
#include "lib/book/bounds.h"
#include "lib/snapshot/snapshot.h"

#define ROUNDS 7
#define ACTIONS_MAX 256u /* as the daemon */
#define MARKETS 44u
#define START_MS INT64_C(1760130964831)

struct bench {
    struct bs_config config;
    void *memory;
    size_t size;
    struct bs_engine *engine;
    int64_t now_ms;
    uint64_t actions; /* of the last command */
    struct bs_action *buffer;
    uint64_t random;
};

static double now_s(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* Megabytes of this process in memory. */
static double resident_mb(void)
{
    unsigned long total = 0, resident = 0;
    FILE *file = fopen("/proc/self/statm", "r");
    if (file == NULL || fscanf(file, "%lu %lu", &total, &resident) != 2) {
        perror("engine_bench: /proc/self/statm");
        exit(EXIT_FAILURE);
    }
    (void)fclose(file);
    return (double)resident * (double)sysconf(_SC_PAGESIZE) / 1e6;
}

static uint64_t next_random(struct bench *bench)
{
    bench->random = bench->random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return bench->random >> 33;
}

static void bench_init(struct bench *bench, uint32_t accounts, uint32_t positions)
{
    *bench = (struct bench){.now_ms = START_MS, .random = 1};
    bs_config_defaults(&bench->config);
    bench->config.capacity.accounts_max = accounts;
    bench->config.capacity.positions_max = positions;
    bench->size = bs_engine_size(&bench->config);
    bench->memory = mmap(NULL, bench->size, PROT_READ | PROT_WRITE,
                         MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    bench->buffer = calloc(ACTIONS_MAX, sizeof(*bench->buffer));
    if (bench->memory == MAP_FAILED || bench->buffer == NULL) {
        fprintf(stderr, "engine_bench: no memory\n");
        exit(EXIT_FAILURE);
    }
    (void)madvise(bench->memory, bench->size, MADV_HUGEPAGE); /* as the daemon */
    bench->engine = bs_engine_init(bench->memory, bench->size, &bench->config);
}

static void bench_fini(struct bench *bench)
{
    free(bench->buffer);
    (void)munmap(bench->memory, bench->size);
}

static void send(struct bench *bench, struct bs_command *command)
{
    struct bs_effects effects = {.actions = bench->buffer, .actions_max = ACTIONS_MAX};
    command->seq = bs_engine_seq(bench->engine) + 1;
    command->time_ms = bench->now_ms;
    bs_engine_step(bench->engine, command, &effects);
    if (effects.status != BS_OK) {
        fprintf(stderr, "engine_bench: %s\n", bs_status_name(effects.status));
        exit(EXIT_FAILURE);
    }
    bench->actions = effects.actions_count;
    while (effects.more) {
        bs_engine_continue(bench->engine, &effects);
        bench->actions += effects.actions_count;
    }
}

static struct bs_text print_name(char text[32], const char *kind, uint32_t number)
{
    int size = snprintf(text, 32, "%s-%07u", kind, number);
    return (struct bs_text){text, (uint32_t)size};
}

static struct bs_decimal whole(int64_t value)
{
    struct bs_decimal decimal = {value, 0};
    char text[24];
    /* The canonical form has no trailing zeros of a fraction; a whole number is its own. */
    int size = snprintf(text, sizeof(text), "%" PRId64, value);
    if (bs_decimal_parse(text, (size_t)size, &decimal) != BS_OK) {
        abort();
    }
    return decimal;
}

static const struct bs_text POOL = {"usdc", 4};

static void define_pool(struct bench *bench)
{
    struct bs_command command = {.type = BS_COMMAND_POOL};
    command.as.pool = (struct bs_pool_command){
        .pool = POOL,
        .asset = POOL,
        .decimals = 6,
        .layers_count = 3,
        .layers = {{.type = BS_LAYER_INSURANCE},
                   {.type = BS_LAYER_ADL, .protect_principal = true},
                   {.type = BS_LAYER_HAIRCUT}},
        .period_ms = 8 * 3600 * 1000,
    };
    send(bench, &command);
    for (uint32_t i = 0; i < MARKETS; i++) {
        char name[32];
        command = (struct bs_command){.type = BS_COMMAND_MARKET};
        command.as.market = (struct bs_market_command){
            .market = print_name(name, "market", i),
            .pool = POOL,
            .tick_size = {1, -2},
            .lot_size = {1, -3},
            .multiplier = {1, 0},
            .maintenance_margin_ppm = 5000,
        };
        send(bench, &command);
    }
}

static void put_mark(struct bench *bench, uint32_t market, struct bs_decimal price)
{
    char name[32];
    struct bs_command command = {.type = BS_COMMAND_MARK};
    command.as.mark =
        (struct bs_mark_command){.market = print_name(name, "market", market), .price = price};
    send(bench, &command);
}

static void put_account(struct bench *bench, struct bs_text name, int64_t collateral)
{
    struct bs_command command = {.type = BS_COMMAND_ACCOUNT};
    command.as.account =
        (struct bs_account_command){.account = name, .pool = POOL, .collateral = whole(collateral)};
    send(bench, &command);
}

static struct bs_command position(struct bs_text account, struct bs_text market, int64_t size,
                                  int64_t price)
{
    struct bs_command command = {.type = BS_COMMAND_POSITION};
    command.as.position = (struct bs_position_command){
        .account = account,
        .item = {.market = market,
                 .size = whole(size),
                 .has_entry_price = true,
                 .entry_price = whole(price),
                 .adl_priority = BS_PRIORITY_NONE},
    };
    return command;
}

static void put_position(struct bench *bench, struct bs_text account, uint32_t market, int64_t size,
                         int64_t price)
{
    char name[32];
    struct bs_command command = position(account, print_name(name, "market", market), size, price);
    command.as.position.seen_action = bs_engine_actions(bench->engine);
    send(bench, &command);
}

static double settle(struct bench *bench)
{
    struct bs_command command = {.type = BS_COMMAND_SETTLE};
    command.as.name = (struct bs_name_command){.name = POOL};
    double began = now_s();
    send(bench, &command);
    return now_s() - began;
}

/* Returns the notional of the account's three positions at 100. */
static int64_t post_positions(struct bench *bench, struct bs_text account, uint32_t number,
                              uint32_t markets)
{
    int64_t notional = 0;
    for (uint32_t k = 0; k < 3; k++) {
        int64_t size = 1 + (int64_t)(next_random(bench) % 9);
        put_position(bench, account, (number * 3 + k * 7) % markets, number % 2 == 0 ? size : -size,
                     100);
        notional += 100 * size;
    }
    return notional;
}

/* Accounts with three positions each and collateral far above what a mark can take. */
static void post_book(struct bench *bench, uint32_t accounts, uint32_t markets)
{
    for (uint32_t i = 0; i < accounts; i++) {
        char name[32];
        struct bs_text account = print_name(name, "account", i);
        put_account(bench, account, 1000000);
        (void)post_positions(bench, account, i, markets);
    }
}

/* Leverage about lognormal: 3 times 2 to the power of a binomial between -6 and 6. */
static void post_levered_book(struct bench *bench, uint32_t accounts)
{
    for (uint32_t i = 0; i < accounts; i++) {
        char name[32];
        struct bs_text account = print_name(name, "account", i);
        put_account(bench, account, 0);
        int64_t notional = post_positions(bench, account, i, MARKETS);
        int heads = __builtin_popcountll(next_random(bench) & 0xfff);
        double part = 1 + (double)(next_random(bench) % 1000) / 1000;
        put_account(bench, account,
                    1 + (int64_t)((double)(notional * (int64_t)(1u << heads)) / 64 / 3 * part));
    }
}

static void move_marks(struct bench *bench, int64_t mantissa, int32_t exponent)
{
    for (uint32_t i = 0; i < MARKETS; i++) {
        put_mark(bench, i, (struct bs_decimal){mantissa, exponent});
    }
}

/* One read of the columns that say who is solvent, account by account. */
static double plain_pass(const struct bench *bench, uint32_t *ret_insolvent)
{
    const struct bs_engine *engine = bench->engine;
    struct bs_account_walk walk = bs_account_walk_begin(&engine->pools[1]);
    uint32_t insolvent = 0;
    double began = now_s();
    for (uint32_t account; (account = bs_account_walk_next(engine, &walk)) != 0;) {
        insolvent += bs_account_equity(engine, account) < 0;
    }
    double took = now_s() - began;
    *ret_insolvent = insolvent;
    return took;
}

static void bench_settlement(void)
{
    struct bench bench;
    double best_settle = 1e9, best_pass = 1e9, best_one = 1e9, best_idle = 1e9;
    uint32_t insolvent = 0;
    bench_init(&bench, 1000000, 3000000);
    define_pool(&bench);
    double began = now_s();
    post_book(&bench, 1000000, MARKETS);
    printf("posted 1,000,000 accounts and 3,000,000 positions: %.2f s, %.0f MB resident\n",
           now_s() - began, resident_mb());
    for (int round = 0; round < ROUNDS; round++) {
        move_marks(&bench, 100 + round % 2, 0);
        double took = settle(&bench);
        best_settle = took < best_settle ? took : best_settle;
        took = plain_pass(&bench, &insolvent);
        best_pass = took < best_pass ? took : best_pass;
        put_account(&bench, (struct bs_text){"account-0000001", 15}, 1000001 + round);
        took = settle(&bench);
        best_one = took < best_one ? took : best_one;
        took = settle(&bench);
        best_idle = took < best_idle ? took : best_idle;
    }
    printf("settlement, all marks moved, nobody insolvent: %.2f ms (%.0f MB resident)\n",
           best_settle * 1e3, resident_mb());
    printf("  one pass over the same hot columns:          %.2f ms (%u insolvent), ratio %.2f\n",
           best_pass * 1e3, insolvent, best_settle / best_pass);
    printf("  detection after one account changed:         %.3f ms\n", best_one * 1e3);
    printf("  detection after nothing changed:             %.3f ms\n", best_idle * 1e3);
    bench_fini(&bench);
}

/* As a settlement detects. */
static double watch_pass(const struct bench *bench, uint32_t *ret_looked_at)
{
    struct bs_engine *engine = bench->engine;
    uint32_t looked_at = 0;
    double began = now_s();
    struct bs_bound_walk walk = bs_bound_begin(engine, 1);
    for (uint32_t account; (account = bs_bound_next(engine, &walk)) != 0;) {
        bs_bound_found(engine, account, bs_account_equity(engine, account));
        looked_at++;
    }
    double took = now_s() - began;
    *ret_looked_at = looked_at;
    return took;
}

/* All marks move together, away from the references and back. */
static void bench_watch(void)
{
    static const int64_t moves[] = {1, 10, 100, 500}; /* basis points */
    struct bench bench;
    uint32_t looked_at;
    bench_init(&bench, 1000000, 3000000);
    define_pool(&bench);
    post_levered_book(&bench, 1000000);
    move_marks(&bench, 10000, -2);
    double took, best_anew = 1e9;
    for (int round = 0; round < ROUNDS; round++) {
        bench.engine->pools[1].bound_spent = UINT64_MAX;
        took = watch_pass(&bench, &looked_at);
        best_anew = took < best_anew ? took : best_anew;
    }
    printf("detection, levered book, references taken again: %.2f ms (%u looked at)\n",
           best_anew * 1e3, looked_at);
    for (size_t i = 0; i < sizeof(moves) / sizeof(moves[0]); i++) {
        double best = 1e9, best_plain = 1e9;
        uint32_t insolvent;
        move_marks(&bench, 10000 - moves[i], -2);
        for (int round = 0; round < 3; round++) {
            took = watch_pass(&bench, &looked_at);
            best = took < best ? took : best;
            took = plain_pass(&bench, &insolvent);
            best_plain = took < best_plain ? took : best_plain;
        }
        printf("  marks %" PRId64 ".%02" PRId64
               " %% away: %.3f ms, %u looked at (%u insolvent); all "
               "of them: %.2f ms\n",
               moves[i] / 100, moves[i] % 100, best * 1e3, looked_at, insolvent, best_plain * 1e3);
    }
    bench_fini(&bench);
}

/* What one read of the indicators costs the command that waits for it: ranks of an account with three
 * positions, and the first page of a queue. With three markets every side has 500,000 candidates.
 */
static void bench_ranks(uint32_t markets)
{
    struct bench bench;
    struct bs_rank_view ranks[BS_RANK_ROWS_MAX];
    struct bs_queue_view rows[100];
    double best_rank = 1e9, best_queue = 1e9;
    bench_init(&bench, 1000000, 3000000);
    define_pool(&bench);
    post_book(&bench, 1000000, markets);
    move_marks(&bench, 101, 0);
    uint32_t account = bs_account_find(bench.engine, (struct bs_text){"account-0500000", 15});
    uint32_t market = bs_market_find(bench.engine, (struct bs_text){"market-0000000", 14});
    for (int round = 0; round < ROUNDS; round++) {
        double began = now_s();
        (void)bs_rank_view_get(bench.engine, account, 0, BS_RANK_ROWS_MAX, ranks);
        double took = now_s() - began;
        best_rank = took < best_rank ? took : best_rank;
        began = now_s();
        struct bs_queue_page page = {.market = market, .limit = 100, .rows = rows};
        bs_queue_page_get(bench.engine, &page);
        took = now_s() - began;
        best_queue = took < best_queue ? took : best_queue;
    }
    printf("ranks of an account's 3 positions in %u markets (%" PRIu64 " candidates in the first): "
           "%.2f ms\n  first page of a queue: %.2f ms\n",
           markets, ranks[0].of, best_rank * 1e3, best_queue * 1e3);
    bench_fini(&bench);
}

/* A daemon has the ids in order before anybody fails: its self-check reads them every few seconds.
 */
static void order_ids(struct bench *bench)
{
    (void)bs_engine_digest_part(bench->engine, 0, 1);
}

/* 44 failing longs of 256 or 257 lots each, against 11,279 shorts of one. */
static double one_burst(uint32_t idle, uint64_t *ret_actions)
{
    const uint32_t closes = 11279;
    struct bench bench;
    bench_init(&bench, idle + closes + MARKETS + 1, 3 * idle + 2 * closes + 2 * MARKETS);
    define_pool(&bench);
    for (uint32_t i = 0; i < MARKETS; i++) {
        char name[32];
        struct bs_text account = print_name(name, "failing", i);
        int64_t size = closes / MARKETS + (i < closes % MARKETS);
        put_account(&bench, account, size * 10);
        put_position(&bench, account, i, size, 100);
    }
    for (uint32_t i = 0; i < closes; i++) {
        char name[32];
        struct bs_text account = print_name(name, "winner", i);
        put_account(&bench, account, 50 + (int64_t)(next_random(&bench) % 1000));
        put_position(&bench, account, i % MARKETS, -1, 100 + (int64_t)(next_random(&bench) % 20));
    }
    post_book(&bench, idle, MARKETS);
    move_marks(&bench, 85, 0);
    order_ids(&bench);
    double took = settle(&bench);
    *ret_actions = bench.actions;
    bench_fini(&bench);
    return took;
}

static void bench_burst(uint32_t idle)
{
    double best = 1e9;
    uint64_t actions = 0;
    for (int round = 0; round < (idle == 0 ? 4 * ROUNDS : 3); round++) {
        double took = one_burst(idle, &actions);
        best = took < best ? took : best;
    }
    printf("11,279 closes over 44 markets, %u other accounts: %.2f ms, %" PRIu64 " actions\n", idle,
           best * 1e3, actions);
}

/* Deletes among a million accounts, and the page of a list after each of some new ones. */
static void bench_deletes(void)
{
    const uint32_t accounts = 1000000, deletes = 10000, listings = 100;
    struct bench bench;
    char name[32];
    bench_init(&bench, accounts + 1, 1);
    define_pool(&bench);
    for (uint32_t i = 0; i < accounts; i++) {
        put_account(&bench, print_name(name, "account", (uint32_t)(i * UINT64_C(7919) % accounts)),
                    0);
    }
    order_ids(&bench);
    double began = now_s();
    for (uint32_t i = 0; i < deletes; i++) {
        struct bs_command command = {.type = BS_COMMAND_DELETE_ACCOUNT};
        command.as.name.name =
            print_name(name, "account", (uint32_t)(i * UINT64_C(104729) % accounts));
        send(&bench, &command);
    }
    double took = now_s() - began;
    printf("deletes at 1,000,000 accounts: %.0f/s\n", deletes / took);
    double worst = 0;
    for (uint32_t i = 0; i < listings; i++) {
        put_account(&bench, print_name(name, "account", accounts + i), 0);
        began = now_s();
        (void)bs_account_after(bench.engine, 0, (struct bs_text){"account-0500000", 15});
        took = now_s() - began;
        worst = took > worst ? took : worst;
    }
    printf("  the first list after a new account, the slowest of %u: %.3f ms\n", listings,
           worst * 1e3);
    bench_fini(&bench);
}

/* Position updates as the log holds them: decoded and stepped again. */
static void bench_replay(uint32_t accounts, uint32_t records_count)
{
    struct bench bench;
    const size_t room = 256;
    uint8_t *records = malloc((size_t)records_count * room);
    size_t used = 0;
    if (records == NULL) {
        abort();
    }
    bench_init(&bench, accounts + 1, 4 * accounts);
    define_pool(&bench);
    post_book(&bench, accounts, MARKETS);
    for (uint32_t i = 0; i < records_count; i++) {
        char name[32], market[32];
        uint32_t account = (uint32_t)(next_random(&bench) % accounts);
        uint32_t leg = (uint32_t)(next_random(&bench) % 3);
        struct bs_command command =
            position(print_name(name, "account", account),
                     print_name(market, "market", (account * 3 + leg * 7) % MARKETS),
                     1 + (int64_t)(next_random(&bench) % 9), 100);
        used += bs_command_encode(&command, records + used, room);
    }
    uint64_t seq = bs_engine_seq(bench.engine);
    struct lookahead ahead; /* as the daemon replays */
    double began = now_s();
    lookahead_begin(&ahead, bench.engine, records, used);
    for (const uint8_t *record; (record = lookahead_next(&ahead, bench.engine)) != NULL;) {
        struct bs_command command;
        struct bs_effects effects = {.actions = bench.buffer, .actions_max = ACTIONS_MAX};
        if (bs_command_decode(record, bs_record_size(record), &command) != BS_OK) {
            abort();
        }
        command.seq = ++seq;
        command.time_ms = bench.now_ms;
        bs_engine_step(bench.engine, &command, &effects);
    }
    double took = now_s() - began;
    printf("replay of position updates, %u accounts: %.0f records/s (%.0f bytes each)\n", accounts,
           records_count / took, (double)used / records_count);
    free(records);
    bench_fini(&bench);
}

#define SNAPSHOT_PIECE ((size_t)1 << 20)

/* Of this thread: the same on a busy machine. */
static double cpu_s(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* All rows at once, in memory that has been written before. */
static size_t save(struct bs_engine *engine, uint8_t *rows)
{
    struct bs_snapshot_writer writer;
    size_t used = 0, more;
    bs_snapshot_begin(&writer, engine);
    while ((more = bs_snapshot_next(&writer, rows + used, SNAPSHOT_PIECE)) > 0) {
        used += more;
    }
    return used;
}

static double load(const struct bs_config *config, const uint8_t *rows, size_t size)
{
    struct bench bench;
    struct bs_snapshot_loader loader;
    size_t used;
    bench_init(&bench, config->capacity.accounts_max, config->capacity.positions_max);
    double began = cpu_s();
    bs_snapshot_load_begin(&loader, bench.engine);
    if (bs_snapshot_load(&loader, rows, size, &used) != BS_OK ||
        bs_snapshot_load_end(&loader) != BS_OK) {
        abort();
    }
    double took = cpu_s() - began;
    bench_fini(&bench);
    return took;
}

static void bench_snapshot(void)
{
    struct bench bench;
    double best_save = 1e9, best_load = 1e9, best_copy = 1e9;
    size_t size = 0;
    bench_init(&bench, 1000000, 3000000);
    define_pool(&bench);
    post_levered_book(&bench, 1000000);
    move_marks(&bench, 10000, -2);
    uint8_t *rows = malloc((size_t)1 << 29), *copy = malloc((size_t)1 << 29);
    if (rows == NULL || copy == NULL) {
        abort();
    }
    for (int round = 0; round < 3; round++) {
        double began = cpu_s();
        size = save(bench.engine, rows);
        double took = cpu_s() - began;
        best_save = took < best_save ? took : best_save;
        began = cpu_s();
        memcpy(copy, rows, size);
        took = cpu_s() - began;
        best_copy = took < best_copy ? took : best_copy;
        took = load(&bench.config, rows, size);
        best_load = took < best_load ? took : best_load;
    }
    printf("snapshot of 1,000,000 accounts and 3,000,000 positions, %.0f MB: saved in %.2f s, "
           "loaded in %.2f s\n",
           (double)size / 1e6, best_save, best_load);
    printf("  a copy of the same bytes:                    %.3f s\n", best_copy);
    free(copy);
    free(rows);
    bench_fini(&bench);
}

static void print_memory(void)
{
    struct bs_config config;
    bs_config_defaults(&config);
    size_t base = bs_engine_size(&config);
    config.capacity.accounts_max *= 2;
    double account = (double)(bs_engine_size(&config) - base) / (config.capacity.accounts_max / 2);
    config.capacity.accounts_max /= 2;
    config.capacity.positions_max *= 2;
    double held = (double)(bs_engine_size(&config) - base) / (config.capacity.positions_max / 2);
    config.capacity.positions_max /= 2;
    config.capacity.dedupe_window *= 2;
    double seen = (double)(bs_engine_size(&config) - base) / (config.capacity.dedupe_window / 2);
    printf(
        "reserved by the engine: %.1f bytes an account, %.1f a position, %.1f an id remembered\n",
        account, held, seen);
    printf("  with the default capacities: %.0f MB (untouched memory is not resident)\n",
           (double)base / 1e6);
}

static bool is_wanted(int argc, char **argv, const char *part)
{
    return argc < 2 || strcmp(argv[1], part) == 0;
}

/* One part alone: memory, settlement, watch, ranks, burst, crowd, deletes, snapshot or replay. */
int main(int argc, char **argv)
{
    if (is_wanted(argc, argv, "memory")) {
        print_memory();
    }
    if (is_wanted(argc, argv, "settlement")) {
        bench_settlement();
    }
    if (is_wanted(argc, argv, "watch")) {
        bench_watch();
    }
    if (is_wanted(argc, argv, "ranks")) {
        bench_ranks(MARKETS);
        bench_ranks(3);
    }
    if (is_wanted(argc, argv, "burst")) {
        bench_burst(0);
    }
    if (is_wanted(argc, argv, "crowd")) {
        bench_burst(430000);
    }
    if (is_wanted(argc, argv, "deletes")) {
        bench_deletes();
    }
    if (is_wanted(argc, argv, "snapshot")) {
        bench_snapshot();
    }
    if (is_wanted(argc, argv, "replay")) {
        bench_replay(10000, 1000000);
        bench_replay(1000000, 1000000);
    }
    return 0;
}
