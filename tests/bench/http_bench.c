/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A keep-alive load on a running backstopd, from one thread: every connection sends a request,
 * waits for its whole answer, and sends the next. Prints figures and asserts nothing about them;
 * http_bench.py starts the server and makes the world that the requests act on.
 *
 *     http_bench PORT get PATH CONNECTIONS SECONDS
 *     http_bench PORT positions BATCH CONNECTIONS SECONDS
 */
#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define CONNECTIONS_MAX 256
#define BATCH_MAX 10000
#define SECONDS_MAX 60
#define SAMPLES_MAX 4000000
#define ANSWER_TIMEOUT_MS 10000
#define ANSWER_SIZE 8192
#define ITEM_SIZE_MAX 128
#define HEAD_SIZE_MAX 256

struct text {
    char *bytes;
    size_t size;
};

struct connection {
    int fd;
    struct text requests[2]; /* sent in turn, so that every update changes something */
    uint64_t count;
    size_t sent;
    char answer[ANSWER_SIZE];
    size_t received;
    uint64_t started_ns;
};

struct load {
    const char *name;
    const char *get; /* the path, or NULL: positions */
    uint32_t batch;
    uint32_t connections_count;
    uint64_t end_ns;
    int epoll;
    uint32_t *samples_us;
    uint32_t idle_count; /* connections that have ended */
    uint64_t answers;
    uint64_t failures; /* answers that are not a plain 200, all accepted */
};

static void die(const char *what)
{
    perror(what);
    exit(EXIT_FAILURE);
}

static uint64_t now_ns(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static struct text make_text(size_t capacity)
{
    struct text text = {.bytes = malloc(capacity)};
    if (text.bytes == NULL) {
        die("malloc");
    }
    return text;
}

static struct text make_get(const char *path)
{
    size_t capacity = HEAD_SIZE_MAX + strlen(path);
    struct text text = make_text(capacity);
    text.size =
        (size_t)snprintf(text.bytes, capacity, "GET %s HTTP/1.1\r\nHost: bench\r\n\r\n", path);
    return text;
}

/* Absolute positions of `batch` accounts that belong to one connection. */
static struct text make_positions(uint32_t connection, uint32_t batch, int variant)
{
    size_t capacity = 2 + (size_t)batch * ITEM_SIZE_MAX;
    struct text body = make_text(capacity);
    for (uint32_t i = 0; i < batch; i++) {
        body.size +=
            (size_t)snprintf(body.bytes + body.size, capacity - body.size,
                             "%c{\"account\":\"a%05u\",\"market\":\"BTC-PERP\",\"size\":\"-%d.5\","
                             "\"entry_price\":\"64012.5\"}",
                             i == 0 ? '[' : ',', connection * batch + i, variant + 1);
    }
    body.bytes[body.size++] = ']';
    struct text text = make_text(HEAD_SIZE_MAX + body.size);
    text.size = (size_t)snprintf(text.bytes, HEAD_SIZE_MAX,
                                 "POST /v1/positions HTTP/1.1\r\nHost: bench\r\n"
                                 "Content-Type: application/json\r\nContent-Length: %zu\r\n\r\n",
                                 body.size);
    memcpy(text.bytes + text.size, body.bytes, body.size);
    text.size += body.size;
    free(body.bytes);
    return text;
}

static void open_connection(struct load *load, struct connection *connection, uint32_t number,
                            uint16_t port)
{
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int one = 1;
    for (int variant = 0; variant < 2; variant++) {
        connection->requests[variant] =
            load->get != NULL ? make_get(load->get) : make_positions(number, load->batch, variant);
    }
    connection->fd = socket(AF_INET, SOCK_STREAM, 0);
    if (connection->fd < 0 ||
        connect(connection->fd, (const struct sockaddr *)&address, sizeof address) != 0) {
        die("connect");
    }
    (void)setsockopt(connection->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = connection};
    if (epoll_ctl(load->epoll, EPOLL_CTL_ADD, connection->fd, &event) != 0) {
        die("epoll_ctl");
    }
}

/* Sends as much as goes; the rest when the socket takes more. */
static void send_more(struct load *load, struct connection *connection)
{
    const struct text *request = &connection->requests[connection->count % 2];
    while (connection->sent < request->size) {
        ssize_t sent = send(connection->fd, request->bytes + connection->sent,
                            request->size - connection->sent, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (sent < 0 && errno != EAGAIN) {
            die("send");
        }
        bool full = sent < 0;
        struct epoll_event event = {.events = full ? EPOLLIN | EPOLLOUT : EPOLLIN,
                                    .data.ptr = connection};
        bool changes = full || connection->sent > 0;
        if (changes && epoll_ctl(load->epoll, EPOLL_CTL_MOD, connection->fd, &event) != 0) {
            die("epoll_ctl");
        }
        if (full) {
            return;
        }
        connection->sent += (size_t)sent;
    }
}

static void begin_request(struct load *load, struct connection *connection)
{
    connection->sent = 0;
    connection->received = 0;
    connection->started_ns = now_ns();
    send_more(load, connection);
}

/* True once head and body are there. */
static bool is_whole(const struct connection *connection)
{
    const char *end = strstr(connection->answer, "\r\n\r\n");
    const char *length = strcasestr(connection->answer, "\r\ncontent-length:");
    if (end == NULL || length == NULL) {
        return false;
    }
    size_t body = strtoul(length + strlen("\r\ncontent-length:"), NULL, 10);
    return connection->received >= (size_t)(end + 4 - connection->answer) + body;
}

static void finish_request(struct load *load, struct connection *connection)
{
    uint64_t took_us = (now_ns() - connection->started_ns) / 1000;
    bool good = strncmp(connection->answer, "HTTP/1.1 200", 12) == 0 &&
                (load->get != NULL || strstr(connection->answer, "\"rejected\":[]") != NULL);
    load->failures += !good;
    load->samples_us[load->answers++] = (uint32_t)took_us;
    connection->count++;
}

static void on_input(struct load *load, struct connection *connection)
{
    size_t room = ANSWER_SIZE - 1 - connection->received;
    ssize_t received = recv(connection->fd, connection->answer + connection->received, room, 0);
    if (received <= 0) {
        die("recv");
    }
    connection->received += (size_t)received;
    connection->answer[connection->received] = '\0';
    if (is_whole(connection)) {
        finish_request(load, connection);
        if (load->answers < SAMPLES_MAX && now_ns() < load->end_ns) {
            begin_request(load, connection);
        } else {
            load->idle_count++;
        }
    } else if (connection->received == ANSWER_SIZE - 1) {
        fprintf(stderr, "an answer is longer than %d bytes\n", ANSWER_SIZE);
        exit(EXIT_FAILURE);
    }
}

static int compare_samples(const void *left, const void *right)
{
    uint32_t a = *(const uint32_t *)left;
    uint32_t b = *(const uint32_t *)right;
    return (a > b) - (a < b);
}

static void print_figures(const struct load *load, uint64_t elapsed_ns)
{
    double seconds = (double)elapsed_ns / 1e9;
    double rate = (double)load->answers / seconds;
    qsort(load->samples_us, load->answers, sizeof load->samples_us[0], compare_samples);
    printf("%-20s connections %3u  batch %5u  requests/s %9.0f  updates/s %10.0f  "
           "p50 %6u us  p99 %6u us  max %7u us  failed %" PRIu64 "\n",
           load->name, load->connections_count, load->batch, rate, rate * load->batch,
           load->samples_us[load->answers / 2], load->samples_us[load->answers * 99 / 100],
           load->samples_us[load->answers - 1], load->failures);
}

static void run(struct load *load, struct connection *connections)
{
    struct epoll_event events[CONNECTIONS_MAX];
    uint64_t begin_ns = now_ns();
    for (uint32_t i = 0; i < load->connections_count; i++) {
        begin_request(load, &connections[i]);
    }
    /* Ends when the last answer under way is there: nothing is cut off in the middle. */
    while (load->idle_count < load->connections_count) {
        int count = epoll_wait(load->epoll, events, CONNECTIONS_MAX, ANSWER_TIMEOUT_MS);
        if (count <= 0) {
            die("waiting for an answer");
        }
        for (int i = 0; i < count; i++) {
            struct connection *connection = events[i].data.ptr;
            if ((events[i].events & EPOLLOUT) != 0) {
                send_more(load, connection);
            }
            if ((events[i].events & ~(uint32_t)EPOLLOUT) != 0) {
                on_input(load, connection);
            }
        }
    }
    print_figures(load, now_ns() - begin_ns);
}

static uint32_t number_argument(const char *text, uint32_t max)
{
    char *end;
    unsigned long number = strtoul(text, &end, 10);
    if (*end != '\0' || number == 0 || number > max) {
        fprintf(stderr, "%s: not a number from 1 to %u\n", text, max);
        exit(EXIT_FAILURE);
    }
    return (uint32_t)number;
}

int main(int argc, char **argv)
{
    if (argc != 6) {
        fprintf(stderr, "usage: %s PORT get|positions PATH|BATCH CONNECTIONS SECONDS\n", argv[0]);
        return EXIT_FAILURE;
    }
    bool is_get = strcmp(argv[2], "get") == 0;
    struct load load = {.name = is_get ? argv[3] : "POST /v1/positions",
                        .get = is_get ? argv[3] : NULL,
                        .batch = is_get ? 1 : number_argument(argv[3], BATCH_MAX),
                        .connections_count = number_argument(argv[4], CONNECTIONS_MAX)};
    uint16_t port = (uint16_t)number_argument(argv[1], UINT16_MAX);
    struct connection *connections = calloc(load.connections_count, sizeof *connections);
    load.samples_us = malloc(SAMPLES_MAX * sizeof load.samples_us[0]);
    load.epoll = epoll_create1(EPOLL_CLOEXEC);
    if (connections == NULL || load.samples_us == NULL || load.epoll < 0) {
        die("start");
    }
    for (uint32_t i = 0; i < load.connections_count; i++) {
        open_connection(&load, &connections[i], i, port);
    }
    load.end_ns = now_ns() + (uint64_t)number_argument(argv[5], SECONDS_MAX) * 1000000000;
    run(&load, connections);
    return load.failures == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
