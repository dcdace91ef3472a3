/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The 32 bytes that every record begins with: size, checksum, seq, time, version, type, kind and
 * the bits of its optional fields. docs/records.md has them byte by byte.
 *
 * A version is major.minor. A minor adds optional fields: new bits of `present`, or bytes at the
 * end that such a bit announces. A record carries the lowest minor that has all its fields, so
 * what an older build wrote keeps its bytes and is decoded forever. A build refuses a record of a
 * later version by name (BS_NEWER_RECORD); what is wrong within a version is BS_BAD_RECORD.
 */
#ifndef BS_HEADER_H
#define BS_HEADER_H

#include "lib/base/base.h"
#include "lib/base/status.h"
#include "lib/record/wire.h"

#define BS_RECORD_HEADER_SIZE 32
#define BS_RECORD_MAJOR 1
#define BS_RECORD_MINOR 0 /* the highest that this build decodes */

enum bs_record_kind { BS_RECORD_COMMAND, BS_RECORD_ACTION, BS_RECORD_SETTLEMENT };

struct bs_header {
    uint64_t seq; /* command, settlement: place in the log; action: its ordinal */
    int64_t time_ms;
    uint8_t kind; /* enum bs_record_kind */
    uint8_t type; /* of its kind */
    uint32_t present;
};

/* Writes all of the header but the checksum; version BS_RECORD_MAJOR.0. */
static inline void bs_header_write(uint8_t *record, const struct bs_header *header, size_t size)
{
    assert(size >= BS_RECORD_HEADER_SIZE);
    assert(size <= UINT32_MAX);
    bs_wire_put_u32(record + BS_WIRE_SIZE_AT, (uint32_t)size);
    bs_wire_put_u32(record + BS_WIRE_CRC_AT, 0);
    bs_wire_put_u64(record + BS_WIRE_SEQ_AT, header->seq);
    bs_wire_put_u64(record + BS_WIRE_TIME_AT, (uint64_t)header->time_ms);
    record[BS_WIRE_MAJOR_AT] = BS_RECORD_MAJOR;
    record[BS_WIRE_MINOR_AT] = 0;
    record[BS_WIRE_TYPE_AT] = header->type;
    record[BS_WIRE_KIND_AT] = header->kind;
    bs_wire_put_u32(record + BS_WIRE_PRESENT_AT, header->present);
}

/* BS_OK: the record of `size` bytes has this kind, a version that this build decodes, and that
 * size; the checksum is not looked at. Else BS_BAD_RECORD or BS_NEWER_RECORD. */
BS_MUST_USE static inline enum bs_status bs_header_read(const uint8_t *record, size_t size,
                                                        struct bs_header *header)
{
    if (size < BS_RECORD_HEADER_SIZE || bs_wire_u32(record + BS_WIRE_SIZE_AT) != size ||
        record[BS_WIRE_KIND_AT] != header->kind || record[BS_WIRE_MAJOR_AT] == 0) {
        return BS_BAD_RECORD;
    }
    if (record[BS_WIRE_MAJOR_AT] != BS_RECORD_MAJOR || record[BS_WIRE_MINOR_AT] > BS_RECORD_MINOR) {
        return BS_NEWER_RECORD;
    }
    header->seq = bs_wire_u64(record + BS_WIRE_SEQ_AT);
    header->time_ms = (int64_t)bs_wire_u64(record + BS_WIRE_TIME_AT);
    header->type = record[BS_WIRE_TYPE_AT];
    header->present = bs_wire_u32(record + BS_WIRE_PRESENT_AT);
    return BS_OK;
}

/* The record's size, from its first 4 bytes (at least BS_RECORD_HEADER_SIZE). */
uint32_t bs_record_size(const uint8_t *record);
uint8_t bs_record_type(const uint8_t *record);
/* Sets sequence, engine time and checksum (CRC32C): the last thing done to a command's record. */
void bs_record_stamp(uint8_t *record, uint64_t seq, int64_t time_ms);
void bs_record_seal(uint8_t *record); /* sets the checksum alone */
BS_MUST_USE bool bs_record_checksum_ok(const uint8_t *record, size_t size);
uint32_t bs_crc32c(uint32_t crc, const void *bytes, size_t size);

#endif
