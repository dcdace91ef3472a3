/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The core loop from the inside. One turn (turn.c):
 *
 *     on_wake --> finish the commit that became durable: publish its actions
 *             --> drain the queue: writes are stamped and copied into the gathering commit
 *             --> start the next commit: gathered records + one segment of the outbox
 *             --> step the durable records, answer their requests      (may pause, see below)
 *             --> start a commit of what stepping produced, if none is in flight
 *             --> run the queries, unless a settlement is half done
 *
 * So the log writes one batch while the one before is stepped. Of the three commit buffers one
 * gathers, one is in flight or durable and waiting, one is being stepped. The buffer in flight
 * belongs to the log until its commit is durable.
 *
 *     GATHERING --log_append--> IN FLIGHT --durable--> READY --> STEPPING --answered--> GATHERING
 *
 * Stepping pauses, also within a request, when the outbox is full: it waits for commits that carry
 * only actions, which always free the outbox. It pauses too when the turn's time is used up: then
 * timers and reads have their turn, and the next one goes on.
 */
#ifndef CORE_INTERNAL_H
#define CORE_INTERNAL_H

#include "daemon/core/core.h"
#include "daemon/core/executor.h"
#include "daemon/core/lookahead.h"
#include "daemon/core/queue.h"
#include "daemon/core/request_list.h"
#include "daemon/core/write_answer.h"

#define COMMIT_BYTES_MAX ((size_t)32 << 20) /* beyond it a commit takes no further request */
#define COMMITS_COUNT 3
#define COMMIT_KEEP_MAX ((size_t)64 << 20) /* a buffer that grew past it is freed after use */

struct commit {
    struct request_list requests; /* in log order */
    struct buffer records;
    uint32_t records_count;
    uint64_t first_seq;
};

struct core_counters { /* written by the core loop, except queue_full */
    _Atomic uint64_t commands_accepted, commands_rejected, batches, settlements, actions;
    _Atomic uint64_t settle_overruns, loop_lag_ns_max, step_ns_total, applied_seq, queue_full;
    _Atomic uint64_t halted_pools, durable_ordinal;
    _Atomic uint64_t clock_jumps, clock_apart_ns;
    _Atomic uint64_t settle_lag_ns_total, settle_lags[CORE_LAG_BUCKETS];
    _Atomic uint64_t tick_ns;  /* when the next tick is due; 0: there is no timer */
    _Atomic uint64_t write_ns; /* when the commit in flight began; 0: there is none */
};

struct core {
    uv_loop_t *loop;
    struct command_log *log;
    struct core_options options;
    struct queue queue;
    struct executor executor;
    struct first_answers first_answers;
    struct core_counters counters;
    uint64_t snapshots_passed_over, snapshot_seq; /* at the start */

    _Atomic uint32_t submitters_count; /* inside core_submit */
    uv_async_t wake;                   /* by core_submit and by the log thread */
    _Atomic bool is_durable;           /* the commit in flight ended; `log_error` is filled */
    int log_error;
    char log_message[LOG_ERROR_SIZE];

    struct commit commits[COMMITS_COUNT];
    struct commit *gathering;
    struct commit *flight;   /* NULL: the commit in flight has no records */
    struct commit *ready;    /* durable, waits for the stepping before it */
    struct commit *stepping; /* NULL: nothing durable is left to step */
    struct outbox_segment *flight_segment;
    struct log_batch batch; /* in flight */
    bool is_in_flight;
    uint64_t seq;           /* last one stamped */
    int64_t time_ms;        /* last one stamped */
    struct clock clock;     /* what time the next one has */
    struct lookahead ahead; /* over the records of `stepping` */

    struct request_list writes;  /* drained, waiting for a commit with room */
    struct request_list queries; /* drained, waiting for the end of the turn */

    uv_timer_t timer;
    uint64_t schedule_ns;   /* when the timer was started */
    uint64_t ticks_count;   /* since then; the next is due at schedule_ns + ticks * interval */
    struct request settle;  /* of the timer; written like any other request */
    bool is_settling;       /* `settle` is on its way */
    bool is_tick_waiting;   /* a tick came while a settlement was half done */
    uint64_t step_until_ns; /* the end of this turn's time for stepping */
    uint32_t steps_count;   /* of this turn */
    uint64_t tick_due_ns, settle_due_ns; /* of the last tick, and of the one that sent `settle` */

    void (*on_actions)(void *user, uint64_t last_ordinal);
    void *on_actions_user;
    void (*on_executed)(void *user, uint64_t seq);
    void *on_executed_user;
    void (*on_stopped)(void *user);
    void *on_stopped_user;
    uint32_t handles_closing;
    bool is_stopping, is_stopped, is_failed;
};

static inline void counter_add(_Atomic uint64_t *counter, uint64_t amount)
{
    (void)atomic_fetch_add_explicit(counter, amount, memory_order_relaxed);
}

static inline void counter_set(_Atomic uint64_t *counter, uint64_t value)
{
    atomic_store_explicit(counter, value, memory_order_relaxed);
}

static inline uint64_t counter_get(const _Atomic uint64_t *counter)
{
    return atomic_load_explicit(counter, memory_order_relaxed);
}

/* gather.c */
/* The time of a command that is stamped now (clock.h). */
int64_t core_now_ms(struct core *core);
void core_count_clock(struct core *core);
/* The records of a write, the one of its key included. */
uint32_t core_records_count(const struct request *request);
/* Makes room for a write's records in the commit that gathers. False: no memory. */
BS_MUST_USE bool core_reserve(struct core *core, const struct request *request);
/* Stamps a write's records and copies them into the commit that gathers, which has room. */
void core_gather(struct core *core, struct request *request);

/* capacities.c: after the replay and before the log's thread. -EINVAL: more is held than the settings
 * allow; nothing is changed. */
BS_MUST_USE int core_put_capacities(struct core *core, char *error);

/* feature_level.c: likewise. -EINVAL: the settings ask for a level that this version does not know,
 * or one below that of the log. `is_new` as core_is_log_new before core_put_capacities. */
bool core_is_log_new(const struct core *core);
BS_MUST_USE int core_put_feature_level(struct core *core, bool is_new, char *error);

/* put_record.c: stores a command of the daemon's own and steps it, which must accept it. After the
 * replay and before the log's thread. */
BS_MUST_USE int core_put_record(struct core *core, const struct bs_command *command, char *error);

/* step.c: steps the durable records as far as the outbox has room and the turn has time; true when
 * all are done. */
bool core_step(struct core *core);
/* All records of a write are stepped: makes its answer and calls `done`. */
void core_answer_write(struct core *core, struct request *request);

/* stop.c: the last turn, with nothing left to do. */
void core_finish_stop(struct core *core);

/* turn.c */
void core_turn(struct core *core);

/* timer.c */
void core_timer_start(struct core *core);
/* Gathers a settle command for every pool that is due. No settlement is half done. */
void core_settle_due_pools(struct core *core);

#endif
