/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bodies of every route. An input is a line "POST /v1/positions" or "POST /v1/positions ndjson",
 * then the body. Of a body of commands: the small and the bulk parser agree in every byte, each
 * record decodes and encodes to itself, and lines are what the same items are in a list. Of any
 * other: it says the same whichever parser read it.
 */
#include "api/json_read.h"
#include "api/json_state.h"
#include "api/json_webhook.h"
#include "daemon/http/connection.h"
#include "daemon/webhooks/webhooks.h"
#include "tests/fuzz/fuzz.h"

struct parsed {
    bool good;
    struct api_batch batch;
    struct api_error error;
};

/* What lies behind the body is JSON that must never be looked at. */
static char *with_padding(const struct api_body *body)
{
    char *copy = fuzz_copy(body->bytes, body->size, API_BODY_PADDING);
    for (size_t i = 0; i < API_BODY_PADDING; i++) {
        copy[body->size + i] = "\"}],{\"a\":1}"[i % 11];
    }
    return copy;
}

static void parse(struct parsed *parsed, const struct api_route *route, struct api_body body)
{
    char *copy = with_padding(&body);
    body.bytes = copy;
    memset(parsed, 0, sizeof *parsed);
    parsed->good = api_parse_body(&parsed->batch, route, &body, &parsed->error);
    free(copy);
}

static void check_record(const uint8_t *record, size_t size)
{
    struct bs_command command;
    enum bs_status status = bs_command_decode(record, size, &command);
    assert(status == BS_OK);
    uint8_t *again = malloc(size);
    assert(again != NULL);
    assert(bs_command_encode(&command, again, size) == size);
    assert(memcmp(again, record, size) == 0);
    free(again);
}

static void check_batch(const struct parsed *parsed)
{
    const struct api_batch *batch = &parsed->batch;
    if (!parsed->good) {
        assert(batch->items_count == 0);
        assert(bs_status_name(parsed->error.status) != NULL);
        assert(parsed->error.detail[0] != '\0');
        return;
    }
    assert(batch->items_count > 0);
    assert(batch->records_count + batch->rejections_count == batch->items_count);
    size_t at = 0;
    for (uint32_t i = 0; i < batch->records_count; i++) {
        const uint8_t *record = (const uint8_t *)batch->records.bytes + at;
        check_record(record, bs_record_size(record));
        at += bs_record_size(record);
    }
    assert(at == batch->records.size);
}

static void check_same_batch(const struct api_batch *one, const struct api_batch *other)
{
    assert(one->items_count == other->items_count);
    assert(one->records_count == other->records_count);
    assert(one->records.size == other->records.size);
    assert(one->records.size == 0 ||
           memcmp(one->records.bytes, other->records.bytes, one->records.size) == 0);
    assert((one->record_items == NULL) == (other->record_items == NULL));
    for (uint32_t i = 0; one->record_items != NULL && i < one->records_count; i++) {
        assert(one->record_items[i] == other->record_items[i]);
    }
    assert(one->rejections_count == other->rejections_count);
    for (uint32_t i = 0; i < one->listed_count; i++) {
        assert(one->rejections[i].index == other->rejections[i].index);
        assert(one->rejections[i].status == other->rejections[i].status);
        assert(strcmp(one->rejections[i].detail, other->rejections[i].detail) == 0);
    }
    assert(one->needs.ops == other->needs.ops);
    assert(one->needs.feed == other->needs.feed);
}

/* Lines of objects as one list: the same items, unless what is nested deeply is now too deep. */
static void check_as_list(const struct api_route *route, const struct api_body *lines,
                          const struct parsed *expected)
{
    struct buffer list = {0};
    struct fuzz_input input = {(const uint8_t *)lines->bytes, lines->size};
    while (input.left > 0) {
        struct bs_text line = fuzz_until(&input, '\n');
        size_t blanks = 0;
        while (blanks < line.size && strchr(" \t\r", line.bytes[blanks]) != NULL &&
               line.bytes[blanks] != '\0') {
            blanks++;
        }
        if (blanks < line.size) {
            buffer_text(&list, list.size == 0 ? "[" : ",");
            buffer_append(&list, line.bytes, line.size);
        }
    }
    buffer_text(&list, "]");
    struct parsed parsed;
    parse(&parsed, route,
          (struct api_body){.bytes = list.bytes, .size = list.size, .bulk = lines->bulk});
    if (parsed.good) {
        check_same_batch(&parsed.batch, &expected->batch);
    } else {
        assert(strstr(parsed.error.detail, "nested") != NULL);
    }
    api_batch_fini(&parsed.batch);
    buffer_fini(&list);
}

static void check_commands(const struct api_route *route, struct api_body body)
{
    struct parsed small;
    struct parsed bulk;
    parse(&small, route, body);
    body.bulk = true;
    parse(&bulk, route, body);
    check_batch(&small);
    check_batch(&bulk);
    assert(small.good == bulk.good);
    if (small.good) {
        check_same_batch(&small.batch, &bulk.batch);
        assert(small.batch.is_list == bulk.batch.is_list);
    } else {
        assert(small.error.status == bulk.error.status);
        assert(strcmp(small.error.detail, bulk.error.detail) == 0);
    }
    if (body.ndjson && bulk.good && bulk.batch.is_list) {
        check_as_list(route, &body, &bulk);
    }
    api_batch_fini(&small.batch);
    api_batch_fini(&bulk.batch);
}

static void put_name(struct buffer *out, const struct api_name *name)
{
    assert(name->size <= sizeof name->bytes);
    buffer_append(out, name->bytes, name->size);
    buffer_text(out, ";");
}

static void put_simulation(struct buffer *out, const struct api_simulation *asked)
{
    put_name(out, &asked->pool);
    put_name(out, &asked->account);
    buffer_printf(
        out, "%d %ld %d %d %u\n", asked->has_fund, asked->has_fund ? (long)asked->fund.mantissa : 0,
        asked->has_fund ? asked->fund.exponent : 0, asked->close_period, asked->actions_limit);
    assert(asked->shocks_count <= API_SHOCKS_MAX);
    for (uint32_t i = 0; i < asked->shocks_count; i++) {
        const struct bs_what_if_mark *mark = &asked->shocks[i].mark;
        put_name(out, &asked->shocks[i].market);
        buffer_printf(out, "%d %ld %d %ld\n", mark->by_price, (long)mark->price.mantissa,
                      mark->price.exponent, (long)mark->move_ppm);
    }
    assert(asked->waterfalls_count >= 1);
    assert(asked->waterfalls_count <= API_WATERFALLS_MAX);
    for (uint32_t i = 0; i < asked->waterfalls_count; i++) {
        const struct api_waterfall *waterfall = &asked->waterfalls[i];
        put_name(out, &waterfall->name);
        buffer_printf(out, "%d ", waterfall->current);
        api_layers(out, waterfall->layers, waterfall->layers_count);
    }
}

static void put_webhook(struct buffer *out, const struct api_webhook *asked)
{
    assert(asked->events != 0);
    assert(api_webhook_order_name(asked->order) != NULL);
    assert(api_webhook_signature_name(asked->signature) != NULL);
    assert(asked->batch_max >= 1);
    assert(asked->batch_max <= API_BATCH_MAX);
    buffer_printf(out, "%s %s %d %d %u %d %llu ", asked->url, asked->secret, asked->order,
                  asked->signature, asked->batch_max, asked->has_after,
                  (unsigned long long)asked->after.ordinal);
    api_webhook_filter(out, asked);
}

static bool read_webhook(struct buffer *out, uint8_t verb, const char *bytes, size_t size,
                         struct api_error *error)
{
    struct api_webhook webhook = {0};
    struct api_redeliver redeliver = {0};
    struct api_rotate rotate = {0};
    if (verb == WEBHOOKS_CREATE && api_webhook_parse(&webhook, bytes, size, error)) {
        put_webhook(out, &webhook);
        return true;
    }
    if (verb == WEBHOOKS_REDELIVER && api_redeliver_parse(&redeliver, bytes, size, error)) {
        assert(redeliver.from.ordinal <= redeliver.to.ordinal);
        buffer_printf(out, "%llu %llu", (unsigned long long)redeliver.from.ordinal,
                      (unsigned long long)redeliver.to.ordinal);
        return true;
    }
    if (verb == WEBHOOKS_ROTATE && api_rotate_parse(&rotate, bytes, size, error)) {
        assert(rotate.overlap_s <= API_OVERLAP_S_MAX);
        buffer_printf(out, "%s %u", rotate.secret, rotate.overlap_s);
        return true;
    }
    return false;
}

/* What the body asks for, as text; else the code of its refusal. */
static void read_object(struct buffer *out, const struct route *route, const struct api_body *body)
{
    static struct api_simulation asked;
    struct api_error error = {.status = BS_OK};
    char *bytes = with_padding(body);
    bool good = false;
    memset(&asked, 0, sizeof asked);
    buffer_clear(out);
    if (route_is_webhook(route)) {
        good = read_webhook(out, route->command, bytes, body->size, &error);
    } else {
        good = strchr(route->pattern, '#') != NULL
                   ? api_comparison_parse(&asked, bytes, body->size, &error)
                   : api_simulation_parse(&asked, bytes, body->size, &error);
        if (good) {
            put_simulation(out, &asked);
        }
    }
    if (!good) {
        buffer_text(out, bs_status_name(error.status));
        assert(error.status == BS_OK || error.detail[0] != '\0'); /* OK: a verb without a body */
    }
    free(bytes);
}

/* Blanks behind it make a body large. */
static void check_object(const struct route *route, const struct api_body *body)
{
    struct buffer small = {0};
    struct buffer bulk = {0};
    struct buffer longer = {0};
    buffer_append(&longer, body->bytes, body->size);
    for (size_t i = 0; i <= API_SMALL_SIZE_MAX; i++) {
        buffer_text(&longer, " ");
    }
    read_object(&small, route, body);
    read_object(&bulk, route, &(struct api_body){.bytes = longer.bytes, .size = longer.size});
    assert(small.size == bulk.size);
    assert(memcmp(small.bytes, bulk.bytes, small.size) == 0);
    buffer_fini(&small);
    buffer_fini(&bulk);
    buffer_fini(&longer);
}

static bool find_route(struct connection *connection, struct bs_text line, bool *ret_ndjson)
{
    struct fuzz_input words = {(const uint8_t *)line.bytes, line.size};
    char *method = fuzz_string(fuzz_until(&words, ' '));
    char *target = fuzz_string(fuzz_until(&words, ' '));
    *ret_ndjson = fuzz_is(fuzz_until(&words, ' '), "ndjson");
    bool found = route_find(connection, method, target) == BS_OK;
    free(method);
    free(target);
    return found && connection->route->takes_body;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct connection connection;
    struct fuzz_input input = {data, size};
    struct api_body body = {0};
    memset(&connection, 0, sizeof connection);
    if (!find_route(&connection, fuzz_until(&input, '\n'), &body.ndjson)) {
        return 0;
    }
    body.bytes = (const char *)input.at;
    body.size = input.left;
    const struct route *route = connection.route;
    if (!route_is_write(route)) {
        check_object(route, &body);
        return 0;
    }
    const struct api_route meaning = {.type = route->command,
                                      .path_name = query_name(&connection.query, NAME_PATH),
                                      .path_number = connection.path_number};
    check_commands(&meaning, body);
    return 0;
}
