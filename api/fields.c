/* SPDX-License-Identifier: Apache-2.0 */
#include "api/fields.h"

#include <stdio.h>

#include "api/text.h"
#include "lib/base/limits.h"
#include "lib/money/decimal.h"

#define UNKNOWN_NAME_SIZE_MAX 60 /* bytes of a client's field name that a fault repeats */

bool token_is(const struct json_token *token, const char *text)
{
    size_t size = strlen(text);
    return token->kind == TOKEN_STRING && token->size == size &&
           memcmp(token->as.bytes, text, size) == 0;
}

bool fault_set(struct fault *fault, enum bs_status status, const char *field)
{
    fault->status = status;
    (void)snprintf(fault->field, sizeof(fault->field), "%s", field);
    return false;
}

void fault_inside(struct fault *fault, const char *list, uint32_t index)
{
    char path[FIELD_PATH_SIZE + 32];
    const char *point = fault->field[0] == '\0' ? "" : ".";
    (void)snprintf(path, sizeof(path), "%s[%u]%s%s", list, index, point, fault->field);
    memcpy(fault->field, path, sizeof(fault->field) - 1);
    fault->field[sizeof(fault->field) - 1] = '\0';
}

/* A field name as sent: cut between characters, control characters replaced. */
static bool fault_unknown(struct fault *fault, const struct json_token *key)
{
    char name[UNKNOWN_NAME_SIZE_MAX + 1];
    size_t size = key->size;
    if (size > UNKNOWN_NAME_SIZE_MAX) {
        size = UNKNOWN_NAME_SIZE_MAX;
        while (size > 0 && ((unsigned char)key->as.bytes[size] & 0xc0) == 0x80) {
            size--;
        }
    }
    bool clean = text_is_clean((struct bs_text){.bytes = key->as.bytes, .size = (uint32_t)size});
    memcpy(name, key->as.bytes, size);
    name[size] = '\0';
    for (size_t i = 0; i < size && !clean; i++) {
        unsigned char byte = (unsigned char)name[i];
        if (byte < 0x20 || byte >= 0x7f) {
            name[i] = '?';
        }
    }
    return fault_set(fault, BS_UNKNOWN_FIELD, size == 0 ? "\"\"" : name);
}

static enum bs_status read_text(const struct json_token *value, uint32_t size_max,
                                enum bs_status otherwise, struct bs_text *ret_text)
{
    if (value->kind != TOKEN_STRING) {
        return BS_WRONG_TYPE;
    }
    struct bs_text text = {.bytes = value->as.bytes, .size = value->size};
    if (text.size == 0 || text.size > size_max || !text_is_clean(text)) {
        return otherwise;
    }
    *ret_text = text;
    return BS_OK;
}

static enum bs_status read_decimal(const struct json_token *value, struct bs_decimal *ret_decimal)
{
    switch ((enum token_kind)value->kind) {
    case TOKEN_STRING:
        return bs_decimal_parse(value->as.bytes, value->size, ret_decimal);
    case TOKEN_INTEGER:
        if (value->as.integer == JSON_MINUS_ZERO) {
            return BS_INVALID_DECIMAL;
        }
        *ret_decimal = (struct bs_decimal){.mantissa = value->as.integer};
        return BS_OK;
    case TOKEN_BIG_INTEGER:
        return BS_DECIMAL_TOO_LONG;
    case TOKEN_REAL:
        return BS_DECIMAL_MUST_BE_STRING;
    case TOKEN_NULL:
    case TOKEN_FALSE:
    case TOKEN_TRUE:
    case TOKEN_ARRAY:
    case TOKEN_OBJECT:
        break;
    }
    return BS_WRONG_TYPE;
}

static enum bs_status read_integer(const struct json_token *value, uint64_t max,
                                   uint64_t *ret_integer)
{
    if (value->kind == TOKEN_BIG_INTEGER) {
        return BS_INVALID_VALUE;
    }
    if (value->kind != TOKEN_INTEGER) {
        return BS_WRONG_TYPE;
    }
    if (value->as.integer < 0 || (uint64_t)value->as.integer > max) {
        return BS_INVALID_VALUE;
    }
    *ret_integer = (uint64_t)value->as.integer;
    return BS_OK;
}

static enum bs_status read_signed(const struct json_token *value, int64_t *ret_integer)
{
    if (value->kind != TOKEN_INTEGER) {
        return value->kind == TOKEN_BIG_INTEGER ? BS_INVALID_VALUE : BS_WRONG_TYPE;
    }
    if (value->as.integer == JSON_MINUS_ZERO) {
        return BS_INVALID_VALUE;
    }
    *ret_integer = value->as.integer;
    return BS_OK;
}

static enum bs_status read_enum(const struct field *field, const struct json_token *value,
                                uint8_t *ret_value)
{
    if (value->kind != TOKEN_STRING) {
        return BS_WRONG_TYPE;
    }
    const char *name;
    for (uint8_t i = 0; (name = field->names(i)) != NULL; i++) {
        if (name[0] != '\0' && token_is(value, name)) {
            *ret_value = i;
            return BS_OK;
        }
    }
    for (size_t i = 0; field->unsupported != NULL && field->unsupported[i] != NULL; i++) {
        if (token_is(value, field->unsupported[i])) {
            return BS_UNSUPPORTED;
        }
    }
    return BS_INVALID_VALUE;
}

static enum bs_status read_bool(const struct json_token *value, bool *ret_value)
{
    if (value->kind != TOKEN_TRUE && value->kind != TOKEN_FALSE) {
        return BS_WRONG_TYPE;
    }
    *ret_value = value->kind == TOKEN_TRUE;
    return BS_OK;
}

/* The kinds that are strings with a grammar of their own. */
static enum bs_status read_special(const struct field *field, const struct json_token *value,
                                   void *at)
{
    if (value->kind != TOKEN_STRING) {
        return BS_WRONG_TYPE;
    }
    struct bs_text text = {.bytes = value->as.bytes, .size = value->size};
    if (field->kind == FIELD_TIME) {
        return text_time_parse(text, at) ? BS_OK : BS_INVALID_TIME;
    }
    if (field->kind == FIELD_PERIOD) {
        return text_period_parse(text, at) ? BS_OK : BS_INVALID_VALUE;
    }
    return token_is(value, field->names(field->first)) ? BS_OK : BS_INVALID_VALUE;
}

static enum bs_status read_number(const struct field *field, const struct json_token *value,
                                  void *at)
{
    uint64_t integer = 0;
    bool narrow = field->kind == FIELD_U32;
    enum bs_status status = read_integer(value, narrow ? field->max : INT64_MAX, &integer);
    if (status == BS_OK && narrow) {
        *(uint32_t *)at = (uint32_t)integer;
    } else if (status == BS_OK) {
        *(uint64_t *)at = integer;
    }
    return status;
}

static enum bs_status read_value(const struct field *field, const struct json_token *value,
                                 void *target)
{
    uint8_t unstored;
    void *at = field->offset == FIELD_NOWHERE ? (void *)&unstored : (char *)target + field->offset;
    switch ((enum field_kind)field->kind) {
    case FIELD_NAME:
        return read_text(value, BS_ID_SIZE_MAX, BS_INVALID_NAME, at);
    case FIELD_TEXT:
        return read_text(value, field->max, BS_INVALID_VALUE, at);
    case FIELD_DECIMAL:
        return read_decimal(value, at);
    case FIELD_U32:
    case FIELD_U64:
        return read_number(field, value, at);
    case FIELD_I64:
        return read_signed(value, at);
    case FIELD_BOOL:
        return read_bool(value, at);
    case FIELD_ENUM:
        return read_enum(field, value, at);
    case FIELD_TYPE:
    case FIELD_TIME:
    case FIELD_PERIOD:
        return read_special(field, value, at);
    case FIELD_LIST:
        *(const struct json_token **)at = value;
        return value->kind == TOKEN_ARRAY ? BS_OK : BS_WRONG_TYPE;
    case FIELD_WATERFALL:
        *(const struct json_token **)at = value;
        return value->kind == TOKEN_ARRAY || value->kind == TOKEN_STRING ? BS_OK : BS_WRONG_TYPE;
    case FIELD_OBJECT:
        *(const struct json_token **)at = value;
        return value->kind == TOKEN_OBJECT ? BS_OK : BS_WRONG_TYPE;
    }
    assert(false);
    return BS_WRONG_TYPE;
}

/* The row of a key; members mostly come in the order of the rows, so `hint` is tried first. */
static uint32_t row_find(const struct field_table *table, const struct json_token *key,
                         uint32_t hint)
{
    for (uint32_t i = 0; i < table->count; i++) {
        uint32_t row = hint + i < table->count ? hint + i : hint + i - table->count;
        const struct field *field = &table->fields[row];
        if (field->name_size == key->size &&
            memcmp(field->name, key->as.bytes, field->name_size) == 0) {
            return row;
        }
    }
    return table->count;
}

bool fields_read(const struct field_table *table, const struct json_token *object, void *target,
                 uint32_t *seen, struct fault *fault)
{
    uint32_t found = 0;
    uint32_t row = 0;
    const struct json_token *key = object + 1;
    for (uint32_t left = object->size; left > 0; left--) {
        row = row_find(table, key, row);
        if (row == table->count) {
            return fault_unknown(fault, key);
        }
        const struct field *field = &table->fields[row];
        if ((found & 1u << row) != 0) {
            return fault_set(fault, BS_DUPLICATE_KEY, field->name);
        }
        enum bs_status status = read_value(field, key + 1, target);
        if (status != BS_OK) {
            return fault_set(fault, status, field->name);
        }
        if (field->flag != 0) {
            *((bool *)target + field->flag) = true;
        }
        found |= 1u << row++;
        key = token_next(key + 1);
    }
    for (row = 0; row < table->count; row++) {
        if (table->fields[row].required && ((found | *seen) & 1u << row) == 0) {
            return fault_set(fault, BS_MISSING_FIELD, table->fields[row].name);
        }
    }
    *seen = found;
    return true;
}

const struct json_token *fields_find(const struct json_token *object, const char *name)
{
    const struct json_token *key = object + 1;
    for (uint32_t left = object->size; left > 0; left--) {
        if (token_is(key, name)) {
            return key + 1;
        }
        key = token_next(key + 1);
    }
    return NULL;
}
