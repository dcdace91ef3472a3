/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A body in three layers: a parser turns text into tokens (json_small.c, json_bulk.cpp), item.c
 * turns the tokens of one item into a record, and here the batch is put together.
 *
 * The two parsers differ in what they refuse, so the order is fixed: jansson if the body is small;
 * simdjson if it is not, or if jansson refused; simdjson once more if the body has numbers that it
 * cannot hold. A text that is still refused is not JSON, and jansson says where.
 */
#include "api/json_command.h"

#include <stdio.h>
#include <stdlib.h>

#include "api/item.h"
#include "api/json_read.h"
#include "api/text.h"

_Static_assert(API_BODY_PADDING >= JSON_PADDING, "the bulk reader may look at the padding");

/* One call of api_parse. */
struct parse {
    struct api_batch *batch;
    const struct api_route *route;
    struct api_error *error;
    struct json_sink sink;
    api_object_fn object; /* of api_parse_object; NULL: the items are commands */
    void *user;
    bool bulk;
    bool single;  /* the path takes one object */
    bool line;    /* NDJSON: the text is one line and must be one object */
    bool skip;    /* the line is a list: refused as one item */
    bool stopped; /* *error is set */
    uint32_t line_number;
};

/* NULL: the batch has failed, and the array is as it was. */
static void *resize(struct api_batch *batch, void *array, uint32_t capacity, size_t element_size)
{
    void *resized = realloc(array, capacity * element_size);
    batch->failed = batch->failed || resized == NULL;
    return resized;
}

bool api_batch_failed(const struct api_batch *batch)
{
    return batch->failed || batch->records.failed;
}

bool api_name_valid(struct bs_text name)
{
    return name.size > 0 && name.size <= BS_ID_SIZE_MAX && text_is_clean(name);
}

static bool reserve_rejections(struct api_batch *batch, uint32_t capacity)
{
    struct api_rejection *resized =
        resize(batch, batch->rejections, capacity, sizeof(batch->rejections[0]));
    if (resized == NULL) {
        return false;
    }
    batch->rejections = resized;
    batch->rejections_capacity = capacity;
    return true;
}

bool api_batch_reserve(struct api_batch *batch)
{
    uint32_t more = batch->records_count < API_LISTED_MAX ? batch->records_count : API_LISTED_MAX;
    uint32_t needed = batch->parser_listed_count + more;
    assert(batch->listed_count == batch->parser_listed_count);
    return needed <= batch->rejections_capacity || reserve_rejections(batch, needed);
}

/* NULL: the batch has failed. */
static struct api_rejection *list_rejection(struct api_batch *batch, uint32_t index,
                                            enum bs_status status, const char *field)
{
    if (batch->listed_count == batch->rejections_capacity &&
        !reserve_rejections(batch, 16 + 2 * batch->rejections_capacity)) {
        return NULL;
    }
    struct api_rejection *rejection = &batch->rejections[batch->listed_count++];
    rejection->index = index;
    rejection->status = status;
    rejection->state = NULL;
    bool named = field != NULL && field[0] != '\0';
    (void)snprintf(rejection->detail, sizeof(rejection->detail), "%s%s%s", named ? field : "",
                   named ? ": " : "", bs_status_sentence(status));
    return rejection;
}

void api_batch_reject(struct api_batch *batch, uint32_t index, enum bs_status status,
                      const char *field)
{
    assert(batch->listed_count == batch->parser_listed_count);
    batch->rejections_count++;
    if (batch->listed_count < API_LISTED_MAX) {
        batch->parser_listed_count += list_rejection(batch, index, status, field) != NULL ? 1 : 0;
        return;
    }
    if (batch->unlisted_count == batch->unlisted_capacity) {
        uint32_t capacity = API_LISTED_MAX + 2 * batch->unlisted_capacity;
        struct api_unlisted *resized =
            resize(batch, batch->unlisted, capacity, sizeof(batch->unlisted[0]));
        if (resized == NULL) {
            return;
        }
        batch->unlisted = resized;
        batch->unlisted_capacity = capacity;
    }
    batch->unlisted[batch->unlisted_count++] = (struct api_unlisted){index, status};
}

struct api_rejection *api_batch_reject_record(struct api_batch *batch, uint32_t index,
                                              enum bs_status status, const char *field)
{
    batch->rejections_count++;
    assert(batch->rejections_count <= batch->items_count);
    if (batch->listed_count - batch->parser_listed_count == API_LISTED_MAX) {
        return NULL;
    }
    return list_rejection(batch, index, status, field);
}

static bool map_items(struct api_batch *batch)
{
    uint32_t capacity = 16 + 2 * batch->records_count;
    uint32_t *resized =
        resize(batch, batch->record_items, capacity, sizeof(batch->record_items[0]));
    if (resized == NULL) {
        return false;
    }
    batch->record_items = resized;
    batch->record_items_capacity = capacity;
    return true;
}

/* Items and records part at the first rejected item: from there on record_items pairs them. */
static void reject_item(struct api_batch *batch, const struct fault *fault)
{
    if (batch->record_items == NULL) {
        bool is_mapped = map_items(batch);
        for (uint32_t i = 0; is_mapped && i < batch->records_count; i++) {
            batch->record_items[i] = i;
        }
    }
    api_batch_reject(batch, batch->items_count++, fault->status, fault->field);
}

static void accept_item(struct api_batch *batch)
{
    if (batch->record_items != NULL &&
        (batch->records_count < batch->record_items_capacity || map_items(batch))) {
        batch->record_items[batch->records_count] = batch->items_count;
    }
    batch->records_count++;
    batch->items_count++;
}

void api_batch_add(struct api_batch *batch, const struct bs_command *command)
{
    assert(bs_command_is_named(command->type));
    struct fault fault = {.status = BS_INVALID_NAME};
    item_note_type(&batch->needs, command->type, false);
    if (!api_name_valid(command->as.name.name)) {
        reject_item(batch, &fault);
        return;
    }
    if (!buffer_reserve(&batch->records, BS_RECORD_HEADER_SIZE + 2 * (UINT8_MAX + 1))) {
        return;
    }
    batch->records.size +=
        bs_command_encode(command, (uint8_t *)batch->records.bytes + batch->records.size,
                          batch->records.capacity - batch->records.size);
    accept_item(batch);
}

void api_batch_clear(struct api_batch *batch)
{
    for (uint32_t i = 0; i < batch->listed_count; i++) {
        free(batch->rejections[i].state);
    }
    free(batch->record_items); /* NULL has a meaning: all items became records */
    batch->record_items = NULL;
    batch->record_items_capacity = 0;
    buffer_clear(&batch->records);
    batch->records_count = 0;
    batch->items_count = 0;
    batch->rejections_count = 0;
    batch->listed_count = 0;
    batch->parser_listed_count = 0;
    free(batch->unlisted); /* few requests have any */
    batch->unlisted = NULL;
    batch->unlisted_count = 0;
    batch->unlisted_capacity = 0;
    batch->is_list = false;
    batch->failed = false;
    batch->needs = (struct api_needs){0};
}

void api_batch_fini(struct api_batch *batch)
{
    api_batch_clear(batch);
    buffer_fini(&batch->records);
    free(batch->rejections);
    *batch = (struct api_batch){0};
}

void api_batch_trim(struct api_batch *batch)
{
    const struct api_batch counts = {.records_count = batch->records_count,
                                     .items_count = batch->items_count,
                                     .rejections_count = batch->rejections_count,
                                     .is_list = batch->is_list,
                                     .needs = batch->needs};
    api_batch_fini(batch);
    *batch = counts;
}

static bool stop(struct parse *parse, enum bs_status status, const char *detail)
{
    parse->stopped = true;
    parse->error->status = status;
    (void)snprintf(parse->error->detail, sizeof(parse->error->detail), "%s",
                   detail != NULL ? detail : bs_status_sentence(status));
    return false;
}

static void on_begin(void *user, bool is_list, size_t count)
{
    struct parse *parse = user;
    struct api_batch *batch = parse->batch;
    bool list_line = parse->line && is_list;
    if (parse->single && (is_list || parse->line)) {
        (void)stop(parse, BS_WRONG_TYPE, "the body: this path takes one JSON object");
    } else if (count > API_ITEMS_MAX - batch->items_count) {
        (void)stop(parse, BS_TOO_MANY_ITEMS, NULL);
    } else if (list_line) {
        reject_item(batch, &(struct fault){.status = BS_NOT_AN_OBJECT});
    }
    parse->skip = list_line;
}

static bool take_object(struct parse *parse, const struct json_token *token)
{
    char detail[sizeof(parse->error->detail)];
    struct fault fault = {.status = BS_NOT_AN_OBJECT};
    if (token->kind == TOKEN_OBJECT && parse->object(parse->user, token, &fault)) {
        return true;
    }
    (void)snprintf(detail, sizeof(detail), "%s: %s", fault.field, bs_status_sentence(fault.status));
    return stop(parse, fault.status, fault.field[0] == '\0' ? NULL : detail);
}

static bool on_item(void *user, const struct json_token *token)
{
    struct parse *parse = user;
    struct api_batch *batch = parse->batch;
    if (parse->stopped || parse->skip) {
        return false;
    }
    if (parse->object != NULL) {
        return take_object(parse, token);
    }
    struct fault fault;
    if (item_write(parse->route, token, &batch->records, &batch->needs, &fault)) {
        accept_item(batch);
    } else {
        reject_item(batch, &fault);
    }
    return !api_batch_failed(batch);
}

/* Not JSON: says where, and in NDJSON counts lines of the body. */
static bool stop_invalid(struct parse *parse, const char *text, size_t size)
{
    char detail[sizeof(parse->error->detail)];
    struct json_position position = {.line = 1, .column = 1};
    if (!json_locate(text, size, &position)) {
        (void)snprintf(position.message, sizeof(position.message),
                       "nested more than %d levels deep", JSON_DEPTH_MAX);
    }
    (void)snprintf(detail, sizeof(detail), "line %u column %d: %s",
                   parse->line ? parse->line_number : (unsigned)position.line, position.column,
                   position.message);
    return stop(parse, BS_INVALID_JSON, detail);
}

/* The text that is refused below, if it is, is the one that was sent: its places are meant. */
static bool read_marked(struct parse *parse, const char *marked, size_t size)
{
    if (json_read_bulk(&parse->sink, marked, size)) {
        return true;
    }
    char *clamped = json_clamp_numbers(marked, size, &parse->sink.tokens.failed);
    bool is_read = clamped != NULL && json_read_bulk(&parse->sink, clamped, size);
    free(clamped);
    return is_read;
}

/* False: it is not JSON, which is said where, or the tokens have failed. */
static bool read_plain(struct parse *parse, const char *text, size_t size)
{
    bool *failed = &parse->sink.tokens.failed;
    bool is_read = (!parse->bulk && json_read_small(&parse->sink, text, size)) ||
                   (!*failed && json_read_bulk(&parse->sink, text, size));
    if (is_read || *failed) {
        return is_read;
    }
    char *clamped = json_clamp_numbers(text, size, failed);
    if (clamped == NULL) {
        return !*failed && stop_invalid(parse, text, size);
    }
    is_read = json_read_bulk(&parse->sink, clamped, size);
    if (!is_read && !*failed) {
        (void)stop_invalid(parse, clamped, size);
    }
    free(clamped);
    return is_read;
}

static bool read_text(struct parse *parse, const char *text, size_t size)
{
    size_t marked_size;
    bool *failed = &parse->sink.tokens.failed;
    char *marked = json_mark_minus_zeros(text, size, &marked_size, failed);
    bool is_read = marked != NULL && read_marked(parse, marked, marked_size);
    free(marked);
    if (!is_read && !*failed) {
        is_read = read_plain(parse, text, size);
    }
    if (*failed || api_batch_failed(parse->batch)) {
        return stop(parse, BS_OUT_OF_MEMORY, NULL);
    }
    return is_read && !parse->stopped;
}

static bool is_blank(const char *text, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        if (text[i] != ' ' && text[i] != '\t' && text[i] != '\r' && text[i] != '\n') {
            return false;
        }
    }
    return true;
}

static bool read_lines(struct parse *parse, const char *bytes, size_t size)
{
    parse->line = true;
    for (size_t at = 0; at < size;) {
        const char *newline = memchr(bytes + at, '\n', size - at);
        size_t line_size = newline != NULL ? (size_t)(newline - (bytes + at)) : size - at;
        parse->line_number++;
        if (!is_blank(bytes + at, line_size) && !read_text(parse, bytes + at, line_size)) {
            return false;
        }
        at += line_size + 1;
    }
    return true;
}

bool api_parse_body(struct api_batch *batch, const struct api_route *route,
                    const struct api_body *body, struct api_error *ret_error)
{
    api_batch_clear(batch);
    bool named = route->path_name.size > 0;
    struct parse parse = {
        .batch = batch,
        .route = route,
        .error = ret_error,
        .bulk = body->bulk,
        .single = named && route->type != BS_COMMAND_INSURANCE_FUND,
        .sink = {.begin = on_begin, .item = on_item},
    };
    parse.sink.user = &parse;
    bool good;
    if (named && !api_name_valid(route->path_name)) {
        good = stop(&parse, BS_INVALID_NAME, NULL);
    } else if (is_blank(body->bytes, body->size)) {
        good = stop(&parse, BS_EMPTY_BODY, NULL);
    } else if (body->ndjson) {
        good = read_lines(&parse, body->bytes, body->size);
    } else {
        good = read_text(&parse, body->bytes, body->size);
    }
    free(parse.sink.tokens.tokens);
    batch->is_list = !parse.single;
    if (good && batch->items_count == 0) {
        good = stop(&parse, BS_EMPTY_BODY, NULL);
    }
    if (!good) {
        api_batch_clear(batch);
    }
    return good;
}

bool api_parse_object(const char *bytes, size_t size, api_object_fn fn, void *user,
                      struct api_error *ret_error)
{
    struct api_batch batch = {0};
    struct parse parse = {
        .batch = &batch,
        .error = ret_error,
        .object = fn,
        .user = user,
        .bulk = size > API_SMALL_SIZE_MAX,
        .single = true,
        .sink = {.begin = on_begin, .item = on_item},
    };
    parse.sink.user = &parse;
    bool good =
        is_blank(bytes, size) ? stop(&parse, BS_EMPTY_BODY, NULL) : read_text(&parse, bytes, size);
    free(parse.sink.tokens.tokens);
    return good;
}

bool api_parse(struct api_batch *batch, const struct api_route *route, const char *bytes,
               size_t size, bool ndjson, struct api_error *ret_error)
{
    const struct api_body body = {
        .bytes = bytes,
        .size = size,
        .ndjson = ndjson,
        .bulk = size > API_SMALL_SIZE_MAX,
    };
    return api_parse_body(batch, route, &body, ret_error);
}
