/* SPDX-License-Identifier: Apache-2.0 */
/* The commit that gathers: records are stamped and copied into it. */
#include "daemon/core/internal.h"

#include <time.h>

void request_list_append(struct request_list *list, struct request *request)
{
    request->next = NULL;
    if (list->first == NULL) {
        list->first = request;
    } else {
        list->last->next = request;
    }
    list->last = request;
}

struct request *request_list_remove(struct request_list *list)
{
    struct request *request = list->first;
    list->first = request->next;
    request->next = NULL;
    return request;
}

int64_t core_now_ms(const struct core *core)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_REALTIME, &now);
    int64_t now_ms = (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
    return now_ms > core->time_ms ? now_ms : core->time_ms;
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
    core->time_ms = core_now_ms(core);
    stamp(core, commit, offset, count);
    commit->records_count += count;
    request->records_left = count;
    request->last_seq = core->seq;
    request_list_append(&commit->requests, request);
}
