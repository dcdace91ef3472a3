/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/http/guard.h"

#include <stdarg.h>
#include <stdio.h>
#include <strings.h>

#include "api/text.h"

__attribute__((format(printf, 3, 4))) static void refuse(struct guard *guard, enum bs_status status,
                                                         const char *format, ...)
{
    if (guard->status != BS_OK) {
        return;
    }
    guard->status = status;
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(guard->detail, sizeof guard->detail, format, arguments);
    va_end(arguments);
}

void guard_printable(char *out, size_t capacity, struct bs_text text)
{
    assert(capacity > 0);
    size_t size = text.size < capacity - 1 ? text.size : capacity - 1;
    for (size_t i = 0; i < size; i++) {
        char byte = text.bytes[i];
        out[i] = '?';
        if (byte >= 0x20 && byte < 0x7f) {
            out[i] = byte;
        }
    }
    out[size] = '\0';
}

static bool is_token(struct bs_text name)
{
    static const char punctuation[] = "!#$%&'*+-.^_`|~";
    for (uint32_t i = 0; i < name.size; i++) {
        char byte = name.bytes[i];
        bool letter = (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z');
        bool digit = byte >= '0' && byte <= '9';
        if (!letter && !digit && (byte == '\0' || strchr(punctuation, byte) == NULL)) {
            return false;
        }
    }
    return name.size > 0;
}

static bool has_control(struct bs_text value)
{
    for (uint32_t i = 0; i < value.size; i++) {
        unsigned char byte = (unsigned char)value.bytes[i];
        if ((byte < 0x20 && byte != '\t') || byte == 0x7f) {
            return true;
        }
    }
    return false;
}

static bool text_is(struct bs_text text, const char *word)
{
    return text.size == strlen(word) && strncasecmp(text.bytes, word, text.size) == 0;
}

/* Up to 18 digits: anything longer is larger than every limit and would overflow. */
static void take_length(struct guard *guard, struct bs_text value)
{
    if (value.size == 0) {
        refuse(guard, BS_INVALID_HEADER, "Content-Length: is empty");
    }
    for (uint32_t i = 0; i < value.size; i++) {
        if (value.bytes[i] < '0' || value.bytes[i] > '9') {
            refuse(guard, BS_INVALID_HEADER, "Content-Length: is not a plain number");
            return;
        }
        if (i >= 18) {
            guard->length = UINT64_MAX;
            return;
        }
        guard->length = guard->length * 10 + (uint64_t)(value.bytes[i] - '0');
    }
}

/* charset=utf-8 is the only parameter taken: JSON is always UTF-8. */
static enum guard_media media_of(struct bs_text value)
{
    const char *semicolon = memchr(value.bytes, ';', value.size);
    struct bs_text type = value;
    if (semicolon != NULL) {
        uint32_t type_size = (uint32_t)(semicolon - value.bytes);
        struct bs_text rest = {semicolon + 1, value.size - type_size - 1};
        struct bs_text parameter = text_trimmed(rest);
        if (parameter.size > 0 && !text_is(parameter, "charset=utf-8") &&
            !text_is(parameter, "charset=\"utf-8\"")) {
            return MEDIA_OTHER;
        }
        type.size = type_size;
    }
    type = text_trimmed(type);
    if (text_is(type, "application/json")) {
        return MEDIA_JSON;
    }
    return text_is(type, "application/x-ndjson") ? MEDIA_NDJSON : MEDIA_OTHER;
}

static void take_known(struct guard *guard, struct bs_text name, struct bs_text value)
{
    if (text_is(name, "host")) {
        guard->hosts++;
    } else if (text_is(name, "content-length")) {
        if (++guard->lengths == 1) {
            take_length(guard, value);
        }
    } else if (text_is(name, "content-type")) {
        guard->types++;
        guard->media = media_of(value);
    } else if (text_is(name, "authorization")) {
        guard->authorizations++;
        guard->authorization = value;
    } else if (text_is(name, "transfer-encoding")) {
        refuse(guard, BS_LENGTH_REQUIRED, "Transfer-Encoding: send a Content-Length instead");
    } else if (text_is(name, "content-encoding") && !text_is(value, "identity")) {
        refuse(guard, BS_UNSUPPORTED_MEDIA_TYPE,
               "Content-Encoding: compressed bodies are not taken");
    } else if (text_is(name, "expect")) {
        if (!text_is(value, "100-continue")) {
            refuse(guard, BS_EXPECTATION_FAILED, "Expect: only 100-continue is known");
        }
    }
}

static void refuse_layout(struct guard *guard)
{
    guard->next = NULL;
    refuse(guard, BS_INVALID_HEADER, "the head is not plain lines that end in CR LF");
}

void guard_target(struct guard *guard, const char *target)
{
    struct bs_text text = {target, (uint32_t)strlen(target)};
    guard->target_end = target + text.size;
    if (has_control(text) || memchr(target, ' ', text.size) != NULL) {
        refuse(guard, BS_INVALID_HEADER,
               "the request line: a space or control character in the path");
    }
}

void guard_layout(struct guard *guard, const struct guard_line *line)
{
    guard->next = line->version + strlen(line->version) + 2;
    if (guard->target_end + 1 != line->version) {
        refuse_layout(guard);
    }
}

/* Between name and value there was a colon, then only blanks; each line follows the one before. */
static void check_layout(struct guard *guard, struct bs_text name, struct bs_text value)
{
    const char *colon = name.bytes + name.size;
    if (name.bytes != guard->next || value.bytes <= colon) {
        refuse_layout(guard);
        return;
    }
    for (const char *blank = colon + 1; blank < value.bytes; blank++) {
        if (*blank != ' ' && *blank != '\t') {
            refuse_layout(guard);
            return;
        }
    }
    guard->next = value.bytes + value.size + 2;
}

void guard_header(struct guard *guard, struct bs_text name, struct bs_text value)
{
    char shown[40];
    if (guard->next != NULL) { /* first: the checks below rely on it */
        check_layout(guard, name, value);
    }
    guard_printable(shown, sizeof shown, name);
    if (!is_token(name)) {
        refuse(guard, BS_INVALID_HEADER, "\"%s\" is not a header name", shown);
        return;
    }
    if (has_control(value)) {
        refuse(guard, BS_INVALID_HEADER, "%s: the value has a control character", shown);
        return;
    }
    take_known(guard, name, text_trimmed(value));
}

void guard_finish(struct guard *guard, const struct guard_line *line)
{
    bool is_1_1 = strcmp(line->version, "HTTP/1.1") == 0;
    if (!is_1_1 && strcmp(line->version, "HTTP/1.0") != 0) {
        refuse(guard, BS_INVALID_HEADER, "the request line does not end in HTTP/1.1 or HTTP/1.0");
    }
    if (guard->next != NULL && guard->next + 2 != line->method + line->head_size) {
        refuse_layout(guard);
    }
    if (guard->hosts > 1 || (guard->hosts == 0 && is_1_1)) {
        refuse(guard, BS_INVALID_HEADER, "Host: must be given once, but came %u times",
               guard->hosts);
    }
    if (guard->lengths > 1) {
        refuse(guard, BS_INVALID_HEADER, "Content-Length: came %u times", guard->lengths);
    }
    if (guard->authorizations > 1) {
        refuse(guard, BS_INVALID_HEADER, "Authorization: came %u times", guard->authorizations);
    }
    if (guard->types > 1) {
        refuse(guard, BS_INVALID_HEADER, "Content-Type: came %u times", guard->types);
    }
}

void guard_body(struct guard *guard, bool takes_body, uint64_t body_size_max)
{
    if (guard->length == 0) {
        return;
    }
    if (!takes_body) {
        refuse(guard, BS_INVALID_HEADER, "Content-Length: this request takes no body");
    } else if (guard->length > body_size_max) {
        refuse(guard, BS_BODY_TOO_LARGE, "at most %llu bytes are taken",
               (unsigned long long)body_size_max);
    } else if (guard->media == MEDIA_NONE || guard->media == MEDIA_OTHER) {
        refuse(guard, BS_UNSUPPORTED_MEDIA_TYPE,
               "Content-Type: send application/json or application/x-ndjson");
    }
}
