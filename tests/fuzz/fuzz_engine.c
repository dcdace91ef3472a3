/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Small worlds, stepped by two engines that differ in all that must not matter: hash seed and how
 * many actions are handed out at a time. Each step is audited (engine.h), and both say the same.
 *
 * An input is rows of fixed columns, and any byte means something in each, so that nearly every
 * input is a world: verb, account, market, sign, two digits of size, three of price, options.
 *
 *     pax+05100    position: account a, market x, long 5 at 100
 *     m.x...080    mark: market x at 80
 *     i..+0500     insurance fund: four digits of an amount, 500
 *     w..i0.a0.h00 pool: period, trigger, then layers of three columns each
 *     n...02       the check of a plan after the next 2 fails
 *     ta.+0010......S07  the last three columns: number 7 of the source S
 */
#include "tests/fuzz/engine.h"
#include "tests/fuzz/fuzz.h"

#define ROWS_MAX 200
#define HOUR_MS 3600000
#define ACCOUNTS 8
#define MARKETS 3

struct row {
    char at[17]; /* what is not there is 0 */
};

static struct bs_text account_of(const struct row *row)
{
    static const char names[] = "abcdefgh";
    return (struct bs_text){names + (unsigned char)(row->at[1] - 'a') % ACCOUNTS, 1};
}

static struct bs_text market_of(const struct row *row)
{
    static const char names[] = "xyz";
    return (struct bs_text){names + (unsigned char)(row->at[2] - 'x') % MARKETS, 1};
}

static const struct bs_text pool_name = {"p", 1};

/* Digits in columns [from, to). */
static int64_t digits_in(const struct row *row, int from, int to)
{
    int64_t value = 0;
    for (int i = from; i < to; i++) {
        value = value * 10 + (unsigned char)(row->at[i] - '0') % 10;
    }
    return value;
}

static struct bs_decimal signed_in(const struct row *row, int from, int to)
{
    int64_t value = digits_in(row, from, to);
    return (struct bs_decimal){row->at[3] == '-' ? -value : value, 0};
}

static bool has(const struct row *row, int column, char option)
{
    return row->at[column] == option;
}

static void set_option(struct bs_layer *layer, enum bs_layer_option option, bool set,
                       uint32_t value)
{
    if (set) {
        layer->has[option] = true;
        layer->options[option] = value;
    }
}

static struct bs_layer adl_layer(uint8_t first, uint8_t second)
{
    struct bs_layer layer = {.type = BS_LAYER_ADL,
                             .ranking = first % BS_RANKING_COUNT,
                             .price = first / BS_RANKING_COUNT % BS_PRICE_COUNT,
                             .protect_principal = first / (BS_RANKING_COUNT * 2) % 2 == 0};
    set_option(&layer, BS_OPTION_HEDGED_LAST_PPM, (second & 1) != 0, 500000);
    set_option(&layer, BS_OPTION_MAX_CLOSE_PPM, (second & 2) != 0, 300000);
    set_option(&layer, BS_OPTION_MAX_CLOSE_PPM_PER_DAY, (second & 4) != 0, 600000);
    set_option(&layer, BS_OPTION_MAX_LOSS_PPM, (second & 8) != 0, 200000);
    set_option(&layer, BS_OPTION_MAX_LOSS_PPM_PER_DAY, (second & 16) != 0, 400000);
    return layer;
}

static struct bs_layer haircut_layer(uint8_t first, uint8_t second)
{
    struct bs_layer layer = {.type = BS_LAYER_HAIRCUT,
                             .rule = first % BS_RULE_COUNT,
                             .basis = first / BS_RULE_COUNT % BS_BASIS_COUNT,
                             .divide = second % BS_DIVIDE_COUNT,
                             .scope = second / 2 % BS_SCOPE_COUNT};
    set_option(&layer, BS_OPTION_SENIORITY, first / 12 % 2 != 0, 3);
    set_option(&layer, BS_OPTION_RESTITUTION, first / 24 % 2 != 0, 0);
    return layer;
}

static struct bs_layer insurance_layer(uint8_t first, uint8_t second)
{
    struct bs_layer layer = {.type = BS_LAYER_INSURANCE,
                             .floor = {first % 10 * 50, 0},
                             .has_max_per_settlement = second % 2 != 0};
    if (second % 2 != 0) {
        layer.max_per_settlement = (struct bs_decimal){100, 0};
    }
    if (second / 2 % 2 != 0) {
        layer.has_max_drawdown_ppm = layer.has_drawdown_window = layer.has_resume_ppm = true;
        layer.max_drawdown_ppm = 500000;
        layer.drawdown_window_ms = HOUR_MS;
        layer.resume_ppm = 250000;
    }
    return layer;
}

static struct bs_layer assign_layer(uint8_t first, uint8_t second)
{
    struct bs_layer layer = {.type = BS_LAYER_ASSIGN};
    set_option(&layer, BS_OPTION_SPREAD_PPM, first % 2 != 0, 10000);
    set_option(&layer, BS_OPTION_MAX_COST_PPM, second % 2 != 0, 500000);
    return layer;
}

/* Columns 3 on: a layer each three. */
static void read_waterfall(const struct row *row, struct bs_command *command)
{
    struct bs_pool_command *pool = &command->as.pool;
    *pool = (struct bs_pool_command){.pool = pool_name,
                                     .asset = {"USD", 3},
                                     .period_ms = has(row, 1, 't') ? 0 : 8 * HOUR_MS,
                                     .trigger = has(row, 2, 'h') ? BS_TRIGGER_HANDOVER
                                                                 : BS_TRIGGER_EQUITY};
    for (int at = 3; at + 3 <= (int)sizeof row->at && row->at[at] != '\0'; at += 3) {
        struct bs_layer *layer = &pool->layers[pool->layers_count++];
        uint8_t first = (uint8_t)(row->at[at + 1] - '0');
        uint8_t second = (uint8_t)(row->at[at + 2] - '0');
        *layer = has(row, at, 'i')   ? insurance_layer(first, second)
                 : has(row, at, 'a') ? adl_layer(first, second)
                 : has(row, at, 'v') ? assign_layer(first, second)
                                     : haircut_layer(first, second);
    }
}

static void read_market(const struct row *row, struct bs_command *command)
{
    struct bs_market_command *market = &command->as.market;
    *market = (struct bs_market_command){.market = market_of(row),
                                         .pool = pool_name,
                                         .contract = row->at[2] == 'y' ? BS_CONTRACT_INVERSE
                                                                       : BS_CONTRACT_LINEAR,
                                         .tick_size = {1, 0},
                                         .lot_size = {1, 0},
                                         .multiplier = {row->at[2] == 'y' ? 1000 : 1, 0},
                                         .maintenance_margin_ppm = 50000,
                                         .max_move_ppm = has(row, 3, 'm') ? 500000 : 0,
                                         .max_move_span_ms = BS_MOVE_SPAN_MS_DEFAULT,
                                         .own_fund = has(row, 4, 'o'),
                                         .has_fund_budget = has(row, 5, 'b'),
                                         .fund_budget = {has(row, 5, 'b') ? 100 : 0, 0}};
}

static void read_position(const struct row *row, struct bs_command *command)
{
    struct bs_position_command *position = &command->as.position;
    bool isolated = has(row, 9, 'i') || has(row, 9, 'j');
    *position = (struct bs_position_command){
        .account = account_of(row),
        .item = {.market = market_of(row),
                 .size = signed_in(row, 4, 6),
                 .has_entry_price = true,
                 .entry_price = {digits_in(row, 6, 9), 0},
                 .adl_priority =
                     has(row, 9, 'p') ? (uint32_t)digits_in(row, 10, 11) : BS_PRIORITY_NONE,
                 .isolated = isolated,
                 .has_collateral = has(row, 9, 'j')}};
    if (has(row, 9, 'j')) {
        position->item.collateral = (struct bs_decimal){digits_in(row, 10, 13), 0};
    }
}

static void read_fill(const struct row *row, struct bs_command *command)
{
    struct bs_fill_command *fill = &command->as.fill;
    *fill = (struct bs_fill_command){.account = account_of(row),
                                     .market = market_of(row),
                                     .size = signed_in(row, 4, 6),
                                     .price = {digits_in(row, 6, 9), 0},
                                     .isolated = has(row, 9, 'i')};
    if (has(row, 9, 'f')) {
        fill->fee = (struct bs_decimal){1, 0};
    }
}

static void read_provider(const struct row *row, struct bs_command *command)
{
    struct bs_provider_command *provider = &command->as.provider;
    bool windowed = has(row, 9, 'w');
    *provider = (struct bs_provider_command){.account = account_of(row),
                                             .market = market_of(row),
                                             .max_position = {digits_in(row, 4, 6), 0},
                                             .max_leverage_ppm =
                                                 (uint32_t)digits_in(row, 6, 8) * (BS_PPM / 10),
                                             .has_quota_period = windowed,
                                             .has_quota_ppm = windowed,
                                             .quota_period_ms = windowed ? HOUR_MS : 0,
                                             .quota_ppm = windowed ? 500000 : 0,
                                             .has_max_size = has(row, 9, 's'),
                                             .max_size = {has(row, 9, 's') ? 2 : 0, 0},
                                             .priority = (uint32_t)digits_in(row, 8, 9)};
}

static void read_transfer(const struct row *row, struct bs_command *command)
{
    struct bs_transfer_command *transfer = &command->as.transfer;
    *transfer =
        (struct bs_transfer_command){.account = account_of(row),
                                     .amount = signed_in(row, 4, 8),
                                     .kind = (uint8_t)digits_in(row, 8, 9) % BS_TRANSFER_COUNT};
    if (has(row, 9, 'i')) {
        transfer->market = market_of(row);
    }
}

static void read_account(const struct row *row, struct bs_command *command)
{
    struct bs_account_command *account = &command->as.account;
    *account = (struct bs_account_command){.account = account_of(row),
                                           .pool = pool_name,
                                           .collateral = signed_in(row, 4, 8),
                                           .has_haircut_cap_ppm = has(row, 9, 'c')};
    if (has(row, 9, 'c')) {
        account->haircut_cap_ppm = (uint32_t)digits_in(row, 8, 9) * (BS_PPM / 10);
    }
}

static void read_mark(const struct row *row, struct bs_command *command)
{
    command->as.mark = (struct bs_mark_command){
        .market = market_of(row), .price = {digits_in(row, 6, 9), 0}, .confirm = has(row, 9, 'c')};
}

static void read_fund(const struct row *row, struct bs_command *command)
{
    command->as.fund = (struct bs_fund_command){.pool = pool_name, .amount = signed_in(row, 4, 8)};
}

static void read_own_fund(const struct row *row, struct bs_command *command)
{
    command->as.own_fund =
        (struct bs_own_fund_command){.market = market_of(row), .amount = signed_in(row, 4, 8)};
}

static void read_handover(const struct row *row, struct bs_command *command)
{
    command->as.handover = (struct bs_handover_command){.account = account_of(row)};
    if (has(row, 9, 'i')) {
        command->as.handover.market = market_of(row);
    }
}

static void read_unfilled(const struct row *row, struct bs_command *command)
{
    command->as.unfilled =
        (struct bs_unfilled_command){.pool = pool_name,
                                     .action = (uint64_t)digits_in(row, 6, 9) + 1,
                                     .size = {digits_in(row, 4, 6) + 1, 0}};
}

static void read_final(const struct row *row, struct bs_command *command)
{
    command->as.final =
        (struct bs_final_command){.market = market_of(row), .price = {digits_in(row, 6, 9), 0}};
}

static void read_window(const struct row *row, struct bs_command *command)
{
    command->as.window = (struct bs_window_command){.pool = pool_name, .name = account_of(row)};
}

static void read_pool_name(const struct row *row, struct bs_command *command)
{
    (void)row;
    command->as.name = (struct bs_name_command){.name = pool_name};
}

static void read_account_name(const struct row *row, struct bs_command *command)
{
    command->as.name = (struct bs_name_command){.name = account_of(row)};
}

static void read_market_name(const struct row *row, struct bs_command *command)
{
    command->as.name = (struct bs_name_command){.name = market_of(row)};
}

static const struct verb {
    char letter;
    uint8_t type;
    void (*read)(const struct row *row, struct bs_command *command);
} verbs[] = {
    {'p', BS_COMMAND_POSITION, read_position},
    {'f', BS_COMMAND_FILL, read_fill},
    {'m', BS_COMMAND_MARK, read_mark},
    {'s', BS_COMMAND_SETTLE, read_pool_name},
    {'t', BS_COMMAND_TRANSFER, read_transfer},
    {'a', BS_COMMAND_ACCOUNT, read_account},
    {'i', BS_COMMAND_INSURANCE_FUND, read_fund},
    {'k', BS_COMMAND_OWN_FUND, read_own_fund},
    {'c', BS_COMMAND_CLOSE_PERIOD, read_pool_name},
    {'r', BS_COMMAND_RESUME, read_pool_name},
    {'q', BS_COMMAND_PAUSE, read_pool_name},
    {'h', BS_COMMAND_HANDOVER, read_handover},
    {'u', BS_COMMAND_UNFILLED, read_unfilled},
    {'e', BS_COMMAND_FINAL_SETTLEMENT, read_final},
    {'o', BS_COMMAND_OPEN_WINDOW, read_window},
    {'l', BS_COMMAND_CLOSE_WINDOW, read_window},
    {'v', BS_COMMAND_PROVIDER, read_provider},
    {'d', BS_COMMAND_DELETE_ACCOUNT, read_account_name},
    {'w', BS_COMMAND_POOL, read_waterfall},
    {'j', BS_COMMAND_MARKET, read_market},
    {'g', BS_COMMAND_DELETE_MARKET, read_market_name},
};

#define VERBS (sizeof verbs / sizeof verbs[0])

static void read_command(const struct row *row, struct bs_command *command)
{
    const struct verb *verb = &verbs[(unsigned char)row->at[0] % VERBS];
    for (size_t i = 0; i < VERBS; i++) {
        verb = verbs[i].letter == row->at[0] ? &verbs[i] : verb;
    }
    command->type = verb->type;
    verb->read(row, command);
    if (command->type != BS_COMMAND_POOL && row->at[14] >= 'A' && row->at[14] <= 'Z') {
        command->has_source = true;
        command->source = (struct bs_text){row->at[14] % 2 == 0 ? "S" : "T", 1};
        command->source_seq = (uint64_t)digits_in(row, 15, 17) + 1;
    }
}

/* A decimal as a record would have it, and nothing that no record could say. */
static bool pass_record(struct bs_command *command, uint8_t *record, size_t capacity)
{
    size_t size = bs_command_encode(command, record, capacity);
    assert(size > 0);
    return bs_command_decode(record, size, command) == BS_OK;
}

static void step_both(struct fuzz_engine engines[2], const struct row *row)
{
    uint8_t record[2048];
    struct bs_command command = {0};
    if (row->at[0] == 'b') { /* the clock, forward by columns 4-8 in seconds */
        engines[0].time_ms += digits_in(row, 4, 9) * 1000;
        engines[1].time_ms = engines[0].time_ms;
        return;
    }
    if (row->at[0] == 'n') {
        fuzz_engine_refuse(&engines[0], (uint32_t)digits_in(row, 4, 6));
        fuzz_engine_refuse(&engines[1], (uint32_t)digits_in(row, 4, 6));
        return;
    }
    read_command(row, &command);
    if (!pass_record(&command, record, sizeof record)) {
        return;
    }
    struct bs_command again = command;
    enum bs_status status = fuzz_engine_step(&engines[0], &command);
    assert(fuzz_engine_step(&engines[1], &again) == status);
}

static void run_text(struct fuzz_engine engines[2], struct fuzz_input input)
{
    for (uint32_t i = 0; i < ROWS_MAX && input.left > 0; i++) {
        struct bs_text line = fuzz_until(&input, '\n');
        struct row row = {{0}};
        size_t size = line.size < sizeof row.at ? line.size : sizeof row.at;
        if (size == 0 || line.bytes[0] == '#') {
            continue;
        }
        memcpy(row.at, line.bytes, size);
        step_both(engines, &row);
    }
}

/* Eight accounts with 1000 each, three markets at 100. */
static const char world[] = "w..i0.a0.h00\njx\njy\njz\na a+1000\nab.+1000\nac.+1000\nad.+1000\n"
                            "ae.+1000\naf.+1000\nag.+1000\nah.+1000\nm.x...100\nm.y...100\n"
                            "m.z...100\nr\n";

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct fuzz_engine engines[2] = {
        {.actions_max = FUZZ_ACTIONS_MAX, .is_audited = true, .is_exact = true},
        {.actions_max = 2, .hash_seed = 7},
    };
    fuzz_engine_clear(&engines[0]);
    fuzz_engine_clear(&engines[1]);
    run_text(engines, (struct fuzz_input){(const uint8_t *)world, sizeof world - 1});
    run_text(engines, (struct fuzz_input){data, size});
    struct bs_digest one = bs_engine_digest(engines[0].engine);
    struct bs_digest other = bs_engine_digest(engines[1].engine);
    assert(memcmp(&one, &other, sizeof one) == 0);
    assert(engines[0].ordinal == engines[1].ordinal);
    assert(engines[0].actions_crc == engines[1].actions_crc);
    return 0;
}
