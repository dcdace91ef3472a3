/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/record/command.h"

#include "lib/record/account.h"
#include "lib/record/codec.h"
#include "lib/record/layer.h"
#include "lib/record/request.h"

/* Bit of the header's `present` that any type may have. */
#define HAS_SOURCE (1u << 31)

_Static_assert(BS_TRIGGER_HANDOVER == 1, "a trigger is a choice of two");

struct bs_text bs_record_first_name(const uint8_t *record)
{
    uint32_t size = bs_record_size(record);
    uint32_t at = BS_RECORD_HEADER_SIZE;
    if ((bs_wire_u32(record + BS_WIRE_PRESENT_AT) & HAS_SOURCE) != 0 && at < size) {
        at += 1 + (uint32_t)record[at] + 8;
    }
    if (at >= size || record[at] >= size - at) {
        return (struct bs_text){0};
    }
    return (struct bs_text){(const char *)record + at + 1, record[at]};
}

/* For each type: write_<type> returns the header's present bits, read_<type> those that there may
 * be. */
#define X(code, number, name, role, is_named, fields, member, subject)                             \
    static uint32_t write_##name(struct bs_writer *writer,                                         \
                                 const struct bs_##member##_command *from)                         \
    {                                                                                              \
        uint32_t present = BS_FIELDS_PRESENT(BS_##fields##_FIELDS);                                \
        BS_##fields##_FIELDS(BS_FIELD_WRITE);                                                      \
        return present;                                                                            \
    }                                                                                              \
    static uint32_t read_##name(struct bs_reader *reader, uint32_t present,                        \
                                struct bs_##member##_command *to)                                  \
    {                                                                                              \
        (void)present; /* some have no optional field */                                           \
        BS_##fields##_FIELDS(BS_FIELD_READ);                                                       \
        return BS_FIELDS_ALLOWED(BS_##fields##_FIELDS);                                            \
    }
#include "lib/record/commands.def"
#undef X

static uint32_t write_fields(struct bs_writer *writer, const struct bs_command *command)
{
    switch ((enum bs_command_type)command->type) {
#define X(code, number, name, role, is_named, fields, member, subject)                             \
    case BS_COMMAND_##code:                                                                        \
        return write_##name(writer, &command->as.member);
#include "lib/record/commands.def"
#undef X
    case BS_COMMAND_COUNT:
        break;
    }
    assert(false);
    return 0;
}

size_t bs_command_encode(const struct bs_command *command, uint8_t *record, size_t capacity)
{
    struct bs_writer writer = {.at = record, .end = record + capacity};
    (void)bs_write_room(&writer, BS_RECORD_HEADER_SIZE);
    if (command->has_source) {
        bs_write_text(&writer, command->source);
        bs_write_u64(&writer, command->source_seq);
    }
    uint32_t present = write_fields(&writer, command) | (command->has_source ? HAS_SOURCE : 0);
    size_t size = (size_t)(writer.at - record);
    if (writer.bad || size > BS_RECORD_SIZE_MAX) {
        return 0;
    }
    struct bs_header header = {.seq = command->seq,
                               .time_ms = command->time_ms,
                               .kind = BS_RECORD_COMMAND,
                               .type = command->type,
                               .present = present};
    bs_header_write(record, &header, size);
    return size;
}

static uint32_t read_fields(struct bs_reader *reader, uint32_t present, struct bs_command *command)
{
    switch ((enum bs_command_type)command->type) {
#define X(code, number, name, role, is_named, fields, member, subject)                             \
    case BS_COMMAND_##code:                                                                        \
        return read_##name(reader, present, &command->as.member);
#include "lib/record/commands.def"
#undef X
    case BS_COMMAND_COUNT:
        break;
    }
    reader->bad = true; /* no record of version 1 has this type */
    return 0;
}

enum bs_status bs_command_decode(const uint8_t *record, size_t size, struct bs_command *ret_command)
{
    struct bs_header header = {.kind = BS_RECORD_COMMAND};
    enum bs_status status =
        size > BS_RECORD_SIZE_MAX ? BS_BAD_RECORD : bs_header_read(record, size, &header);
    if (status != BS_OK) {
        return status;
    }
    uint32_t present = header.present;
    ret_command->seq = header.seq;
    ret_command->time_ms = header.time_ms;
    ret_command->type = header.type;
    struct bs_reader reader = {.at = record + BS_RECORD_HEADER_SIZE, .end = record + size};
    ret_command->has_source = (present & HAS_SOURCE) != 0;
    ret_command->source = ret_command->has_source ? bs_read_name(&reader) : (struct bs_text){0};
    ret_command->source_seq = ret_command->has_source ? bs_read_u64(&reader) : 0;
    ret_command->sent =
        (struct bs_text){(const char *)record + BS_WIRE_SENT_AT, (uint32_t)size - BS_WIRE_SENT_AT};
    uint32_t allowed = HAS_SOURCE | read_fields(&reader, present, ret_command);
    if (reader.bad || reader.at != reader.end || (present & ~allowed) != 0) {
        return BS_BAD_RECORD;
    }
    return BS_OK;
}
