/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One life of the daemon, in a process of its own: it opens what the last life left, is judged,
 * serves the clients, and ends as its plan says: stopped cleanly, killed before one operation of
 * the disk, or by itself after a failure of the disk.
 *
 * What is real: the core loop, the executor, the replay, the first answers, the log with its
 * threads, SQLite, webhooks with their thread, store and lanes, the follower, snapshots, retention.
 * What is not: sockets (clients call core_submit, a model receives the notices), the scheduler of
 * threads, clocks and the disk.
 */
#ifndef SIM_LIFE_H
#define SIM_LIFE_H

#include <sys/types.h>

#include "tests/sim/disk.h"
#include "tests/sim/ledger.h"

enum life_end {
    LIFE_DONE,         /* stopped cleanly */
    LIFE_KILLED = 10,  /* at plan->kill_at */
    LIFE_FAILED = 11,  /* ended by itself: the disk failed, and it said so */
    LIFE_REFUSED = 12, /* did not start, and said why */
    LIFE_WRONG = 13,   /* ledger->problem says which promise was broken */
};

struct life_plan {
    uint64_t seed;
    uint32_t number;
    const char *directory; /* of the daemon's data */
    const char *image;     /* where the disk goes after LIFE_KILLED and LIFE_FAILED */
    enum disk_survival survival;
    uint32_t requests_count;  /* of all lives */
    uint32_t requests_wanted; /* this life stops cleanly once so many are answered */
    bool is_last;             /* stops once all notices are delivered too; the receiver is good */
    uint64_t kill_at;         /* an operation of the disk; 0: none */
    uint64_t fail_at;         /* likewise */
    int fail_error;           /* -1: half of a write is done */
    bool fails_again;         /* and so does each operation after it that may */
    bool is_calm;             /* the clock does not jump, the disk is not slow */
    bool is_damaged;          /* somebody changed the disk: the log may be unreadable */
    uint64_t file_size_max;
    uint64_t checkpoint_size;
    uint64_t snapshot_every; /* commands; 0: no snapshots */
    uint64_t keep_bytes;     /* of old files of the log; 0: all */
    /* Optional: before each operation; matrices take their images here. */
    void (*on_operation)(void *user, const struct disk_operation *operation);
    void *user;
};

/* Runs it in a child; its stderr goes to `errors`. */
enum life_end life_run(const struct life_plan *plan, struct ledger *ledger, const char *errors);
/* The same in two steps, for who has to do something meanwhile. */
pid_t life_start(const struct life_plan *plan, struct ledger *ledger, const char *errors);
enum life_end life_wait(pid_t child, struct ledger *ledger);
/* In this process, without the simulated threads and disk if `is_plain`. */
enum life_end life_live(const struct life_plan *plan, struct ledger *ledger, bool is_plain);

#endif
