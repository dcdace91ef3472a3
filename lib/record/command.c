/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/record/command.h"

#include "lib/record/account.h"
#include "lib/record/layer.h"
#include "lib/record/market.h"
#include "lib/record/provider.h"
#include "lib/record/request.h"
#include "lib/record/wire.h"

/* Bit of the header's `present` that any type may have. */
#define HAS_SOURCE (1u << 31)
/* And the optional fields of each type, in the order of its struct. */
#define POOL_HANDOVER 1u
#define FILL_HAS_TRADE_ID 1u
#define FILL_ISOLATED 2u
#define TRANSFER_HAS_TRANSFER_ID 1u
#define TRANSFER_HAS_MARKET 2u
#define HANDOVER_HAS_MARKET 1u
#define MARK_HAS_TIME 1u
#define MARK_CONFIRM 2u
#define FUND_HAS_TRANSFER_ID 1u
#define NAME_HAS_REASON 1u

/* The years 0000 to 9999: what RFC 3339 can write. */
#define TIME_MIN_MS (-62167219200000)
#define TIME_MAX_MS 253402300799999

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

/* Each write_<type> returns the header's present bits. */
static uint32_t write_pool(struct bs_writer *writer, const struct bs_pool_command *pool)
{
    assert(pool->layers_count <= BS_LAYERS_MAX);
    bs_write_text(writer, pool->pool);
    bs_write_text(writer, pool->asset);
    bs_write_u32(writer, pool->decimals);
    bs_write_u32(writer, pool->mark_max_age_ms);
    bs_write_u64(writer, pool->period_ms);
    bs_write_u32(writer, pool->layers_count);
    for (uint32_t i = 0; i < pool->layers_count; i++) {
        bs_layer_write(writer, &pool->layers[i]);
    }
    return pool->trigger == BS_TRIGGER_HANDOVER ? POOL_HANDOVER : 0;
}

/* An optional text: left out when empty. Returns `bit` when it was written. */
static uint32_t write_optional(struct bs_writer *writer, struct bs_text text, uint32_t bit)
{
    if (text.size == 0) {
        return 0;
    }
    bs_write_text(writer, text);
    return bit;
}

static uint32_t write_fill(struct bs_writer *writer, const struct bs_fill_command *fill)
{
    bs_write_text(writer, fill->account);
    bs_write_text(writer, fill->market);
    bs_write_decimal(writer, fill->size);
    bs_write_decimal(writer, fill->price);
    bs_write_decimal(writer, fill->fee);
    return write_optional(writer, fill->trade_id, FILL_HAS_TRADE_ID) |
           (fill->isolated ? FILL_ISOLATED : 0);
}

static uint32_t write_transfer(struct bs_writer *writer, const struct bs_transfer_command *transfer)
{
    bs_write_text(writer, transfer->account);
    bs_write_decimal(writer, transfer->amount);
    bs_write_u8(writer, transfer->kind);
    uint32_t present = write_optional(writer, transfer->transfer_id, TRANSFER_HAS_TRANSFER_ID);
    return present | write_optional(writer, transfer->market, TRANSFER_HAS_MARKET);
}

static uint32_t write_handover(struct bs_writer *writer, const struct bs_handover_command *handover)
{
    bs_write_text(writer, handover->account);
    return write_optional(writer, handover->market, HANDOVER_HAS_MARKET);
}

static uint32_t write_mark(struct bs_writer *writer, const struct bs_mark_command *mark)
{
    bs_write_text(writer, mark->market);
    bs_write_decimal(writer, mark->price);
    if (mark->has_time) {
        bs_write_u64(writer, (uint64_t)mark->mark_time_ms);
    }
    return (mark->has_time ? MARK_HAS_TIME : 0) | (mark->confirm ? MARK_CONFIRM : 0);
}

static uint32_t write_final(struct bs_writer *writer, const struct bs_final_command *final)
{
    bs_write_text(writer, final->market);
    bs_write_decimal(writer, final->price);
    return 0;
}

static uint32_t write_fund(struct bs_writer *writer, const struct bs_fund_command *fund)
{
    bs_write_text(writer, fund->pool);
    bs_write_decimal(writer, fund->amount);
    return write_optional(writer, fund->transfer_id, FUND_HAS_TRANSFER_ID);
}

static uint32_t write_name(struct bs_writer *writer, const struct bs_name_command *name)
{
    bs_write_text(writer, name->name);
    return write_optional(writer, name->reason, NAME_HAS_REASON);
}

static uint32_t write_unfilled(struct bs_writer *writer, const struct bs_unfilled_command *unfilled)
{
    bs_write_text(writer, unfilled->pool);
    bs_write_u64(writer, unfilled->action);
    bs_write_decimal(writer, unfilled->size);
    return 0;
}

static uint32_t write_fields(struct bs_writer *writer, const struct bs_command *command)
{
    switch ((enum bs_command_type)command->type) {
    case BS_COMMAND_POOL:
        return write_pool(writer, &command->as.pool);
    case BS_COMMAND_MARKET:
        return bs_market_write(writer, &command->as.market);
    case BS_COMMAND_ACCOUNT:
        return bs_account_write(writer, &command->as.account);
    case BS_COMMAND_POSITION:
        return bs_position_write(writer, &command->as.position);
    case BS_COMMAND_FILL:
        return write_fill(writer, &command->as.fill);
    case BS_COMMAND_TRANSFER:
        return write_transfer(writer, &command->as.transfer);
    case BS_COMMAND_MARK:
        return write_mark(writer, &command->as.mark);
    case BS_COMMAND_INSURANCE_FUND:
        return write_fund(writer, &command->as.fund);
    case BS_COMMAND_SETTLE:
    case BS_COMMAND_CLOSE_PERIOD:
    case BS_COMMAND_RESUME:
    case BS_COMMAND_PAUSE:
    case BS_COMMAND_DELETE_ACCOUNT:
    case BS_COMMAND_DELETE_MARKET:
    case BS_COMMAND_DELETE_POOL:
    case BS_COMMAND_DELETE_SOURCE:
    case BS_COMMAND_IDENTITY:
        return write_name(writer, &command->as.name);
    case BS_COMMAND_HANDOVER:
        return write_handover(writer, &command->as.handover);
    case BS_COMMAND_UNFILLED:
        return write_unfilled(writer, &command->as.unfilled);
    case BS_COMMAND_FINAL_SETTLEMENT:
        return write_final(writer, &command->as.final);
    case BS_COMMAND_OPEN_WINDOW:
    case BS_COMMAND_CLOSE_WINDOW:
        bs_write_text(writer, command->as.window.pool);
        bs_write_text(writer, command->as.window.name);
        return 0;
    case BS_COMMAND_PROVIDER:
        return bs_provider_write(writer, &command->as.provider);
    case BS_COMMAND_OWN_FUND:
        return bs_own_fund_write(writer, &command->as.own_fund);
    case BS_COMMAND_REQUEST:
        return bs_request_write(writer, &command->as.request);
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

/* Each read_<type> returns the present bits that its type may have. */
static uint32_t read_pool(struct bs_reader *reader, uint32_t present, struct bs_pool_command *pool)
{
    pool->trigger = (present & POOL_HANDOVER) != 0 ? BS_TRIGGER_HANDOVER : BS_TRIGGER_EQUITY;
    pool->pool = bs_read_name(reader);
    pool->asset = bs_read_name(reader);
    pool->decimals = bs_read_u32(reader);
    pool->mark_max_age_ms = bs_read_u32(reader);
    pool->period_ms = bs_read_u64(reader);
    pool->layers_count = bs_read_u32(reader);
    if (pool->decimals > BS_ASSET_DECIMALS_MAX || pool->layers_count > BS_LAYERS_MAX ||
        pool->period_ms > PERIOD_MAX_MS || pool->period_ms % PERIOD_UNIT_MS != 0) {
        reader->bad = true;
        pool->layers_count = 0;
    }
    for (uint32_t i = 0; i < pool->layers_count; i++) {
        bs_layer_read(reader, &pool->layers[i]);
    }
    return POOL_HANDOVER;
}

static struct bs_text read_optional_name(struct bs_reader *reader, bool present)
{
    return present ? bs_read_name(reader) : (struct bs_text){0};
}

static uint32_t read_fill(struct bs_reader *reader, uint32_t present, struct bs_fill_command *fill)
{
    fill->account = bs_read_name(reader);
    fill->market = bs_read_name(reader);
    fill->size = bs_read_decimal(reader);
    fill->price = bs_read_decimal(reader);
    fill->fee = bs_read_decimal(reader);
    fill->trade_id = read_optional_name(reader, (present & FILL_HAS_TRADE_ID) != 0);
    fill->isolated = (present & FILL_ISOLATED) != 0;
    return FILL_HAS_TRADE_ID | FILL_ISOLATED;
}

static uint32_t read_transfer(struct bs_reader *reader, uint32_t present,
                              struct bs_transfer_command *transfer)
{
    transfer->account = bs_read_name(reader);
    transfer->amount = bs_read_decimal(reader);
    transfer->kind = bs_read_enum(reader, BS_TRANSFER_COUNT);
    transfer->transfer_id = read_optional_name(reader, (present & TRANSFER_HAS_TRANSFER_ID) != 0);
    transfer->market = read_optional_name(reader, (present & TRANSFER_HAS_MARKET) != 0);
    return TRANSFER_HAS_TRANSFER_ID | TRANSFER_HAS_MARKET;
}

static uint32_t read_handover(struct bs_reader *reader, uint32_t present,
                              struct bs_handover_command *handover)
{
    handover->account = bs_read_name(reader);
    handover->market = read_optional_name(reader, (present & HANDOVER_HAS_MARKET) != 0);
    return HANDOVER_HAS_MARKET;
}

static uint32_t read_mark(struct bs_reader *reader, uint32_t present, struct bs_mark_command *mark)
{
    mark->market = bs_read_name(reader);
    mark->price = bs_read_decimal(reader);
    mark->has_time = (present & MARK_HAS_TIME) != 0;
    mark->mark_time_ms = mark->has_time ? (int64_t)bs_read_u64(reader) : 0;
    mark->confirm = (present & MARK_CONFIRM) != 0;
    if (mark->mark_time_ms < TIME_MIN_MS || mark->mark_time_ms > TIME_MAX_MS) {
        reader->bad = true;
    }
    return MARK_HAS_TIME | MARK_CONFIRM;
}

static uint32_t read_fund(struct bs_reader *reader, uint32_t present, struct bs_fund_command *fund)
{
    fund->pool = bs_read_name(reader);
    fund->amount = bs_read_decimal(reader);
    fund->transfer_id = read_optional_name(reader, (present & FUND_HAS_TRANSFER_ID) != 0);
    return FUND_HAS_TRANSFER_ID;
}

static uint32_t read_name(struct bs_reader *reader, uint32_t present, struct bs_command *command)
{
    struct bs_name_command *name = &command->as.name;
    bool takes_reason = command->type == BS_COMMAND_PAUSE || command->type == BS_COMMAND_RESUME;
    name->name = bs_read_name(reader);
    name->reason = (present & NAME_HAS_REASON) != 0 ? bs_read_text(reader, 1, BS_REASON_SIZE_MAX)
                                                    : (struct bs_text){0};
    return takes_reason ? NAME_HAS_REASON : 0;
}

static uint32_t read_final(struct bs_reader *reader, struct bs_final_command *final)
{
    final->market = bs_read_name(reader);
    final->price = bs_read_decimal(reader);
    return 0;
}

static uint32_t read_unfilled(struct bs_reader *reader, struct bs_unfilled_command *unfilled)
{
    unfilled->pool = bs_read_name(reader);
    unfilled->action = bs_read_u64(reader);
    unfilled->size = bs_read_decimal(reader);
    return 0;
}

static uint32_t read_fields(struct bs_reader *reader, uint32_t present, struct bs_command *command)
{
    switch ((enum bs_command_type)command->type) {
    case BS_COMMAND_POOL:
        return read_pool(reader, present, &command->as.pool);
    case BS_COMMAND_MARKET:
        return bs_market_read(reader, present, &command->as.market);
    case BS_COMMAND_ACCOUNT:
        return bs_account_read(reader, present, &command->as.account);
    case BS_COMMAND_POSITION:
        return bs_position_read(reader, present, &command->as.position);
    case BS_COMMAND_FILL:
        return read_fill(reader, present, &command->as.fill);
    case BS_COMMAND_TRANSFER:
        return read_transfer(reader, present, &command->as.transfer);
    case BS_COMMAND_MARK:
        return read_mark(reader, present, &command->as.mark);
    case BS_COMMAND_INSURANCE_FUND:
        return read_fund(reader, present, &command->as.fund);
    case BS_COMMAND_SETTLE:
    case BS_COMMAND_CLOSE_PERIOD:
    case BS_COMMAND_RESUME:
    case BS_COMMAND_PAUSE:
    case BS_COMMAND_DELETE_ACCOUNT:
    case BS_COMMAND_DELETE_MARKET:
    case BS_COMMAND_DELETE_POOL:
    case BS_COMMAND_DELETE_SOURCE:
    case BS_COMMAND_IDENTITY:
        return read_name(reader, present, command);
    case BS_COMMAND_HANDOVER:
        return read_handover(reader, present, &command->as.handover);
    case BS_COMMAND_UNFILLED:
        return read_unfilled(reader, &command->as.unfilled);
    case BS_COMMAND_FINAL_SETTLEMENT:
        return read_final(reader, &command->as.final);
    case BS_COMMAND_OPEN_WINDOW:
    case BS_COMMAND_CLOSE_WINDOW:
        command->as.window.pool = bs_read_name(reader);
        command->as.window.name = bs_read_name(reader);
        return 0;
    case BS_COMMAND_PROVIDER:
        return bs_provider_read(reader, present, &command->as.provider);
    case BS_COMMAND_OWN_FUND:
        return bs_own_fund_read(reader, present, &command->as.own_fund);
    case BS_COMMAND_REQUEST:
        return bs_request_read(reader, &command->as.request);
    case BS_COMMAND_COUNT:
        break;
    }
    reader->bad = true; /* a type byte that no version 1 record has */
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
    ret_command->source = read_optional_name(&reader, ret_command->has_source);
    ret_command->source_seq = ret_command->has_source ? bs_read_u64(&reader) : 0;
    ret_command->sent =
        (struct bs_text){(const char *)record + BS_WIRE_SENT_AT, (uint32_t)size - BS_WIRE_SENT_AT};
    uint32_t allowed = HAS_SOURCE | read_fields(&reader, present, ret_command);
    if (reader.bad || reader.at != reader.end || (present & ~allowed) != 0) {
        return BS_BAD_RECORD;
    }
    return BS_OK;
}
