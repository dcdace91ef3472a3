/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/http.h"

#include <assert.h>
#include <curl/curl.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#define CONNECT_TIMEOUT_MS 3000L
#define POST_TIMEOUT_MS 120000L
#define ANSWER_SIZE_MAX ((size_t)256 << 20)

struct http {
    CURL *curl;
    const struct buffer *body; /* of the request that is being sent */
    size_t body_sent;
    struct curl_slist *ndjson_headers;
    struct curl_slist *json_headers;
    struct curl_slist *get_headers; /* NULL = none */
    struct http_access access;
    char *url;
    struct buffer answer;
    bool answer_too_long;
    char error[CURL_ERROR_SIZE];
};

static size_t on_body(char *bytes, size_t one, size_t size, void *user)
{
    struct http *http = user;
    (void)one;
    if (http->answer.size + size > ANSWER_SIZE_MAX) {
        http->answer_too_long = true;
        return 0;
    }
    buffer_append(&http->answer, bytes, size);
    return size;
}

/*
 * A body from a callback cannot be rewound. With a plain buffer curl would silently repeat a
 * request whose connection broke before the answer, and its commands would be applied twice.
 */
static size_t on_read(char *bytes, size_t one, size_t size, void *user)
{
    struct http *http = user;
    size_t left = http->body->size - http->body_sent;
    size_t taken = left < one * size ? left : one * size;
    memcpy(bytes, http->body->bytes + http->body_sent, taken);
    http->body_sent += taken;
    return taken;
}

/* A path prefix is allowed; user names, queries and fragments are not. */
static bool url_is_valid(const char *url)
{
    CURLU *parsed = curl_url();
    char *scheme = NULL;
    bool valid = parsed != NULL && curl_url_set(parsed, CURLUPART_URL, url, 0) == CURLUE_OK &&
                 curl_url_get(parsed, CURLUPART_SCHEME, &scheme, 0) == CURLUE_OK &&
                 (strcmp(scheme, "http") == 0 || strcmp(scheme, "https") == 0) &&
                 strpbrk(url, "?#@") == NULL;
    curl_free(scheme);
    curl_url_cleanup(parsed);
    return valid;
}

static struct curl_slist *headers_of(const char *content_type)
{
    struct curl_slist *headers = curl_slist_append(NULL, content_type);
    /* Without this curl sends Expect: 100-continue and waits a second for old servers. */
    if (headers == NULL || curl_slist_append(headers, "Expect:") == NULL) {
        abort();
    }
    return headers;
}

struct http *http_new(const char *url)
{
    assert(url != NULL);
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
        abort();
    }
    if (!url_is_valid(url)) {
        return NULL;
    }
    struct http *http = calloc(1, sizeof(*http));
    if (http == NULL) {
        abort();
    }
    http->curl = curl_easy_init();
    http->url = strdup(url);
    http->ndjson_headers = headers_of("Content-Type: application/x-ndjson");
    http->json_headers = headers_of("Content-Type: application/json");
    if (http->curl == NULL || http->url == NULL) {
        abort();
    }
    size_t size = strlen(http->url);
    while (size > 0 && http->url[size - 1] == '/') {
        http->url[--size] = '\0';
    }
    return http;
}

void http_free(struct http *http)
{
    if (http == NULL) {
        return;
    }
    curl_easy_cleanup(http->curl);
    curl_slist_free_all(http->ndjson_headers);
    curl_slist_free_all(http->json_headers);
    curl_slist_free_all(http->get_headers);
    buffer_fini(&http->answer);
    free(http->url);
    free(http);
    curl_global_cleanup();
}

static bool goes_in_the_clear(const char *url)
{
    CURLU *parsed = curl_url();
    char *scheme = NULL;
    char *host = NULL;
    bool known = parsed != NULL && curl_url_set(parsed, CURLUPART_URL, url, 0) == CURLUE_OK &&
                 curl_url_get(parsed, CURLUPART_SCHEME, &scheme, 0) == CURLUE_OK &&
                 curl_url_get(parsed, CURLUPART_HOST, &host, 0) == CURLUE_OK;
    bool local = known && (strncmp(host, "127.", 4) == 0 || strcmp(host, "localhost") == 0 ||
                           strcmp(host, "[::1]") == 0);
    bool clear = !known || (strcmp(scheme, "https") != 0 && !local);
    curl_free(scheme);
    curl_free(host);
    curl_url_cleanup(parsed);
    return clear;
}

bool http_set_access(struct http *http, const struct http_access *access)
{
    assert(access != NULL);
    struct buffer header = {0};
    http->access = *access;
    if (access->key == NULL) {
        return true;
    }
    if (goes_in_the_clear(http->url)) {
        return false;
    }
    buffer_printf(&header, "Authorization: Bearer %s", access->key);
    http->get_headers = curl_slist_append(NULL, header.bytes);
    if (http->get_headers == NULL ||
        curl_slist_append(http->ndjson_headers, header.bytes) == NULL ||
        curl_slist_append(http->json_headers, header.bytes) == NULL) {
        abort();
    }
    buffer_fini(&header);
    return true;
}

const char *http_url(const struct http *http)
{
    return http->url;
}

const char *http_error(const struct http *http)
{
    return http->error;
}

bool http_was_sent(const struct http *http)
{
    return http->body_sent > 0;
}

const char *http_versions(void)
{
    return curl_version();
}

static int exit_code(CURLcode code)
{
    switch ((int)code) {
    case CURLE_OK:
        return EX_OK;
    case CURLE_WEIRD_SERVER_REPLY:
    case CURLE_UNSUPPORTED_PROTOCOL:
    case CURLE_WRITE_ERROR:
    case CURLE_BAD_CONTENT_ENCODING:
        return EX_PROTOCOL;
    default:
        return EX_UNAVAILABLE;
    }
}

/* The handle keeps its connection over a reset, so successive requests reuse it. */
static void prepare(struct http *http, const char *url, long timeout_ms)
{
    curl_easy_reset(http->curl);
    curl_easy_setopt(http->curl, CURLOPT_URL, url);
    curl_easy_setopt(http->curl, CURLOPT_PATH_AS_IS, 1L); /* an account may be called ".." */
    curl_easy_setopt(http->curl, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(http->curl, CURLOPT_PROXY, ""); /* never: the server is the venue's own */
    curl_easy_setopt(http->curl, CURLOPT_CONNECTTIMEOUT_MS, CONNECT_TIMEOUT_MS);
    curl_easy_setopt(http->curl, CURLOPT_TIMEOUT_MS, timeout_ms);
    curl_easy_setopt(http->curl, CURLOPT_USERAGENT, "backstopctl/" BACKSTOP_VERSION);
    curl_easy_setopt(http->curl, CURLOPT_ERRORBUFFER, http->error);
    curl_easy_setopt(http->curl, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(http->curl, CURLOPT_WRITEDATA, http);
    curl_easy_setopt(http->curl, CURLOPT_HTTPHEADER, http->get_headers); /* a post has its own */
    curl_easy_setopt(http->curl, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    if (http->access.cacert != NULL) {
        curl_easy_setopt(http->curl, CURLOPT_CAINFO, http->access.cacert);
    }
    if (http->access.cert != NULL) {
        curl_easy_setopt(http->curl, CURLOPT_SSLCERT, http->access.cert);
        curl_easy_setopt(http->curl, CURLOPT_SSLKEY, http->access.cert_key);
    }
}

static int perform(struct http *http, struct http_answer *ret_answer)
{
    buffer_clear(&http->answer);
    http->answer_too_long = false;
    http->error[0] = '\0';
    CURLcode code = curl_easy_perform(http->curl);
    if (code != CURLE_OK) {
        const char *why =
            http->answer_too_long ? "the answer is too long" : curl_easy_strerror(code);
        if (http->error[0] == '\0' || http->answer_too_long) {
            strncpy(http->error, why, sizeof(http->error) - 1);
        }
        return exit_code(code);
    }
    curl_off_t retry_after_s = 0;
    curl_easy_getinfo(http->curl, CURLINFO_RESPONSE_CODE, &ret_answer->status);
    curl_easy_getinfo(http->curl, CURLINFO_RETRY_AFTER, &retry_after_s);
    ret_answer->retry_after_s = (long)retry_after_s;
    ret_answer->size = http->answer.size;
    buffer_reserve(&http->answer, 1);
    http->answer.bytes[http->answer.size] = '\0';
    ret_answer->body = http->answer.bytes;
    return EX_OK;
}

int http_get(struct http *http, const char *path, long timeout_ms, struct http_answer *ret_answer)
{
    assert(path[0] == '/');
    assert(timeout_ms > 0);
    struct buffer url = {0};
    buffer_printf(&url, "%s%s", http->url, path);
    prepare(http, url.bytes, timeout_ms);
    int code = perform(http, ret_answer);
    buffer_fini(&url);
    return code;
}

int http_delete(struct http *http, const char *path, long timeout_ms,
                struct http_answer *ret_answer)
{
    assert(timeout_ms > 0);
    struct buffer url = {0};
    buffer_printf(&url, "%s%s", http->url, path);
    prepare(http, url.bytes, timeout_ms);
    curl_easy_setopt(http->curl, CURLOPT_CUSTOMREQUEST, "DELETE");
    int code = perform(http, ret_answer);
    buffer_fini(&url);
    return code;
}

static int post(struct http *http, const char *path, const struct buffer *body, long timeout_ms,
                struct curl_slist *headers, struct http_answer *ret_answer)
{
    struct buffer url = {0};
    buffer_printf(&url, "%s%s", http->url, path);
    prepare(http, url.bytes, timeout_ms);
    curl_easy_setopt(http->curl, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(http->curl, CURLOPT_POST, 1L);
    curl_easy_setopt(http->curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)body->size);
    curl_easy_setopt(http->curl, CURLOPT_READFUNCTION, on_read);
    curl_easy_setopt(http->curl, CURLOPT_READDATA, http);
    http->body = body;
    http->body_sent = 0;
    int code = perform(http, ret_answer);
    buffer_fini(&url);
    return code;
}

int http_post_ndjson(struct http *http, const char *path, const struct buffer *body,
                     const char *key, struct http_answer *ret_answer)
{
    assert(key[0] != '\0');
    assert(body->size > 0);
    struct buffer line = {0};
    buffer_printf(&line, "Idempotency-Key: %s", key);
    struct curl_slist first = {.data = line.bytes, .next = http->ndjson_headers};
    int code = post(http, path, body, POST_TIMEOUT_MS, &first, ret_answer);
    buffer_fini(&line);
    return code;
}

int http_post_json(struct http *http, const char *path, const struct buffer *body, long timeout_ms,
                   struct http_answer *ret_answer)
{
    assert(timeout_ms > 0);
    return post(http, path, body, timeout_ms, http->json_headers, ret_answer);
}

static void append_escaped(struct buffer *path, const char *text)
{
    for (const char *at = text; *at != '\0'; at++) {
        if (strchr("-._~", *at) != NULL || (*at >= '0' && *at <= '9') ||
            (*at >= 'A' && *at <= 'Z') || (*at >= 'a' && *at <= 'z')) {
            buffer_append(path, at, 1);
        } else {
            buffer_printf(path, "%%%02X", (unsigned)(unsigned char)*at);
        }
    }
}

void http_path_segment(struct buffer *path, const char *segment)
{
    append_escaped(path, segment);
}

void http_path_query(struct buffer *path, const char *name, const char *value)
{
    assert(path->size > 0);
    assert(name[0] != '\0');
    if (value == NULL) {
        return;
    }
    bool first = memchr(path->bytes, '?', path->size) == NULL;
    buffer_printf(path, "%c%s=", first ? '?' : '&', name);
    append_escaped(path, value);
}
