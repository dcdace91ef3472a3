/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading and writing the little-endian fields of records. Both cursors are sticky: after the first
 * field that does not fit, or is not valid, every later one is a no-op and `bad` stays set; so a
 * whole record is handled without a branch per field in the caller.
 */
#ifndef BS_WIRE_H
#define BS_WIRE_H

#include "lib/base/base.h"
#include "lib/base/limits.h"
#include "lib/money/decimal.h"

#define BS_WIRE_DECIMAL_SIZE 9

/* Offsets of the header that every record has. */
#define BS_WIRE_SIZE_AT 0
#define BS_WIRE_CRC_AT 4
#define BS_WIRE_SEQ_AT 8
#define BS_WIRE_TIME_AT 16
#define BS_WIRE_SENT_AT 24 /* from here on a command's bytes are its sender's part */
#define BS_WIRE_MAJOR_AT 24
#define BS_WIRE_MINOR_AT 25
#define BS_WIRE_TYPE_AT 26
#define BS_WIRE_KIND_AT 27
#define BS_WIRE_PRESENT_AT 28

/* Integers as they lie in a record: the identity on a little-endian machine, its own inverse. */
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define BS_WIRE_SWAP(bits, value) (value)
#else
#define BS_WIRE_SWAP(bits, value) __builtin_bswap##bits(value)
#endif

static inline void bs_wire_put_u32(uint8_t *at, uint32_t value)
{
    value = BS_WIRE_SWAP(32, value);
    memcpy(at, &value, sizeof(value));
}

static inline void bs_wire_put_u64(uint8_t *at, uint64_t value)
{
    value = BS_WIRE_SWAP(64, value);
    memcpy(at, &value, sizeof(value));
}

static inline uint32_t bs_wire_u32(const uint8_t *at)
{
    uint32_t value;
    memcpy(&value, at, sizeof(value));
    return BS_WIRE_SWAP(32, value);
}

static inline uint64_t bs_wire_u64(const uint8_t *at)
{
    uint64_t value;
    memcpy(&value, at, sizeof(value));
    return BS_WIRE_SWAP(64, value);
}

#undef BS_WIRE_SWAP

/* A copy of a name: short, and of any length. For these gcc makes a slow string instruction of
 * memcpy; a few overlapping words take a third of the time. */
static inline void bs_wire_copy(uint8_t *to, const char *from, size_t size)
{
    if (size >= 8) {
        for (size_t at = 0; at < size - 8; at += 8) {
            memcpy(to + at, from + at, 8);
        }
        memcpy(to + size - 8, from + size - 8, 8);
    } else if (size >= 4) {
        memcpy(to, from, 4);
        memcpy(to + size - 4, from + size - 4, 4);
    } else {
        for (size_t at = 0; at < size; at++) {
            to[at] = (uint8_t)from[at];
        }
    }
}

struct bs_writer {
    uint8_t *at;
    const uint8_t *end;
    bool bad;
};

static inline uint8_t *bs_write_room(struct bs_writer *writer, size_t size)
{
    if (writer->bad || (size_t)(writer->end - writer->at) < size) {
        writer->bad = true;
        return NULL;
    }
    uint8_t *at = writer->at;
    writer->at += size;
    return at;
}

static inline void bs_write_u8(struct bs_writer *writer, uint8_t value)
{
    uint8_t *at = bs_write_room(writer, 1);
    if (at != NULL) {
        *at = value;
    }
}

static inline void bs_write_u32(struct bs_writer *writer, uint32_t value)
{
    uint8_t *at = bs_write_room(writer, 4);
    if (at != NULL) {
        bs_wire_put_u32(at, value);
    }
}

static inline void bs_write_u64(struct bs_writer *writer, uint64_t value)
{
    uint8_t *at = bs_write_room(writer, 8);
    if (at != NULL) {
        bs_wire_put_u64(at, value);
    }
}

static inline void bs_write_bytes(struct bs_writer *writer, const uint8_t *bytes, size_t size)
{
    uint8_t *at = bs_write_room(writer, size);
    if (at != NULL && size > 0) {
        memcpy(at, bytes, size);
    }
}

static inline void bs_write_text(struct bs_writer *writer, struct bs_text text)
{
    assert(text.size <= UINT8_MAX);
    uint8_t *at = bs_write_room(writer, 1 + (size_t)text.size);
    if (at != NULL) {
        at[0] = (uint8_t)text.size;
        bs_wire_copy(at + 1, text.bytes, text.size);
    }
}

static inline void bs_write_decimal(struct bs_writer *writer, struct bs_decimal value)
{
    uint8_t *at = bs_write_room(writer, BS_WIRE_DECIMAL_SIZE);
    if (at != NULL) {
        bs_wire_put_u64(at, (uint64_t)value.mantissa);
        at[8] = (uint8_t)(int8_t)value.exponent;
    }
}

struct bs_reader {
    const uint8_t *at;
    const uint8_t *end;
    bool bad;
};

static inline const uint8_t *bs_read_bytes(struct bs_reader *reader, size_t size)
{
    if (reader->bad || (size_t)(reader->end - reader->at) < size) {
        reader->bad = true;
        return NULL;
    }
    const uint8_t *at = reader->at;
    reader->at += size;
    return at;
}

static inline uint8_t bs_read_u8(struct bs_reader *reader)
{
    const uint8_t *at = bs_read_bytes(reader, 1);
    return at == NULL ? 0 : *at;
}

static inline uint32_t bs_read_u32(struct bs_reader *reader)
{
    const uint8_t *at = bs_read_bytes(reader, 4);
    return at == NULL ? 0 : bs_wire_u32(at);
}

static inline uint64_t bs_read_u64(struct bs_reader *reader)
{
    const uint8_t *at = bs_read_bytes(reader, 8);
    return at == NULL ? 0 : bs_wire_u64(at);
}

/* A value below `count`: enums, and booleans with count 2. */
static inline uint8_t bs_read_enum(struct bs_reader *reader, unsigned count)
{
    uint8_t value = bs_read_u8(reader);
    if (value >= count) {
        reader->bad = true;
        return 0;
    }
    return value;
}

static inline struct bs_text bs_read_text(struct bs_reader *reader, uint32_t size_min,
                                          uint32_t size_max)
{
    uint32_t size = bs_read_u8(reader);
    if (size < size_min || size > size_max) {
        reader->bad = true;
    }
    const uint8_t *at = bs_read_bytes(reader, size);
    if (at == NULL || size == 0) {
        return (struct bs_text){0};
    }
    return (struct bs_text){.bytes = (const char *)at, .size = size};
}

static inline struct bs_text bs_read_name(struct bs_reader *reader)
{
    return bs_read_text(reader, 1, BS_ID_SIZE_MAX);
}

/* Only the one spelling of each value that bs_decimal_parse gives is taken. */
static inline struct bs_decimal bs_read_decimal(struct bs_reader *reader)
{
    const uint8_t *at = bs_read_bytes(reader, BS_WIRE_DECIMAL_SIZE);
    if (at == NULL) {
        return (struct bs_decimal){0};
    }
    struct bs_decimal value = {.mantissa = (int64_t)bs_wire_u64(at), .exponent = (int8_t)at[8]};
    bool normal = value.exponent == 0 ||
                  (value.exponent < 0 && value.exponent >= -18 && value.mantissa % 10 != 0);
    if (!normal || value.mantissa == INT64_MIN) {
        reader->bad = true;
        return (struct bs_decimal){0};
    }
    return value;
}

#endif
