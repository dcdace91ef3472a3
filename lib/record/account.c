/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/record/account.h"

/* Bits of the header's `present`. */
#define ACCOUNT_HAS_SEEN_ACTION 1u
#define ACCOUNT_HAS_POSITIONS 2u
#define ACCOUNT_HAS_HAIRCUT_CAP 4u
#define POSITION_HAS_SEEN_ACTION 1u

/* Bits of the first byte of a position item. */
#define ITEM_HAS_ENTRY_PRICE 1u
#define ITEM_HAS_PRIORITY 2u
#define ITEM_ISOLATED 4u
#define ITEM_HAS_COLLATERAL 8u /* only with ITEM_ISOLATED */

_Static_assert(BS_RECORD_SIZE_MAX >= BS_RECORD_HEADER_SIZE + 3 * (1 + BS_ID_SIZE_MAX) + 8 +
                                         BS_WIRE_DECIMAL_SIZE + 12 +
                                         BS_ACCOUNT_POSITIONS_MAX *
                                             (2 + BS_ID_SIZE_MAX + 3 * BS_WIRE_DECIMAL_SIZE + 4),
               "an account with all its positions fits one record");

static void write_item(struct bs_writer *writer, const struct bs_position_item *item)
{
    bool has_priority = item->adl_priority != BS_PRIORITY_NONE;
    bs_write_u8(writer, (uint8_t)((item->has_entry_price ? ITEM_HAS_ENTRY_PRICE : 0) |
                                  (has_priority ? ITEM_HAS_PRIORITY : 0) |
                                  (item->isolated ? ITEM_ISOLATED : 0) |
                                  (item->has_collateral ? ITEM_HAS_COLLATERAL : 0)));
    bs_write_text(writer, item->market);
    bs_write_decimal(writer, item->size);
    if (item->has_entry_price) {
        bs_write_decimal(writer, item->entry_price);
    }
    if (has_priority) {
        bs_write_u32(writer, item->adl_priority);
    }
    if (item->has_collateral) {
        bs_write_decimal(writer, item->collateral);
    }
}

uint32_t bs_account_write(struct bs_writer *writer, const struct bs_account_command *account)
{
    assert(account->positions_count <= BS_ACCOUNT_POSITIONS_MAX);
    assert(account->has_positions || account->positions_count == 0);
    uint32_t present = 0;
    bs_write_text(writer, account->account);
    bs_write_text(writer, account->pool);
    bs_write_decimal(writer, account->collateral);
    if (account->seen_action != 0) {
        present |= ACCOUNT_HAS_SEEN_ACTION;
        bs_write_u64(writer, account->seen_action);
    }
    if (account->has_haircut_cap) {
        present |= ACCOUNT_HAS_HAIRCUT_CAP;
        bs_write_u32(writer, account->haircut_cap_ppm);
    }
    if (account->has_positions) {
        present |= ACCOUNT_HAS_POSITIONS;
        bs_write_u32(writer, account->positions_count);
        if (account->positions_count > 0) {
            uint8_t *at = bs_write_room(writer, account->positions_size);
            if (at != NULL) {
                memcpy(at, account->positions, account->positions_size);
            }
        }
    }
    return present;
}

uint32_t bs_position_write(struct bs_writer *writer, const struct bs_position_command *position)
{
    bs_write_text(writer, position->account);
    write_item(writer, &position->item);
    if (position->seen_action == 0) {
        return 0;
    }
    bs_write_u64(writer, position->seen_action);
    return POSITION_HAS_SEEN_ACTION;
}

/* The place of the number of positions in an account record. */
static uint8_t *positions_count_at(uint8_t *record)
{
    uint32_t present = bs_wire_u32(record + BS_WIRE_PRESENT_AT);
    assert(record[BS_WIRE_TYPE_AT] == BS_COMMAND_ACCOUNT);
    assert((present & ACCOUNT_HAS_POSITIONS) != 0);
    struct bs_text account = bs_record_first_name(record);
    uint8_t *at = record + (account.bytes + account.size - (const char *)record);
    at += 1 + at[0]; /* pool */
    at += BS_WIRE_DECIMAL_SIZE;
    at += (present & ACCOUNT_HAS_SEEN_ACTION) != 0 ? 8 : 0;
    return at + ((present & ACCOUNT_HAS_HAIRCUT_CAP) != 0 ? 4 : 0);
}

size_t bs_command_append_position(uint8_t *record, size_t capacity,
                                  const struct bs_position_item *item)
{
    uint32_t size = bs_record_size(record);
    assert(size <= capacity);
    uint8_t *count_at = positions_count_at(record);
    uint32_t count = bs_wire_u32(count_at);
    struct bs_writer writer = {.at = record + size, .end = record + capacity};
    write_item(&writer, item);
    if (writer.bad || count >= BS_ACCOUNT_POSITIONS_MAX) {
        return 0;
    }
    size_t added = (size_t)(writer.at - (record + size));
    bs_wire_put_u32(count_at, count + 1);
    bs_wire_put_u32(record + BS_WIRE_SIZE_AT, size + (uint32_t)added);
    return added;
}

static void read_item(struct bs_reader *reader, struct bs_position_item *item)
{
    uint8_t flags = bs_read_enum(reader, 2 * ITEM_HAS_COLLATERAL);
    item->market = bs_read_name(reader);
    item->size = bs_read_decimal(reader);
    item->has_entry_price = (flags & ITEM_HAS_ENTRY_PRICE) != 0;
    item->entry_price = item->has_entry_price ? bs_read_decimal(reader) : (struct bs_decimal){0};
    item->adl_priority = BS_PRIORITY_NONE;
    if ((flags & ITEM_HAS_PRIORITY) != 0) {
        item->adl_priority = bs_read_u32(reader);
        reader->bad = reader->bad || item->adl_priority == BS_PRIORITY_NONE;
    }
    item->isolated = (flags & ITEM_ISOLATED) != 0;
    item->has_collateral = (flags & ITEM_HAS_COLLATERAL) != 0;
    item->collateral = item->has_collateral ? bs_read_decimal(reader) : (struct bs_decimal){0};
    reader->bad = reader->bad || (item->has_collateral && !item->isolated);
}

/* An optional number that is left out when it is 0. */
static uint64_t read_optional_u64(struct bs_reader *reader, bool present)
{
    uint64_t value = present ? bs_read_u64(reader) : 0;
    reader->bad = reader->bad || (present && value == 0);
    return value;
}

uint32_t bs_account_read(struct bs_reader *reader, uint32_t present,
                         struct bs_account_command *account)
{
    account->account = bs_read_name(reader);
    account->pool = bs_read_name(reader);
    account->collateral = bs_read_decimal(reader);
    account->seen_action = read_optional_u64(reader, (present & ACCOUNT_HAS_SEEN_ACTION) != 0);
    account->has_haircut_cap = (present & ACCOUNT_HAS_HAIRCUT_CAP) != 0;
    account->haircut_cap_ppm = account->has_haircut_cap ? bs_read_u32(reader) : 0;
    reader->bad = reader->bad || account->haircut_cap_ppm > BS_PPM;
    account->has_positions = (present & ACCOUNT_HAS_POSITIONS) != 0;
    account->positions_count = account->has_positions ? bs_read_u32(reader) : 0;
    if (account->positions_count > BS_ACCOUNT_POSITIONS_MAX) {
        reader->bad = true;
        account->positions_count = 0;
    }
    account->positions = reader->at;
    for (uint32_t i = 0; i < account->positions_count && !reader->bad; i++) {
        struct bs_position_item item;
        read_item(reader, &item);
    }
    account->positions_size = (uint32_t)(reader->at - account->positions);
    return ACCOUNT_HAS_SEEN_ACTION | ACCOUNT_HAS_POSITIONS | ACCOUNT_HAS_HAIRCUT_CAP;
}

uint32_t bs_position_read(struct bs_reader *reader, uint32_t present,
                          struct bs_position_command *position)
{
    position->account = bs_read_name(reader);
    read_item(reader, &position->item);
    position->seen_action = read_optional_u64(reader, (present & POSITION_HAS_SEEN_ACTION) != 0);
    return POSITION_HAS_SEEN_ACTION;
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
    read_item(&reader, ret_item);
    assert(!reader.bad); /* bs_command_decode has read every item */
    *cursor = (uint32_t)(reader.at - account->positions);
    return true;
}
