/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Deadlines: shuts down the sockets of clients that are too slow, ends long polls when their time
 * is up or their client has left, and drains the sockets of requests that were refused before their
 * body was read (closing such a socket at once would reset it, and the client would never see why).
 * When nearly all connections are in use, it chooses the one that makes room. The HTTP thread's
 * alone.
 */
#ifndef HTTP_SWEEP_H
#define HTTP_SWEEP_H

#include <poll.h>

#include "lib/base/base.h"

#define SWEEP_INTERVAL_MS 250
#define SWEEP_LINGERS_MAX 64

enum sweep_stage {
    STAGE_IDLE, /* between requests; becomes HEAD when bytes of the next one arrive */
    STAGE_HEAD,
    STAGE_BODY,
    STAGE_WORKING, /* past its deadline the answer is late, and counted */
    STAGE_WAITING, /* a long poll, or a stream that has sent everything */
    STAGE_SENDING,
    STAGE_STREAMING, /* some of a stream is on its way */
};

/* What connections of a group have in common; the first has been in it for the longest. */
enum sweep_group {
    GROUP_NONE,
    GROUP_NEWCOMERS, /* never asked anything */
    GROUP_IDLE,      /* without a key, between two requests */
    GROUP_READERS,   /* without a key, taking an answer */
    GROUP_WAITERS,   /* in STAGE_WAITING */
    SWEEP_GROUPS
};

struct sweep_entry {
    struct sweep *sweep;
    struct sweep_entry *previous, *next;
    struct sweep_entry *group_previous, *group_next;
    int64_t grouped_ms; /* when it joined its group */
    int fd;
    uint8_t stage;
    uint8_t group;
    bool has_asked;      /* a request at least */
    bool has_key;        /* its last request had one; set by the owner */
    bool has_left;       /* the client has, while it waited */
    bool cut;            /* the socket was shut down: it is about to be closed */
    int64_t deadline_ms; /* 0 = none */
    uint64_t received;   /* bytes the socket had received when it was seen idle */
};

struct sweep_lingering {
    int fd;
    int64_t deadline_ms;
};

struct sweep_list {
    struct sweep_entry *first, *last;
    uint64_t count;
};

struct sweep_counts {
    uint64_t connections; /* open now */
    uint64_t cut;         /* of them, those about to be closed */
    uint64_t evictions;   /* cumulative: cut to make room */
    uint64_t head_timeouts, body_timeouts, send_timeouts, late_answers; /* cumulative */
};

struct sweep { /* zeroed but for the first four */
    uint32_t header_deadline_ms;
    uint32_t places; /* connections that may be kept; beyond them is the reserve */
    void (*resume)(struct sweep_entry *entry);   /* removes a waiter */
    bool (*concerns)(struct sweep_entry *entry); /* whether the news is for this waiter */
    struct sweep_entry *entries;
    struct sweep_list groups[SWEEP_GROUPS]; /* that of GROUP_NONE stays empty */
    struct sweep_lingering lingers[SWEEP_LINGERS_MAX];
    uint32_t lingers_count;
    int64_t next_ms;      /* of the next look at all entries */
    int64_t next_wait_ms; /* no waiter's deadline is before it */
    struct sweep_counts counts;
};

void sweep_add(struct sweep *sweep, struct sweep_entry *entry, int fd);
/* The socket is about to be closed. linger: its unread input is drained first, for a while. */
void sweep_remove(struct sweep *sweep, struct sweep_entry *entry, bool linger);
/* timeout_ms 0 = no deadline. */
void sweep_stage(struct sweep_entry *entry, enum sweep_stage stage, int64_t timeout_ms);
/* Gives the connection up: shuts down its socket, and the library closes it. */
void sweep_cut(struct sweep_entry *entry);
/* More connections than there are places, not counting those about to be closed. */
bool sweep_is_crowded(const struct sweep *sweep);
/*
 * Makes room for a newcomer: cuts the connection without a key that does nothing for the longest.
 * Those that never asked go first once their head is due or they hold a quarter of the places: a
 * handshake takes its time. False: there is none.
 */
bool sweep_make_room(struct sweep *sweep, const struct sweep_entry *newcomer);
/* Idle from now on: bytes that wait in the socket belong to the next request. */
void sweep_idle(struct sweep_entry *entry);
void sweep_wait(struct sweep *sweep, struct sweep_entry *entry, int64_t deadline_ms);
/* There is news: resumes the waiters that it concerns. */
void sweep_tell(struct sweep *sweep);

/* Whether the client has closed its side of the connection, or the connection is broken. */
bool sweep_peer_is_gone(const struct sweep_entry *entry);

/* What to poll for beside the library: fills in at most SWEEP_LINGERS_MAX and the time to wait. */
nfds_t sweep_poll(const struct sweep *sweep, struct pollfd *fds, int64_t *ret_timeout_ms);
/* After each poll. */
void sweep_run(struct sweep *sweep);
void sweep_fini(struct sweep *sweep);

int64_t sweep_now_ms(void); /* monotonic */

#endif
