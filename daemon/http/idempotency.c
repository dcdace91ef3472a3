/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/http/idempotency.h"

#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>
#include <inttypes.h>
#include <stdio.h>

#include "api/request_record.h"
#include "api/text.h"
#include "daemon/answer/answer.h"
#include "daemon/http/header.h"
#include "daemon/webhooks/webhooks.h"

_Static_assert(KEY_NAME_SIZE_MAX <= BS_ID_SIZE_MAX, "a caller's name fits its record");

bool idempotency_parse(struct bs_text header, char memory[BS_REQUEST_KEY_SIZE_MAX],
                       struct bs_text *ret_key)
{
    struct bs_text text = text_trimmed(header);
    bool is_quoted = text.size >= 2 && text.bytes[0] == '"' && text.bytes[text.size - 1] == '"';
    if (is_quoted) {
        text = (struct bs_text){text.bytes + 1, text.size - 2};
    }
    uint32_t size = 0;
    for (uint32_t at = 0; at < text.size; at++) {
        char c = text.bytes[at];
        bool is_escaped = is_quoted && c == '\\';
        if (is_escaped) {
            at++;
            c = at < text.size ? text.bytes[at] : '\0';
        }
        bool is_special = c == '"' || c == '\\';
        bool is_plain = !is_special && c >= (is_quoted ? ' ' : '!') && c <= '~';
        if (!(is_escaped ? is_special : is_plain) || size == BS_REQUEST_KEY_SIZE_MAX) {
            return false;
        }
        memory[size++] = c;
    }
    *ret_key = (struct bs_text){memory, size};
    return size > 0;
}

/* Over the whole request: method, path, media type and body. */
static bool make_fingerprint(const struct connection *connection,
                             uint8_t ret_fingerprint[BS_FINGERPRINT_SIZE])
{
    const struct route *route = connection->route;
    struct bs_text name = query_name(&connection->query, NAME_PATH);
    struct buffer head = {0};
    gnutls_hash_hd_t hash;
    if (gnutls_hash_init(&hash, GNUTLS_DIG_SHA256) != 0) {
        return false;
    }
    buffer_printf(&head, "%s %s %u:%.*s %" PRIu64 " %d\n", route->method, route->pattern, name.size,
                  (int)name.size, name.bytes, connection->path_number,
                  connection->guard.media == MEDIA_NDJSON);
    int failed = head.failed ? 1 : gnutls_hash(hash, head.bytes, head.size);
    if (connection->body_size > 0) {
        failed |= gnutls_hash(hash, connection->body, connection->body_size);
    }
    gnutls_hash_deinit(hash, ret_fingerprint);
    buffer_fini(&head);
    return failed == 0;
}

/* The key and the fingerprint; BS_OK with an empty key when there is none. */
static enum bs_status read_key(const struct connection *connection,
                               char memory[BS_REQUEST_KEY_SIZE_MAX],
                               uint8_t fingerprint[BS_FINGERPRINT_SIZE], struct bs_text *ret_key)
{
    struct bs_text header;
    uint32_t count = header_find(connection, "Idempotency-Key", &header);
    *ret_key = (struct bs_text){0};
    if (count == 0) {
        return BS_OK;
    }
    if (count > 1 || !idempotency_parse(header, memory, ret_key)) {
        return BS_INVALID_IDEMPOTENCY_KEY;
    }
    return make_fingerprint(connection, fingerprint) ? BS_OK : BS_OUT_OF_MEMORY;
}

bool idempotency_begin(struct connection *connection)
{
    struct request *request = &connection->request;
    char memory[BS_REQUEST_KEY_SIZE_MAX];
    uint8_t fingerprint[BS_FINGERPRINT_SIZE];
    const char *caller = connection->caller.name;
    struct bs_request_command who = {.fingerprint = fingerprint,
                                     .caller = {caller, (uint32_t)strlen(caller)}};
    enum bs_status status = read_key(connection, memory, fingerprint, &who.key);
    if (status == BS_OK && who.key.size > 0) {
        status = api_request_encode(&request->key_record, &who, &request->batch);
    }
    if (status != BS_OK) {
        answer_problem(request, status, NULL);
    }
    return status == BS_OK;
}

bool idempotency_begin_job(struct connection *connection, struct webhooks_job *job)
{
    struct bs_text key;
    enum bs_status status = read_key(connection, job->key, job->fingerprint, &key);
    if (status != BS_OK) {
        answer_problem(&connection->request, status, NULL);
        return false;
    }
    job->key_size = key.size;
    (void)snprintf(job->caller, sizeof(job->caller), "%s", connection->caller.name);
    return true;
}
