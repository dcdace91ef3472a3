/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A receiver of webhooks that costs next to nothing: one thread, every request answered 204 as soon
 * as it is there and appended to FILE as it came, behind 16 bytes: the wall clock in ns and the
 * size of the request, both little-endian. Prints its port; ends when standard input does.
 *
 *     webhook_sink FILE
 */
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define REQUEST_SIZE_MAX ((size_t)4 << 20)
#define EVENTS_MAX 64
#define FLUSH_MS 20 /* without news for so long what was kept back is written */

struct connection {
    int fd;
    size_t size;
    char bytes[REQUEST_SIZE_MAX + 1]; /* touched as far as used */
};

struct sink {
    int epoll;
    int listener;
    FILE *file;
};

__attribute__((noreturn)) static void die(const char *what)
{
    perror(what);
    exit(EXIT_FAILURE);
}

static void watch(const struct sink *sink, int fd, void *user)
{
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = user};
    if (epoll_ctl(sink->epoll, EPOLL_CTL_ADD, fd, &event) != 0) {
        die("epoll_ctl");
    }
}

static void keep(const struct sink *sink, const char *bytes, size_t size)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_REALTIME, &now);
    uint64_t head[2] = {(uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec, size};
    if (fwrite(head, sizeof head, 1, sink->file) != 1 || fwrite(bytes, size, 1, sink->file) != 1) {
        die("fwrite");
    }
}

/* The size of the request that the bytes begin with; 0: not all of it is there. */
static size_t request_size(struct connection *connection)
{
    static const char length[] = "\r\ncontent-length:";
    connection->bytes[connection->size] = '\0';
    char *end = strstr(connection->bytes, "\r\n\r\n");
    if (end == NULL) {
        return 0;
    }
    *end = '\0';
    const char *said = strcasestr(connection->bytes, length);
    size_t body = said == NULL ? 0 : strtoul(said + sizeof length - 1, NULL, 10);
    *end = '\r';
    size_t size = (size_t)(end - connection->bytes) + 4 + body;
    return size <= connection->size ? size : 0;
}

/* False: the connection is over. */
static bool receive(const struct sink *sink, struct connection *connection)
{
    static const char answer[] = "HTTP/1.1 204 No Content\r\n\r\n";
    ssize_t received = recv(connection->fd, connection->bytes + connection->size,
                            REQUEST_SIZE_MAX - connection->size, 0);
    if (received <= 0) {
        return false;
    }
    connection->size += (size_t)received;
    for (size_t size = 0; (size = request_size(connection)) > 0;) {
        keep(sink, connection->bytes, size);
        connection->size -= size;
        memmove(connection->bytes, connection->bytes + size, connection->size);
        if (send(connection->fd, answer, sizeof answer - 1, MSG_NOSIGNAL) < 0) {
            return false;
        }
    }
    return true;
}

static void take_connection(const struct sink *sink)
{
    int one = 1;
    struct connection *connection = malloc(sizeof *connection);
    int fd = accept4(sink->listener, NULL, NULL, SOCK_CLOEXEC);
    if (connection == NULL || fd < 0) {
        die("accept");
    }
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    connection->fd = fd;
    connection->size = 0;
    watch(sink, fd, connection);
}

/* False: standard input ended. */
static bool take_event(struct sink *sink, void *user)
{
    char ignored[64];
    if (user == NULL) {
        return read(STDIN_FILENO, ignored, sizeof ignored) > 0;
    }
    if (user == sink) {
        take_connection(sink);
        return true;
    }
    struct connection *connection = user;
    if (!receive(sink, connection)) {
        (void)close(connection->fd);
        free(connection);
    }
    return true;
}

static void begin(struct sink *sink, const char *path)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    sink->file = fopen(path, "wbe");
    sink->epoll = epoll_create1(EPOLL_CLOEXEC);
    sink->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (sink->file == NULL || sink->epoll < 0 || sink->listener < 0 ||
        bind(sink->listener, (const struct sockaddr *)&address, size) != 0 ||
        listen(sink->listener, SOMAXCONN) != 0 ||
        getsockname(sink->listener, (struct sockaddr *)&address, &size) != 0) {
        die("begin");
    }
    watch(sink, sink->listener, sink);
    watch(sink, STDIN_FILENO, NULL);
    (void)printf("%u\n", ntohs(address.sin_port));
    (void)fflush(stdout);
}

int main(int count, char **arguments)
{
    struct sink sink;
    struct epoll_event events[EVENTS_MAX];
    if (count != 2) {
        (void)fprintf(stderr, "usage: webhook_sink FILE\n");
        return EXIT_FAILURE;
    }
    begin(&sink, arguments[1]);
    for (bool goes_on = true; goes_on;) {
        int ready = epoll_wait(sink.epoll, events, EVENTS_MAX, FLUSH_MS);
        if (ready <= 0) {
            (void)fflush(sink.file);
        }
        for (int i = 0; i < ready && goes_on; i++) {
            goes_on = take_event(&sink, events[i].data.ptr);
        }
    }
    return fclose(sink.file) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
