/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/record/action.h"

#include "lib/record/command.h"
#include "lib/record/header.h"
#include "lib/record/wide.h"

#define DECIMAL_BITS ((1u << BS_ACTION_DECIMAL_COUNT) - 1)
#define ALLOWED_BITS                                                                               \
    (DECIMAL_BITS | BS_ACTION_HAS_RANK | BS_ACTION_HAS_RANKING | BS_ACTION_HAS_BASIS |             \
     BS_ACTION_HAS_SETTLEMENT | BS_ACTION_HAS_SIDE | BS_ACTION_HAS_REVERSES |                      \
     BS_ACTION_IS_ISOLATED | BS_ACTION_HAS_HITS | BS_ACTION_HAS_QUEUE)
#define REASON_BITS                                                                                \
    (1u << BS_ACTION_DECIMAL_reason_deficit | 1u << BS_ACTION_DECIMAL_reason_fund_paid |           \
     1u << BS_ACTION_DECIMAL_reason_residual)
#define ACCOUNT_SIZE_MAX (BS_ID_SIZE_MAX + sizeof("backstop:") - 1)

#define QUEUE_SIZE_MAX                                                                             \
    (8 + 8 + 4 + 2 * (1 + ACCOUNT_SIZE_MAX) + BS_ACTION_INPUT_COUNT * (size_t)BS_WIDE_SIZE_MAX)

_Static_assert(BS_ACTION_DECIMAL_COUNT <= 23, "the decimals' bits stay below the others");
_Static_assert(BS_RECORD_HEADER_SIZE + 8 + 8 + 8 + 8 + 8 + 4 + 3 + 2ul * (1 + BS_ID_SIZE_MAX) +
                       2 * (1 + ACCOUNT_SIZE_MAX) + 1 + BS_REASON_SIZE_MAX +
                       BS_ACTION_DECIMAL_COUNT * (size_t)BS_WIDE_SIZE_MAX + QUEUE_SIZE_MAX <=
                   BS_ACTION_RECORD_SIZE_MAX,
               "the largest action fits its buffer");

static void write_queue(struct bs_writer *writer, const struct bs_action_queue *queue)
{
    bs_write_u64(writer, queue->of);
    bs_write_u64(writer, queue->digest);
    bs_write_u8(writer, queue->tier);
    bs_write_u8(writer, queue->ahead_tier);
    bs_write_u8(writer, queue->behind_tier);
    bs_write_u8(writer, queue->present);
    bs_write_text(writer, queue->ahead);
    bs_write_text(writer, queue->behind);
    for (uint32_t i = 0; i < BS_ACTION_INPUT_COUNT; i++) {
        if ((queue->present & 1u << i) != 0) {
            bs_write_wide(writer, queue->inputs[i]);
        }
    }
}

static void read_queue(struct bs_reader *reader, struct bs_action_queue *queue)
{
    queue->of = bs_read_u64(reader);
    queue->digest = bs_read_u64(reader);
    queue->tier = bs_read_enum(reader, BS_ACTION_TIERS);
    queue->ahead_tier = bs_read_enum(reader, BS_ACTION_TIERS);
    queue->behind_tier = bs_read_enum(reader, BS_ACTION_TIERS);
    queue->present = bs_read_u8(reader);
    queue->ahead = bs_read_text(reader, 0, ACCOUNT_SIZE_MAX);
    queue->behind = bs_read_text(reader, 0, ACCOUNT_SIZE_MAX);
    for (uint32_t i = 0; i < BS_ACTION_INPUT_COUNT; i++) {
        queue->inputs[i] =
            (queue->present & 1u << i) != 0 ? bs_read_wide(reader) : (struct bs_wide){0};
    }
}

size_t bs_action_encode(const struct bs_action *action, uint8_t record[BS_ACTION_RECORD_SIZE_MAX])
{
    uint32_t present = action->present;
    assert((present & ~ALLOWED_BITS) == 0);
    assert(action->type < BS_ACTION_COUNT);
    struct bs_writer writer = {.at = record + BS_RECORD_HEADER_SIZE,
                               .end = record + BS_ACTION_RECORD_SIZE_MAX};
    bs_write_u64(&writer, action->id);
    bs_write_u64(&writer, action->seq);
    if ((present & BS_ACTION_HAS_SETTLEMENT) != 0) {
        bs_write_u64(&writer, action->settlement);
    }
    if ((present & BS_ACTION_HAS_SIDE) != 0) {
        bs_write_u8(&writer, action->side);
    }
    if ((present & BS_ACTION_HAS_RANKING) != 0) {
        bs_write_u8(&writer, action->ranking);
    }
    if ((present & BS_ACTION_HAS_BASIS) != 0) {
        bs_write_u8(&writer, action->basis);
    }
    if ((present & BS_ACTION_HAS_RANK) != 0) {
        bs_write_u64(&writer, action->rank);
    }
    if ((present & BS_ACTION_HAS_REVERSES) != 0) {
        bs_write_u64(&writer, action->reverses);
    }
    if ((present & BS_ACTION_HAS_HITS) != 0) {
        bs_write_u32(&writer, action->hits);
    }
    bs_write_text(&writer, action->pool);
    bs_write_text(&writer, action->account);
    bs_write_text(&writer, action->market);
    bs_write_text(&writer, action->counterparty);
    bs_write_text(&writer, action->reason);
    for (uint32_t i = 0; i < BS_ACTION_DECIMAL_COUNT; i++) {
        if ((present & 1u << i) != 0) {
            bs_write_wide(&writer, action->decimals[i]);
        }
    }
    if ((present & BS_ACTION_HAS_QUEUE) != 0) {
        write_queue(&writer, &action->queue);
    }
    assert(!writer.bad);
    size_t size = (size_t)(writer.at - record);
    struct bs_header header = {.seq = action->ordinal,
                               .time_ms = action->time_ms,
                               .kind = BS_RECORD_ACTION,
                               .type = action->type,
                               .present = present};
    bs_header_write(record, &header, size);
    bs_record_seal(record);
    return size;
}

static void read_fields(struct bs_reader *reader, struct bs_action *action)
{
    uint32_t present = action->present;
    action->id = bs_read_u64(reader);
    action->seq = bs_read_u64(reader);
    action->settlement = (present & BS_ACTION_HAS_SETTLEMENT) != 0 ? bs_read_u64(reader) : 0;
    action->side = (present & BS_ACTION_HAS_SIDE) != 0 ? bs_read_enum(reader, 2) : 0;
    action->ranking =
        (present & BS_ACTION_HAS_RANKING) != 0 ? bs_read_enum(reader, BS_RANKING_COUNT) : 0;
    action->basis = (present & BS_ACTION_HAS_BASIS) != 0 ? bs_read_enum(reader, BS_BASIS_COUNT) : 0;
    action->rank = (present & BS_ACTION_HAS_RANK) != 0 ? bs_read_u64(reader) : 0;
    action->reverses = (present & BS_ACTION_HAS_REVERSES) != 0 ? bs_read_u64(reader) : 0;
    action->hits = (present & BS_ACTION_HAS_HITS) != 0 ? bs_read_u32(reader) : 0;
    action->pool = bs_read_name(reader);
    action->account = bs_read_text(reader, 0, ACCOUNT_SIZE_MAX);
    action->market = bs_read_text(reader, 0, BS_ID_SIZE_MAX);
    action->counterparty = bs_read_text(reader, 0, ACCOUNT_SIZE_MAX);
    action->reason = bs_read_text(reader, 0, BS_REASON_SIZE_MAX);
    /* The reason is a text or amounts. */
    reader->bad = reader->bad || (action->reason.size > 0 && (present & REASON_BITS) != 0);
    for (uint32_t i = 0; i < BS_ACTION_DECIMAL_COUNT; i++) {
        action->decimals[i] = (present & 1u << i) != 0 ? bs_read_wide(reader) : (struct bs_wide){0};
    }
    action->queue = (struct bs_action_queue){0};
    if ((present & BS_ACTION_HAS_QUEUE) != 0) {
        read_queue(reader, &action->queue);
    }
}

enum bs_status bs_action_decode(const uint8_t *record, size_t size, struct bs_action *ret_action)
{
    struct bs_header header = {.kind = BS_RECORD_ACTION};
    if (size > BS_ACTION_RECORD_SIZE_MAX || !bs_record_checksum_ok(record, size)) {
        return BS_BAD_RECORD;
    }
    enum bs_status status = bs_header_read(record, size, &header);
    if (status != BS_OK) {
        return status;
    }
    if (header.type >= BS_ACTION_COUNT || (header.present & ~ALLOWED_BITS) != 0) {
        return BS_BAD_RECORD;
    }
    ret_action->ordinal = header.seq;
    ret_action->time_ms = header.time_ms;
    ret_action->type = header.type;
    ret_action->present = header.present;
    struct bs_reader reader = {.at = record + BS_RECORD_HEADER_SIZE, .end = record + size};
    read_fields(&reader, ret_action);
    return !reader.bad && reader.at == reader.end ? BS_OK : BS_BAD_RECORD;
}

const char *bs_action_type_name(uint8_t type)
{
    static const char *const names[] = {
#define X(code, number, name, ...) [number] = #name,
#include "lib/record/actions.def"
#undef X
    };
    return type < BS_ACTION_COUNT ? names[type] : NULL;
}

enum bs_action_loss bs_action_loss(uint8_t type)
{
    static const uint8_t losses[BS_ACTION_COUNT] = {
#define X(code, number, name, event, is_urgent, loss) [number] = BS_LOSS_##loss,
#include "lib/record/actions.def"
#undef X
    };
    assert(type < BS_ACTION_COUNT);
    return (enum bs_action_loss)losses[type];
}

bs_i128 bs_action_loss_amount(const struct bs_action *action)
{
    switch (bs_action_loss(action->type)) {
    case BS_LOSS_COST:
        return action->decimals[BS_ACTION_DECIMAL_cost_to_mark].mantissa;
    case BS_LOSS_AMOUNT:
        return action->decimals[BS_ACTION_DECIMAL_amount].mantissa;
    case BS_LOSS_REFUND:
        return -action->decimals[BS_ACTION_DECIMAL_amount].mantissa;
    case BS_LOSS_NONE:
        break;
    }
    return 0;
}

const char *bs_action_decimal_name(uint32_t decimal)
{
    static const char *const names[] = {
#define X(name) #name,
        BS_ACTION_DECIMALS(X)
#undef X
    };
    return decimal < BS_ACTION_DECIMAL_COUNT ? names[decimal] : NULL;
}

const char *bs_action_input_name(uint32_t input)
{
    static const char *const names[] = {
#define X(name) #name,
        BS_ACTION_INPUTS(X)
#undef X
    };
    return input < BS_ACTION_INPUT_COUNT ? names[input] : NULL;
}
