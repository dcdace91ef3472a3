/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The core loop: the one thread that touches the engine. One turn: drain the queue into a batch,
 * commit it (one commit in flight, the next batch gathers meanwhile), then step it, for a few
 * milliseconds a turn; its actions are rows of the next commit, started at once. A write is
 * answered when its own records are durable and stepped. The settlement timer submits a settle
 * command for every pool that is due.
 */
#ifndef CORE_H
#define CORE_H

#include <uv.h>

#include "daemon/answer/request.h"
#include "daemon/core/clock.h"
#include "daemon/disk/disk_watch.h"
#include "daemon/log/log.h"

#define FEATURE_LEVEL_OF_LOG 0 /* its own; of a new log the newest */

struct core_options {
    uint32_t settle_interval_ms; /* default 100; 0 = no timer (tests) */
    uint32_t queue_max;          /* requests waiting, default 4096 */
    uint64_t queue_bytes_max;    /* of their records; default 256 MiB */
    uint32_t batch_records_max; /* records of one commit, default 65536; a request is never split */
    uint32_t feature_level;     /* to raise the log to; default FEATURE_LEVEL_OF_LOG */
    uint32_t answers_max;       /* of requests with a key, remembered; default 65536 */
    uint32_t step_budget_us; /* of one turn, default 5000; what is left is stepped in the next one.
                                0 = 16 records or one chunk a turn (tests) */
    struct bs_config engine; /* its capacities are in force from this start on */
    struct disk_watch *disk; /* tells when writes are refused; NULL: never */
    const char *snapshots;   /* the directory of snapshots to start from; NULL: there are none */
    struct clock_reading (*read_clock)(void *user); /* default the machine's */
    /* All optional; `user` is passed to each. */
    bool (*on_replay)(void *user, uint64_t seq, uint64_t last_seq); /* false abandons the start */
    void (*on_tick)(
        void *user); /* each turn of the settlement timer: the watchdog's sign of life */
    void (*on_settled)(void *user, uint64_t lag_ns); /* each run of the timer that settled: from
                                                        when the tick was due to when it was done */
    void (*on_failure)(void *user,
                       const char *message); /* the log failed: nothing more is answered */
    void *user;
};

void core_options_defaults(struct core_options *options);

/* How long runs of the settlement timer took, from when the tick was due: upper bounds in ms. */
#define CORE_LAG_BOUNDS                                                                            \
    {                                                                                              \
        1, 2, 5, 10, 20, 50, 100, 200, 500, 1000                                                   \
    }
#define CORE_LAG_BUCKETS 11 /* the last one has no bound */

struct core_stats { /* cumulative; read from any thread (relaxed atomics inside) */
    uint64_t commands_accepted, commands_rejected, batches, settlements, actions, settle_overruns;
    uint64_t loop_lag_ns_max, step_ns_total, applied_seq, queue_depth, queue_full, halted_pools;
    uint64_t clock_jumps, clock_apart_ns; /* clock.h; engine time and wall clock, after a jump */
    uint64_t settle_lag_ns_total, settle_lags[CORE_LAG_BUCKETS];
};

/* Maps the engine's memory, loads the newest snapshot, replays the log after it (compares stored
 * actions and digest), starts the log thread. 0 or negative with a message for the operator. `loop` is run by the caller. */
BS_MUST_USE int core_new(struct core **ret_core, uv_loop_t *loop, struct command_log *log,
                         const struct core_options *options, char error[LOG_ERROR_SIZE]);
/* Any thread. False: the queue is full or the core is stopping; nothing was taken. */
BS_MUST_USE bool core_submit(struct core *core, struct request *request);
/* Called on the core loop after a commit that made new actions durable. */
void core_on_actions(struct core *core, void (*fn)(void *user, uint64_t last_ordinal), void *user);
/* Called on the core loop when the commands of a commit are all executed: `seq` is the last one. Set
 * before the loop runs, or on it. */
void core_on_executed(struct core *core, void (*fn)(void *user, uint64_t seq), void *user);
struct core_stats core_stats_get(const struct core *core);

/* How long the core has been stuck, if it is. Any thread. */
struct core_health {
    uint64_t quiet_ns;   /* since a tick of the timer was due that did not run; 0: none is late */
    uint64_t writing_ns; /* since the commit in flight was given to the log; 0: there is none */
};

struct core_health core_health_get(const struct core *core);
const struct core_options *core_options_get(const struct core *core);
/* What an engine is made with that is to take this log whole. Any thread. */
const struct bs_config *core_engine_config(const struct core *core);
/* Snapshots that the start passed over, and the sequence of the one it used, 0: none. */
uint64_t core_snapshots_passed_over(const struct core *core);
uint64_t core_snapshot_seq(const struct core *core);
const struct command_log *core_log(const struct core *core);
/* The next commands get the wall clock's time at once. On the core loop; false: it is behind. Both are
 * set anyway: engine time, and by how much it moved. */
BS_MUST_USE bool core_adopt_clock(struct core *core, int64_t *ret_time_ms, int64_t *ret_moved_ms);
/* Ordinal of the last durable action: what readers may see. Any thread. */
uint64_t core_durable_ordinal(const struct core *core);
/* Drain: take no more requests, finish the ones taken, store the digest, then call on_stopped. */
void core_stop(struct core *core, void (*on_stopped)(void *user), void *user);
void core_free(struct core *core); /* after on_stopped */

#endif
