/* SPDX-License-Identifier: Apache-2.0 */
/* What the records of every kind are tested for: random ones that were cut, lengthened or damaged. */
#ifndef TESTS_UNIT_RECORD_FIXTURE_H
#define TESTS_UNIT_RECORD_FIXTURE_H

#include "lib/record/header.h"
#include "lib/record/wire.h"
#include "tests/unit/random.h"
#include "tests/unit/unit_main.h"

#define FIXTURE_RECORD_SIZE_MAX 2048

/* Writes a random record; returns its size. */
typedef size_t make_function(uint8_t *record);
/* Decodes from memory of exactly this size; what is decoded is encoded to the same bytes. */
typedef enum bs_status decode_function(const uint8_t *record, size_t size);

static inline struct bs_wide random_wide(void)
{
    bs_u128 bits = (bs_u128)random_next() << 64 | random_next();
    bs_i128 mantissa = (bs_i128)(bits >> random_below(128));
    return (struct bs_wide){.mantissa = random_below(2) == 0 ? mantissa : -(mantissa >> 1),
                            .exponent = -(int32_t)random_below(37)};
}

/* As if the damage had been there when the record was written: size and checksum agree. */
static inline void reseal(uint8_t *record, size_t size)
{
    bs_wire_put_u32(record + BS_WIRE_SIZE_AT, (uint32_t)size);
    bs_record_seal(record);
}

static inline void refuse_other_sizes(make_function *make, decode_function *decode)
{
    uint8_t record[FIXTURE_RECORD_SIZE_MAX] = {0}, resealed[FIXTURE_RECORD_SIZE_MAX];
    for (int round = 0; round < 200; round++) {
        size_t size = make(record);
        for (size_t cut = BS_RECORD_HEADER_SIZE; cut <= size + 1; cut++) {
            if (cut != size) {
                ck_assert_int_eq(decode(record, cut), BS_BAD_RECORD);
                memcpy(resealed, record, sizeof(resealed));
                reseal(resealed, cut);
                ck_assert_int_eq(decode(resealed, cut), BS_BAD_RECORD);
            }
        }
    }
}

static inline void refuse_damage(make_function *make, decode_function *decode)
{
    uint8_t record[FIXTURE_RECORD_SIZE_MAX];
    for (int round = 0; round < 50000; round++) {
        size_t size = make(record);
        record[random_below((uint32_t)size)] ^= (uint8_t)(1u << random_below(8));
        ck_assert_int_eq(decode(record, size), BS_BAD_RECORD);
        reseal(record, size);
        (void)decode(record, size); /* refused, or the one spelling of what it says */
    }
}

#endif
