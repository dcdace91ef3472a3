/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Many readers of GET /v1/stream in one thread. Each must receive every action from AFTER + 1 to
 * LAST, once and in order. Prints "open" when all streams have begun, and one line of figures when
 * all have everything; ends with failure when a stream ends early, skips or repeats an action, or
 * SECONDS have passed. With LAST 0 it stays, and reads nothing more, until standard input ends.
 *
 *     stream_clients PORT CLIENTS AFTER LAST SECONDS
 */
#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define CLIENTS_MAX 16384
#define RECEIVE_SIZE (1 << 18)
#define LINE_SIZE 64 /* the beginning of a line: enough for an id or the size of a chunk */
#define REQUEST_SIZE 256

enum stage { STAGE_HEAD, STAGE_SIZE, STAGE_CHUNK, STAGE_CHUNK_END };

struct line {
    char bytes[LINE_SIZE];
    size_t size;
};

struct client {
    int fd;
    enum stage stage;
    uint64_t chunk_left;
    bool greeted;
    uint64_t last_id;
    struct line frame; /* of the head, and what is around the chunks */
    struct line text;  /* of the stream; it may go on in the next chunk */
};

struct crowd {
    struct client *clients;
    uint32_t count;
    uint32_t greeted_count;
    uint32_t done_count;
    uint64_t last;
    uint64_t bytes;
    uint64_t first_ns; /* when the first event came */
    uint64_t end_ns;
    int epoll;
};

__attribute__((noreturn, format(printf, 1, 2))) static void die(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    (void)vfprintf(stderr, format, arguments);
    va_end(arguments);
    (void)fputc('\n', stderr);
    exit(EXIT_FAILURE);
}

static uint64_t now_ns(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

/* Takes bytes up to the end of the line; true when that was there. */
static bool take_line(struct line *line, const char **at, const char *end)
{
    const char *newline = memchr(*at, '\n', (size_t)(end - *at));
    const char *stop = newline == NULL ? end : newline;
    size_t part = (size_t)(stop - *at);
    size_t room = LINE_SIZE - 1 - line->size;
    part = part < room ? part : room;
    memcpy(line->bytes + line->size, *at, part);
    line->size += part;
    line->bytes[line->size] = '\0';
    *at = newline == NULL ? end : newline + 1;
    return newline != NULL;
}

/* The first id is that of the greeting: where the stream begins. */
static void take_id(struct crowd *crowd, struct client *client)
{
    const char *number = strrchr(client->text.bytes, '_'); /* before it stands the log's identity */
    uint64_t id = number == NULL ? 0 : strtoull(number + 1, NULL, 10);
    if (!client->greeted) {
        client->greeted = true;
        client->last_id = id;
        crowd->greeted_count++;
        return;
    }
    if (id != client->last_id + 1) {
        die("id %" PRIu64 " after %" PRIu64, id, client->last_id);
    }
    if (crowd->first_ns == 0) {
        crowd->first_ns = now_ns();
    }
    client->last_id = id;
    crowd->done_count += id == crowd->last;
}

static void take_chunk(struct crowd *crowd, struct client *client, const char **at, const char *end)
{
    if ((uint64_t)(end - *at) > client->chunk_left) {
        end = *at + client->chunk_left;
    }
    client->chunk_left -= (uint64_t)(end - *at);
    while (*at < end) {
        if (take_line(&client->text, at, end)) {
            if (strncmp(client->text.bytes, "id: ", 4) == 0) {
                take_id(crowd, client);
            }
            client->text.size = 0;
        }
    }
    if (client->chunk_left == 0) {
        client->stage = STAGE_CHUNK_END;
    }
}

static void end_frame_line(struct client *client)
{
    if (client->stage == STAGE_SIZE) {
        client->chunk_left = strtoull(client->frame.bytes, NULL, 16);
        client->stage = STAGE_CHUNK;
    } else if (client->stage == STAGE_CHUNK_END || client->frame.size == 1) {
        client->stage = STAGE_SIZE;
    }
    client->frame.size = 0;
}

static void take_bytes(struct crowd *crowd, struct client *client, const char *at, const char *end)
{
    while (at < end) {
        if (client->stage == STAGE_CHUNK) {
            take_chunk(crowd, client, &at, end);
        } else if (take_line(&client->frame, &at, end)) {
            end_frame_line(client);
        }
    }
}

static void open_client(struct crowd *crowd, uint32_t number, uint16_t port, const char *after)
{
    struct client *client = &crowd->clients[number];
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    char request[REQUEST_SIZE];
    int size =
        snprintf(request, sizeof request,
                 "GET /v1/stream HTTP/1.1\r\nHost: bench\r\nLast-Event-ID: %s\r\n\r\n", after);
    client->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (client->fd < 0 ||
        connect(client->fd, (const struct sockaddr *)&address, sizeof address) != 0 ||
        write(client->fd, request, (size_t)size) != size) {
        die("client %" PRIu32 " cannot connect: %s", number, strerror(errno));
    }
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = client};
    if (epoll_ctl(crowd->epoll, EPOLL_CTL_ADD, client->fd, &event) != 0) {
        die("epoll_ctl: %s", strerror(errno));
    }
}

/* Reads until so many clients have been counted. */
static void read_until(struct crowd *crowd, const uint32_t *counter)
{
    static char bytes[RECEIVE_SIZE];
    struct epoll_event events[256];
    while (*counter < crowd->count) {
        if (now_ns() >= crowd->end_ns) {
            die("%" PRIu32 " of %" PRIu32 " clients in time", *counter, crowd->count);
        }
        int ready = epoll_wait(crowd->epoll, events, 256, 100);
        for (int i = 0; i < ready; i++) {
            struct client *client = events[i].data.ptr;
            ssize_t received = recv(client->fd, bytes, sizeof bytes, MSG_DONTWAIT);
            if (received <= 0 && errno != EAGAIN) {
                die("a stream ended after id %" PRIu64, client->last_id);
            }
            if (received > 0) {
                crowd->bytes += (uint64_t)received;
                take_bytes(crowd, client, bytes, bytes + received);
            }
        }
    }
}

static void raise_descriptor_limit(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max;
        (void)setrlimit(RLIMIT_NOFILE, &limit);
    }
}

static void print_figures(const struct crowd *crowd)
{
    double seconds = (double)(now_ns() - crowd->first_ns) / 1e9;
    (void)printf("clients %" PRIu32 ", MB %.1f, seconds %.2f, MB/s %.0f\n", crowd->count,
                 (double)crowd->bytes / 1e6, seconds, (double)crowd->bytes / 1e6 / seconds);
}

int main(int argc, char **argv)
{
    if (argc != 6) {
        die("usage: stream_clients PORT CLIENTS AFTER LAST SECONDS");
    }
    struct crowd crowd = {.count = (uint32_t)strtoul(argv[2], NULL, 10),
                          .last = strtoull(argv[4], NULL, 10),
                          .end_ns = now_ns() + strtoull(argv[5], NULL, 10) * 1000000000,
                          .epoll = epoll_create1(EPOLL_CLOEXEC)};
    if (crowd.count == 0 || crowd.count > CLIENTS_MAX) {
        die("1 to %d clients", CLIENTS_MAX);
    }
    raise_descriptor_limit();
    crowd.clients = calloc(crowd.count, sizeof *crowd.clients);
    if (crowd.clients == NULL || crowd.epoll < 0) {
        die("no memory or descriptors");
    }
    for (uint32_t i = 0; i < crowd.count; i++) {
        open_client(&crowd, i, (uint16_t)strtoul(argv[1], NULL, 10), argv[3]);
    }
    read_until(&crowd, &crowd.greeted_count);
    (void)printf("open\n");
    (void)fflush(stdout);
    if (crowd.last == 0) {
        while (getchar() != EOF) {
        }
        return EXIT_SUCCESS;
    }
    read_until(&crowd, &crowd.done_count);
    print_figures(&crowd);
    return EXIT_SUCCESS;
}
