/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/core/lookahead.h"

static const enum bs_prefetch stages[LOOKAHEAD_STAGES] = {BS_PREFETCH_SLOT, BS_PREFETCH_ACCOUNT,
                                                          BS_PREFETCH_NAME};

static void advance(struct lookahead *lookahead, const struct bs_engine *engine, uint32_t stage)
{
    size_t *offset = &lookahead->offsets[stage];
    if (*offset < lookahead->size) {
        const uint8_t *record = lookahead->records + *offset;
        bs_engine_prefetch(engine, record, stages[stage]);
        *offset += bs_record_size(record);
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

const uint8_t *lookahead_next(struct lookahead *lookahead, const struct bs_engine *engine)
{
    if (lookahead->stepped == lookahead->size) {
        return NULL;
    }
    const uint8_t *record = lookahead->records + lookahead->stepped;
    lookahead->stepped += bs_record_size(record);
    assert(lookahead->stepped <= lookahead->size);
    for (uint32_t stage = 0; stage < LOOKAHEAD_STAGES; stage++) {
        advance(lookahead, engine, stage);
    }
    return record;
}
