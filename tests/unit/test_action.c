/* SPDX-License-Identifier: Apache-2.0 */
/* Action records: round trips, and damage of every kind refused (decoded from exact-size memory).
 */
#include "lib/record/action.h"

#include <stdlib.h>

#include "lib/record/command.h"
#include "tests/unit/record_fixture.h"

static struct bs_text random_text(uint32_t size_min, uint32_t size_max)
{
    static char letters[256];
    if (letters[0] == '\0') {
        for (size_t i = 0; i < sizeof(letters); i++) {
            letters[i] = (char)('a' + i % 26);
        }
    }
    uint32_t size = size_min + random_below(size_max - size_min + 1);
    if (size == 0) {
        return (struct bs_text){0};
    }
    return (struct bs_text){.bytes = letters + random_below(50), .size = size};
}

static struct bs_action_queue random_queue(void)
{
    struct bs_action_queue queue = {
        .of = random_next(),
        .digest = random_next(),
        .tier = (uint8_t)random_below(BS_ACTION_TIERS),
        .ahead_tier = (uint8_t)random_below(BS_ACTION_TIERS),
        .behind_tier = (uint8_t)random_below(BS_ACTION_TIERS),
        .present = (uint8_t)random_next(),
        .ahead = random_text(0, BS_ID_SIZE_MAX + 9),
        .behind = random_text(0, BS_ID_SIZE_MAX + 9),
    };
    for (uint32_t i = 0; i < BS_ACTION_INPUT_COUNT; i++) {
        if ((queue.present & 1u << i) != 0) {
            queue.inputs[i] = random_wide();
        }
    }
    return queue;
}

#define REASON_AMOUNTS                                                                             \
    (1u << BS_ACTION_DECIMAL_reason_deficit | 1u << BS_ACTION_DECIMAL_reason_fund_paid |           \
     1u << BS_ACTION_DECIMAL_reason_residual)

static struct bs_action random_action(void)
{
    struct bs_action action = {
        .ordinal = random_next(),
        .id = random_next(),
        .seq = random_next(),
        .time_ms = (int64_t)random_next(),
        .type = (uint8_t)random_below(BS_ACTION_COUNT),
        .present = (uint32_t)random_next() & ((1u << BS_ACTION_DECIMAL_COUNT) - 1),
        .pool = random_text(1, BS_ID_SIZE_MAX),
        .account = random_text(0, BS_ID_SIZE_MAX + 9),
        .market = random_text(0, BS_ID_SIZE_MAX),
        .counterparty = random_text(0, BS_ID_SIZE_MAX + 9),
        .reason = random_text(0, BS_REASON_SIZE_MAX),
    };
    if ((action.present & REASON_AMOUNTS) != 0) {
        action.reason.size = 0;
    }
    for (uint32_t i = 0; i < BS_ACTION_DECIMAL_COUNT; i++) {
        if ((action.present & 1u << i) != 0) {
            action.decimals[i] = random_wide();
        }
    }
    if (random_below(2) == 0) {
        action.present |= BS_ACTION_HAS_RANK | BS_ACTION_HAS_RANKING;
        action.rank = random_next();
        action.ranking = (uint8_t)random_below(BS_RANKING_COUNT);
    }
    if (random_below(2) == 0) {
        action.present |= BS_ACTION_HAS_BASIS;
        action.basis = (uint8_t)random_below(BS_BASIS_COUNT);
    }
    if (random_below(2) == 0) {
        action.present |= BS_ACTION_HAS_SETTLEMENT | BS_ACTION_HAS_SIDE;
        action.settlement = random_next();
        action.side = (uint8_t)random_below(2);
    }
    if (random_below(2) == 0) {
        action.present |= BS_ACTION_HAS_QUEUE;
        action.queue = random_queue();
    }
    return action;
}

/* Decodes from memory of exactly this size; what is decoded is encoded to the same bytes. */
static enum bs_status decode(const uint8_t *record, size_t size)
{
    uint8_t again[BS_ACTION_RECORD_SIZE_MAX];
    uint8_t *exact = malloc(size == 0 ? 1 : size);
    memcpy(exact, record, size);
    struct bs_action action;
    enum bs_status status = bs_action_decode(exact, size, &action);
    if (status == BS_OK) {
        ck_assert_uint_eq(bs_action_encode(&action, again), size);
        ck_assert_mem_eq(again, exact, size);
    }
    free(exact);
    return status;
}

START_TEST(actions_round_trip)
{
    uint8_t record[BS_ACTION_RECORD_SIZE_MAX];
    random_state = 21;
    for (int round = 0; round < 20000; round++) {
        struct bs_action action = random_action();
        size_t size = bs_action_encode(&action, record);
        ck_assert_int_eq(decode(record, size), BS_OK);
        struct bs_action decoded;
        ck_assert_int_eq(bs_action_decode(record, size, &decoded), BS_OK);
        ck_assert_uint_eq(decoded.present, action.present);
        ck_assert_uint_eq(decoded.seq, action.seq);
        ck_assert(bs_text_equal(decoded.counterparty, action.counterparty));
        for (uint32_t i = 0; i < BS_ACTION_DECIMAL_COUNT; i++) {
            ck_assert(decoded.decimals[i].mantissa == action.decimals[i].mantissa);
            ck_assert_int_eq(decoded.decimals[i].exponent, action.decimals[i].exponent);
        }
        ck_assert_uint_eq(decoded.queue.digest, action.queue.digest);
        ck_assert_uint_eq(decoded.queue.present, action.queue.present);
        ck_assert(bs_text_equal(decoded.queue.behind, action.queue.behind));
        for (uint32_t i = 0; i < BS_ACTION_INPUT_COUNT; i++) {
            ck_assert(decoded.queue.inputs[i].mantissa == action.queue.inputs[i].mantissa);
        }
    }
}

END_TEST

static size_t make_record(uint8_t *record)
{
    struct bs_action action = random_action();
    return bs_action_encode(&action, record);
}

START_TEST(truncated_and_longer_records_are_refused)
{
    random_state = 22;
    refuse_other_sizes(make_record, decode);
}

END_TEST

START_TEST(damage_is_refused)
{
    random_state = 23;
    refuse_damage(make_record, decode);
}

END_TEST

/* Printed, the one would stand where the other belongs. */
START_TEST(a_reason_is_in_words_or_in_amounts)
{
    uint8_t record[BS_ACTION_RECORD_SIZE_MAX];
    random_state = 25;
    struct bs_action action = random_action();
    action.reason = (struct bs_text){"by hand", 7};
    action.present &= ~REASON_AMOUNTS;
    ck_assert_int_eq(decode(record, bs_action_encode(&action, record)), BS_OK);
    action.present |= 1u << BS_ACTION_DECIMAL_reason_residual;
    ck_assert_int_eq(decode(record, bs_action_encode(&action, record)), BS_BAD_RECORD);
    action.reason.size = 0;
    ck_assert_int_eq(decode(record, bs_action_encode(&action, record)), BS_OK);
}

END_TEST

/* The example of docs/records.md. */
START_TEST(a_record_byte_by_byte)
{
    static const uint8_t expected[] = {
        0x47, 0,    0,    0,    0x01, 0x0a, 0x61, 0x98, 12, 0,    0,    0, 0,   0,    0,
        0,    0x5f, 0x1d, 0xfb, 0xcf, 0x99, 0x01, 0,    0,  1,    0,    4, 1,   0x00, 0x04,
        0x00, 0x08, 3,    0,    0,    0,    0,    0,    0,  0,    7,    0, 0,   0,    0,
        0,    0,    0,    1,    0,    0,    0,    0,    0,  0,    0,    4, 'u', 's',  'd',
        'c',  2,    'a',  '1',  0,    0,    0,    0xfe, 2,  0xd4, 0xfe,
    };
    struct bs_action action = {
        .ordinal = 12,
        .id = 3,
        .seq = 7,
        .settlement = 1,
        .time_ms = 1760130964831,
        .type = BS_ACTION_INSURANCE_DRAW,
        .present = BS_ACTION_HAS_SETTLEMENT | 1u << BS_ACTION_DECIMAL_amount,
        .pool = {.bytes = "usdc", .size = 4},
        .account = {.bytes = "a1", .size = 2},
    };
    action.decimals[BS_ACTION_DECIMAL_amount] = (struct bs_wide){.mantissa = -300, .exponent = -2};
    uint8_t record[BS_ACTION_RECORD_SIZE_MAX];
    ck_assert_uint_eq(bs_action_encode(&action, record), sizeof(expected));
    ck_assert_mem_eq(record, expected, sizeof(expected));
}

END_TEST

START_TEST(a_later_version_is_refused_by_name)
{
    uint8_t record[BS_ACTION_RECORD_SIZE_MAX];
    random_state = 26;
    for (size_t at = 24; at <= 25; at++) { /* major, minor */
        struct bs_action action = random_action();
        size_t size = bs_action_encode(&action, record);
        record[at]++;
        ck_assert_int_eq(bs_action_decode(record, size, &action), BS_BAD_RECORD);
        reseal(record, size);
        ck_assert_int_eq(bs_action_decode(record, size, &action), BS_NEWER_RECORD);
    }
}

END_TEST

START_TEST(names_are_those_of_json)
{
    ck_assert_str_eq(bs_action_type_name(BS_ACTION_LIQUIDATION_CLOSE), "liquidation_close");
    ck_assert_ptr_null(bs_action_type_name(BS_ACTION_COUNT));
    ck_assert_str_eq(bs_action_decimal_name(BS_ACTION_DECIMAL_cost_to_mark), "cost_to_mark");
    ck_assert_ptr_null(bs_action_decimal_name(BS_ACTION_DECIMAL_COUNT));
    ck_assert_str_eq(bs_action_input_name(BS_ACTION_INPUT_entry_value), "entry_value");
    ck_assert_ptr_null(bs_action_input_name(BS_ACTION_INPUT_COUNT));
}

END_TEST

START_TEST(a_command_is_not_an_action)
{
    uint8_t record[BS_ACTION_RECORD_SIZE_MAX];
    struct bs_command command = {.type = BS_COMMAND_SETTLE,
                                 .as.name.name = {.bytes = "usdc", .size = 4}};
    size_t size = bs_command_encode(&command, record, sizeof(record));
    bs_record_stamp(record, 1, 1);
    struct bs_action action;
    ck_assert_int_eq(bs_action_decode(record, size, &action), BS_BAD_RECORD);
    random_state = 24;
    action = random_action();
    size = bs_action_encode(&action, record);
    ck_assert_int_eq(bs_command_decode(record, size, &command), BS_BAD_RECORD);
}

END_TEST

int main(void)
{
    TCase *tests = unit_tests("action");
    UNIT_ADD(tests, actions_round_trip, truncated_and_longer_records_are_refused, damage_is_refused,
             a_reason_is_in_words_or_in_amounts, a_record_byte_by_byte,
             a_later_version_is_refused_by_name, names_are_those_of_json,
             a_command_is_not_an_action);
    return unit_run(tests);
}
