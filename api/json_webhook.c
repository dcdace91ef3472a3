/* SPDX-License-Identifier: Apache-2.0 */
#include "api/json_webhook.h"

#include "api/fields.h"
#include "api/json_state.h"
#include "api/json_writer.h"
#include "api/text.h"

static const char *const event_names[] = {
#define X(code, number, name, event, ...) [number] = event,
#include "lib/record/actions.def"
#undef X
    [API_EVENT_ENDPOINT_DISABLED] = "webhook.endpoint_disabled",
    [API_EVENT_TEST] = "webhook.test",
    [API_EVENT_DISK] = "disk.room_changed",
};

const char *api_event_name(uint32_t event)
{
    return event < API_EVENT_COUNT ? event_names[event] : NULL;
}

bool api_events_urgent(uint64_t events)
{
    static const uint64_t urgent = 0
#define X(code, number, name, event, is_urgent, ...) | (uint64_t)(is_urgent) << (number)
#include "lib/record/actions.def"
#undef X
        ;
    return (events & urgent) != 0;
}

const char *api_webhook_order_name(uint8_t order)
{
    static const char *const names[] = {[API_IN_ORDER] = "in_order", [API_PARALLEL] = "parallel"};
    return order < sizeof(names) / sizeof(names[0]) ? names[order] : NULL;
}

const char *api_webhook_signature_name(uint8_t signature)
{
    static const char *const names[] = {[API_HMAC] = "hmac", [API_ED25519] = "ed25519"};
    return signature < sizeof(names) / sizeof(names[0]) ? names[signature] : NULL;
}

/* ---- bodies ---- */

/* What the tables of bodies fill; the tokens live while the body is read. */
struct endpoint_body {
    struct bs_text url;
    struct bs_text secret;
    const struct json_token *pools, *accounts, *types;
    uint8_t order;
    uint8_t signature;
    uint32_t batch_max;
    struct bs_text after;
};

struct redeliver_body {
    struct bs_text from, to;
};

struct rotate_body {
    struct bs_text secret;
    uint32_t overlap_s;
};

#define ENDPOINT_AT(member) offsetof(struct endpoint_body, member)

static const struct field endpoint_rows[] = {
    {FIELD("url", FIELD_TEXT, ENDPOINT_AT(url)), .required = true, .max = API_URL_SIZE_MAX},
    {FIELD("pools", FIELD_LIST, ENDPOINT_AT(pools))},
    {FIELD("accounts", FIELD_LIST, ENDPOINT_AT(accounts))},
    {FIELD("types", FIELD_LIST, ENDPOINT_AT(types))},
    {FIELD("order", FIELD_ENUM, ENDPOINT_AT(order)), .names = api_webhook_order_name},
    {FIELD("signature", FIELD_ENUM, ENDPOINT_AT(signature)), .names = api_webhook_signature_name},
    {FIELD("secret", FIELD_TEXT, ENDPOINT_AT(secret)), .max = API_SECRET_SIZE_MAX},
    {FIELD("batch_max", FIELD_U32, ENDPOINT_AT(batch_max)), .max = API_BATCH_MAX},
    {FIELD("after", FIELD_NAME, ENDPOINT_AT(after))},
};

static const struct field redeliver_rows[] = {
    {FIELD("from", FIELD_NAME, offsetof(struct redeliver_body, from)), .required = true},
    {FIELD("to", FIELD_NAME, offsetof(struct redeliver_body, to)), .required = true},
};

static const struct field rotate_rows[] = {
    {FIELD("secret", FIELD_TEXT, offsetof(struct rotate_body, secret)), .max = API_SECRET_SIZE_MAX},
    {FIELD("overlap_s", FIELD_U32, offsetof(struct rotate_body, overlap_s)),
     .max = API_OVERLAP_S_MAX},
};

#define TABLE(rows)                                                                                \
    {                                                                                              \
        .fields = (rows), .count = sizeof(rows) / sizeof((rows)[0])                                \
    }

static const struct field_table endpoint_table = TABLE(endpoint_rows);
static const struct field_table redeliver_table = TABLE(redeliver_rows);
static const struct field_table rotate_table = TABLE(rotate_rows);

struct api_webhook_tables api_webhook_tables(void)
{
    return (struct api_webhook_tables){&endpoint_table, &redeliver_table, &rotate_table};
}

static bool read_names(const struct json_token *list, struct api_name *names, uint32_t names_max,
                       uint32_t *ret_count, struct fault *fault)
{
    const struct json_token *value = list + 1;
    if (list->size > names_max) {
        return fault_set(fault, BS_INVALID_VALUE, "");
    }
    for (uint32_t i = 0; i < list->size; i++) {
        bool is_text = value->kind == TOKEN_STRING;
        if (!is_text || !api_name_valid((struct bs_text){value->as.bytes, value->size})) {
            return fault_set(fault, is_text ? BS_INVALID_NAME : BS_WRONG_TYPE, "");
        }
        memcpy(names[i].bytes, value->as.bytes, value->size);
        names[i].size = value->size;
        value = token_next(value);
    }
    *ret_count = list->size;
    return true;
}

/* The name of a notice ("adl.executed") or of its action ("adl"). */
static uint32_t event_of(const struct json_token *value)
{
    for (uint32_t event = 0; event < API_EVENT_COUNT; event++) {
        const char *action = bs_action_type_name((uint8_t)event);
        const char *notice = event_names[event];
        if ((notice != NULL && token_is(value, notice)) ||
            (action != NULL && token_is(value, action))) {
            return event;
        }
    }
    return API_EVENT_COUNT;
}

static bool read_events(const struct json_token *list, uint64_t *ret_events, struct fault *fault)
{
    const struct json_token *value = list + 1;
    uint64_t events = 0;
    for (uint32_t i = 0; i < list->size; i++) {
        uint32_t event = event_of(value);
        if (event == API_EVENT_COUNT || event == API_EVENT_TEST) {
            (void)fault_set(fault, value->kind == TOKEN_STRING ? BS_INVALID_VALUE : BS_WRONG_TYPE,
                            "");
            fault_inside(fault, "types", i);
            return false;
        }
        events |= API_EVENT_BIT(event);
        value = token_next(value);
    }
    *ret_events = events == 0 ? API_EVENTS_OF_ACTIONS : events;
    return true;
}

static bool read_filter(struct api_webhook *webhook, const struct endpoint_body *body,
                        struct fault *fault)
{
    webhook->events = API_EVENTS_OF_ACTIONS;
    if (body->pools != NULL && !read_names(body->pools, webhook->pools, API_FILTER_POOLS_MAX,
                                           &webhook->pools_count, fault)) {
        return fault_set(fault, fault->status, "pools");
    }
    if (body->accounts != NULL &&
        !read_names(body->accounts, webhook->accounts, API_FILTER_ACCOUNTS_MAX,
                    &webhook->accounts_count, fault)) {
        return fault_set(fault, fault->status, "accounts");
    }
    return body->types == NULL || read_events(body->types, &webhook->events, fault);
}

static void copy_text(char *target, struct bs_text text)
{
    if (text.size > 0) {
        memcpy(target, text.bytes, text.size);
    }
    target[text.size] = '\0';
}

static bool on_webhook(void *user, const struct json_token *object, struct fault *fault)
{
    struct api_webhook *webhook = user;
    struct endpoint_body body = {.batch_max = 1};
    uint32_t seen = 0;
    *webhook = (struct api_webhook){0};
    if (!fields_read(&endpoint_table, object, &body, &seen, fault)) {
        return false;
    }
    if (body.batch_max == 0) {
        return fault_set(fault, BS_INVALID_VALUE, "batch_max");
    }
    webhook->has_after = body.after.size > 0;
    if (webhook->has_after && !api_cursor_parse(body.after, &webhook->after)) {
        return fault_set(fault, BS_INVALID_VALUE, "after");
    }
    copy_text(webhook->url, body.url);
    copy_text(webhook->secret, body.secret);
    webhook->order = body.order;
    webhook->signature = body.signature;
    webhook->batch_max = body.batch_max;
    return read_filter(webhook, &body, fault);
}

static bool on_redeliver(void *user, const struct json_token *object, struct fault *fault)
{
    struct api_redeliver *redeliver = user;
    struct redeliver_body body = {0};
    uint32_t seen = 0;
    if (!fields_read(&redeliver_table, object, &body, &seen, fault)) {
        return false;
    }
    if (!api_cursor_parse(body.from, &redeliver->from) || redeliver->from.ordinal == 0) {
        return fault_set(fault, BS_INVALID_VALUE, "from");
    }
    if (!api_cursor_parse(body.to, &redeliver->to) ||
        redeliver->to.ordinal < redeliver->from.ordinal) {
        return fault_set(fault, BS_INVALID_VALUE, "to");
    }
    return true;
}

static bool on_rotate(void *user, const struct json_token *object, struct fault *fault)
{
    struct api_rotate *rotate = user;
    struct rotate_body body = {.overlap_s = API_OVERLAP_S};
    uint32_t seen = 0;
    if (!fields_read(&rotate_table, object, &body, &seen, fault)) {
        return false;
    }
    copy_text(rotate->secret, body.secret);
    rotate->overlap_s = body.overlap_s;
    return true;
}

bool api_webhook_parse(struct api_webhook *webhook, const char *body, size_t size,
                       struct api_error *ret_error)
{
    return api_parse_object(body, size, on_webhook, webhook, ret_error);
}

bool api_redeliver_parse(struct api_redeliver *redeliver, const char *body, size_t size,
                         struct api_error *ret_error)
{
    return api_parse_object(body, size, on_redeliver, redeliver, ret_error);
}

bool api_rotate_parse(struct api_rotate *rotate, const char *body, size_t size,
                      struct api_error *ret_error)
{
    return api_parse_object(body, size, on_rotate, rotate, ret_error);
}

/* ---- answers and messages ---- */

static void write_names(struct buffer *out, const char *name, const struct api_name *names,
                        uint32_t count)
{
    member_name(out, name);
    buffer_text(out, "[");
    for (uint32_t i = 0; i < count; i++) {
        buffer_text(out, i == 0 ? "" : ",");
        api_string(out, api_name_text(&names[i]));
    }
    buffer_text(out, "]");
}

void api_webhook_filter(struct buffer *out, const struct api_webhook *webhook)
{
    write_names(out, "pools", webhook->pools, webhook->pools_count);
    write_names(out, "accounts", webhook->accounts, webhook->accounts_count);
    member_name(out, "types");
    buffer_text(out, "[");
    bool is_first = true;
    for (uint32_t event = 0; event < API_EVENT_COUNT; event++) {
        if (event_names[event] != NULL && (webhook->events & API_EVENT_BIT(event)) != 0) {
            buffer_printf(out, "%s\"%s\"", is_first ? "" : ",", event_names[event]);
            is_first = false;
        }
    }
    buffer_text(out, "]");
}

static void write_notice(struct buffer *out, const struct bs_action *action,
                         struct api_origin origin, uint64_t previous)
{
    member_word(out, "type", event_names[action->type]);
    member_time(out, "timestamp", action->time_ms);
    member_name(out, "data");
    api_action(out, action, origin);
    out->size--; /* its object goes on */
    member_integer(out, "sequence", action->ordinal);
    member_integer(out, "previous_sequence", previous);
    buffer_text(out, "}}");
}

void api_notice(struct buffer *out, const struct bs_action *action, struct api_origin origin,
                uint64_t previous)
{
    buffer_text(out, "{");
    write_notice(out, action, origin, previous);
}

void api_batch_begin(struct buffer *out)
{
    buffer_text(out, "{\"type\":\"actions.batch\",\"data\":{\"notices\":[");
}

void api_batch_notice(struct buffer *out, const struct bs_action *action, struct api_origin origin,
                      uint64_t previous)
{
    buffer_text(out, buffer_ends_with(out, '[') ? "{\"id\":\"act_" : ",{\"id\":\"act_");
    api_cursor_print(out, origin.log, action->ordinal);
    buffer_text(out, "\"");
    write_notice(out, action, origin, previous);
}

void api_batch_end(struct buffer *out, int64_t time_ms)
{
    buffer_text(out, "]}");
    member_time(out, "timestamp", time_ms);
    buffer_text(out, "}");
}
