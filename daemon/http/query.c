/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/http/query.h"

#include <stdio.h>

#include "api/json_command.h"
#include "api/text.h"
#include "daemon/answer/cursor.h"
#include "daemon/http/guard.h"
#include "daemon/http/path.h"
#include "lib/record/action.h"

struct parameter {
    const char *name;
    uint32_t bit;
    const char *expected; /* what to say when the value is wrong */
};

static const struct parameter parameters[] = {
    {"pool", QUERY_POOL, "a name has 1 to 64 bytes of UTF-8 without control characters"},
    {"market", QUERY_MARKET, "a name has 1 to 64 bytes of UTF-8 without control characters"},
    {"account", QUERY_ACCOUNT, "a name has 1 to 64 bytes of UTF-8 without control characters"},
    {"type", QUERY_TYPE, "no action has this type"},
    {"side", QUERY_SIDE, "must be long or short"},
    {"limit", QUERY_LIMIT, NULL},
    {"wait_ms", QUERY_WAIT_MS, "must be a whole number from 0 to 60000"},
    {"min_seq", QUERY_MIN_SEQ, "must be a whole number"},
    {"format", QUERY_FORMAT, "must be ccxt"},
    {"verbose", QUERY_VERBOSE, "takes no value"},
    {"offset", QUERY_OFFSET, "must be a whole number of bytes"},
    {"after", QUERY_AFTER_NAME, "is not a cursor that this list gave out as next"},
    {"after", QUERY_AFTER_NUMBER, "is not a cursor that this list gave out as next"},
    {"after", QUERY_AFTER_PLACE, "is not a cursor that this list gave out as next"},
    {"after", QUERY_AFTER_CURSOR, "is not the cursor of an action"},
};

#define PARAMETERS_COUNT (sizeof parameters / sizeof parameters[0])

void query_set_name(struct read_query *query, enum query_name slot, struct bs_text name)
{
    assert(slot < NAMES_COUNT);
    assert(name.size <= BS_ID_SIZE_MAX);
    memcpy(query->name[slot], name.bytes, name.size);
    query->name_size[slot] = name.size;
}

struct bs_text query_name(const struct read_query *query, enum query_name slot)
{
    assert(slot < NAMES_COUNT);
    return (struct bs_text){query->name[slot], query->name_size[slot]};
}

const struct bs_place *query_place(const struct read_query *query, struct bs_place *ret_place)
{
    if ((query->given & QUERY_AFTER_PLACE) == 0) {
        return NULL;
    }
    *ret_place = query->place.place;
    ret_place->key.bytes = query->place_bytes + CURSOR_PLACE_KEY_AT;
    return ret_place;
}

static bool take_place(struct read_query *query, struct bs_text value)
{
    bool is_good = cursor_place_parse(value, query->place_bytes, &query->place);
    query->place.place.key.bytes = NULL;
    return is_good;
}

struct bs_text query_pool(const struct read_query *query)
{
    return query_name(query, query->name_size[NAME_PATH] > 0 ? NAME_PATH : NAME_POOL);
}

static bool take_name(struct read_query *query, enum query_name slot, struct bs_text value)
{
    if (!api_name_valid(value)) {
        return false;
    }
    query_set_name(query, slot, value);
    return true;
}

static bool text_is(struct bs_text text, const char *word)
{
    return text.size == strlen(word) && memcmp(text.bytes, word, text.size) == 0;
}

static bool take_type(struct read_query *query, struct bs_text value)
{
    for (uint8_t type = 0; bs_action_type_name(type) != NULL; type++) {
        if (text_is(value, bs_action_type_name(type))) {
            query->type = type;
            return true;
        }
    }
    return false;
}

static void refuse(struct read_query *query, const char *name, const char *why)
{
    if (query->status == BS_OK) {
        query->status = BS_INVALID_QUERY;
        (void)snprintf(query->detail, sizeof query->detail, "%s: %s", name, why);
    }
}

/* The cursor of this list, without the list's name. */
static bool take_list(struct read_query *query, struct bs_text *value)
{
    char other[CURSOR_LIST_SIZE_MAX];
    char why[96];
    size_t size = strlen(query->list);
    bool is_ours = cursor_take_list(value, query->list, other);
    (void)snprintf(query->cursor_list, sizeof query->cursor_list, "%s",
                   is_ours ? query->list : other);
    if (strncmp(other, query->list, size) == 0 && other[size] == '~') {
        uint32_t named = (uint32_t)strlen(other) + 1;
        *value = (struct bs_text){value->bytes + named, value->size - named};
        return true;
    }
    other[strcspn(other, "~")] = '\0';
    if (other[0] != '\0') {
        (void)snprintf(why, sizeof why, "is a cursor of the list %s, this is %s", other,
                       query->list);
        refuse(query, "after", why);
    }
    return is_ours;
}

static bool take_cursor(struct read_query *query, struct bs_text value)
{
    char names[2][BS_ID_SIZE_MAX + 1];
    uint32_t sizes[2];
    if (!cursor_parse(value, names, sizes)) {
        return false;
    }
    query_set_name(query, NAME_AFTER, (struct bs_text){names[0], sizes[0]});
    query_set_name(query, NAME_AFTER_MARKET, (struct bs_text){names[1], sizes[1]});
    return true;
}

static bool take_side(struct read_query *query, struct bs_text value)
{
    query->side = text_is(value, "short");
    return query->side == 1 || text_is(value, "long");
}

static bool take_value(struct read_query *query, uint32_t bit, struct bs_text value)
{
    uint64_t number = 0;
    switch (bit) {
    case QUERY_POOL:
        return take_name(query, NAME_POOL, value);
    case QUERY_MARKET:
    case QUERY_ACCOUNT:
        return take_name(query, NAME_MEMBER, value);
    case QUERY_TYPE:
        return take_type(query, value);
    case QUERY_SIDE:
        return take_side(query, value);
    case QUERY_LIMIT:
        if (!text_number(value, query->limit_max, &number) || number == 0) {
            return false;
        }
        query->limit = (uint32_t)number;
        return true;
    case QUERY_WAIT_MS:
        if (!text_number(value, QUERY_WAIT_MS_MAX, &number)) {
            return false;
        }
        query->wait_ms = (uint32_t)number;
        return true;
    case QUERY_MIN_SEQ:
        return text_number(value, INT64_MAX, &query->min_seq);
    case QUERY_FORMAT:
        query->ccxt = text_is(value, "ccxt");
        return query->ccxt;
    case QUERY_OFFSET:
        return text_number(value, INT64_MAX, &query->number);
    case QUERY_AFTER_NAME:
        return take_list(query, &value) && take_cursor(query, value);
    case QUERY_AFTER_CURSOR:
        return api_cursor_parse(value, &query->after);
    case QUERY_AFTER_NUMBER:
        return take_list(query, &value) && text_number(value, INT64_MAX, &query->number);
    case QUERY_AFTER_PLACE:
        return take_list(query, &value) && take_place(query, value);
    default:
        return value.size == 0;
    }
}

static const struct parameter *find(const struct read_query *query, struct bs_text key)
{
    for (size_t i = 0; i < PARAMETERS_COUNT; i++) {
        if ((query->allowed & parameters[i].bit) != 0 && text_is(key, parameters[i].name)) {
            return &parameters[i];
        }
    }
    return NULL;
}

/* Long enough for a cursor; a longer value is cut, which every check then refuses by its size. */
#define VALUE_SIZE_MAX (CURSOR_SIZE_MAX + 1)

void query_parameter(struct read_query *query, struct bs_text key, struct bs_text value)
{
    char key_bytes[16];
    char value_bytes[VALUE_SIZE_MAX];
    size_t key_size = 0;
    size_t value_size = 0;
    bool key_ok = path_decode(key.bytes, key.size, key_bytes, sizeof key_bytes, &key_size);
    struct bs_text decoded_key = {key_bytes, (uint32_t)key_size};
    const struct parameter *parameter = key_ok ? find(query, decoded_key) : NULL;
    if (parameter == NULL) {
        char shown[40];
        guard_printable(shown, sizeof shown, key);
        refuse(query, shown, "is not a parameter of this path");
        return;
    }
    if ((query->given & parameter->bit) != 0) {
        refuse(query, parameter->name, "is given twice");
        return;
    }
    query->given |= parameter->bit;
    if (!path_decode(value.bytes, value.size, value_bytes, sizeof value_bytes, &value_size)) {
        refuse(query, parameter->name, "is not validly percent-encoded");
        return;
    }
    if (!take_value(query, parameter->bit, (struct bs_text){value_bytes, (uint32_t)value_size})) {
        char limit_rule[64];
        (void)snprintf(limit_rule, sizeof limit_rule, "must be a whole number from 1 to %u",
                       query->limit_max);
        refuse(query, parameter->name,
               parameter->expected != NULL ? parameter->expected : limit_rule);
    }
}

static uint32_t digest(uint32_t seed, const void *bytes, size_t size)
{
    const unsigned char *at = bytes;
    for (size_t i = 0; i < size; i++) {
        seed = (seed ^ at[i]) * 16777619u; /* FNV-1a */
    }
    return seed;
}

void query_bind_cursor(struct read_query *query)
{
    static const enum query_name slots[] = {NAME_PATH, NAME_POOL, NAME_MEMBER};

    bool is_narrowed = (query->given & QUERY_SIDE) != 0;
    uint32_t sum = digest(2166136261u, &query->side, sizeof query->side);
    for (size_t i = 0; i < sizeof slots / sizeof slots[0]; i++) {
        struct bs_text name = query_name(query, slots[i]);
        sum = digest(sum, name.bytes, name.size);
        sum = digest(sum, "", 1);
        is_narrowed = is_narrowed || name.size > 0;
    }
    if (is_narrowed) {
        size_t size = strlen(query->list);
        (void)snprintf(query->list + size, sizeof query->list - size, "~%08x", sum);
    }
    if (query->cursor_list[0] != '\0' && strcmp(query->cursor_list, query->list) != 0) {
        refuse(query, "after", "is a cursor of this list under another path or other parameters");
    }
}

void query_needs_side(struct read_query *query)
{
    if ((query->given & QUERY_SIDE) == 0) {
        refuse(query, "side", "must be given: long or short");
    }
}

void query_needs_pool(struct read_query *query)
{
    if ((query->given & QUERY_POOL) == 0) {
        refuse(query, "pool", "must be given: settlements are numbered per pool");
    }
}

const char *query_parameter_name(uint32_t bit)
{
    for (size_t i = 0; i < PARAMETERS_COUNT; i++) {
        if (parameters[i].bit == bit) {
            return parameters[i].name;
        }
    }
    return NULL;
}
