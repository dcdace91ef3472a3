/* SPDX-License-Identifier: Apache-2.0 */
/* The commit that gathers: records are stamped and copied into it. */
#include "daemon/core/internal.h"

#include "daemon/logger/logger.h"

/* Logs a jump of the wall clock once, and once that engine time is the wall clock again. */
static void report_clock(const struct core *core, enum clock_event event, int64_t jump_ms)
{
    int64_t offset_ms = clock_offset_ms(&core->clock);
    if (event == CLOCK_JUMPED) {
        logger_write(
            LOGGER_WARN, "core",
            "the wall clock jumped: engine time follows it slowly; a restart follows a jump "
            "forwards at once",
            LOGGER_FIELDS(logger_int("jump_ms", jump_ms), logger_int("offset_ms", offset_ms)));
    } else if (event == CLOCK_CAUGHT_UP) {
        logger_write(LOGGER_INFO, "core", "engine time is the wall clock again", NULL);
    }
}

int64_t core_now_ms(struct core *core)
{
    int64_t jump_ms;
    struct clock_reading now = core->options.read_clock(core->options.user);
    enum clock_event event = clock_read(&core->clock, now, &jump_ms);
    report_clock(core, event, jump_ms);
    core_count_clock(core);
    return clock_time_ms(&core->clock);
}

bool core_adopt_clock(struct core *core, int64_t *ret_time_ms, int64_t *ret_moved_ms)
{
    (void)core_now_ms(core);
    *ret_moved_ms = 0;
    bool is_adopted = clock_adopt(&core->clock, ret_moved_ms);
    *ret_time_ms = clock_time_ms(&core->clock);
    core_count_clock(core);
    logger_write(LOGGER_WARN, "core",
                 is_adopted ? "engine time is the wall clock, as was asked"
                            : "engine time cannot go back to the wall clock, as was asked",
                 LOGGER_FIELDS(logger_int("moved_ms", *ret_moved_ms)));
    return is_adopted;
}

void core_count_clock(struct core *core)
{
    int64_t offset_ms = clock_offset_ms(&core->clock);
    uint64_t apart_ms = (uint64_t)(offset_ms < 0 ? -offset_ms : offset_ms);
    counter_set(&core->counters.clock_apart_ns, apart_ms * 1000000);
    counter_set(&core->counters.clock_jumps, core->clock.jumps_count);
}

/* Stamps the records from `offset` on. A record that does not decode is a bug of the encoder: it
 * ends here, because what cannot be replayed must never become durable. */
static void stamp(struct core *core, struct commit *commit, size_t offset, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        uint8_t *record = (uint8_t *)commit->records.bytes + offset;
        uint32_t size = bs_record_size(record);
        assert(size >= BS_RECORD_HEADER_SIZE);
        assert(size <= commit->records.size - offset);
        bs_record_stamp(record, ++core->seq, core->time_ms);
        struct bs_command command;
        enum bs_status status = bs_command_decode(record, size, &command);
        assert(status == BS_OK);
        offset += size;
    }
    assert(offset == commit->records.size);
}

uint32_t core_records_count(const struct request *request)
{
    return request->batch.records_count + (request->key_record.size > 0 ? 1 : 0);
}

bool core_reserve(struct core *core, const struct request *request)
{
    size_t size = request->key_record.size + request->batch.records.size;
    struct buffer *records = &core->gathering->records;
    if (!buffer_reserve(records, size)) {
        records->failed = false; /* what it holds is whole */
        return false;
    }
    return true;
}

void core_gather(struct core *core, struct request *request)
{
    struct commit *commit = core->gathering;
    const struct api_batch *batch = &request->batch;
    if (commit->records_count == 0) {
        commit->first_seq = core->seq + 1;
    }
    size_t offset = commit->records.size;
    uint32_t count = core_records_count(request);
    assert(request->query == NULL);
    assert(count > 0);
    if (request->key_record.size > 0) {
        buffer_append(&commit->records, request->key_record.bytes, request->key_record.size);
    }
    buffer_append(&commit->records, batch->records.bytes, batch->records.size);
    assert(!commit->records.failed);
    core->time_ms = core_now_ms(core);
    stamp(core, commit, offset, count);
    commit->records_count += count;
    request->records_left = count;
    request->last_seq = core->seq;
    request_list_append(&commit->requests, request);
}
