/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Command records: what is written is read back; every truncation, every appended byte and random
 * damage is refused, or is itself a record that encodes to the same bytes. Each record is decoded
 * from memory of its exact size, so that AddressSanitizer sees a read past it.
 */
#include "lib/record/command.h"
#include "lib/record/request.h"

#include <stdlib.h>

#include "tests/unit/random.h"
#include "tests/unit/unit_main.h"

#define TEXT(literal) ((struct bs_text){.bytes = (literal), .size = sizeof(literal) - 1})

static struct bs_text random_text(uint32_t size_min, uint32_t size_max)
{
    static const char letters[] =
        "abcdefghijklmnopqrstuvwxyz-_ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789."
        "abcdefghijklmnopqrstuvwxyz-_ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789."
        "abcdefghijklmnopqrstuvwxyz-_ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789."
        "abcdefghijklmnopqrstuvwxyz-_ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.";
    uint32_t size = size_min + random_below(size_max - size_min + 1);
    uint32_t from = random_below((uint32_t)sizeof(letters) - 1 - size);
    return (struct bs_text){.bytes = letters + from, .size = size};
}

static struct bs_text random_name(void)
{
    return random_text(1, BS_ID_SIZE_MAX);
}

static struct bs_text random_optional(uint32_t size_max)
{
    return random_below(2) == 0 ? (struct bs_text){0} : random_text(1, size_max);
}

static struct bs_decimal random_decimal(void)
{
    int64_t mantissa = (int64_t)(random_next() >> (1 + random_below(63)));
    if (mantissa % 10 == 0) {
        return (struct bs_decimal){.mantissa = mantissa};
    }
    return (struct bs_decimal){.mantissa = random_below(2) == 0 ? mantissa : -mantissa,
                               .exponent = -(int32_t)random_below(19)};
}

static struct bs_position_item random_item(void)
{
    struct bs_position_item item = {
        .market = random_name(),
        .size = random_decimal(),
        .has_entry_price = random_below(2) == 0,
        .adl_priority = random_below(2) == 0 ? BS_PRIORITY_NONE : random_below(1000),
    };
    if (item.has_entry_price) {
        item.entry_price = random_decimal();
    }
    item.isolated = random_below(2) == 0;
    item.has_collateral = item.isolated && random_below(2) == 0;
    if (item.has_collateral) {
        item.collateral = random_decimal();
    }
    return item;
}

static struct bs_layer random_layer(void)
{
    struct bs_layer layer = {.type = (uint8_t)(1 + random_below(BS_LAYER_COUNT - 1))};
    if (layer.type == BS_LAYER_INSURANCE) {
        layer.floor = random_decimal();
        layer.has_max_per_settlement = random_below(2) == 0;
        if (layer.has_max_per_settlement) {
            layer.max_per_settlement = random_decimal();
        }
        layer.has_max_drawdown_ppm = random_below(2) == 0;
        layer.max_drawdown_ppm = layer.has_max_drawdown_ppm ? (uint32_t)random_next() : 0;
        layer.has_drawdown_window = random_below(2) == 0;
        layer.drawdown_window_ms =
            layer.has_drawdown_window ? (uint64_t)random_below(366 * 24 * 60) * 60000 : 0;
        layer.has_resume_ppm = random_below(2) == 0;
        layer.resume_ppm = layer.has_resume_ppm ? (uint32_t)random_next() : 0;
    } else if (layer.type == BS_LAYER_ADL) {
        layer.ranking = (uint8_t)random_below(BS_RANKING_COUNT);
        layer.price = (uint8_t)random_below(BS_PRICE_COUNT);
        layer.protect_principal = random_below(2) == 0;
    } else if (layer.type == BS_LAYER_HAIRCUT) {
        layer.rule = (uint8_t)random_below(BS_RULE_COUNT);
        layer.basis = (uint8_t)random_below(BS_BASIS_COUNT);
        layer.divide = (uint8_t)random_below(BS_DIVIDE_COUNT);
        layer.scope = (uint8_t)random_below(BS_SCOPE_COUNT);
    }
    for (uint8_t i = 0; i < BS_OPTION_COUNT; i++) {
        layer.has[i] = layer.type == bs_layer_option_layer(i) && random_below(3) == 0;
        layer.options[i] = layer.has[i] ? random_below(bs_layer_option_max(i) + 1) : 0;
    }
    return layer;
}

static struct bs_provider_command random_provider(void)
{
    struct bs_provider_command provider = {
        .account = random_name(),
        .market = random_name(),
        .max_position = random_decimal(),
        .max_leverage_ppm = (uint32_t)random_next(),
        .has_max_size = random_below(2) == 0,
        .has_quota_period = random_below(2) == 0,
        .has_quota_ppm = random_below(2) == 0,
        .priority = random_below(2) == 0 ? BS_PRIORITY_NONE : random_below(1000),
    };
    if (provider.has_max_size) {
        provider.max_size = random_decimal();
    }
    provider.quota_period_ms =
        provider.has_quota_period ? (uint64_t)random_below(366 * 24 * 60) * 60000 : 0;
    provider.quota_ppm = provider.has_quota_ppm ? (uint32_t)random_next() : 0;
    return provider;
}

static void random_pool(struct bs_pool_command *pool)
{
    pool->pool = random_name();
    pool->asset = random_name();
    pool->decimals = random_below(BS_ASSET_DECIMALS_MAX + 1);
    pool->mark_max_age_ms = (uint32_t)random_next();
    pool->period_ms = (uint64_t)random_below(366 * 24 * 60) * 60000;
    pool->layers_count = random_below(BS_LAYERS_MAX + 1);
    for (uint32_t i = 0; i < pool->layers_count; i++) {
        pool->layers[i] = random_layer();
    }
}

static void set_random_time(bool has_time, int64_t *time_ms)
{
    *time_ms = has_time ? (int64_t)(random_next() >> 24) : 0;
}

/* The commands that change accounts. */
static void random_state_in(struct bs_command *command)
{
    if (command->type == BS_COMMAND_ACCOUNT) {
        command->as.account = (struct bs_account_command){
            .account = random_name(),
            .pool = random_name(),
            .collateral = random_decimal(),
            .seen_action = random_below(2) * random_next(),
            .has_haircut_cap_ppm = random_below(2) == 0,
            .has_positions = random_below(2) == 0,
        };
        if (command->as.account.has_haircut_cap_ppm) {
            command->as.account.haircut_cap_ppm = (uint32_t)random_below(BS_PPM + 1);
        }
    } else if (command->type == BS_COMMAND_POSITION) {
        command->as.position = (struct bs_position_command){
            .account = random_name(),
            .item = random_item(),
            .seen_action = random_below(2) * random_next(),
        };
    } else if (command->type == BS_COMMAND_FILL) {
        command->as.fill = (struct bs_fill_command){
            .account = random_name(),
            .market = random_name(),
            .size = random_decimal(),
            .price = random_decimal(),
            .fee = random_decimal(),
            .trade_id = random_optional(BS_ID_SIZE_MAX),
            .isolated = random_below(2) == 0,
            .has_time = random_below(2) == 0,
        };
        set_random_time(command->as.fill.has_time, &command->as.fill.time_ms);
    } else {
        command->as.transfer = (struct bs_transfer_command){
            .account = random_name(),
            .amount = random_decimal(),
            .kind = (uint8_t)random_below(BS_TRANSFER_COUNT),
            .transfer_id = random_optional(BS_ID_SIZE_MAX),
            .market = random_optional(BS_ID_SIZE_MAX),
            .has_time = random_below(2) == 0,
        };
        set_random_time(command->as.transfer.has_time, &command->as.transfer.time_ms);
    }
}

static struct bs_capacity_command random_capacity(void)
{
    return (struct bs_capacity_command){
        .accounts_max = (uint32_t)random_next(),
        .transfer_window = (uint32_t)random_next(),
        .source_window = (uint32_t)random_next(),
    };
}

/* Its texts and bytes live in static memory until the next one. */
static struct bs_request_command random_request(void)
{
    static uint8_t fingerprint[BS_FINGERPRINT_SIZE];
    static uint8_t rejections[4 * BS_REJECTION_SIZE_MAX];
    for (size_t i = 0; i < sizeof(fingerprint); i++) {
        fingerprint[i] = (uint8_t)random_next();
    }
    struct bs_request_command request = {
        .caller = random_optional(BS_ID_SIZE_MAX),
        .key = random_text(1, BS_REQUEST_KEY_SIZE_MAX),
        .fingerprint = fingerprint,
        .is_list = random_below(2) == 0,
        .rejections_count = random_below(5),
        .rejections = rejections,
    };
    for (uint32_t i = 0; i < request.rejections_count; i++) {
        request.items_count += random_below(3);
        const struct bs_request_rejection rejection = {
            .index = request.items_count++,
            .code = random_name(),
            .detail = random_optional(BS_DETAIL_SIZE_MAX),
        };
        request.rejections_size +=
            (uint32_t)bs_request_rejection_write(rejections + request.rejections_size, &rejection);
    }
    request.items_count += 1 + random_below(3);
    return request;
}

static struct bs_market_command random_market(void)
{
    return (struct bs_market_command){
        .market = random_name(),
        .pool = random_name(),
        .tick_size = random_decimal(),
        .lot_size = random_decimal(),
        .multiplier = random_decimal(),
        .maintenance_margin_ppm = (uint32_t)random_next(),
        .max_move_ppm = (uint32_t)random_next(),
        .max_move_span_ms =
            random_below(2) == 0 ? BS_MOVE_SPAN_MS_DEFAULT : (uint32_t)random_next(),
    };
}

static struct bs_mark_command random_mark(void)
{
    bool has_time = random_below(2) == 0;
    return (struct bs_mark_command){
        .market = random_name(),
        .price = random_decimal(),
        .has_time = has_time,
        .mark_time_ms = has_time ? (int64_t)(random_next() >> 24) : 0,
        .confirm = random_below(2) == 0,
    };
}

static void random_fields(struct bs_command *command)
{
    bool reason = command->type == BS_COMMAND_PAUSE || command->type == BS_COMMAND_RESUME;
    if (command->type == BS_COMMAND_POOL) {
        random_pool(&command->as.pool);
    } else if (command->type == BS_COMMAND_MARKET) {
        command->as.market = random_market();
    } else if (command->type <= BS_COMMAND_TRANSFER) {
        random_state_in(command);
    } else if (command->type == BS_COMMAND_MARK) {
        command->as.mark = random_mark();
    } else if (command->type == BS_COMMAND_INSURANCE_FUND) {
        command->as.fund = (struct bs_fund_command){
            .pool = random_name(),
            .amount = random_decimal(),
            .transfer_id = random_optional(BS_ID_SIZE_MAX),
        };
    } else if (command->type == BS_COMMAND_HANDOVER) {
        command->as.handover = (struct bs_handover_command){
            .account = random_name(),
            .market = random_optional(BS_ID_SIZE_MAX),
        };
    } else if (command->type == BS_COMMAND_FINAL_SETTLEMENT) {
        command->as.final = (struct bs_final_command){
            .market = random_name(),
            .price = random_decimal(),
        };
    } else if (command->type == BS_COMMAND_OWN_FUND) {
        command->as.own_fund = (struct bs_own_fund_command){
            .market = random_name(),
            .amount = random_decimal(),
            .transfer_id = random_optional(BS_ID_SIZE_MAX),
        };
    } else if (command->type == BS_COMMAND_OPEN_WINDOW ||
               command->type == BS_COMMAND_CLOSE_WINDOW) {
        command->as.window = (struct bs_window_command){
            .pool = random_name(),
            .name = random_name(),
        };
    } else if (command->type == BS_COMMAND_REQUEST) {
        command->as.request = random_request();
    } else if (command->type == BS_COMMAND_CAPACITY) {
        command->as.capacity = random_capacity();
    } else if (command->type == BS_COMMAND_FEATURE_LEVEL) {
        command->as.feature_level.level = (uint32_t)random_next();
    } else if (command->type == BS_COMMAND_PROVIDER) {
        command->as.provider = random_provider();
    } else if (command->type == BS_COMMAND_UNFILLED) {
        command->as.unfilled = (struct bs_unfilled_command){
            .pool = random_name(),
            .action = random_next(),
            .size = random_decimal(),
        };
    } else {
        command->as.name.name = random_name();
        command->as.name.reason =
            reason ? random_optional(BS_REASON_SIZE_MAX) : (struct bs_text){0};
    }
}

/* A random record of a type, stamped; returns its size. */
static size_t random_record(uint8_t type, uint8_t *record, size_t capacity)
{
    struct bs_command command = {.type = type, .has_source = random_below(4) == 0};
    if (command.has_source) {
        command.source = random_name();
        command.source_seq = random_next();
    }
    random_fields(&command);
    size_t size = bs_command_encode(&command, record, capacity);
    ck_assert_uint_gt(size, 0);
    if (type == BS_COMMAND_ACCOUNT && command.as.account.has_positions) {
        for (uint32_t count = random_below(5); count > 0; count--) {
            struct bs_position_item item = random_item();
            size_t added = bs_command_append_position(record, capacity, &item);
            ck_assert_uint_gt(added, 0);
            size += added;
        }
    }
    ck_assert_uint_eq(bs_record_size(record), size);
    bs_record_stamp(record, random_next(), (int64_t)random_next());
    return size;
}

/* Decodes from memory of exactly this size; when that works, encoding must give the same bytes. */
static bool decodes_to_itself(const uint8_t *record, size_t size)
{
    uint8_t *exact = malloc(size == 0 ? 1 : size);
    uint8_t *again = malloc(size == 0 ? 1 : size);
    memcpy(exact, record, size);
    struct bs_command command;
    bool decoded = bs_command_decode(exact, size, &command) == BS_OK;
    if (decoded) {
        ck_assert_uint_eq(bs_command_encode(&command, again, size), size);
        bs_record_stamp(again, command.seq, command.time_ms);
        ck_assert_mem_eq(again + 8, exact + 8, size - 8);
    }
    free(again);
    free(exact);
    return decoded;
}

START_TEST(every_type_round_trips)
{
    uint8_t record[4096];
    random_state = 11;
    for (uint8_t type = 1; type < BS_COMMAND_COUNT; type++) {
        for (int round = 0; round < 2000; round++) {
            size_t size = random_record(type, record, sizeof(record));
            ck_assert(bs_record_checksum_ok(record, size));
            ck_assert(decodes_to_itself(record, size));
        }
    }
}

END_TEST

START_TEST(truncated_and_longer_records_are_refused)
{
    uint8_t record[4096 + 1];
    random_state = 12;
    for (uint8_t type = 1; type < BS_COMMAND_COUNT; type++) {
        for (int round = 0; round < 20; round++) {
            size_t size = random_record(type, record, sizeof(record) - 1);
            for (size_t cut = 0; cut <= size + 1; cut++) {
                if (cut == size) {
                    continue;
                }
                uint8_t damaged[sizeof(record)];
                memcpy(damaged, record, sizeof(record));
                damaged[0] = (uint8_t)cut; /* the size field agrees: the fields must catch it */
                damaged[1] = (uint8_t)(cut >> 8);
                ck_assert(!decodes_to_itself(damaged, cut));
                ck_assert(!bs_record_checksum_ok(record, cut));
            }
        }
    }
}

END_TEST

START_TEST(damage_is_refused_or_canonical)
{
    uint8_t record[4096];
    random_state = 13;
    uint32_t refused = 0;
    for (int round = 0; round < 100000; round++) {
        uint8_t type = (uint8_t)(1 + random_below(BS_COMMAND_COUNT - 1));
        size_t size = random_record(type, record, sizeof(record));
        for (uint32_t bits = 1 + random_below(3); bits > 0; bits--) {
            size_t at = 4 + random_below((uint32_t)size - 4);
            record[at] ^= (uint8_t)(1u << random_below(8));
        }
        refused += decodes_to_itself(record, size) ? 0 : 1;
    }
    ck_assert_uint_gt(refused, 20000);
}

END_TEST

/* Whatever else is in the record: a build does not guess at what it does not know. */
START_TEST(a_later_version_is_refused_by_name)
{
    uint8_t record[4096];
    struct bs_command command;
    random_state = 15;
    for (uint8_t type = 1; type < BS_COMMAND_COUNT; type++) {
        size_t size = random_record(type, record, sizeof(record));
        record[24] = 2; /* major */
        ck_assert_int_eq(bs_command_decode(record, size, &command), BS_NEWER_RECORD);
        record[24] = 1;
        record[25] = 1;   /* minor */
        record[31] = 255; /* optional fields that it adds */
        ck_assert_int_eq(bs_command_decode(record, size, &command), BS_NEWER_RECORD);
        record[24] = 0;
        ck_assert_int_eq(bs_command_decode(record, size, &command), BS_BAD_RECORD);
    }
}

END_TEST

START_TEST(one_flipped_bit_breaks_the_checksum)
{
    uint8_t record[4096];
    random_state = 14;
    for (uint8_t type = 1; type < BS_COMMAND_COUNT; type++) {
        size_t size = random_record(type, record, sizeof(record));
        for (size_t bit = 0; bit < size * 8; bit++) {
            record[bit / 8] ^= (uint8_t)(1u << bit % 8);
            ck_assert(!bs_record_checksum_ok(record, size));
            record[bit / 8] ^= (uint8_t)(1u << bit % 8);
        }
        ck_assert(bs_record_checksum_ok(record, size));
    }
}

END_TEST

START_TEST(too_little_room_writes_no_record)
{
    uint8_t record[4096];
    random_state = 15;
    for (uint8_t type = 1; type < BS_COMMAND_COUNT; type++) {
        struct bs_command command = {.type = type};
        random_fields(&command);
        size_t size = bs_command_encode(&command, record, sizeof(record));
        for (size_t room = 0; room < size; room++) {
            uint8_t *exact = malloc(room + 1);
            ck_assert_uint_eq(bs_command_encode(&command, exact, room), 0);
            free(exact);
        }
    }
}

END_TEST

static struct bs_command empty_account(void)
{
    return (struct bs_command){
        .type = BS_COMMAND_ACCOUNT,
        .as.account = {.account = TEXT("a1"), .pool = TEXT("usdc"), .has_positions = true},
    };
}

START_TEST(positions_are_read_back_in_order)
{
    static uint8_t record[BS_RECORD_SIZE_MAX];
    static struct bs_position_item items[BS_ACCOUNT_POSITIONS_MAX];
    random_state = 16;
    struct bs_command command = empty_account();
    size_t size = bs_command_encode(&command, record, sizeof(record));
    for (uint32_t i = 0; i < BS_ACCOUNT_POSITIONS_MAX; i++) {
        items[i] = random_item();
        size += bs_command_append_position(record, sizeof(record), &items[i]);
    }
    ck_assert_uint_eq(bs_command_append_position(record, sizeof(record), &items[0]), 0);
    ck_assert_int_eq(bs_command_decode(record, size, &command), BS_OK);
    ck_assert_uint_eq(command.as.account.positions_count, BS_ACCOUNT_POSITIONS_MAX);
    uint32_t cursor = 0;
    struct bs_position_item item;
    for (uint32_t i = 0; i < BS_ACCOUNT_POSITIONS_MAX; i++) {
        ck_assert(bs_command_position(&command.as.account, &cursor, &item));
        ck_assert(bs_text_equal(item.market, items[i].market));
        ck_assert_int_eq(item.size.mantissa, items[i].size.mantissa);
        ck_assert_uint_eq(item.adl_priority, items[i].adl_priority);
    }
    ck_assert(!bs_command_position(&command.as.account, &cursor, &item));
}

END_TEST

START_TEST(a_refused_append_changes_nothing)
{
    uint8_t record[256];
    struct bs_command command = empty_account();
    size_t size = bs_command_encode(&command, record, sizeof(record));
    struct bs_position_item item = {.market = TEXT("BTC-PERP"), .adl_priority = BS_PRIORITY_NONE};
    ck_assert_uint_eq(bs_command_append_position(record, size + 18, &item), 0);
    ck_assert_uint_eq(bs_record_size(record), size);
    ck_assert_int_eq(bs_command_decode(record, size, &command), BS_OK);
    ck_assert_uint_eq(bs_command_append_position(record, size + 19, &item), 19);
}

END_TEST

static uint32_t crc32c_bitwise(const uint8_t *bytes, size_t size)
{
    uint32_t crc = ~0u;
    for (size_t i = 0; i < size; i++) {
        crc ^= bytes[i];
        for (int bit = 0; bit < 8; bit++) {
            crc = crc >> 1 ^ ((crc & 1) != 0 ? 0x82f63b78u : 0);
        }
    }
    return ~crc;
}

START_TEST(crc32c_matches_its_definition)
{
    uint8_t bytes[300];
    ck_assert_uint_eq(bs_crc32c(0, "123456789", 9), 0xe3069283u);
    ck_assert_uint_eq(bs_crc32c(0, "", 0), 0);
    random_state = 17;
    for (size_t size = 0; size < sizeof(bytes); size++) {
        for (size_t i = 0; i < size; i++) {
            bytes[i] = (uint8_t)random_next();
        }
        uint32_t crc = bs_crc32c(0, bytes, size);
        ck_assert_uint_eq(crc, crc32c_bitwise(bytes, size));
        size_t split = size / 3;
        ck_assert_uint_eq(bs_crc32c(bs_crc32c(0, bytes, split), bytes + split, size - split), crc);
    }
}

END_TEST

/* The example of docs/records.md. */
START_TEST(a_record_byte_by_byte)
{
    static const uint8_t expected[] = {
        0x47, 0,    0,    0,    0x5c, 0xa1, 0x03, 0x98, 7,    0,    0,    0,    0,   0,   0,
        0,    0x5f, 0x1d, 0xfb, 0xcf, 0x99, 0x01, 0,    0,    1,    0,    4,    0,   1,   0,
        0,    0,    2,    'a',  '1',  1,    8,    'B',  'T',  'C',  '-',  'P',  'E', 'R', 'P',
        0xf1, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7d, 0xc4, 0x09, 0,   0,   0,
        0,    0,    0xff, 0x29, 0,    0,    0,    0,    0,    0,    0,
    };
    struct bs_command command = {
        .type = BS_COMMAND_POSITION,
        .as.position = {.account = TEXT("a1"),
                        .item = {.market = TEXT("BTC-PERP"),
                                 .size = {.mantissa = -15, .exponent = -1},
                                 .has_entry_price = true,
                                 .entry_price = {.mantissa = 640125, .exponent = -1},
                                 .adl_priority = BS_PRIORITY_NONE},
                        .seen_action = 41},
    };
    uint8_t record[sizeof(expected)];
    ck_assert_uint_eq(bs_command_encode(&command, record, sizeof(record)), sizeof(expected));
    bs_record_stamp(record, 7, 1760130964831);
    ck_assert_mem_eq(record, expected, sizeof(expected));
}

END_TEST

START_TEST(names_end_with_null)
{
    ck_assert_str_eq(bs_command_type_name(BS_COMMAND_CLOSE_PERIOD), "close_period");
    ck_assert_str_eq(bs_command_type_name(0), "");
    ck_assert_str_eq(bs_transfer_kind_name(BS_TRANSFER_REBATE), "rebate");
    for (uint8_t type = 0; type < BS_COMMAND_COUNT; type++) {
        ck_assert_ptr_nonnull(bs_command_type_name(type));
    }
    ck_assert_ptr_null(bs_command_type_name(BS_COMMAND_COUNT));
    ck_assert_ptr_null(bs_layer_type_name(BS_LAYER_COUNT));
    ck_assert_ptr_null(bs_ranking_name(BS_RANKING_COUNT));
    ck_assert_ptr_null(bs_close_price_name(BS_PRICE_COUNT));
    ck_assert_ptr_null(bs_haircut_rule_name(BS_RULE_COUNT));
    ck_assert_ptr_null(bs_basis_name(BS_BASIS_COUNT));
    ck_assert_ptr_null(bs_divide_name(BS_DIVIDE_COUNT));
    ck_assert_ptr_null(bs_scope_name(BS_SCOPE_COUNT));
    ck_assert_ptr_null(bs_transfer_kind_name(BS_TRANSFER_COUNT));
    ck_assert_ptr_null(bs_contract_name(BS_CONTRACT_COUNT));
}

END_TEST

int main(void)
{
    TCase *tests = unit_tests("command");
    UNIT_ADD(tests, every_type_round_trips, truncated_and_longer_records_are_refused,
             damage_is_refused_or_canonical, a_later_version_is_refused_by_name,
             one_flipped_bit_breaks_the_checksum, too_little_room_writes_no_record,
             positions_are_read_back_in_order, a_refused_append_changes_nothing,
             crc32c_matches_its_definition, a_record_byte_by_byte, names_end_with_null);
    return unit_run(tests);
}
