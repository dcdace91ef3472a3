/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/logger/notify.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define NOTIFY_STATE_SIZE_MAX 512

static int send_state(const char *path, const char *state, size_t size)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    size_t path_size = strlen(path);
    if ((path[0] != '/' && path[0] != '@') || path_size >= sizeof(address.sun_path)) {
        return -EAFNOSUPPORT;
    }
    memcpy(address.sun_path, path, path_size);
    if (path[0] == '@') { /* an abstract socket */
        address.sun_path[0] = '\0';
    }
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        return -errno;
    }
    socklen_t address_size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + path_size);
    ssize_t sent = sendto(fd, state, size, MSG_NOSIGNAL, (struct sockaddr *)&address, address_size);
    int result = sent == (ssize_t)size ? 1 : -errno;
    (void)close(fd);
    return result;
}

int notify_send(const char *format, ...)
{
    const char *path = getenv("NOTIFY_SOCKET");
    if (path == NULL || path[0] == '\0') {
        return 0;
    }
    char state[NOTIFY_STATE_SIZE_MAX];
    va_list arguments;
    va_start(arguments, format);
    int size = vsnprintf(state, sizeof(state), format, arguments);
    va_end(arguments);
    if (size < 0 || (size_t)size >= sizeof(state)) {
        return -EMSGSIZE;
    }
    return send_state(path, state, (size_t)size);
}

uint64_t notify_watchdog_us(void)
{
    const char *interval = getenv("WATCHDOG_USEC");
    const char *process = getenv("WATCHDOG_PID");
    if (interval == NULL || getenv("NOTIFY_SOCKET") == NULL) {
        return 0;
    }
    if (process != NULL && strtoll(process, NULL, 10) != (long long)getpid()) {
        return 0;
    }
    return strtoull(interval, NULL, 10);
}
