/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/record/header.h"

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
