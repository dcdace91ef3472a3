/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Records as they might lie in a damaged or hostile log: commands, actions, batches. An input is
 *
 *     C commands as NDJSON, 0, patches     of their records: each two bytes of place, one of value
 *     A what an action is made of, 0, patches
 *     R the bytes of one record
 *
 * What decodes encodes to the same bytes, can be stepped by an engine whatever it says, and can be
 * printed; what does not decode does no harm.
 */
#include <stdio.h>

#include "api/json_read.h"
#include "api/json_state.h"
#include "daemon/log/batch_check.h"
#include "daemon/log/chain.h"
#include "lib/record/wire.h"
#include "tests/fuzz/engine.h"
#include "tests/fuzz/fuzz.h"

static const char world[] =
    "{\"type\":\"pool\",\"pool\":\"p\",\"asset\":\"USD\",\"decimals\":2,\"mark_max_age_ms\":0}\n"
    "{\"type\":\"market\",\"market\":\"m\",\"pool\":\"p\",\"contract\":\"linear\",\"tick_size\":"
    "\"1\","
    "\"lot_size\":\"1\",\"maintenance_margin_ppm\":5000}\n"
    "{\"type\":\"account\",\"account\":\"a\",\"pool\":\"p\",\"collateral\":\"10\",\"positions\":"
    "[{\"market\":\"m\",\"size\":1,\"entry_price\":100}]}\n"
    "{\"type\":\"account\",\"account\":\"b\",\"pool\":\"p\",\"collateral\":\"10\",\"positions\":"
    "[{\"market\":\"m\",\"size\":-1,\"entry_price\":100}]}\n"
    "{\"type\":\"mark\",\"market\":\"m\",\"price\":\"80\"}\n"
    "{\"type\":\"resume\",\"pool\":\"p\"}\n";

/* ---- what bytes mean ---- */

static void patch(uint8_t *bytes, size_t size, struct fuzz_input *patches)
{
    while (patches->left >= 3 && size > 0) {
        size_t at = (size_t)fuzz_bytes(patches, 2) % size;
        bytes[at] = fuzz_byte(patches);
    }
}

static bool read_commands(struct api_batch *batch, struct bs_text text)
{
    struct api_route route = {0};
    struct api_error error;
    char *body = fuzz_copy(text.bytes, text.size, API_BODY_PADDING);
    bool good = api_parse(batch, &route, body, text.size, true, &error);
    free(body);
    return good;
}

static struct bs_text some_text(struct fuzz_input *input, uint32_t size_max)
{
    static const char letters[] =
        "backstop:alice\"\\\x01\xc3\xa9 0123456789abcdefghijklmnopqrstuvwxyz"
        "ABCDEFGHIJKLMNOPQRSTUVWXYZ..........";
    uint32_t size = fuzz_byte(input) % (size_max + 1);
    return (struct bs_text){letters, size < sizeof letters ? size : (uint32_t)sizeof letters - 1};
}

static struct bs_wide some_wide(struct fuzz_input *input)
{
    uint8_t shape = fuzz_byte(input);
    bs_i128 mantissa = (int8_t)fuzz_byte(input);
    for (uint8_t i = 0; i < shape >> 4; i++) {
        mantissa = (bs_i128)((bs_u128)mantissa << 8 | fuzz_byte(input));
    }
    return (struct bs_wide){.mantissa = mantissa, .exponent = -(int32_t)(shape & 15)};
}

static size_t make_action(uint8_t record[BS_ACTION_RECORD_SIZE_MAX], struct fuzz_input input)
{
    struct bs_action action = {.type = fuzz_byte(&input) % BS_ACTION_COUNT};
    action.present = (uint32_t)fuzz_bytes(&input, 4);
    action.ordinal = fuzz_bytes(&input, 1);
    action.id = fuzz_bytes(&input, 1);
    action.settlement = fuzz_bytes(&input, 1);
    action.time_ms = (int64_t)fuzz_bytes(&input, 8);
    action.side = fuzz_byte(&input) % 2;
    action.ranking = fuzz_byte(&input) % BS_RANKING_COUNT;
    action.basis = fuzz_byte(&input) % BS_BASIS_COUNT;
    action.rank = fuzz_bytes(&input, 2);
    action.hits = (uint32_t)fuzz_bytes(&input, 2);
    action.reverses = fuzz_bytes(&input, 1);
    action.pool = some_text(&input, BS_ID_SIZE_MAX - 1);
    action.pool.size++;
    action.account = some_text(&input, BS_ID_SIZE_MAX);
    action.market = some_text(&input, BS_ID_SIZE_MAX);
    action.counterparty = some_text(&input, BS_ID_SIZE_MAX);
    action.reason = some_text(&input, BS_REASON_SIZE_MAX);
    action.queue.present = fuzz_byte(&input);
    action.queue.tier = fuzz_byte(&input) % BS_ACTION_TIERS;
    action.queue.ahead_tier = fuzz_byte(&input) % BS_ACTION_TIERS;
    action.queue.ahead = some_text(&input, BS_ID_SIZE_MAX);
    for (uint32_t i = 0; i < BS_ACTION_DECIMAL_COUNT; i++) {
        action.decimals[i] = some_wide(&input);
    }
    for (uint32_t i = 0; i < BS_ACTION_INPUT_COUNT; i++) {
        action.queue.inputs[i] = some_wide(&input);
    }
    return bs_action_encode(&action, record);
}

/* ---- what must hold ---- */

static void check_command(struct fuzz_engine *engine, const uint8_t *record, size_t size)
{
    struct bs_command command;
    if (bs_command_decode(record, size, &command) != BS_OK) {
        return;
    }
    uint8_t *again = malloc(size);
    assert(again != NULL);
    size_t again_size = bs_command_encode(&command, again, size);
    assert(again_size == size);
    memcpy(again + BS_WIRE_CRC_AT, record + BS_WIRE_CRC_AT, 4);
    assert(memcmp(again, record, size) == 0);
    bs_record_stamp(again, bs_engine_seq(engine->engine) + 1, engine->time_ms);
    assert(bs_record_checksum_ok(again, size));
    enum bs_status status = bs_command_decode(again, size, &command);
    assert(status == BS_OK);
    (void)fuzz_engine_step(engine, &command);
    free(again);
}

static void check_action(const uint8_t *bytes, size_t size)
{
    uint8_t again[BS_ACTION_RECORD_SIZE_MAX];
    struct bs_action action;
    struct buffer text = {0};
    struct buffer scratch = {0};
    if (bs_action_decode(bytes, size, &action) != BS_OK) {
        return;
    }
    assert(bs_action_encode(&action, again) == size);
    assert(memcmp(again, bytes, size) == 0);
    api_action(&text, &action, (struct api_origin){0});
    api_action_canonical(&text, &action);
    struct log_action_row row = {.ordinal = action.ordinal,
                                 .id = action.id,
                                 .settlement = action.settlement,
                                 .type = action.type,
                                 .pool = action.pool,
                                 .account = action.account,
                                 .record = bytes,
                                 .record_size = (uint32_t)size};
    uint8_t hash[LOG_HASH_SIZE] = {0};
    int result = chain_action(hash, hash, &row, &scratch);
    assert(result == 0);
    row.ordinal++; /* a row that is not its record's */
    result = chain_action(hash, hash, &row, &scratch);
    assert(result != 0);
    buffer_fini(&text);
    buffer_fini(&scratch);
}

static void check_settlement(const uint8_t *bytes, size_t size)
{
    uint8_t again[BS_SETTLEMENT_RECORD_SIZE_MAX];
    struct bs_settlement settlement;
    struct buffer text = {0};
    if (bs_settlement_decode(bytes, size, &settlement) != BS_OK) {
        return;
    }
    assert(bs_settlement_encode(&settlement, again) == size);
    assert(memcmp(again, bytes, size) == 0);
    api_settlement(&text, &settlement);
    buffer_fini(&text);
}

static bool on_records(void *user, uint64_t first_seq, uint32_t count, const uint8_t *records,
                       size_t size)
{
    size_t at = 0;
    for (uint32_t i = 0; i < count; i++) {
        assert(at < size);
        assert(bs_wire_u64(records + at + BS_WIRE_SEQ_AT) == first_seq + i);
        at += bs_record_size(records + at);
    }
    assert(at == size);
    *(uint32_t *)user += count;
    return true;
}

/* As one row of the log, of `count` records that may or may not be there. */
static void check_row(const uint8_t *bytes, size_t size, uint32_t count)
{
    char error[LOG_ERROR_SIZE];
    uint32_t delivered = 0;
    uint8_t link[LOG_HASH_SIZE] = {0};
    struct batch_check check = {.fn = on_records, .user = &delivered};
    int result = chain_link(link, check.link, bytes, size);
    assert(result == 0);
    struct batch_row row = {.where = "fuzz",
                            .first_seq = 1,
                            .count = count,
                            .link = link,
                            .records = bytes,
                            .size = size};
    result = batch_check_row(&check, &row, error);
    assert(delivered == (result == 0 ? count : 0));
}

/* ---- inputs ---- */

static void try_commands(struct fuzz_engine *engine, struct fuzz_input input)
{
    struct api_batch batch = {0};
    struct bs_text text = fuzz_until(&input, '\0');
    if (read_commands(&batch, text) && batch.records_count > 0) {
        size_t size = batch.records.size;
        uint8_t *bytes = (uint8_t *)fuzz_copy(batch.records.bytes, size, 0);
        uint64_t seq = 1;
        for (size_t at = 0; at < size; at += bs_record_size(bytes + at)) {
            bs_record_stamp(bytes + at, seq++, engine->time_ms);
        }
        check_row(bytes, size, batch.records_count);
        patch(bytes, size, &input);
        check_row(bytes, size, batch.records_count);
        for (size_t at = 0; size - at >= BS_RECORD_HEADER_SIZE;) {
            size_t record = bs_record_size(bytes + at);
            record = record < size - at ? record : size - at;
            uint8_t *copy = (uint8_t *)fuzz_copy(bytes + at, record, 0);
            check_command(engine, copy, record);
            free(copy);
            at += record;
        }
        free(bytes);
    }
    api_batch_fini(&batch);
}

static void seal(uint8_t *record, size_t size)
{
    bs_wire_put_u32(record + BS_WIRE_CRC_AT,
                    bs_crc32c(0, record + BS_WIRE_SEQ_AT, size - BS_WIRE_SEQ_AT));
}

static void try_action(struct fuzz_input input)
{
    uint8_t record[BS_ACTION_RECORD_SIZE_MAX];
    struct bs_text made_of = fuzz_until(&input, '\0');
    size_t size =
        make_action(record, (struct fuzz_input){(const uint8_t *)made_of.bytes, made_of.size});
    check_action(record, size);
    patch(record, size, &input);
    seal(record, size);
    uint8_t *copy = (uint8_t *)fuzz_copy(record, size, 0);
    check_action(copy, size);
    free(copy);
}

/* The size that its header says is put right, or most inputs would end there. */
static void try_bytes(struct fuzz_engine *engine, struct fuzz_input input)
{
    uint8_t *bytes = (uint8_t *)fuzz_copy(input.at, input.left, 0);
    check_row(bytes, input.left, 1);
    if (input.left >= BS_RECORD_HEADER_SIZE) {
        bs_wire_put_u32(bytes + BS_WIRE_SIZE_AT, (uint32_t)input.left);
        seal(bytes, input.left);
    }
    check_row(bytes, input.left, 1);
    check_command(engine, bytes, input.left);
    check_action(bytes, input.left);
    check_settlement(bytes, input.left);
    free(bytes);
}

static void set_up(struct fuzz_engine *engine)
{
    struct api_batch batch = {0};
    struct bs_command command;
    bool good = read_commands(&batch, (struct bs_text){world, sizeof world - 1});
    assert(good);
    assert(batch.rejections_count == 0);
    for (size_t at = 0; at < batch.records.size;) {
        const uint8_t *record = (const uint8_t *)batch.records.bytes + at;
        at += bs_record_size(record);
        enum bs_status status = bs_command_decode(record, bs_record_size(record), &command);
        assert(status == BS_OK);
        assert(fuzz_engine_step(engine, &command) == BS_OK);
    }
    api_batch_fini(&batch);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct fuzz_engine engine = {.actions_max = FUZZ_ACTIONS_MAX, .is_audited = true};
    struct fuzz_input input = {data, size};
    uint8_t kind = fuzz_byte(&input);
    if (kind == 'A') {
        try_action(input);
        return 0;
    }
    fuzz_engine_clear(&engine);
    set_up(&engine);
    if (kind == 'C') {
        try_commands(&engine, input);
    } else if (kind == 'R') {
        try_bytes(&engine, input);
    }
    return 0;
}
