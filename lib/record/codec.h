/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rows of fields.h as code that writes and reads a record: no table is looked up when it runs.
 * LIST(BS_FIELD_WRITE) uses `writer`, `present` and `from`,
 * LIST(BS_FIELD_READ) uses `reader`, `present` and `to`.
 */
#ifndef BS_CODEC_H
#define BS_CODEC_H

#include "lib/record/command.h"
#include "lib/record/wire.h"

/* When a field is there: bits of `present`, and two that every record has. */
#define BS_WHEN_BIT_0 0x01u
#define BS_WHEN_BIT_1 0x02u
#define BS_WHEN_BIT_2 0x04u
#define BS_WHEN_BIT_3 0x08u
#define BS_WHEN_BIT_4 0x10u
#define BS_WHEN_BIT_5 0x20u
#define BS_WHEN_REQUIRED 0x10000u
#define BS_WHEN_DEFAULT 0x20000u
#define BS_WHEN_ALWAYS (BS_WHEN_REQUIRED | BS_WHEN_DEFAULT)
#define BS_THERE(when) (((present | BS_WHEN_ALWAYS) & BS_WHEN_##when) != 0)

#define BS_PERIOD_UNIT_MS 60000u
#define BS_PERIOD_MAX_MS (366ull * 24 * 60 * BS_PERIOD_UNIT_MS)
/* The years 0000 to 9999: what RFC 3339 can write. */
#define BS_TIME_MIN_MS (-62167219200000)
#define BS_TIME_MAX_MS 253402300799999

/* The bits of `present` that there may be, and those that `from` has. */
#define BS_FIELDS_ALLOWED(fields) ((0 fields(BS_FIELD_ALLOWED)) & ~BS_WHEN_ALWAYS)
#define BS_FIELDS_PRESENT(fields) ((0 fields(BS_FIELD_BIT)) & ~BS_WHEN_ALWAYS)
#define BS_FIELD_ALLOWED(kind, member, json, when, detail) | BS_WHEN_##when
#define BS_FIELD_BIT(kind, member, json, when, detail)                                             \
    | (BS_HAS_##kind(from, member, json, detail) ? BS_WHEN_##when : 0)
#define BS_HAS_NAME(from, member, json, detail) (from)->member.size > 0
#define BS_HAS_TEXT(from, member, json, detail) (from)->member.size > 0
#define BS_HAS_DECIMAL(from, member, json, detail) true
#define BS_HAS_U32(from, member, json, detail) true
#define BS_HAS_U64(from, member, json, detail) true
#define BS_HAS_PERIOD(from, member, json, detail) true
#define BS_HAS_ENUM(from, member, json, detail) true
#define BS_HAS_BOOL(from, member, json, detail) true
#define BS_HAS_MAYBE_DECIMAL(from, member, json, detail) (from)->has_##json
#define BS_HAS_MAYBE_U32(from, member, json, detail) (from)->has_##json
#define BS_HAS_MAYBE_PERIOD(from, member, json, detail) (from)->has_##json
#define BS_HAS_MAYBE_TIME(from, member, json, detail) (from)->has_##json
#define BS_HAS_NONZERO(from, member, json, detail) (from)->member != 0
#define BS_HAS_UNLESS(from, member, json, absent) (from)->member != (absent)
#define BS_HAS_FLAG(from, member, json, detail) (from)->member
#define BS_HAS_CHOICE(from, member, json, detail) (from)->member != 0
#define BS_HAS_ITEM(from, member, json, detail) true
#define BS_HAS_FINGERPRINT(from, member, json, detail) true
#define BS_HAS_LAYERS(from, member, json, detail) true
#define BS_HAS_POSITIONS(from, member, json, detail) (from)->has_##member
#define BS_HAS_REJECTIONS(from, member, json, detail) true

#define BS_FIELD_WRITE(kind, member, json, when, detail)                                           \
    if (BS_THERE(when)) {                                                                          \
        BS_WRITE_##kind(member)                                                                    \
    }
#define BS_WRITE_NAME(member) bs_write_text(writer, from->member);
#define BS_WRITE_TEXT(member) bs_write_text(writer, from->member);
#define BS_WRITE_DECIMAL(member) bs_write_decimal(writer, from->member);
#define BS_WRITE_U32(member) bs_write_u32(writer, from->member);
#define BS_WRITE_U64(member) bs_write_u64(writer, from->member);
#define BS_WRITE_PERIOD(member) bs_write_u64(writer, from->member);
#define BS_WRITE_ENUM(member) bs_write_u8(writer, from->member);
#define BS_WRITE_BOOL(member) bs_write_u8(writer, from->member);
#define BS_WRITE_MAYBE_DECIMAL(member) bs_write_decimal(writer, from->member);
#define BS_WRITE_MAYBE_U32(member) bs_write_u32(writer, from->member);
#define BS_WRITE_MAYBE_PERIOD(member) bs_write_u64(writer, from->member);
#define BS_WRITE_MAYBE_TIME(member) bs_write_u64(writer, (uint64_t)from->member);
#define BS_WRITE_NONZERO(member) bs_write_u64(writer, from->member);
#define BS_WRITE_UNLESS(member) bs_write_u32(writer, from->member);
#define BS_WRITE_FLAG(member)
#define BS_WRITE_CHOICE(member)
#define BS_WRITE_ITEM(member) bs_item_write(writer, &from->member);
#define BS_WRITE_LAYERS(member) bs_layers_write(writer, from->member, from->member##_count);
#define BS_WRITE_POSITIONS(member) bs_positions_write(writer, from);
#define BS_WRITE_FINGERPRINT(member) bs_write_bytes(writer, from->member, BS_FINGERPRINT_SIZE);
#define BS_WRITE_REJECTIONS(member) bs_rejections_write(writer, from);

/* A field that is not there is 0, except an UNLESS. */
#define BS_FIELD_READ(kind, member, json, when, detail)                                            \
    BS_READ_##kind(BS_THERE(when), member, json, detail)
#define BS_READ_NAME(there, member, json, detail)                                                  \
    BS_READ_TEXT(there, member, json, (1, BS_ID_SIZE_MAX))
#define BS_READ_TEXT(there, member, json, sizes)                                                   \
    to->member =                                                                                   \
        (there) ? bs_read_text(reader, BS_FIRST sizes, BS_SECOND sizes) : (struct bs_text){0};
#define BS_READ_DECIMAL(there, member, json, detail) to->member = bs_read_decimal(reader);
#define BS_READ_U32(there, member, json, max) to->member = bs_read_u32_at_most(reader, max);
#define BS_READ_U64(there, member, json, detail) to->member = bs_read_u64(reader);
#define BS_READ_PERIOD(there, member, json, detail) to->member = bs_read_period(reader);
#define BS_READ_ENUM(there, member, json, names) to->member = bs_read_enum(reader, BS_SECOND names);
#define BS_READ_BOOL(there, member, json, detail) to->member = bs_read_enum(reader, 2) != 0;
#define BS_READ_MAYBE_DECIMAL(there, member, json, detail)                                         \
    to->has_##json = (there);                                                                      \
    to->member = to->has_##json ? bs_read_decimal(reader) : (struct bs_decimal){0};
#define BS_READ_MAYBE_U32(there, member, json, max)                                                \
    to->has_##json = (there);                                                                      \
    to->member = to->has_##json ? bs_read_u32_at_most(reader, max) : 0;
#define BS_READ_MAYBE_PERIOD(there, member, json, detail)                                          \
    to->has_##json = (there);                                                                      \
    to->member = to->has_##json ? bs_read_period(reader) : 0;
#define BS_READ_MAYBE_TIME(there, member, json, detail)                                            \
    to->has_##json = (there);                                                                      \
    to->member = to->has_##json ? bs_read_time(reader) : 0;
#define BS_READ_NONZERO(there, member, json, detail)                                               \
    to->member = (there) ? bs_read_nonzero(reader) : 0;
#define BS_READ_UNLESS(there, member, json, absent)                                                \
    to->member = (there) ? bs_read_u32_unless(reader, absent) : (absent);
#define BS_READ_FLAG(there, member, json, detail) to->member = (there);
#define BS_READ_CHOICE(there, member, json, names) to->member = (there);
#define BS_READ_ITEM(there, member, json, detail) bs_item_read(reader, &to->member);
#define BS_READ_LAYERS(there, member, json, detail)                                                \
    to->member##_count = bs_layers_read(reader, to->member);
#define BS_READ_POSITIONS(there, member, json, detail)                                             \
    to->has_##member = (there);                                                                    \
    bs_positions_read(reader, to);
#define BS_READ_FINGERPRINT(there, member, json, detail)                                           \
    to->member = bs_read_bytes(reader, BS_FINGERPRINT_SIZE);
#define BS_READ_REJECTIONS(there, member, json, detail) bs_rejections_read(reader, to);
#define BS_FIRST(first, second) first
#define BS_SECOND(first, second) second

static inline uint32_t bs_read_u32_at_most(struct bs_reader *reader, uint32_t max)
{
    uint32_t value = bs_read_u32(reader);
    reader->bad = reader->bad || value > max;
    return value;
}

static inline uint32_t bs_read_u32_unless(struct bs_reader *reader, uint32_t absent)
{
    uint32_t value = bs_read_u32(reader);
    reader->bad = reader->bad || value == absent;
    return value;
}

static inline uint64_t bs_read_nonzero(struct bs_reader *reader)
{
    uint64_t value = bs_read_u64(reader);
    reader->bad = reader->bad || value == 0;
    return value;
}

static inline uint64_t bs_read_period(struct bs_reader *reader)
{
    uint64_t value = bs_read_u64(reader);
    reader->bad = reader->bad || value > BS_PERIOD_MAX_MS || value % BS_PERIOD_UNIT_MS != 0;
    return value;
}

static inline int64_t bs_read_time(struct bs_reader *reader)
{
    int64_t value = (int64_t)bs_read_u64(reader);
    reader->bad = reader->bad || value < BS_TIME_MIN_MS || value > BS_TIME_MAX_MS;
    return value;
}

#endif
