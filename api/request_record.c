/* SPDX-License-Identifier: Apache-2.0 */
#include "api/request_record.h"

#include <stdio.h>
#include <stdlib.h>

#include "lib/record/request.h"

_Static_assert(sizeof(((struct api_rejection *)NULL)->detail) == BS_DETAIL_SIZE_MAX + 1,
               "what a rejection says fits its record");

static struct bs_text text_of(const char *string)
{
    return (struct bs_text){string, (uint32_t)strlen(string)};
}

static void put_rejection(struct buffer *out, uint32_t index, enum bs_status status,
                          const char *detail)
{
    const struct bs_request_rejection rejection = {
        .index = index, .code = text_of(bs_status_name(status)), .detail = text_of(detail)};
    if (!buffer_reserve(out, BS_REJECTION_SIZE_MAX)) {
        return;
    }
    out->size += bs_request_rejection_write((uint8_t *)out->bytes + out->size, &rejection);
}

/* Those that no answer lists have no detail. More than fit a record are left out: it is refused. */
static void put_rejections(struct buffer *out, const struct api_batch *batch)
{
    for (uint32_t i = 0; i < batch->parser_listed_count; i++) {
        const struct api_rejection *from = &batch->rejections[i];
        put_rejection(out, from->index, from->status, from->detail);
    }
    for (uint32_t i = 0; i < batch->unlisted_count && out->size < BS_RECORD_SIZE_MAX; i++) {
        put_rejection(out, batch->unlisted[i].index, batch->unlisted[i].status, "");
    }
}

enum bs_status api_request_encode(struct buffer *out, const struct bs_request_command *who,
                                  const struct api_batch *batch)
{
    struct buffer rejections = {0};
    put_rejections(&rejections, batch);
    struct bs_command command = {.type = BS_COMMAND_REQUEST, .as.request = *who};
    command.as.request.is_list = batch->is_list;
    command.as.request.items_count = batch->items_count;
    command.as.request.rejections_count = batch->rejections_count;
    command.as.request.rejections = (const uint8_t *)rejections.bytes;
    command.as.request.rejections_size = (uint32_t)rejections.size;
    size_t room = BS_RECORD_HEADER_SIZE + BS_ID_SIZE_MAX + BS_REQUEST_KEY_SIZE_MAX +
                  BS_FINGERPRINT_SIZE + 16 + rejections.size;
    enum bs_status status = BS_OUT_OF_MEMORY;
    if (!rejections.failed && buffer_reserve(out, room)) {
        size_t size = bs_command_encode(&command, (uint8_t *)out->bytes + out->size,
                                        out->capacity - out->size);
        out->size += size;
        status = size > 0 ? BS_OK : BS_TOO_MANY_REJECTIONS;
    }
    buffer_fini(&rejections);
    return status;
}

/* The item of the parser's nth rejection. */
static uint32_t rejected_item(const struct api_batch *batch, uint32_t n)
{
    uint32_t listed = batch->parser_listed_count;
    return n < listed ? batch->rejections[n].index : batch->unlisted[n - listed].index;
}

/* Which items became records: those that no rejection names. */
static void map_records(struct api_batch *batch)
{
    batch->record_items = calloc((size_t)batch->records_count + 1, sizeof(batch->record_items[0]));
    if (batch->record_items == NULL) {
        batch->failed = true;
        return;
    }
    batch->record_items_capacity = batch->records_count;
    uint32_t record = 0;
    uint32_t next = 0; /* rejection */
    for (uint32_t item = 0; item < batch->items_count; item++) {
        if (next < batch->rejections_count && rejected_item(batch, next) == item) {
            next++;
        } else {
            batch->record_items[record++] = item;
        }
    }
    assert(record == batch->records_count);
}

bool api_request_restore(struct api_batch *batch, const struct bs_request_command *request)
{
    struct bs_request_rejection rejection;
    uint32_t cursor = 0;
    assert(batch->items_count == 0);
    while (bs_request_rejection(request, &cursor, &rejection)) {
        enum bs_status status;
        if (!bs_status_find(rejection.code, &status)) {
            return false;
        }
        api_batch_reject(batch, rejection.index, status, NULL);
        if (batch->failed) {
            return false;
        }
        if (batch->unlisted_count == 0) {
            (void)snprintf(batch->rejections[batch->listed_count - 1].detail,
                           sizeof(batch->rejections[0].detail), "%.*s", (int)rejection.detail.size,
                           rejection.detail.bytes);
        }
    }
    batch->items_count = request->items_count;
    batch->records_count = request->items_count - request->rejections_count;
    batch->is_list = request->is_list;
    if (batch->rejections_count > 0) {
        map_records(batch);
    }
    return !batch->failed;
}
