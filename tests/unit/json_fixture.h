/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Gives a body to both parsers, whose results must be the same bytes. The padding behind each body
 * is filled with JSON that must never be looked at.
 */
#ifndef JSON_FIXTURE_H
#define JSON_FIXTURE_H

#include <check.h>
#include <stdio.h>
#include <stdlib.h>

#include "api/json_read.h"

struct outcome {
    bool good;
    struct api_batch batch;
    struct api_error error;
};

/* Parses a copy in memory of its own, followed by misleading padding. */
static void parse(struct outcome *outcome, const struct api_route *route,
                  const struct api_body *body)
{
    char *copy = malloc(body->size + API_BODY_PADDING);
    memcpy(copy, body->bytes, body->size);
    for (size_t i = 0; i < API_BODY_PADDING; i++) {
        copy[body->size + i] = "\"}],{\"a\":1}"[i % 11];
    }
    struct api_body exact = *body;
    exact.bytes = copy;
    memset(outcome, 0, sizeof(*outcome));
    outcome->good = api_parse_body(&outcome->batch, route, &exact, &outcome->error);
    free(copy);
}

/* A decoded record as one line, so that expectations can be read. */
static void describe_record(struct buffer *out, const uint8_t *record, size_t size)
{
    struct bs_command command;
    ck_assert_int_eq(bs_command_decode(record, size, &command), BS_OK);
    buffer_text(out, bs_command_type_name(command.type));
    if (command.type == BS_COMMAND_POSITION) {
        const struct bs_position_command *position = &command.as.position;
        buffer_printf(out, " %.*s %.*s %lde%d", (int)position->account.size,
                      position->account.bytes, (int)position->item.market.size,
                      position->item.market.bytes, (long)position->item.size.mantissa,
                      position->item.size.exponent);
        if (position->item.has_entry_price) {
            buffer_printf(out, " @ %lde%d", (long)position->item.entry_price.mantissa,
                          position->item.entry_price.exponent);
        }
        if (position->item.adl_priority != BS_PRIORITY_NONE) {
            buffer_printf(out, " priority %u", position->item.adl_priority);
        }
        if (position->item.has_collateral) {
            buffer_printf(out, " isolated %lde%d", (long)position->item.collateral.mantissa,
                          position->item.collateral.exponent);
        }
        buffer_printf(out, " seen %lu", (unsigned long)position->seen_action);
    }
}

/* "(size)" of the detail "size: sentence", "" of the sentence alone. */
static const char *fault_field(const struct api_rejection *rejection)
{
    static char field[sizeof(rejection->detail) + 3];
    const char *sentence = bs_status_sentence(rejection->status);
    size_t size = strlen(rejection->detail);
    ck_assert_uint_ge(size, strlen(sentence));
    size -= strlen(sentence);
    ck_assert_str_eq(rejection->detail + size, sentence);
    if (size == 0) {
        return "";
    }
    ck_assert_mem_eq(rejection->detail + size - 2, ": ", 2);
    (void)snprintf(field, sizeof(field), "(%.*s)", (int)size - 2, rejection->detail);
    return field;
}

static void describe(struct buffer *out, const struct outcome *outcome)
{
    buffer_clear(out);
    if (!outcome->good) {
        buffer_printf(out, "%s: %s", bs_status_name(outcome->error.status), outcome->error.detail);
        return;
    }
    const struct api_batch *batch = &outcome->batch;
    const uint8_t *record = (const uint8_t *)batch->records.bytes;
    for (uint32_t i = 0; i < batch->records_count; i++) {
        uint32_t item = batch->record_items != NULL ? batch->record_items[i] : i;
        buffer_printf(out, "%s%u ", out->size > 0 ? "; " : "", item);
        describe_record(out, record, bs_record_size(record));
        record += bs_record_size(record);
    }
    ck_assert(batch->records_count == 0 ||
              (const char *)record == batch->records.bytes + batch->records.size);
    for (uint32_t i = 0; i < batch->listed_count; i++) {
        const struct api_rejection *rejection = &batch->rejections[i];
        buffer_printf(out, "%s%u %s%s", out->size > 0 ? "; " : "", rejection->index,
                      bs_status_name(rejection->status), fault_field(rejection));
    }
    ck_assert_uint_eq(batch->records_count + batch->rejections_count, batch->items_count);
}

/* Both parsers must agree in every byte; returns what came out. */
static inline const char *parse_both(const struct api_route *route, const char *bytes, size_t size,
                                     bool ndjson)
{
    static struct buffer small_text;
    static struct buffer bulk_text;
    struct outcome small;
    struct outcome bulk;
    struct api_body body = {.bytes = bytes, .size = size, .ndjson = ndjson};
    parse(&small, route, &body);
    body.bulk = true;
    parse(&bulk, route, &body);
    describe(&small_text, &small);
    describe(&bulk_text, &bulk);
    ck_assert_msg(strcmp(small_text.bytes, bulk_text.bytes) == 0,
                  "the parsers differ on %.*s\nsmall: %s\nbulk:  %s", (int)size, bytes,
                  small_text.bytes, bulk_text.bytes);
    ck_assert_uint_eq(small.batch.is_list, bulk.batch.is_list);
    ck_assert_uint_eq(small.batch.needs.ops, bulk.batch.needs.ops);
    ck_assert_uint_eq(small.batch.needs.feed, bulk.batch.needs.feed);
    ck_assert_uint_eq(small.batch.records.size, bulk.batch.records.size);
    if (small.batch.records.size > 0) {
        ck_assert_mem_eq(small.batch.records.bytes, bulk.batch.records.bytes,
                         small.batch.records.size);
    }
    api_batch_fini(&small.batch);
    api_batch_fini(&bulk.batch);
    return bulk_text.bytes;
}

#endif
