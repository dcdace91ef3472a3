/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/record/account.h"

#include "lib/record/codec.h"

_Static_assert(BS_RECORD_SIZE_MAX >= BS_RECORD_HEADER_SIZE + 3 * (1 + BS_ID_SIZE_MAX) + 8 +
                                         BS_WIRE_DECIMAL_SIZE + 12 +
                                         BS_ACCOUNT_POSITIONS_MAX *
                                             (2 + BS_ID_SIZE_MAX + 3 * BS_WIRE_DECIMAL_SIZE + 4),
               "an account with all its positions fits one record");

void bs_item_write(struct bs_writer *writer, const struct bs_position_item *from)
{
    uint32_t present = BS_FIELDS_PRESENT(BS_ITEM_FIELDS);
    bs_write_u8(writer, (uint8_t)present);
    BS_ITEM_FIELDS(BS_FIELD_WRITE)
}

void bs_item_read(struct bs_reader *reader, struct bs_position_item *to)
{
    uint32_t present = bs_read_u8(reader);
    reader->bad = reader->bad || (present & ~BS_FIELDS_ALLOWED(BS_ITEM_FIELDS)) != 0;
    BS_ITEM_FIELDS(BS_FIELD_READ)
    reader->bad = reader->bad || (to->has_collateral && to->isolated == 0);
}

void bs_positions_write(struct bs_writer *writer, const struct bs_account_command *account)
{
    assert(account->positions_count <= BS_ACCOUNT_POSITIONS_MAX);
    assert(account->has_positions);
    bs_write_u32(writer, account->positions_count);
    bs_write_bytes(writer, account->positions,
                   account->positions_count > 0 ? account->positions_size : 0);
}

void bs_positions_read(struct bs_reader *reader, struct bs_account_command *account)
{
    account->positions_count = account->has_positions ? bs_read_u32(reader) : 0;
    if (account->positions_count > BS_ACCOUNT_POSITIONS_MAX) {
        reader->bad = true;
        account->positions_count = 0;
    }
    account->positions = reader->at;
    for (uint32_t i = 0; i < account->positions_count && !reader->bad; i++) {
        struct bs_position_item item;
        bs_item_read(reader, &item);
    }
    account->positions_size = (uint32_t)(reader->at - account->positions);
}

/* The list of fields only leads to the positions here; it reads none. */
#undef BS_READ_POSITIONS
#define BS_READ_POSITIONS(there, member, json, detail) to->member = reader->at;

/* The place of the number of positions in an account record. */
static uint8_t *positions_count_at(uint8_t *record)
{
    uint32_t present = bs_wire_u32(record + BS_WIRE_PRESENT_AT);
    struct bs_account_command account;
    struct bs_account_command *to = &account;
    struct bs_reader fields = {.at = (const uint8_t *)bs_record_first_name(record).bytes - 1,
                               .end = record + bs_record_size(record)};
    struct bs_reader *reader = &fields;
    assert(record[BS_WIRE_TYPE_AT] == BS_COMMAND_ACCOUNT);
    BS_ACCOUNT_FIELDS(BS_FIELD_READ)
    assert(!reader->bad);
    return record + (account.positions - record);
}

size_t bs_command_append_position(uint8_t *record, size_t capacity,
                                  const struct bs_position_item *item)
{
    uint32_t size = bs_record_size(record);
    assert(size <= capacity);
    uint8_t *count_at = positions_count_at(record);
    uint32_t count = bs_wire_u32(count_at);
    struct bs_writer writer = {.at = record + size, .end = record + capacity};
    bs_item_write(&writer, item);
    if (writer.bad || count >= BS_ACCOUNT_POSITIONS_MAX) {
        return 0;
    }
    size_t added = (size_t)(writer.at - (record + size));
    bs_wire_put_u32(count_at, count + 1);
    bs_wire_put_u32(record + BS_WIRE_SIZE_AT, size + (uint32_t)added);
    return added;
}

bool bs_command_position(const struct bs_account_command *account, uint32_t *cursor,
                         struct bs_position_item *ret_item)
{
    assert(*cursor <= account->positions_size);
    if (*cursor == account->positions_size) {
        return false;
    }
    struct bs_reader reader = {.at = account->positions + *cursor,
                               .end = account->positions + account->positions_size};
    bs_item_read(&reader, ret_item);
    assert(!reader.bad); /* bs_command_decode has read every item */
    *cursor = (uint32_t)(reader.at - account->positions);
    return true;
}
