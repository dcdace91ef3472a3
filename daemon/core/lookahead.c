/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/core/lookahead.h"

static const enum bs_prefetch stages[LOOKAHEAD_STAGES] = {BS_PREFETCH_SLOT, BS_PREFETCH_ACCOUNT,
                                                          BS_PREFETCH_NAME};

/* The engine reads the record's first name unchecked: replay has not decoded it yet. */
static bool has_name(const uint8_t *record, uint32_t size)
{
    return size > BS_RECORD_HEADER_SIZE &&
           record[BS_RECORD_HEADER_SIZE] < size - BS_RECORD_HEADER_SIZE;
}

static void advance(struct lookahead *lookahead, const struct bs_engine *engine, uint32_t stage)
{
    size_t *offset = &lookahead->offsets[stage];
    if (*offset < lookahead->size) {
        const uint8_t *record = lookahead->records + *offset;
        uint32_t size = bs_record_size(record);
        if (has_name(record, size)) {
            bs_engine_prefetch(engine, record, stages[stage]);
        }
        *offset += size;
    }
}

void lookahead_begin(struct lookahead *lookahead, const struct bs_engine *engine,
                     const uint8_t *records, size_t size)
{
    *lookahead = (struct lookahead){.records = records, .size = size};
    for (uint32_t stage = 0; stage < LOOKAHEAD_STAGES; stage++) {
        for (uint32_t i = 0; i < LOOKAHEAD_DISTANCE * (LOOKAHEAD_STAGES - stage); i++) {
            advance(lookahead, engine, stage);
        }
    }
}

void lookahead_next(struct lookahead *lookahead, const struct bs_engine *engine)
{
    for (uint32_t stage = 0; stage < LOOKAHEAD_STAGES; stage++) {
        advance(lookahead, engine, stage);
    }
}
