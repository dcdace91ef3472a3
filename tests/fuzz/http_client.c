/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/fuzz/http_client.h"

#include <arpa/inet.h>
#include <errno.h>
#include <gnutls/gnutls.h>
#include <poll.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "api/json_token.h"
#include "lib/base/status.h"

#define PATIENCE_MS 20000
#define PIECE_SIZE 65536
#define SOURCES 200 /* 127.0.0.1 and up */

struct channel {
    const struct fuzz_door *door;
    int fd;
    gnutls_session_t session; /* NULL: no TLS */
    uint64_t sent;
    uint32_t patience_ms;
};

enum event { EVENT_BYTES, EVENT_SILENCE, EVENT_CLOSED };

/* ---- the wire ---- */

/*
 * libFuzzer looks after the time by a signal, which interrupts what waits: then it is done again. A
 * connection that went on meanwhile says so.
 */
static int connect_once(int fd, const struct sockaddr_in *address)
{
    int result;
    do {
        result = connect(fd, (const struct sockaddr *)address, sizeof *address);
    } while (result != 0 && (errno == EINTR || errno == EALREADY));
    return result != 0 && errno == EISCONN ? 0 : result;
}

/* From many addresses: the ports of one would run out, as each is kept for a minute. */
static int connect_to(uint16_t port)
{
    static uint32_t connects;
    struct sockaddr_in from = {.sin_family = AF_INET,
                               .sin_addr = {htonl(INADDR_LOOPBACK + connects++ % SOURCES)}};
    int one = 1;
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr = {htonl(INADDR_LOOPBACK)}};
    struct linger at_once = {.l_onoff = 1}; /* closing leaves no port waiting behind */
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert(fd >= 0);
    (void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    (void)setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &one, sizeof one);
    int result = bind(fd, (const struct sockaddr *)&from, sizeof from);
    assert(result == 0);
    if (connect_once(fd, &address) != 0) {
        perror("fuzz: connect");
        abort();
    }
    return fd;
}

/* All of it is sent, unless the server closes in the middle: then reading finds that out. */
static ssize_t push(gnutls_transport_ptr_t user, const void *bytes, size_t size)
{
    struct channel *channel = user;
    char *piece = fuzz_copy(bytes, size, 0);
    uint64_t at = channel->door->damage_at;
    if (at > channel->sent && at <= channel->sent + size) {
        piece[at - channel->sent - 1] ^= (char)channel->door->damage;
    }
    channel->sent += size;
    for (size_t sent = 0; sent < size;) {
        ssize_t more = send(channel->fd, piece + sent, size - sent, MSG_NOSIGNAL);
        if (more < 0 && errno == EINTR) {
            continue;
        }
        if (more <= 0) {
            break;
        }
        sent += (size_t)more;
    }
    free(piece);
    return (ssize_t)size;
}

/* EAGAIN: nothing came in time. */
static ssize_t pull(gnutls_transport_ptr_t user, void *bytes, size_t capacity)
{
    struct channel *channel = user;
    struct pollfd wait = {.fd = channel->fd, .events = POLLIN};
    ssize_t got = -1;
    errno = EINTR;
    while (got < 0 && errno == EINTR) {
        int ready = poll(&wait, 1, (int)channel->patience_ms);
        if (ready == 0) {
            errno = EAGAIN;
            return -1;
        }
        got = ready < 0 ? -1 : recv(channel->fd, bytes, capacity, 0);
    }
    return got < 0 ? 0 : got; /* a connection that was reset is closed */
}

/* ---- with TLS or without ---- */

static gnutls_certificate_credentials_t any_certificate(void)
{
    static gnutls_certificate_credentials_t credentials;
    if (credentials == NULL) {
        int code = gnutls_certificate_allocate_credentials(&credentials);
        assert(code == 0);
    }
    return credentials;
}

static void open_channel(struct channel *channel, const struct fuzz_door *door)
{
    *channel = (struct channel){.door = door, .fd = connect_to(door->port)};
    if (door->is_tls) {
        const char *versions = door->is_tls_1_2 ? "NORMAL:-VERS-ALL:+VERS-TLS1.2" : "NORMAL";
        int code = gnutls_init(&channel->session, GNUTLS_CLIENT | GNUTLS_NO_SIGNAL);
        assert(code == 0);
        code = gnutls_priority_set_direct(channel->session, versions, NULL);
        assert(code == 0);
        code = gnutls_credentials_set(channel->session, GNUTLS_CRD_CERTIFICATE, any_certificate());
        assert(code == 0);
        gnutls_transport_set_ptr(channel->session, channel);
        gnutls_transport_set_push_function(channel->session, push);
        gnutls_transport_set_pull_function(channel->session, pull);
    }
}

static void close_channel(struct channel *channel)
{
    if (channel->session != NULL) {
        gnutls_deinit(channel->session);
    }
    (void)close(channel->fd);
}

/* Only what was damaged may fail or be met with silence. */
static bool shake_hands(struct channel *channel)
{
    bool is_whole = channel->door->damage_at == 0 && channel->door->garbage.size == 0;
    int code = 0;
    if (channel->session != NULL) {
        channel->patience_ms = is_whole ? PATIENCE_MS : channel->door->silence_ms;
        do {
            code = gnutls_handshake(channel->session);
        } while (code == GNUTLS_E_INTERRUPTED || code == GNUTLS_E_WARNING_ALERT_RECEIVED);
        assert(code == 0 || !is_whole);
    }
    return code == 0;
}

static void send_all(struct channel *channel, struct bs_text bytes)
{
    if (channel->session == NULL) {
        (void)push(channel, bytes.bytes, bytes.size);
        return;
    }
    for (uint32_t sent = 0; sent < bytes.size;) {
        ssize_t more = gnutls_record_send(channel->session, bytes.bytes + sent, bytes.size - sent);
        if (more <= 0) {
            break;
        }
        sent += (uint32_t)more;
    }
}

static enum event receive(struct channel *channel, uint32_t patience_ms, struct buffer *answers)
{
    ssize_t got;
    bool is_silent;
    channel->patience_ms = patience_ms;
    buffer_reserve(answers, PIECE_SIZE + 1);
    char *place = answers->bytes + answers->size;
    if (channel->session == NULL) {
        got = pull(channel, place, PIECE_SIZE);
        is_silent = got < 0;
    } else {
        got = gnutls_record_recv(channel->session, place, PIECE_SIZE);
        is_silent = got == GNUTLS_E_AGAIN || got == GNUTLS_E_INTERRUPTED;
    }
    answers->size += got > 0 ? (size_t)got : 0;
    answers->bytes[answers->size] = '\0';
    return got > 0 ? EVENT_BYTES : is_silent ? EVENT_SILENCE : EVENT_CLOSED;
}

void fuzz_exchange(const struct fuzz_door *door, struct bs_text input, bool may_wait,
                   struct buffer *answers)
{
    static const char last[] = "GET /livez HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
    struct channel channel;
    buffer_clear(answers);
    buffer_reserve(answers, 1);
    open_channel(&channel, door);
    (void)push(&channel, door->garbage.bytes, door->garbage.size);
    if (shake_hands(&channel)) {
        send_all(&channel, input);
        send_all(&channel, (struct bs_text){last, sizeof last - 1});
    }
    enum event event = EVENT_BYTES;
    while (event == EVENT_BYTES) {
        event = receive(&channel, door->silence_ms, answers);
    }
    if (event == EVENT_SILENCE) {
        (void)shutdown(channel.fd, SHUT_WR);
    }
    while (event != EVENT_CLOSED && !may_wait) {
        event = receive(&channel, PATIENCE_MS, answers);
        assert(event != EVENT_SILENCE); /* it hangs */
    }
    close_channel(&channel);
}

/* ---- answers ---- */

static const char *header_of(const char *head, const char *name)
{
    const char *line = strcasestr(head, name);
    return line == NULL ? NULL : line + strlen(name);
}

static void check_problem(const char *body)
{
    const char *code = strstr(body, "\"code\":\"");
    assert(code != NULL);
    code += strlen("\"code\":\"");
    size_t size = strcspn(code, "\"");
    for (enum bs_status status = 0; status < BS_STATUS_COUNT; status++) {
        const char *name = bs_status_name(status);
        if (strlen(name) == size && memcmp(name, code, size) == 0) {
            return;
        }
    }
    assert(false); /* no such code */
}

struct answer {
    int status;
    const char *type;
    const char *body;
    size_t size;
};

static void check_body(const struct answer *answer, fuzz_answer_fn fn, void *user)
{
    struct json_position position;
    bool is_problem = strncmp(answer->type, "application/problem+json", 24) == 0;
    char *text = fuzz_copy(answer->body, answer->size, 1);
    if (is_problem || strncmp(answer->type, "application/json", 16) == 0) {
        bool is_json = !json_locate(text, answer->size, &position);
        assert(is_json);
        if (fn != NULL) {
            fn(user, answer->status, text);
        }
    }
    if (is_problem) {
        assert(answer->status >= 400);
        check_problem(text);
    }
    free(text);
}

/* One answer, and where the next one begins; NULL: it did not come as a whole, or it says no length
 * and is the last. */
static const char *check_answer(const char *head, const char *end, fuzz_answer_fn fn, void *user)
{
    assert(strncmp(head, "HTTP/1.", 7) == 0);
    const char *body = strstr(head, "\r\n\r\n");
    if (body == NULL) {
        return NULL;
    }
    body += 4;
    int status = (int)strtol(head + strlen("HTTP/1.1 "), NULL, 10);
    assert(status == 100 || (status >= 200 && status < 600));
    if (status == 100) {
        return body;
    }
    const char *type = header_of(head, "\r\nContent-Type: ");
    const char *length = header_of(head, "\r\nContent-Length: ");
    if (length == NULL || length > body) {
        return NULL;
    }
    size_t size = strtoul(length, NULL, 10);
    if (size > (size_t)(end - body)) {
        return NULL;
    }
    if (type == NULL || type > body) {
        return NULL; /* a refusal of libmicrohttpd's own; 0.9.75 sends the head of some twice */
    }
    check_body(&(struct answer){status, type, body, size}, fn, user);
    return body + size;
}

void fuzz_check_answers(const struct buffer *answers, fuzz_answer_fn fn, void *user)
{
    const char *end = answers->bytes + answers->size;
    for (const char *at = answers->bytes; at != NULL && at < end;) {
        at = check_answer(at, end, fn, user);
    }
}
