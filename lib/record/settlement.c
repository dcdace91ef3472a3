/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/record/settlement.h"

#include "lib/record/header.h"
#include "lib/record/wide.h"

#define X(name) +1

enum { INTEGERS_COUNT = BS_SETTLEMENT_INTEGERS(X), AMOUNTS_COUNT = BS_SETTLEMENT_AMOUNTS(X) };

#undef X

_Static_assert(BS_RECORD_HEADER_SIZE + 8 + 1 + BS_ID_SIZE_MAX + INTEGERS_COUNT * 8 +
                       AMOUNTS_COUNT * BS_WIDE_SIZE_MAX <=
                   BS_SETTLEMENT_RECORD_SIZE_MAX,
               "the largest settlement fits its buffer");

size_t bs_settlement_encode(const struct bs_settlement *settlement,
                            uint8_t record[BS_SETTLEMENT_RECORD_SIZE_MAX])
{
    assert(settlement->pool.size > 0);
    struct bs_writer writer = {.at = record + BS_RECORD_HEADER_SIZE,
                               .end = record + BS_SETTLEMENT_RECORD_SIZE_MAX};
    bs_write_u64(&writer, settlement->number);
    bs_write_text(&writer, settlement->pool);
#define X(name) bs_write_u64(&writer, settlement->name);
    BS_SETTLEMENT_INTEGERS(X)
#undef X
#define X(name) bs_write_wide(&writer, settlement->name);
    BS_SETTLEMENT_AMOUNTS(X)
#undef X
    assert(!writer.bad);
    size_t size = (size_t)(writer.at - record);
    struct bs_header header = {
        .seq = settlement->seq, .time_ms = settlement->time_ms, .kind = BS_RECORD_SETTLEMENT};
    bs_header_write(record, &header, size);
    bs_record_seal(record);
    return size;
}

enum bs_status bs_settlement_decode(const uint8_t *record, size_t size,
                                    struct bs_settlement *ret_settlement)
{
    struct bs_header header = {.kind = BS_RECORD_SETTLEMENT};
    if (size > BS_SETTLEMENT_RECORD_SIZE_MAX || !bs_record_checksum_ok(record, size)) {
        return BS_BAD_RECORD;
    }
    enum bs_status status = bs_header_read(record, size, &header);
    if (status != BS_OK) {
        return status;
    }
    struct bs_reader reader = {.at = record + BS_RECORD_HEADER_SIZE, .end = record + size};
    struct bs_settlement settlement = {.seq = header.seq, .time_ms = header.time_ms};
    settlement.number = bs_read_u64(&reader);
    settlement.pool = bs_read_name(&reader);
#define X(name) settlement.name = bs_read_u64(&reader);
    BS_SETTLEMENT_INTEGERS(X)
#undef X
#define X(name) settlement.name = bs_read_wide(&reader);
    BS_SETTLEMENT_AMOUNTS(X)
#undef X
    if (reader.bad || reader.at != reader.end || header.type != 0 || header.present != 0) {
        return BS_BAD_RECORD;
    }
    *ret_settlement = settlement;
    return BS_OK;
}
