/* SPDX-License-Identifier: Apache-2.0 */
/*
 * jansson reads small texts, and says where a text of any size is broken. It refuses what it could
 * only drop silently (a name given twice) or not hold (an integer beyond 64 bits, NUL in a name);
 * api_parse then asks the other reader, which can represent these. jansson 2.14 skips a NUL byte
 * that follows a number, so no text with a NUL byte is given to it.
 *
 * jansson 2.14 goes on when it has no memory for a byte of a string, which is then missing, in a number
 * too. So its allocations are watched, and a text during which one failed is not used.
 */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "api/json_token.h"

#define COMMON_FLAGS (JSON_ALLOW_NUL | JSON_DECODE_ANY)

static _Thread_local bool has_failed; /* an allocation of this thread's text */

static void *watched_malloc(size_t size)
{
    void *memory = malloc(size);
    has_failed = has_failed || memory == NULL;
    return memory;
}

/* Before any thread: the functions are jansson's globals. */
__attribute__((constructor)) static void watch_allocations(void)
{
    json_set_alloc_funcs(watched_malloc, free);
}

static void add_string(struct json_tokens *tokens, const char *bytes, size_t size)
{
    struct json_token *token = json_tokens_add(tokens);
    token->kind = TOKEN_STRING;
    token->size = (uint32_t)size;
    token->as.bytes = bytes;
}

static void add_value(struct json_tokens *tokens, json_t *value, int depth);

static void add_members(struct json_tokens *tokens, json_t *value, int depth)
{
    const char *key;
    size_t key_size;
    json_t *member;
    json_object_keylen_foreach(value, key, key_size, member)
    {
        add_string(tokens, key, key_size);
        add_value(tokens, member, depth + 1);
    }
}

static void add_container(struct json_tokens *tokens, json_t *value, int depth)
{
    bool object = json_is_object(value);
    size_t at = tokens->count;
    struct json_token *token = json_tokens_add(tokens);
    token->kind = object ? TOKEN_OBJECT : TOKEN_ARRAY;
    token->size = (uint32_t)(object ? json_object_size(value) : json_array_size(value));
    if (depth == TOKEN_DEPTH_MAX) {
        token->size = 0;
    } else if (object) {
        add_members(tokens, value, depth);
    } else {
        for (size_t i = 0; i < json_array_size(value); i++) {
            add_value(tokens, json_array_get(value, i), depth + 1);
        }
    }
    json_tokens_end(tokens, at);
}

static void add_value(struct json_tokens *tokens, json_t *value, int depth)
{
    struct json_token *token;
    switch (json_typeof(value)) {
    case JSON_OBJECT:
    case JSON_ARRAY:
        add_container(tokens, value, depth);
        return;
    case JSON_STRING:
        add_string(tokens, json_string_value(value), json_string_length(value));
        return;
    case JSON_INTEGER:
        token = json_tokens_add(tokens);
        token->kind = TOKEN_INTEGER;
        token->as.integer = json_integer_value(value);
        return;
    case JSON_REAL:
        json_tokens_add(tokens)->kind = TOKEN_REAL;
        return;
    case JSON_TRUE:
        json_tokens_add(tokens)->kind = TOKEN_TRUE;
        return;
    case JSON_FALSE:
        json_tokens_add(tokens)->kind = TOKEN_FALSE;
        return;
    case JSON_NULL:
        json_tokens_add(tokens)->kind = TOKEN_NULL;
        return;
    }
}

static bool send_item(struct json_sink *sink, json_t *value)
{
    sink->tokens.count = 0;
    add_value(&sink->tokens, value, 0);
    return !sink->tokens.failed && sink->item(sink->user, sink->tokens.tokens);
}

bool json_read_small(struct json_sink *sink, const char *text, size_t size)
{
    json_t *root = NULL;
    if (memchr(text, '\0', size) == NULL) {
        has_failed = false;
        root = json_loadb(text, size, COMMON_FLAGS | JSON_REJECT_DUPLICATES, NULL);
        if (has_failed) {
            json_decref(root);
            sink->tokens.failed = true;
            return false;
        }
    }
    if (root == NULL) {
        return false;
    }
    if (json_is_array(root)) {
        size_t count = json_array_size(root);
        sink->begin(sink->user, true, count);
        for (size_t i = 0; i < count; i++) {
            if (!send_item(sink, json_array_get(root, i))) {
                break;
            }
        }
    } else {
        sink->begin(sink->user, false, 1);
        (void)send_item(sink, root);
    }
    json_decref(root);
    return true;
}

/* The line and column of a byte, counted in characters as jansson does. */
static void position_of(const char *text, size_t offset, struct json_position *ret_position)
{
    ret_position->line = 1;
    ret_position->column = 1;
    for (size_t i = 0; i < offset; i++) {
        if (text[i] == '\n') {
            ret_position->line++;
            ret_position->column = 1;
        } else if (((unsigned char)text[i] & 0xc0) != 0x80) {
            ret_position->column++;
        }
    }
}

bool json_locate(const char *text, size_t size, struct json_position *ret_position)
{
    json_error_t error;
    const char *nul = memchr(text, '\0', size);
    size_t read_size = nul != NULL ? (size_t)(nul - text) : size;
    json_t *root = json_loadb(text, read_size, COMMON_FLAGS | JSON_DECODE_INT_AS_REAL, &error);
    bool valid = root != NULL;
    json_decref(root);
    if (nul != NULL && (valid || json_error_code(&error) == json_error_premature_end_of_input)) {
        position_of(text, (size_t)(nul - text), ret_position);
        memcpy(ret_position->message, "NUL byte", sizeof("NUL byte"));
        return true;
    }
    if (valid) {
        return false;
    }
    /* jansson quotes the text it stumbled over; what a client sent stays out of our answer. */
    const char *quote = strstr(error.text, " near ");
    size_t length = quote != NULL ? (size_t)(quote - error.text) : strlen(error.text);
    if (length >= sizeof(ret_position->message)) {
        length = sizeof(ret_position->message) - 1;
    }
    memcpy(ret_position->message, error.text, length);
    ret_position->message[length] = '\0';
    ret_position->line = error.line;
    ret_position->column = error.column;
    return true;
}
