/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libcurl says which sockets it wants watched (on_socket) and when it wants to be called
 * (on_timeout); uv_poll and one uv_timer do that. A timeout of 0 means "soon, but not from inside":
 * it goes through the timer as well.
 *
 * Easy handles are kept for reuse: one costs more to make than a request. An address is judged in
 * on_open, with the very sockaddr that the socket will be connected to; a kept connection was
 * judged when it was opened.
 */
#include "daemon/webhooks/transport.h"

#include <curl/curl.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define RECEIVED_MAX 4096
#define SPARES_MAX 256
#define CONNECTIONS_KEPT 512
#define ROUNDS_MAX 16
#define NAMES_KEPT_S 5L /* a receiver that moves is found by the next step of the ladder */

/* Of one descriptor number; kept for the next socket when this one is closed. */
struct watch {
    uv_poll_t poll;
    curl_socket_t socket;
    struct transport *transport;
};

struct transport {
    uv_loop_t *loop;
    CURLM *multi;
    uv_timer_t timer;
    uv_timer_t later; /* finished calls that no other event of the loop reports */
    struct transport_options options;
    CURL *spares[SPARES_MAX];
    uint32_t spares_count;
    struct transport_call *failed;
    struct watch **watches; /* by descriptor */
    size_t watches_count;
    bool is_taking; /* results, outside of libcurl: a call that is added now can start at once */
    bool has_added; /* a call was added meanwhile */
};

/* ---- results ---- */

static void release(struct transport_call *call)
{
    struct transport *transport = call->transport;
    if (call->easy != NULL) {
        (void)curl_multi_remove_handle(transport->multi, call->easy);
        (void)curl_easy_setopt(call->easy, CURLOPT_ERRORBUFFER, NULL); /* it is the call's */
        if (transport->spares_count < SPARES_MAX) {
            transport->spares[transport->spares_count++] = call->easy;
        } else {
            curl_easy_cleanup(call->easy);
        }
    }
    curl_slist_free_all(call->list);
    call->easy = NULL;
    call->list = NULL;
}

static void set_outcome(struct transport_call *call, CURLcode code)
{
    long status = 0;
    curl_off_t retry_after_s = 0;
    (void)curl_easy_getinfo(call->easy, CURLINFO_RESPONSE_CODE, &status);
    bool is_capped = code == CURLE_WRITE_ERROR && call->received > RECEIVED_MAX;
    if (code == CURLE_OK || is_capped) {
        (void)curl_easy_getinfo(call->easy, CURLINFO_RETRY_AFTER, &retry_after_s);
        call->status = (int)status;
        call->error[0] = '\0';
    } else if (call->is_refused) {
        (void)snprintf(call->error, sizeof(call->error), "notices are not sent to the address %s",
                       call->refused);
    } else if (call->error[0] == '\0') {
        (void)snprintf(call->error, sizeof(call->error), "%s", curl_easy_strerror(code));
    }
    if (retry_after_s > 0 && retry_after_s < INT32_MAX) {
        call->retry_after_ms = retry_after_s * 1000;
    }
    call->duration_us = (uv_hrtime() - call->start_ns) / 1000;
}

static void take_finished(struct transport *transport)
{
    int left = 0;
    CURLMsg *message;
    while ((message = curl_multi_info_read(transport->multi, &left)) != NULL) {
        if (message->msg != CURLMSG_DONE) {
            continue;
        }
        CURLcode code = message->data.result;
        struct transport_call *call = NULL;
        (void)curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, (char **)&call);
        set_outcome(call, code);
        release(call);
        call->done(call);
    }
}

static void on_later(uv_timer_t *timer);

/*
 * A call that was added while results were taken begins here, not one turn of the loop later, and
 * may end here too. After ROUNDS_MAX rounds the loop's other work has its turn.
 */
static void take_results(struct transport *transport)
{
    for (uint32_t round = 0; round < ROUNDS_MAX; round++) {
        int running = 0;
        transport->is_taking = true;
        transport->has_added = false;
        take_finished(transport);
        transport->is_taking = false;
        if (!transport->has_added) {
            return;
        }
        (void)curl_multi_socket_action(transport->multi, CURL_SOCKET_TIMEOUT, 0, &running);
    }
    (void)uv_timer_start(&transport->later, on_later, 0, 0);
}

static void on_later(uv_timer_t *timer)
{
    struct transport *transport = timer->data;
    while (transport->failed != NULL) {
        struct transport_call *call = transport->failed;
        transport->failed = call->next;
        call->done(call);
    }
    take_results(transport);
}

/* ---- the loop and libcurl ---- */

static void on_timer(uv_timer_t *timer)
{
    struct transport *transport = timer->data;
    int running = 0;
    (void)curl_multi_socket_action(transport->multi, CURL_SOCKET_TIMEOUT, 0, &running);
    take_results(transport);
}

static int on_timeout(CURLM *multi, long timeout_ms, void *user)
{
    struct transport *transport = user;
    (void)multi;
    if (timeout_ms < 0) {
        (void)uv_timer_stop(&transport->timer);
    } else {
        (void)uv_timer_start(&transport->timer, on_timer, (uint64_t)timeout_ms, 0);
    }
    return 0;
}

static void on_poll(uv_poll_t *poll, int status, int events)
{
    struct watch *watch = poll->data;
    struct transport *transport = watch->transport;
    int running = 0;
    int flags = (status < 0 ? CURL_CSELECT_ERR : 0) |
                ((events & UV_READABLE) != 0 ? CURL_CSELECT_IN : 0) |
                ((events & UV_WRITABLE) != 0 ? CURL_CSELECT_OUT : 0);
    (void)curl_multi_socket_action(transport->multi, watch->socket, flags, &running);
    take_results(transport);
}

static void on_watch_closed(uv_handle_t *handle)
{
    free(handle->data);
}

static bool reserve_watch(struct transport *transport, size_t place)
{
    if (place >= transport->watches_count) {
        size_t count = 2 * (place + 1);
        struct watch **watches = realloc(transport->watches, count * sizeof(*watches));
        if (watches == NULL) {
            return false;
        }
        memset(watches + transport->watches_count, 0,
               (count - transport->watches_count) * sizeof(*watches));
        transport->watches = watches;
        transport->watches_count = count;
    }
    return true;
}

static struct watch *watch_for(struct transport *transport, curl_socket_t socket)
{
    if (!reserve_watch(transport, (size_t)socket)) {
        return NULL;
    }
    struct watch *watch = transport->watches[socket];
    if (watch == NULL) {
        watch = calloc(1, sizeof(*watch));
        if (watch == NULL || uv_poll_init_socket(transport->loop, &watch->poll, socket) != 0) {
            free(watch);
            return NULL;
        }
        watch->poll.data = watch;
        watch->socket = socket;
        watch->transport = transport;
        transport->watches[socket] = watch;
    }
    return watch;
}

static int on_socket(CURL *easy, curl_socket_t socket, int what, void *user, void *socket_user)
{
    struct transport *transport = user;
    struct watch *watch = socket_user;
    (void)easy;
    if (what == CURL_POLL_REMOVE) {
        if (watch != NULL) {
            (void)uv_poll_stop(&watch->poll);
            (void)curl_multi_assign(transport->multi, socket, NULL);
        }
        return 0;
    }
    if (watch == NULL) {
        watch = watch_for(transport, socket);
        (void)curl_multi_assign(transport->multi, socket, watch);
    }
    int events = (what & CURL_POLL_IN) != 0 ? UV_READABLE : 0;
    events |= (what & CURL_POLL_OUT) != 0 ? UV_WRITABLE : 0;
    return watch != NULL && uv_poll_start(&watch->poll, events, on_poll) == 0 ? 0 : -1;
}

/* ---- one call ---- */

static curl_socket_t on_open(void *user, curlsocktype purpose, struct curl_sockaddr *address)
{
    struct transport_call *call = user;
    char text[ADDRESS_TEXT_SIZE];
    if (purpose != CURLSOCKTYPE_IPCXN ||
        !address_allowed(&call->transport->options.exceptions, &address->addr)) {
        address_print(&address->addr, text);
        call->is_refused = true;
        memcpy(call->refused, text, sizeof(call->refused));
        return CURL_SOCKET_BAD;
    }
    call->is_refused = false; /* another address of the same name may be fine */
    return socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

static size_t on_received(char *bytes, size_t size, size_t count, void *user)
{
    struct transport_call *call = user;
    (void)bytes;
    call->received += size * count;
    return call->received > RECEIVED_MAX ? 0 : size * count;
}

/* The options that are the same for every call of a handle. */
static void set_up(CURL *easy, const struct transport_options *options)
{
    const char *protocols = options->allows_http ? "http,https" : "https";
    (void)curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    (void)curl_easy_setopt(easy, CURLOPT_POST, 1L);
    (void)curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
    (void)curl_easy_setopt(easy, CURLOPT_MAXREDIRS, 0L);
    (void)curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, protocols);
    (void)curl_easy_setopt(easy, CURLOPT_REDIR_PROTOCOLS_STR, protocols);
    (void)curl_easy_setopt(easy, CURLOPT_PROXY, "");
    (void)curl_easy_setopt(easy, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
    (void)curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    (void)curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long)options->timeout_ms);
    (void)curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)options->connect_timeout_ms);
    (void)curl_easy_setopt(easy, CURLOPT_DNS_CACHE_TIMEOUT, NAMES_KEPT_S);
    /* Does not wait for a thread that still looks up a name. */
    (void)curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L);
    (void)curl_easy_setopt(easy, CURLOPT_USERAGENT, "backstopd/" BACKSTOP_VERSION);
    (void)curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, on_open);
    (void)curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_received);
    if (options->ca_file[0] != '\0') {
        (void)curl_easy_setopt(easy, CURLOPT_CAINFO, options->ca_file);
    }
}

static CURL *take_easy(struct transport *transport)
{
    if (transport->spares_count > 0) {
        return transport->spares[--transport->spares_count];
    }
    CURL *easy = curl_easy_init();
    if (easy != NULL) {
        set_up(easy, &transport->options);
    }
    return easy;
}

static bool add_header(struct transport_call *call, const char *header)
{
    struct curl_slist *list = curl_slist_append(call->list, header);
    call->list = list != NULL ? list : call->list;
    return list != NULL;
}

static bool begin(struct transport_call *call)
{
    struct transport *transport = call->transport;
    CURL *easy = take_easy(transport);
    call->easy = easy;
    bool good = easy != NULL && add_header(call, "Content-Type: application/json") &&
                add_header(call, "Accept:") && add_header(call, "Expect:");
    for (uint32_t i = 0; good && i < TRANSPORT_HEADERS; i++) {
        good = call->headers[i] == NULL || add_header(call, call->headers[i]);
    }
    if (!good) {
        return false;
    }
    (void)curl_easy_setopt(easy, CURLOPT_PRIVATE, call);
    (void)curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, call->error);
    (void)curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, call);
    (void)curl_easy_setopt(easy, CURLOPT_WRITEDATA, call);
    (void)curl_easy_setopt(easy, CURLOPT_HTTPHEADER, call->list);
    (void)curl_easy_setopt(easy, CURLOPT_POSTFIELDS, call->body);
    (void)curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)call->body_size);
    if (curl_easy_setopt(easy, CURLOPT_URL, call->url) != CURLE_OK) {
        return false;
    }
    CURLMcode code = curl_multi_add_handle(transport->multi, easy);
    if (code != CURLM_OK) {
        curl_easy_cleanup(easy);
        call->easy = NULL;
    }
    transport->has_added = transport->is_taking;
    return code == CURLM_OK;
}

void transport_send(struct transport *transport, struct transport_call *call)
{
    assert(call->url != NULL);
    assert(call->done != NULL);
    assert(call->body != NULL);
    assert(transport->multi != NULL); /* not stopped */
    call->transport = transport;
    call->status = 0;
    call->retry_after_ms = 0;
    call->duration_us = 0;
    call->error[0] = '\0';
    call->is_refused = false;
    call->easy = NULL;
    call->list = NULL;
    call->received = 0;
    call->start_ns = uv_hrtime();
    if (begin(call)) {
        return;
    }
    release(call);
    (void)snprintf(call->error, sizeof(call->error), "out of memory");
    call->next = transport->failed;
    transport->failed = call;
    (void)uv_timer_start(&transport->later, on_later, 0, 0);
}

void transport_cancel(struct transport_call *call)
{
    assert(call->transport != NULL);
    struct transport_call **link = &call->transport->failed;
    while (*link != NULL && *link != call) {
        link = &(*link)->next;
    }
    if (*link == call) {
        *link = call->next;
    }
    release(call);
}

/* ---- life ---- */

int transport_new(struct transport **ret_transport, uv_loop_t *loop,
                  const struct transport_options *options, char error[LOG_ERROR_SIZE])
{
    struct transport *transport = calloc(1, sizeof(*transport));
    bool is_initialised = curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK;
    CURLM *multi = is_initialised ? curl_multi_init() : NULL;
    if (transport == NULL || multi == NULL) {
        (void)snprintf(error, LOG_ERROR_SIZE, "libcurl did not start");
        (void)curl_multi_cleanup(multi);
        free(transport);
        return -ENOMEM;
    }
    transport->loop = loop;
    transport->multi = multi;
    transport->options = *options;
    (void)uv_timer_init(loop, &transport->timer);
    (void)uv_timer_init(loop, &transport->later);
    transport->timer.data = transport;
    transport->later.data = transport;
    (void)curl_multi_setopt(multi, CURLMOPT_SOCKETFUNCTION, on_socket);
    (void)curl_multi_setopt(multi, CURLMOPT_SOCKETDATA, transport);
    (void)curl_multi_setopt(multi, CURLMOPT_TIMERFUNCTION, on_timeout);
    (void)curl_multi_setopt(multi, CURLMOPT_TIMERDATA, transport);
    (void)curl_multi_setopt(multi, CURLMOPT_MAXCONNECTS, (long)CONNECTIONS_KEPT);
    *ret_transport = transport;
    return 0;
}

void transport_stop(struct transport *transport)
{
    for (uint32_t i = 0; i < transport->spares_count; i++) {
        curl_easy_cleanup(transport->spares[i]);
    }
    transport->spares_count = 0;
    (void)curl_multi_cleanup(transport->multi);
    transport->multi = NULL;
    for (size_t i = 0; i < transport->watches_count; i++) {
        if (transport->watches[i] != NULL) {
            uv_close((uv_handle_t *)&transport->watches[i]->poll, on_watch_closed);
        }
    }
    uv_close((uv_handle_t *)&transport->timer, NULL);
    uv_close((uv_handle_t *)&transport->later, NULL);
}

void transport_free(struct transport *transport)
{
    if (transport == NULL) {
        return;
    }
    free(transport->watches);
    free(transport);
}

/* ---- addresses of receivers ---- */

/* libcurl takes https:/x and https:///x for the host x. */
static bool names_host(const char *url)
{
    const char *colon = strchr(url, ':');
    return colon != NULL && strncmp(colon, "://", 3) == 0 && strchr("/?#", colon[3]) == NULL;
}

static const char *check_parts(const struct transport *transport, CURLU *parts,
                               enum bs_status *ret_status)
{
    char *scheme = NULL;
    char *host = NULL;
    char *port = NULL;
    char *user = NULL;
    const char *reason = NULL;
    bool is_address = false;
    (void)curl_url_get(parts, CURLUPART_SCHEME, &scheme, 0);
    (void)curl_url_get(parts, CURLUPART_HOST, &host, 0);
    (void)curl_url_get(parts, CURLUPART_PORT, &port, CURLU_DEFAULT_PORT);
    *ret_status = BS_INVALID_URL;
    bool is_http = scheme != NULL && strcmp(scheme, "http") == 0;
    bool is_https = scheme != NULL && strcmp(scheme, "https") == 0;
    if (!is_https && !(is_http && transport->options.allows_http)) {
        reason = is_http ? "http is not allowed in this server's settings: use https"
                         : "use https: other schemes are not supported";
    } else if (curl_url_get(parts, CURLUPART_USER, &user, 0) == CURLUE_OK) {
        reason = "leave out the user and password: they would not be sent";
    } else if (host == NULL || port == NULL) {
        reason = "it has no host";
    } else if (address_host_fault(host) != NULL) {
        reason = address_host_fault(host);
    } else if (!address_port_allowed(&transport->options.ports,
                                     (uint32_t)strtoul(port, NULL, 10))) {
        reason = "this port is not allowed in this server's settings";
    } else if (!address_text_allowed(&transport->options.exceptions, host, &is_address)) {
        *ret_status = BS_ADDRESS_REFUSED;
        reason = "notices are not sent to this range of addresses";
    }
    curl_free(scheme);
    curl_free(host);
    curl_free(port);
    curl_free(user);
    return reason;
}

enum bs_status transport_check_url(const struct transport *transport, const char *url,
                                   const char **ret_reason)
{
    enum bs_status status = BS_INVALID_URL;
    CURLU *parts = curl_url();
    const char *reason = "it is not a URL";
    if (!names_host(url)) {
        reason = "it does not begin with https:// and a host";
    } else if (parts != NULL && curl_url_set(parts, CURLUPART_URL, url, 0) == CURLUE_OK) {
        reason = check_parts(transport, parts, &status);
    }
    curl_url_cleanup(parts);
    *ret_reason = reason;
    return reason == NULL ? BS_OK : status;
}
