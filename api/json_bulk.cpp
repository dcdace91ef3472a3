/* SPDX-License-Identifier: Apache-2.0 */
/* simdjson reads large texts. This is the only C++ file of the project; no exception leaves it. */
#include "api/json_token.h"

#include <simdjson.h>

namespace
{

namespace dom = simdjson::dom;

static_assert(JSON_PADDING >= simdjson::SIMDJSON_PADDING, "simdjson may look at the padding");

/* A parser's memory is about 14 times its capacity; it is kept for texts up to this size. */
constexpr size_t kept_capacity_max = size_t{4} << 20;
constexpr size_t capacity_min = size_t{64} << 10;

thread_local dom::parser parser;

void add_string(json_tokens *tokens, std::string_view text)
{
    json_token *token = json_tokens_add(tokens);
    token->kind = TOKEN_STRING;
    token->size = static_cast<uint32_t>(text.size());
    token->as.bytes = text.data();
}

void add_integer(json_tokens *tokens, int64_t integer)
{
    json_token *token = json_tokens_add(tokens);
    token->kind = TOKEN_INTEGER;
    token->as.integer = integer;
}

void add_value(json_tokens *tokens, dom::element value, int depth);

uint32_t add_members(json_tokens *tokens, dom::object object, int depth)
{
    uint32_t count = 0;
    for (const auto member : object) {
        add_string(tokens, member.key);
        add_value(tokens, member.value, depth + 1);
        count++;
    }
    return count;
}

uint32_t add_elements(json_tokens *tokens, dom::array array, int depth)
{
    uint32_t count = 0;
    for (const auto element : array) {
        add_value(tokens, element, depth + 1);
        count++;
    }
    return count;
}

void add_container(json_tokens *tokens, dom::element value, int depth)
{
    const size_t at = tokens->count;
    const bool object = value.is_object();
    json_tokens_add(tokens)->kind = object ? TOKEN_OBJECT : TOKEN_ARRAY;
    uint32_t size = 0;
    if (depth < TOKEN_DEPTH_MAX) {
        size = object ? add_members(tokens, value.get_object().value_unsafe(), depth)
                      : add_elements(tokens, value.get_array().value_unsafe(), depth);
    }
    if (!tokens->failed) {
        tokens->tokens[at].size = size;
    }
    json_tokens_end(tokens, at);
}

void add_value(json_tokens *tokens, dom::element value, int depth)
{
    switch (value.type()) {
    case dom::element_type::OBJECT:
    case dom::element_type::ARRAY:
        add_container(tokens, value, depth);
        return;
    case dom::element_type::STRING:
        add_string(tokens, value.get_string().value_unsafe());
        return;
    case dom::element_type::INT64:
        add_integer(tokens, value.get_int64().value_unsafe());
        return;
    case dom::element_type::UINT64:
        json_tokens_add(tokens)->kind = TOKEN_BIG_INTEGER;
        return;
    case dom::element_type::DOUBLE:
        json_tokens_add(tokens)->kind = TOKEN_REAL;
        return;
    case dom::element_type::BOOL:
        json_tokens_add(tokens)->kind = value.get_bool().value_unsafe() ? TOKEN_TRUE : TOKEN_FALSE;
        return;
    case dom::element_type::NULL_VALUE:
        json_tokens_add(tokens)->kind = TOKEN_NULL;
        return;
    }
}

bool send_item(json_sink *sink, dom::element value)
{
    sink->tokens.count = 0;
    add_value(&sink->tokens, value, 0);
    return !sink->tokens.failed && sink->item(sink->user, sink->tokens.tokens);
}

void send_items(json_sink *sink, dom::element root)
{
    dom::array array;
    if (root.get_array().get(array) != simdjson::SUCCESS) {
        sink->begin(sink->user, false, 1);
        (void)send_item(sink, root);
        return;
    }
    size_t count = 0;
    for (const auto element : array) { /* array.size() stops counting at 2^24 */
        (void)element;
        count++;
    }
    sink->begin(sink->user, true, count);
    for (const auto element : array) {
        if (!send_item(sink, element)) {
            return;
        }
    }
}

} // namespace

bool json_read_bulk(json_sink *sink, const char *text, size_t size)
{
    if (parser.capacity() < size) {
        const size_t capacity = size < capacity_min ? capacity_min : size;
        if (parser.allocate(capacity, JSON_DEPTH_MAX) != simdjson::SUCCESS) {
            sink->tokens.failed = true;
            return false;
        }
    }
    dom::element root;
    const auto error = parser.parse(text, size, false).get(root);
    sink->tokens.failed = sink->tokens.failed || error == simdjson::MEMALLOC;
    if (error == simdjson::SUCCESS) {
        send_items(sink, root);
    }
    if (parser.capacity() > kept_capacity_max) {
        parser = dom::parser();
    }
    return error == simdjson::SUCCESS;
}
