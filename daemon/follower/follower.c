/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/follower/internal.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "daemon/log/log_backend.h"
#include "daemon/logger/logger.h"

#define SLICE_MS 20   /* of stepping, between two looks at what waits */
#define SWEEP_MS 20   /* between two checks of a sweep: each takes the core loop a millisecond */
#define GATHER_MS 2   /* between two looks at the log that nobody waits for */
#define RETRY_MS 1000 /* before a block that could not be made is tried again */

struct follower_stats follower_stats_get(const struct follower *follower)
{
    return (struct follower_stats){.seq = follower->seq,
                                   .checks = follower->checks,
                                   .mismatches = follower->mismatches,
                                   .reads_refused = follower->reads_refused,
                                   .reads_shared = follower->reads_shared,
                                   .reads_behind = follower->reads_behind};
}

const struct bs_config *follower_config(const struct follower *follower)
{
    return core_engine_config(follower->core);
}

int follower_reader_open(struct follower *follower, struct log_reader **ret_reader,
                         char error[LOG_ERROR_SIZE])
{
    return log_reader_open(ret_reader, follower->log, error);
}

uint64_t follower_executed_seq(const struct follower *follower)
{
    return core_stats_get(follower->core).applied_seq;
}

static void wake(struct follower *follower)
{
    (void)pthread_mutex_lock(&follower->mutex);
    atomic_store(&follower->sleeps, false);
    (void)pthread_cond_signal(&follower->changed);
    (void)pthread_mutex_unlock(&follower->mutex);
}

/* On the core loop. */
static void on_executed(void *user, uint64_t seq)
{
    struct follower *follower = user;
    atomic_store(&follower->executed_seq, seq);
    if (atomic_load(&follower->sleeps)) {
        wake(follower);
    }
}

static void on_check_answered(void *user)
{
    wake(user);
}

/* ---- the block ---- */

static void drop_block(struct follower *follower, const char *what, const char *error)
{
    logger_write(LOGGER_ERROR, "follower", what, LOGGER_FIELDS(logger_string("error", error)));
    if (follower->is_open && follower->options.hooks.on_close != NULL) {
        follower->options.hooks.on_close(follower->options.hooks.user);
    }
    block_close(&follower->block);
    reads_forget(&follower->reads);
    follower->is_open = false;
    follower->open_due_ms = block_now_ms() + RETRY_MS;
    atomic_store(&follower->seq, 0);
}

/* From a snapshot, if there is one. */
static void fill_block(struct follower *follower)
{
    char error[LOG_ERROR_SIZE];
    const struct follower_hooks *hooks = &follower->options.hooks;
    if (hooks->on_open != NULL && hooks->on_open(hooks->user, &follower->block, error) != 0) {
        logger_write(LOGGER_WARN, "follower", "the second engine block reads the whole log",
                     LOGGER_FIELDS(logger_string("reason", error)));
    }
}

static void open_block(struct follower *follower)
{
    char error[LOG_ERROR_SIZE];
    int code =
        block_open(&follower->block, core_engine_config(follower->core), follower->reader, error);
    if (code != 0) {
        drop_block(follower, "the second engine block cannot be made", error);
        return;
    }
    follower->is_open = true;
    fill_block(follower);
}

/* A slice of the way to `seq`. */
static void advance(struct follower *follower, uint64_t seq)
{
    char error[LOG_ERROR_SIZE];
    struct block_limit limit = {.until_ms = block_now_ms() + SLICE_MS, .stop = &follower->stop};
    int code = block_advance(&follower->block, seq, &limit, error);
    if (code != 0 && code != -ETIMEDOUT && code != -ECANCELED) {
        drop_block(follower, "the second engine block cannot follow the log", error);
        return;
    }
    atomic_store(&follower->seq, block_seq(&follower->block));
}

/* ---- the self-check ---- */

static bool sweeps(const struct follower *follower)
{
    const struct follower_hooks *hooks = &follower->options.hooks;
    return hooks->wants_sweep != NULL && hooks->wants_sweep(hooks->user);
}

/* INT64_MAX: never. */
static int64_t check_due_ms(const struct follower *follower)
{
    if (sweeps(follower)) {
        return follower->asked_ms + SWEEP_MS;
    }
    uint32_t interval_s = follower->options.check_interval_s;
    return interval_s > 0 ? follower->asked_ms + (int64_t)interval_s * 1000 : INT64_MAX;
}

static void ask_check(struct follower *follower)
{
    follower->asked_ms = block_now_ms();
    check_ask(&follower->check, follower->core, sweeps(follower));
}

static void tell_equal(struct follower *follower)
{
    const struct follower_hooks *hooks = &follower->options.hooks;
    bool is_at_end = follower->block.place.seq == block_seq(&follower->block);
    if (check_has_swept(&follower->check) && is_at_end && hooks->on_equal != NULL) {
        hooks->on_equal(hooks->user, follower, &follower->block);
    }
}

static void compare_check(struct follower *follower)
{
    char error[LOG_ERROR_SIZE];
    switch (check_compare(&follower->check, &follower->block, error)) {
    case CHECK_EQUAL:
        follower->checks++;
        follower->is_doubted = false;
        tell_equal(follower);
        break;
    case CHECK_DIFFERS:
        follower->checks++;
        follower->mismatches++;
        follower->is_doubted = true;
        drop_block(follower, "self-check failed: the live state differs from what the log gives",
                   error);
        break;
    case CHECK_PAST:
        follower->asked_ms = 0;
        break;
    }
}

/* ---- the thread ---- */

static bool is_behind(const struct follower *follower)
{
    return follower->is_open && atomic_load(&follower->executed_seq) > block_seq(&follower->block);
}

/* When there is something to do if nobody comes; 0: now; INT64_MAX: never. */
static int64_t due_ms(const struct follower *follower)
{
    if (atomic_load(&follower->stop) || follower_has_lend(follower) ||
        atomic_load(&follower->check.state) == CHECK_ANSWERED) {
        return 0;
    }
    int64_t due = follower_read_due_ms(follower);
    if (!follower->is_open) {
        return follower->open_due_ms < due ? follower->open_due_ms : due;
    }
    if (is_behind(follower) && !follower_is_checking(follower)) {
        int64_t follow_ms = follower->lends != NULL ? 0 : follower->follow_due_ms;
        due = follow_ms < due ? follow_ms : due;
    }
    int64_t check_due = follower_is_checking(follower) ? INT64_MAX : check_due_ms(follower);
    return check_due < due ? check_due : due;
}

static void wait_for_work(struct follower *follower)
{
    (void)pthread_mutex_lock(&follower->mutex);
    for (;;) {
        atomic_store(&follower->sleeps, !is_behind(follower));
        int64_t due = due_ms(follower);
        if (due <= block_now_ms()) {
            break;
        }
        if (due == INT64_MAX) {
            (void)pthread_cond_wait(&follower->changed, &follower->mutex);
        } else {
            struct timespec until = {.tv_sec = due / 1000, .tv_nsec = due % 1000 * 1000000};
            (void)pthread_cond_timedwait(&follower->changed, &follower->mutex, &until);
        }
    }
    atomic_store(&follower->sleeps, false);
    (void)pthread_mutex_unlock(&follower->mutex);
}

/* Where the block is to come to: the end of what is executed, or what a read waits for inside a batch
 * that is not executed to its end. */
static uint64_t target_seq(struct follower *follower)
{
    uint64_t executed_seq = atomic_load(&follower->executed_seq);
    (void)pthread_mutex_lock(&follower->mutex);
    uint64_t wanted = reads_wanted_seq(&follower->reads, follower_executed_seq(follower));
    (void)pthread_mutex_unlock(&follower->mutex);
    return wanted > executed_seq ? wanted : executed_seq;
}

/* While the core loop makes a digest the block stays where it is, so that it is not past it. */
static void follow(struct follower *follower)
{
    bool is_answered = atomic_load(&follower->check.state) == CHECK_ANSWERED;
    if (follower_is_checking(follower) && !is_answered) {
        return;
    }
    uint64_t seq = is_answered ? follower->check.seq : target_seq(follower);
    if (seq > block_seq(&follower->block)) {
        advance(follower, seq);
        follower->follow_due_ms = block_now_ms() + (is_behind(follower) ? 0 : GATHER_MS);
    }
    if (follower->is_open && is_answered && block_seq(&follower->block) >= seq) {
        compare_check(follower);
    }
}

static void turn(struct follower *follower)
{
    if (!follower->is_open && block_now_ms() >= follower->open_due_ms) {
        open_block(follower);
    }
    follower_serve_lends(follower);
    follower_serve_reads(follower);
    if (!follower->is_open) {
        if (atomic_load(&follower->check.state) == CHECK_ANSWERED) {
            atomic_store(&follower->check.state, CHECK_IDLE); /* there is nothing to compare */
        }
        return;
    }
    follow(follower);
    if (follower->is_open && !follower_is_checking(follower) && !is_behind(follower) &&
        block_now_ms() >= check_due_ms(follower)) {
        ask_check(follower);
    }
}

static void *run(void *user)
{
    struct follower *follower = user;
    (void)pthread_setname_np(pthread_self(), "bs-follower");
    log_thread_give_way();
    while (!atomic_load(&follower->stop)) {
        turn(follower);
        wait_for_work(follower);
    }
    follower_serve_lends(follower);
    follower_serve_reads(follower);
    return NULL;
}

bool follower_breathe(struct follower *follower)
{
    follower_serve_lends(follower);
    follower_serve_reads(follower);
    return !atomic_load(&follower->stop);
}

static int start(struct follower *follower, char *error)
{
    int code = log_reader_open(&follower->reader, follower->log, error);
    if (code == 0) {
        code = log_thread_create(&follower->thread, run, follower);
        if (code != 0) {
            (void)snprintf(error, LOG_ERROR_SIZE, "cannot start the follower's thread: %s",
                           strerror(-code));
            log_reader_close(follower->reader);
        }
    }
    return code;
}

static void init_locks(struct follower *follower)
{
    pthread_condattr_t attributes;
    (void)pthread_condattr_init(&attributes);
    (void)pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    (void)pthread_mutex_init(&follower->mutex, NULL);
    (void)pthread_cond_init(&follower->changed, &attributes);
    (void)pthread_cond_init(&follower->lent, &attributes);
    (void)pthread_condattr_destroy(&attributes);
}

static void destroy(struct follower *follower)
{
    (void)pthread_cond_destroy(&follower->lent);
    (void)pthread_cond_destroy(&follower->changed);
    (void)pthread_mutex_destroy(&follower->mutex);
    free(follower);
}

int follower_new(struct follower **ret_follower, struct core *core, struct command_log *log,
                 const struct follower_options *options, char error[LOG_ERROR_SIZE])
{
    struct follower *follower = calloc(1, sizeof(*follower));
    if (follower == NULL) {
        (void)snprintf(error, LOG_ERROR_SIZE, "out of memory for the follower");
        return -ENOMEM;
    }
    follower->core = core;
    follower->log = log;
    follower->options = *options;
    follower->check.on_answered = on_check_answered;
    follower->check.user = follower;
    atomic_store(&follower->executed_seq, core_stats_get(core).applied_seq);
    init_locks(follower);
    int code = start(follower, error);
    if (code != 0) {
        destroy(follower);
        return code;
    }
    core_on_executed(core, on_executed, follower);
    *ret_follower = follower;
    return 0;
}

void follower_stop(struct follower *follower)
{
    if (follower == NULL || atomic_load(&follower->stop)) {
        return;
    }
    atomic_store(&follower->stop, true);
    wake(follower);
    (void)pthread_join(follower->thread, NULL);
    core_on_executed(follower->core, NULL, NULL);
    block_close(&follower->block);
    log_reader_close(follower->reader);
    reads_fini(&follower->reads);
}

void follower_free(struct follower *follower)
{
    if (follower == NULL) {
        return;
    }
    follower_stop(follower);
    destroy(follower);
}
