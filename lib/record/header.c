/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/record/header.h"

#include "lib/record/wire.h"

void bs_header_write(uint8_t *record, const struct bs_header *header, size_t size)
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

enum bs_status bs_header_read(const uint8_t *record, size_t size, struct bs_header *header)
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

uint32_t bs_record_size(const uint8_t *record)
{
    uint32_t size = bs_wire_u32(record + BS_WIRE_SIZE_AT);
    return size < BS_RECORD_HEADER_SIZE ? BS_RECORD_HEADER_SIZE : size;
}

uint8_t bs_record_type(const uint8_t *record)
{
    return record[BS_WIRE_TYPE_AT];
}

static uint32_t checksum(const uint8_t *record, size_t size)
{
    return bs_crc32c(0, record + BS_WIRE_SEQ_AT, size - BS_WIRE_SEQ_AT);
}

void bs_record_seal(uint8_t *record)
{
    bs_wire_put_u32(record + BS_WIRE_CRC_AT, checksum(record, bs_record_size(record)));
}

void bs_record_stamp(uint8_t *record, uint64_t seq, int64_t time_ms)
{
    bs_wire_put_u64(record + BS_WIRE_SEQ_AT, seq);
    bs_wire_put_u64(record + BS_WIRE_TIME_AT, (uint64_t)time_ms);
    bs_record_seal(record);
}

bool bs_record_checksum_ok(const uint8_t *record, size_t size)
{
    return size >= BS_RECORD_HEADER_SIZE && bs_wire_u32(record + BS_WIRE_SIZE_AT) == size &&
           bs_wire_u32(record + BS_WIRE_CRC_AT) == checksum(record, size);
}
