/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Happy path: entries change stage with their requests, and a look at all of them, every
 * SWEEP_INTERVAL_MS, finds no passed deadline. A deadline passed: the socket is shut down, and the
 * library closes the connection in its usual way.
 *
 * Bytes of a request's head do not reach any handler until the head is whole, so the kernel is
 * asked how many bytes an idle socket has received: more than before, and the head's clock starts.
 * The library's idle timeout handles a connection on which nothing arrives.
 */
#include "daemon/http/sweep.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "daemon/logger/logger.h"

#define RECEIVED_UNKNOWN UINT64_MAX
#define STATE_ESTABLISHED 1 /* TCP_ESTABLISHED of <netinet/tcp.h>, which <linux/tcp.h> excludes */
#define LINGER_MS 2000
#define LINGER_READ_SIZE ((size_t)1 << 20)
#define LINGER_READS_MAX 4 /* in one round: a fast sender must not hold up the others */

int64_t sweep_now_ms(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static struct tcp_info socket_info(int fd)
{
    struct tcp_info info = {0};
    socklen_t size = sizeof info;
    if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &size) != 0) {
        return (struct tcp_info){0};
    }
    return info;
}

static uint64_t bytes_received(int fd)
{
    return socket_info(fd).tcpi_bytes_received;
}

bool sweep_peer_is_gone(const struct sweep_entry *entry)
{
    return socket_info(entry->fd).tcpi_state != STATE_ESTABLISHED;
}

/* ---- groups ---- */

static void leave_group(struct sweep_entry *entry)
{
    struct sweep_list *list = &entry->sweep->groups[entry->group];
    if (entry->group == GROUP_NONE) {
        return;
    }
    *(entry->group_previous != NULL ? &entry->group_previous->group_next : &list->first) =
        entry->group_next;
    *(entry->group_next != NULL ? &entry->group_next->group_previous : &list->last) =
        entry->group_previous;
    entry->group = GROUP_NONE;
    assert(list->count > 0);
    list->count--;
}

/* As the last one, unless it is in the group. */
static void join_group(struct sweep_entry *entry, enum sweep_group group)
{
    struct sweep_list *list = &entry->sweep->groups[group];
    if (entry->group == group) {
        return;
    }
    leave_group(entry);
    if (group == GROUP_NONE) {
        return;
    }
    entry->group = (uint8_t)group;
    entry->grouped_ms = sweep_now_ms();
    entry->group_previous = list->last;
    entry->group_next = NULL;
    *(list->last != NULL ? &list->last->group_next : &list->first) = entry;
    list->last = entry;
    list->count++;
}

static enum sweep_group group_of(const struct sweep_entry *entry)
{
    bool is_idle = entry->stage == STAGE_IDLE || entry->stage == STAGE_HEAD;
    if (entry->stage == STAGE_WAITING) {
        return GROUP_WAITERS;
    }
    if (entry->cut || entry->has_key) {
        return GROUP_NONE;
    }
    if (is_idle) {
        return entry->has_asked ? GROUP_IDLE : GROUP_NEWCOMERS;
    }
    return entry->stage == STAGE_SENDING ? GROUP_READERS : GROUP_NONE;
}

/* ---- entries ---- */

void sweep_add(struct sweep *sweep, struct sweep_entry *entry, int fd)
{
    entry->sweep = sweep;
    entry->fd = fd;
    entry->stage = STAGE_IDLE;
    join_group(entry, GROUP_NEWCOMERS);
    entry->next = sweep->entries;
    if (entry->next != NULL) {
        entry->next->previous = entry;
    }
    sweep->entries = entry;
    sweep->counts.connections++;
}

void sweep_remove(struct sweep *sweep, struct sweep_entry *entry, bool linger)
{
    assert(entry->stage != STAGE_WAITING);
    if (entry->previous != NULL) {
        entry->previous->next = entry->next;
    } else {
        sweep->entries = entry->next;
    }
    if (entry->next != NULL) {
        entry->next->previous = entry->previous;
    }
    leave_group(entry);
    sweep->counts.connections--;
    sweep->counts.cut -= entry->cut ? 1 : 0;
    if (linger && sweep->lingers_count < SWEEP_LINGERS_MAX) {
        int fd = fcntl(entry->fd, F_DUPFD_CLOEXEC, 0);
        if (fd >= 0) {
            sweep->lingers[sweep->lingers_count++] =
                (struct sweep_lingering){.fd = fd, .deadline_ms = sweep_now_ms() + LINGER_MS};
        }
    }
}

void sweep_stage(struct sweep_entry *entry, enum sweep_stage stage, int64_t timeout_ms)
{
    assert(entry->stage != STAGE_WAITING);
    entry->stage = (uint8_t)stage;
    entry->deadline_ms = timeout_ms > 0 ? sweep_now_ms() + timeout_ms : 0;
    entry->received = RECEIVED_UNKNOWN;
    entry->has_asked = entry->has_asked || stage == STAGE_WORKING;
    join_group(entry, group_of(entry));
}

void sweep_cut(struct sweep_entry *entry)
{
    entry->deadline_ms = 0;
    entry->sweep->counts.cut += entry->cut ? 0 : 1;
    entry->cut = true;
    leave_group(entry);
    (void)shutdown(entry->fd, SHUT_RDWR);
}

bool sweep_is_crowded(const struct sweep *sweep)
{
    assert(sweep->counts.cut <= sweep->counts.connections);
    return sweep->counts.connections - sweep->counts.cut > sweep->places;
}

static struct sweep_entry *first_to_go(const struct sweep *sweep)
{
    const struct sweep_list *newcomers = &sweep->groups[GROUP_NEWCOMERS];
    struct sweep_entry *oldest = newcomers->first;
    if (oldest != NULL &&
        (newcomers->count > sweep->places / 4 ||
         sweep_now_ms() - oldest->grouped_ms > (int64_t)sweep->header_deadline_ms)) {
        return oldest;
    }
    if (sweep->groups[GROUP_IDLE].first != NULL) {
        return sweep->groups[GROUP_IDLE].first;
    }
    return sweep->groups[GROUP_READERS].first != NULL ? sweep->groups[GROUP_READERS].first : oldest;
}

bool sweep_make_room(struct sweep *sweep, const struct sweep_entry *newcomer)
{
    struct sweep_entry *entry = first_to_go(sweep);
    if (entry == NULL || entry == newcomer) {
        return false;
    }
    sweep_cut(entry);
    sweep->counts.evictions++;
    return true;
}

void sweep_idle(struct sweep_entry *entry)
{
    int unread = 0;
    sweep_stage(entry, STAGE_IDLE, 0);
    if (ioctl(entry->fd, FIONREAD, &unread) == 0) {
        entry->received = bytes_received(entry->fd) - (uint64_t)unread;
    }
}

void sweep_wait(struct sweep *sweep, struct sweep_entry *entry, int64_t deadline_ms)
{
    entry->stage = STAGE_WAITING;
    entry->deadline_ms = deadline_ms;
    join_group(entry, GROUP_WAITERS);
    if (deadline_ms < sweep->next_wait_ms) {
        sweep->next_wait_ms = deadline_ms;
    }
}

static void resume(struct sweep *sweep, struct sweep_entry *entry)
{
    assert(entry->stage == STAGE_WAITING);
    leave_group(entry);
    entry->stage = STAGE_WORKING;
    entry->deadline_ms = 0;
    sweep->resume(entry);
}

static void resume_due(struct sweep *sweep, int64_t now_ms)
{
    struct sweep_entry *next = NULL;
    sweep->next_wait_ms = INT64_MAX;
    for (struct sweep_entry *entry = sweep->groups[GROUP_WAITERS].first; entry != NULL;
         entry = next) {
        next = entry->group_next;
        if (entry->deadline_ms <= now_ms) {
            resume(sweep, entry);
        } else if (entry->deadline_ms < sweep->next_wait_ms) {
            sweep->next_wait_ms = entry->deadline_ms;
        }
    }
}

void sweep_tell(struct sweep *sweep)
{
    struct sweep_entry *next = NULL;
    for (struct sweep_entry *entry = sweep->groups[GROUP_WAITERS].first; entry != NULL;
         entry = next) {
        next = entry->group_next;
        if (sweep->concerns(entry)) {
            resume(sweep, entry);
        }
    }
}

/* The first look at an idle connection notes its byte count, the next ones compare with it. */
static void look_for_head(const struct sweep *sweep, struct sweep_entry *entry, int64_t now_ms)
{
    uint64_t received = bytes_received(entry->fd);
    if (entry->received == RECEIVED_UNKNOWN) {
        entry->received = received;
    } else if (entry->received != received) {
        entry->stage = STAGE_HEAD;
        entry->deadline_ms = now_ms + sweep->header_deadline_ms;
    }
}

/*
 * The client has closed its side, and all it ever sent has been read: what is not whole by now
 * never will be. libmicrohttpd 0.9.75 does not see an end that comes together with the last bytes,
 * and would keep the connection until its idle timeout.
 */
static bool is_abandoned(const struct sweep_entry *entry)
{
    int unread = 0;
    bool expects_more =
        entry->stage == STAGE_IDLE || entry->stage == STAGE_HEAD || entry->stage == STAGE_BODY;
    return expects_more && sweep_peer_is_gone(entry) && ioctl(entry->fd, FIONREAD, &unread) == 0 &&
           unread == 0;
}

static void check_deadline(struct sweep *sweep, struct sweep_entry *entry, int64_t now_ms)
{
    if (is_abandoned(entry)) {
        (void)shutdown(entry->fd, SHUT_RDWR);
        return;
    }
    if (entry->stage == STAGE_WAITING && sweep_peer_is_gone(entry)) {
        entry->has_left = true;
        resume(sweep, entry);
        return;
    }
    if (entry->stage == STAGE_IDLE) {
        look_for_head(sweep, entry, now_ms);
    }
    if (entry->deadline_ms == 0 || entry->deadline_ms > now_ms) {
        return;
    }
    switch ((enum sweep_stage)entry->stage) {
    case STAGE_IDLE:
    case STAGE_WAITING:
        return;
    case STAGE_STREAMING:
        break;
    case STAGE_HEAD:
        sweep->counts.head_timeouts++;
        break;
    case STAGE_BODY:
        sweep->counts.body_timeouts++;
        break;
    case STAGE_SENDING:
        sweep->counts.send_timeouts++;
        break;
    case STAGE_WORKING:
        sweep->counts.late_answers++;
        entry->deadline_ms = 0;
        logger_write(LOGGER_WARN, "http", "an answer is late: another thread still has the request",
                     NULL);
        return;
    }
    sweep_cut(entry);
}

/* Reads and drops what the client still sends; true when the socket is done with. */
static bool drain(const struct sweep_lingering *linger, int64_t now_ms)
{
    ssize_t received = 1;
    for (int i = 0; i < LINGER_READS_MAX && received > 0; i++) {
        received = recv(linger->fd, NULL, LINGER_READ_SIZE, MSG_DONTWAIT | MSG_TRUNC);
    }
    bool more = received > 0 || (received < 0 && (errno == EAGAIN || errno == EINTR));
    return !more || now_ms >= linger->deadline_ms;
}

static void drain_all(struct sweep *sweep, int64_t now_ms)
{
    uint32_t i = 0;
    while (i < sweep->lingers_count) {
        if (drain(&sweep->lingers[i], now_ms)) {
            (void)close(sweep->lingers[i].fd);
            sweep->lingers[i] = sweep->lingers[--sweep->lingers_count];
        } else {
            i++;
        }
    }
}

nfds_t sweep_poll(const struct sweep *sweep, struct pollfd *fds, int64_t *ret_timeout_ms)
{
    int64_t wake_ms = sweep->next_ms < sweep->next_wait_ms ? sweep->next_ms : sweep->next_wait_ms;
    for (uint32_t i = 0; i < sweep->lingers_count; i++) {
        fds[i] = (struct pollfd){.fd = sweep->lingers[i].fd, .events = POLLIN};
    }
    int64_t timeout_ms = wake_ms - sweep_now_ms();
    *ret_timeout_ms = timeout_ms > 0 ? timeout_ms : 0;
    return sweep->lingers_count;
}

void sweep_run(struct sweep *sweep)
{
    int64_t now_ms = sweep_now_ms();
    if (now_ms >= sweep->next_wait_ms) {
        resume_due(sweep, now_ms);
    }
    drain_all(sweep, now_ms);
    if (now_ms < sweep->next_ms) {
        return;
    }
    sweep->next_ms = now_ms + SWEEP_INTERVAL_MS;
    for (struct sweep_entry *entry = sweep->entries; entry != NULL; entry = entry->next) {
        check_deadline(sweep, entry, now_ms);
    }
}

void sweep_fini(struct sweep *sweep)
{
    assert(sweep->entries == NULL);
    for (uint32_t i = 0; i < sweep->lingers_count; i++) {
        (void)close(sweep->lingers[i].fd);
    }
    sweep->lingers_count = 0;
}
