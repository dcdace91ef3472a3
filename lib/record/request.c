/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/record/request.h"

void bs_rejections_write(struct bs_writer *writer, const struct bs_request_command *request)
{
    bs_write_u32(writer, request->rejections_count);
    bs_write_bytes(writer, request->rejections, request->rejections_size);
}

static void read_rejection(struct bs_reader *reader, struct bs_request_rejection *rejection)
{
    rejection->index = bs_read_u32(reader);
    rejection->code = bs_read_name(reader);
    rejection->detail = bs_read_text(reader, 0, BS_DETAIL_SIZE_MAX);
}

void bs_rejections_read(struct bs_reader *reader, struct bs_request_command *request)
{
    request->rejections_count = bs_read_u32(reader);
    request->rejections = reader->at;
    uint64_t index_min = 0;
    for (uint32_t i = 0; i < request->rejections_count && !reader->bad; i++) {
        struct bs_request_rejection rejection;
        read_rejection(reader, &rejection);
        reader->bad =
            reader->bad || rejection.index < index_min || rejection.index >= request->items_count;
        index_min = (uint64_t)rejection.index + 1;
    }
    request->rejections_size = (uint32_t)(reader->at - request->rejections);
    reader->bad = reader->bad || request->items_count == 0;
}

size_t bs_request_rejection_write(uint8_t *at, const struct bs_request_rejection *rejection)
{
    struct bs_writer writer = {.at = at, .end = at + BS_REJECTION_SIZE_MAX};
    bs_write_u32(&writer, rejection->index);
    bs_write_text(&writer, rejection->code);
    bs_write_text(&writer, rejection->detail);
    assert(!writer.bad);
    return (size_t)(writer.at - at);
}

bool bs_request_rejection(const struct bs_request_command *request, uint32_t *cursor,
                          struct bs_request_rejection *ret_rejection)
{
    assert(*cursor <= request->rejections_size);
    if (*cursor == request->rejections_size) {
        return false;
    }
    struct bs_reader reader = {.at = request->rejections + *cursor,
                               .end = request->rejections + request->rejections_size};
    read_rejection(&reader, ret_rejection);
    assert(!reader.bad); /* bs_command_decode has read every one */
    *cursor = (uint32_t)(reader.at - request->rejections);
    return true;
}
