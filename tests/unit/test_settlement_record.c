/* SPDX-License-Identifier: Apache-2.0 */
/* Settlement records: round trips, the example of docs/records.md, and refusal of damage of every
 * kind and of later versions (decoded from exact-size memory). */
#include "lib/record/settlement.h"

#include <stdlib.h>

#include "tests/unit/record_fixture.h"

static struct bs_settlement random_settlement(void)
{
    static const char name[BS_ID_SIZE_MAX + 1] =
        "a pool's name of sixty-four bytes, which is as many as there may";
    return (struct bs_settlement){.pool = {.bytes = name, .size = 1 + random_below(BS_ID_SIZE_MAX)},
                                  .number = random_next(),
                                  .seq = random_next(),
                                  .time_ms = (int64_t)random_next(),
#define X(name) .name = random_next(),
                                  BS_SETTLEMENT_INTEGERS(X)
#undef X
#define X(name) .name = random_wide(),
                                      BS_SETTLEMENT_AMOUNTS(X)
#undef X
    };
}

/* Decodes from memory of exactly this size; what is decoded is encoded to the same bytes. */
static enum bs_status decode(const uint8_t *record, size_t size)
{
    uint8_t again[BS_SETTLEMENT_RECORD_SIZE_MAX];
    uint8_t *exact = malloc(size == 0 ? 1 : size);
    memcpy(exact, record, size);
    struct bs_settlement settlement;
    enum bs_status status = bs_settlement_decode(exact, size, &settlement);
    if (status == BS_OK) {
        ck_assert_uint_eq(bs_settlement_encode(&settlement, again), size);
        ck_assert_mem_eq(again, exact, size);
    }
    free(exact);
    return status;
}

START_TEST(settlements_round_trip)
{
    uint8_t record[BS_SETTLEMENT_RECORD_SIZE_MAX];
    random_state = 31;
    for (int round = 0; round < 20000; round++) {
        struct bs_settlement given = random_settlement();
        struct bs_settlement read;
        size_t size = bs_settlement_encode(&given, record);
        ck_assert_int_eq(decode(record, size), BS_OK);
        ck_assert_int_eq(bs_settlement_decode(record, size, &read), BS_OK);
        ck_assert(bs_text_equal(read.pool, given.pool));
        ck_assert_uint_eq(read.number, given.number);
        ck_assert_uint_eq(read.seq, given.seq);
        ck_assert_int_eq(read.time_ms, given.time_ms);
#define X(name) ck_assert_uint_eq(read.name, given.name);
        BS_SETTLEMENT_INTEGERS(X)
#undef X
#define X(name)                                                                                    \
    ck_assert(read.name.mantissa == given.name.mantissa);                                          \
    ck_assert_int_eq(read.name.exponent, given.name.exponent);
        BS_SETTLEMENT_AMOUNTS(X)
#undef X
    }
}

END_TEST

static size_t make_record(uint8_t *record)
{
    struct bs_settlement settlement = random_settlement();
    return bs_settlement_encode(&settlement, record);
}

START_TEST(truncated_and_longer_records_are_refused)
{
    random_state = 32;
    refuse_other_sizes(make_record, decode);
}

END_TEST

START_TEST(damage_is_refused)
{
    random_state = 33;
    refuse_damage(make_record, decode);
}

END_TEST

START_TEST(another_kind_type_or_version_is_refused)
{
    uint8_t record[BS_SETTLEMENT_RECORD_SIZE_MAX];

    const struct {
        size_t at;
        uint8_t value;
        enum bs_status status;
    } changes[] = {
        {24, 0, BS_BAD_RECORD}, {24, 2, BS_NEWER_RECORD}, {25, 1, BS_NEWER_RECORD},
        {26, 1, BS_BAD_RECORD}, {27, 0, BS_BAD_RECORD},   {27, 1, BS_BAD_RECORD},
        {28, 1, BS_BAD_RECORD}, {31, 128, BS_BAD_RECORD},
    };

    random_state = 34;
    for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
        struct bs_settlement settlement = random_settlement();
        size_t size = bs_settlement_encode(&settlement, record);
        record[changes[i].at] = changes[i].value;
        reseal(record, size);
        ck_assert_int_eq(decode(record, size), changes[i].status);
    }
}

END_TEST

/* The example of docs/records.md. */
START_TEST(a_record_byte_by_byte)
{
    static const uint8_t expected[] = {
        0x6e, 0x00, 0x00, 0x00, 0xba, 0xd0, 0x0f, 0x30, 0x07, 0x00, 0x00, 0x00, 0x00, 0x00,
        0x00, 0x00, 0x5f, 0x1d, 0xfb, 0xcf, 0x99, 0x01, 0x00, 0x00, 0x01, 0x00, 0x00, 0x02,
        0x00, 0x00, 0x00, 0x00, 0x01, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x04, 0x75,
        0x73, 0x64, 0x63, 0x01, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x03, 0x00, 0x00,
        0x00, 0x00, 0x00, 0x00, 0x00, 0x01, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x01,
        0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
        0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x02, 0x84, 0x03, 0x00,
        0x01, 0x32, 0x00, 0x02, 0x52, 0x03, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
    };
    struct bs_settlement settlement = {
        .pool = {.bytes = "usdc", .size = 4},
        .number = 1,
        .seq = 7,
        .time_ms = 1760130964831,
        .first_action = 1,
        .last_action = 3,
        .insolvent_accounts = 1,
        .counterparties = 1,
        .deficit = {.mantissa = 900},
        .fund_paid = {.mantissa = 50},
        .deleveraged = {.mantissa = 850},
    };
    uint8_t record[BS_SETTLEMENT_RECORD_SIZE_MAX];
    ck_assert_uint_eq(bs_settlement_encode(&settlement, record), sizeof(expected));
    ck_assert_mem_eq(record, expected, sizeof(expected));
}

END_TEST

int main(void)
{
    TCase *tests = unit_tests("settlement_record");
    UNIT_ADD(tests, settlements_round_trip, truncated_and_longer_records_are_refused,
             damage_is_refused, another_kind_type_or_version_is_refused, a_record_byte_by_byte);
    return unit_run(tests);
}
