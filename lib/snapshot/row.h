/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A row: its size in two bytes, its kind in one, then fields. A number takes 7 bits a byte, the
 * lowest first, the high bit set in all bytes but the last; a signed one alternates: 0, -1, 1, -2.
 * Fields of 0 at the end of a row are left out, and a field that is not there is 0: so a list of
 * fields can grow at its end, and a row that does not use the new ones stays what it was.
 */
#ifndef BS_SNAPSHOT_ROW_H
#define BS_SNAPSHOT_ROW_H

#include "lib/base/base.h"
#include "lib/money/decimal.h"
#include "lib/record/wire.h"
#include "lib/snapshot/snapshot.h"

#define BS_ROW_HEADER_SIZE 3u
#define BS_ROW_WIDE_SIZE_MAX 19 /* bytes of a number of 128 bits */
#define BS_ROW_WIDE_BITS 112    /* of any sum that a book of the largest capacity can have */

enum bs_snapshot_kind {

#define X(code, number, stage, often) BS_ROW_##code = (number),
#include "lib/snapshot/rows.def"
#undef X
    BS_ROW_KINDS
};

struct bs_row_writer {
    uint8_t *begin, *at;
    uint8_t *last; /* the end of the last field that is not 0 */
    const uint8_t *end;
};

static inline void bs_row_begin(struct bs_row_writer *row, uint8_t *at)
{
    uint8_t *fields = at + BS_ROW_HEADER_SIZE;
    *row = (struct bs_row_writer){at, fields, fields, at + BS_SNAPSHOT_ROW_MAX};
}

static inline void bs_row_is(struct bs_row_writer *row, enum bs_snapshot_kind kind)
{
    row->begin[2] = (uint8_t)kind;
}

/* Returns the size of the row. */
static inline size_t bs_row_end(const struct bs_row_writer *row)
{
    size_t size = (size_t)(row->last - row->begin);
    row->begin[0] = (uint8_t)size;
    row->begin[1] = (uint8_t)(size >> 8);
    return size;
}

static inline size_t bs_row_left(const struct bs_row_writer *row)
{
    return (size_t)(row->end - row->at);
}

static inline bool bs_row_has_fields(const struct bs_row_writer *row)
{
    return row->last > row->begin + BS_ROW_HEADER_SIZE;
}

static inline void bs_row_put(struct bs_row_writer *row, uint64_t value)
{
    uint8_t *at = row->at;
    bool is_zero = value == 0;
    assert(row->end - at >= 10);
    for (; value >= 0x80; value >>= 7) {
        *at++ = (uint8_t)(value | 0x80);
    }
    *at++ = (uint8_t)value;
    row->at = at;
    row->last = is_zero ? row->last : at;
}

static inline void bs_row_put_signed(struct bs_row_writer *row, int64_t value)
{
    bs_row_put(row, (uint64_t)value << 1 ^ (value < 0 ? UINT64_MAX : 0));
}

static inline void bs_row_put_wide(struct bs_row_writer *row, bs_i128 value)
{
    if (value >= INT64_MIN && value <= INT64_MAX) {
        bs_row_put_signed(row, (int64_t)value);
        return;
    }
    bs_u128 rest = (bs_u128)value << 1 ^ (value < 0 ? ~(bs_u128)0 : 0);
    assert(row->end - row->at >= BS_ROW_WIDE_SIZE_MAX);
    for (; rest >= 0x80; rest >>= 7) {
        *row->at++ = (uint8_t)((uint8_t)rest | 0x80);
    }
    *row->at++ = (uint8_t)rest;
    row->last = row->at;
}

static inline void bs_row_put_bytes(struct bs_row_writer *row, const void *bytes, size_t size)
{
    assert(bs_row_left(row) >= size);
    bs_wire_copy(row->at, bytes, size);
    row->at += size;
    row->last = size == 0 ? row->last : row->at;
}

static inline void bs_row_put_text(struct bs_row_writer *row, struct bs_text text)
{
    bs_row_put(row, text.size);
    bs_row_put_bytes(row, text.bytes, text.size);
}

static inline void bs_row_put_decimal(struct bs_row_writer *row, struct bs_decimal value)
{
    bs_row_put_signed(row, value.mantissa);
    bs_row_put_signed(row, value.exponent);
}

/* A part of a row that can grow at its end like a row: its size in two bytes, then its fields. */
static inline struct bs_row_writer bs_row_part_begin(const struct bs_row_writer *row)
{
    assert(bs_row_left(row) >= 2);
    return (struct bs_row_writer){row->at, row->at + 2, row->at + 2, row->end};
}

static inline void bs_row_part_end(struct bs_row_writer *row, const struct bs_row_writer *part)
{
    size_t size = (size_t)(part->last - part->begin) - 2;
    part->begin[0] = (uint8_t)size;
    part->begin[1] = (uint8_t)(size >> 8);
    row->at = part->last;
    row->last = size == 0 ? row->last : row->at;
}

struct bs_row_reader {
    const uint8_t *at, *end;
    bool bad;   /* then every later field is 0 */
    bool newer; /* a part has fields that this build does not know */
};

static inline uint64_t bs_row_fail(struct bs_row_reader *row)
{
    row->bad = true;
    row->at = row->end;
    return 0;
}

static inline uint64_t bs_row_get(struct bs_row_reader *row)
{
    if (row->at == row->end) {
        return 0;
    }
    uint64_t value = *row->at++;
    if (value < 0x80) {
        return value;
    }
    value &= 0x7f;
    for (unsigned shift = 7; row->at != row->end; shift += 7) {
        uint64_t byte = *row->at++;
        if (shift == 63 && byte > 1) {
            break;
        }
        value |= (byte & 0x7f) << shift;
        if (byte < 0x80) {
            return byte == 0 ? bs_row_fail(row) : value; /* one spelling of each number */
        }
    }
    return bs_row_fail(row);
}

static inline uint64_t bs_row_get_most(struct bs_row_reader *row, uint64_t most)
{
    uint64_t value = bs_row_get(row);
    return value > most ? bs_row_fail(row) : value;
}

static inline int64_t bs_row_get_signed(struct bs_row_reader *row)
{
    uint64_t value = bs_row_get(row);
    return (int64_t)(value >> 1 ^ ((value & 1) != 0 ? UINT64_MAX : 0));
}

static inline bs_i128 bs_row_get_wide(struct bs_row_reader *row)
{
    if (row->at == row->end) {
        return 0;
    }
    bs_u128 value = 0;
    for (unsigned shift = 0; row->at != row->end && shift < BS_ROW_WIDE_BITS; shift += 7) {
        uint8_t byte = *row->at++;
        value |= (bs_u128)(byte & 0x7f) << shift;
        if (byte < 0x80 && (byte != 0 || shift == 0)) {
            return (bs_i128)(value >> 1 ^ ((value & 1) != 0 ? ~(bs_u128)0 : 0));
        }
        if (byte == 0) {
            break;
        }
    }
    return (bs_i128)bs_row_fail(row);
}

static inline struct bs_text bs_row_get_text(struct bs_row_reader *row, uint32_t size_max)
{
    uint32_t size = (uint32_t)bs_row_get_most(row, size_max);
    if ((size_t)(row->end - row->at) < size) {
        (void)bs_row_fail(row);
        size = 0;
    }
    struct bs_text text = {(const char *)row->at, size};
    row->at += size;
    return text;
}

static inline struct bs_row_reader bs_row_part(struct bs_row_reader *row)
{
    size_t left = (size_t)(row->end - row->at);
    size_t size = left < 2 ? 0 : (size_t)row->at[0] | (size_t)row->at[1] << 8;
    if (left == 1 || (left >= 2 && size > left - 2)) {
        (void)bs_row_fail(row);
    }
    const uint8_t *from = row->at + (row->at == row->end ? 0 : 2);
    size = row->at == row->end ? 0 : size;
    row->at = from + size;
    return (struct bs_row_reader){.at = from, .end = from + size};
}

static inline void bs_row_part_read(struct bs_row_reader *row, const struct bs_row_reader *part)
{
    row->bad = row->bad || part->bad;
    row->newer = row->newer || part->newer || part->at != part->end;
}

/* Only the one spelling of each value that bs_decimal_parse gives is taken. */
static inline struct bs_decimal bs_row_get_decimal(struct bs_row_reader *row)
{
    struct bs_decimal value = {.mantissa = bs_row_get_signed(row)};
    int64_t exponent = bs_row_get_signed(row);
    bool is_normal = exponent == 0 || (exponent < 0 && exponent >= -18 && value.mantissa % 10 != 0);
    if (!is_normal || value.mantissa == INT64_MIN) {
        (void)bs_row_fail(row);
        return (struct bs_decimal){0};
    }
    value.exponent = (int32_t)exponent;
    return value;
}

#endif
