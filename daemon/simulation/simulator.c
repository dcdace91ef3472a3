/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/simulation/simulator.h"

#include <errno.h>
#include <inttypes.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>

#include "daemon/answer/answer.h"
#include "daemon/log/identity.h"
#include "daemon/log/log_backend.h"
#include "daemon/logger/logger.h"
#include "daemon/simulation/past.h"
#include "daemon/simulation/run.h"

#define CATCH_UP_SLICE_MS 200 /* between two looks at the queue */
#define CHECK_ACCOUNTS 4096   /* of one window */

struct check {
    struct request request;
    bool is_answered; /* the simulator's mutex guards it and what follows */
    uint64_t seq;
    uint32_t first;
    uint32_t accounts_count;
    struct bs_digest digest;
};

struct simulator_counters { /* written by the simulator's thread, but for overloaded */
    _Atomic uint64_t answered, refused, timed_out, overloaded, run_ns_total, run_ns_max;
    _Atomic uint64_t shadow_seq, checks, mismatches;
};

struct simulator {
    struct simulator_counters counters;
    struct core *core;
    struct command_log *log;
    struct simulator_options options;
    pthread_t thread;
    pthread_mutex_t mutex; /* guards the queue and the check's answer */
    pthread_cond_t changed;
    struct simulator_job *first, *last;
    uint32_t waiting_count;
    bool is_running; /* a job */
    atomic_bool stop;
    /* the thread's own */
    struct log_reader *reader;
    struct shadow shadow;
    bool is_open;
    bool is_behind; /* a simulation could not wait for it */
    struct outcome_rows rows;
    struct check check;
    int64_t check_due_ms;
};

struct simulator_stats simulator_stats_get(const struct simulator *simulator)
{
    const struct simulator_counters *counters = &simulator->counters;
    return (struct simulator_stats){
        .answered = counters->answered,
        .refused = counters->refused,
        .timed_out = counters->timed_out,
        .overloaded = counters->overloaded,
        .run_ns_total = counters->run_ns_total,
        .run_ns_max = counters->run_ns_max,
        .shadow_seq = counters->shadow_seq,
        .checks = counters->checks,
        .mismatches = counters->mismatches,
    };
}

/* ---- the second block ---- */

static int open_shadow(struct simulator *simulator, char *error)
{
    if (simulator->is_open) {
        return 0;
    }
    const struct bs_config *config = core_engine_config(simulator->core);
    int code = shadow_open(&simulator->shadow, config, simulator->reader, error);
    simulator->is_open = code == 0;
    return code;
}

/* Drops the block, which differs from the log or could not be made; the next use makes it again. */
static void drop_shadow(struct simulator *simulator, const char *what, const char *error)
{
    logger_write(LOGGER_ERROR, "simulator", what, LOGGER_FIELDS(logger_string("error", error)));
    shadow_close(&simulator->shadow);
    simulator->is_open = false;
    simulator->is_behind = false;
    simulator->counters.shadow_seq = 0;
}

/* 0, -ETIMEDOUT, -ECANCELED, or another error that was logged. */
static int follow(struct simulator *simulator, uint64_t last_seq, int64_t until_ms)
{
    char error[LOG_ERROR_SIZE];
    struct shadow_limit limit = {.until_ms = until_ms, .stop = &simulator->stop};
    int code = open_shadow(simulator, error);
    if (code == 0) {
        code = shadow_advance(&simulator->shadow, last_seq, &limit, error);
    }
    if (code != 0 && code != -ETIMEDOUT && code != -ECANCELED) {
        drop_shadow(simulator, "the second engine block cannot follow the log", error);
        return code;
    }
    simulator->is_behind = code == -ETIMEDOUT;
    simulator->counters.shadow_seq = simulator->shadow.place.seq;
    return code;
}

/* ---- jobs ---- */

static void refuse_unless_followed(struct request *request, int code)
{
    answer_problem(request,
                   code == -ETIMEDOUT   ? BS_SIMULATION_CATCHING_UP
                   : code == -ECANCELED ? BS_NOT_READY
                                        : BS_INTERNAL,
                   NULL);
}

static void simulate(struct simulator *simulator, struct simulator_job *job,
                     const struct shadow_limit *limit)
{
    int code = follow(simulator, job->last_seq, limit->until_ms);
    if (code != 0) {
        refuse_unless_followed(job->request, code);
        return;
    }
    struct run run = {.shadow = &simulator->shadow,
                      .rows = &simulator->rows,
                      .limit = limit,
                      .asked = &job->asked,
                      .log = log_reader_identity(simulator->reader),
                      .request = job->request};
    run_simulation(&run);
    run_fini(&run);
    shadow_drop_view(&simulator->shadow);
}

static void compare(struct simulator *simulator, struct simulator_job *job,
                    const struct shadow_limit *limit)
{
    struct past past = {.reader = simulator->reader,
                        .config = core_engine_config(simulator->core),
                        .limit = limit,
                        .last_seq = job->last_seq,
                        .pool = job->pool,
                        .settlement = job->settlement};
    struct run run = {.rows = &simulator->rows,
                      .limit = limit,
                      .asked = &job->asked,
                      .log = log_reader_identity(simulator->reader),
                      .request = job->request};
    if (!past_compare(&past, &run)) {
        simulator->counters.mismatches++;
    }
}

static void count_result(struct simulator *simulator, const struct request *request,
                         uint64_t taken_ns)
{
    struct simulator_counters *counters = &simulator->counters;
    _Atomic uint64_t *counter = request->status < 400   ? &counters->answered
                                : request->status < 500 ? &counters->refused
                                                        : &counters->timed_out;
    *counter += 1;
    counters->run_ns_total += taken_ns;
    if (taken_ns > counters->run_ns_max) {
        counters->run_ns_max = taken_ns; /* this thread is the only writer */
    }
}

static void run_job(struct simulator *simulator, struct simulator_job *job)
{
    uint64_t start_ns = uv_hrtime();
    struct shadow_limit limit = {.until_ms = shadow_now_ms() + simulator->options.time_limit_ms,
                                 .stop = &simulator->stop};
    if (atomic_load(&simulator->stop)) {
        answer_problem(job->request, BS_NOT_READY, NULL);
    } else if (job->is_comparison) {
        compare(simulator, job, &limit);
    } else {
        simulate(simulator, job, &limit);
    }
    count_result(simulator, job->request, uv_hrtime() - start_ns);
    job->request->done(job->request);
}

/* ---- the self-check ---- */

/* On the core loop: the digest of a window as of the last command executed. */
static void digest_query(struct request *request, struct core *core, struct bs_engine *engine)
{
    (void)core;
    struct simulator *simulator = request->user;
    struct check *check = &simulator->check;
    struct bs_usage usage = bs_engine_usage(engine);
    check->accounts_count = usage.accounts + usage.pools; /* each pool has its backstop account */
    check->first = check->first < check->accounts_count ? check->first : 0;
    check->digest = bs_engine_digest_part(engine, check->first, CHECK_ACCOUNTS);
    check->seq = bs_engine_seq(engine);
}

static void on_digest(struct request *request)
{
    struct simulator *simulator = request->user;
    pthread_mutex_lock(&simulator->mutex);
    simulator->check.is_answered = true;
    pthread_cond_signal(&simulator->changed);
    pthread_mutex_unlock(&simulator->mutex);
}

/* False: the core takes no more requests, or the simulator stops. */
static bool ask_digest(struct simulator *simulator)
{
    struct check *check = &simulator->check;
    check->is_answered = false;
    check->request = (struct request){.query = digest_query, .done = on_digest, .user = simulator};
    if (!core_submit(simulator->core, &check->request)) {
        return false;
    }
    pthread_mutex_lock(&simulator->mutex);
    while (!check->is_answered && !atomic_load(&simulator->stop)) {
        pthread_cond_wait(&simulator->changed, &simulator->mutex);
    }
    bool is_answered = check->is_answered;
    pthread_mutex_unlock(&simulator->mutex);
    return is_answered;
}

static void run_check(struct simulator *simulator)
{
    struct check *check = &simulator->check;
    if (!ask_digest(simulator) || follow(simulator, check->seq, 0) != 0) {
        return;
    }
    simulator->counters.checks++;
    struct bs_engine *engine = simulator->shadow.engine;
    struct bs_digest digest = bs_engine_digest_part(engine, check->first, CHECK_ACCOUNTS);
    if (bs_engine_seq(engine) != check->seq ||
        memcmp(digest.words, check->digest.words, sizeof(digest.words)) != 0) {
        char error[LOG_ERROR_SIZE];
        (void)snprintf(
            error, sizeof(error),
            "at seq %" PRIu64 " accounts %" PRIu32 "..%" PRIu32 " have the digest %016" PRIx64
            "%016" PRIx64 " live, and %016" PRIx64 "%016" PRIx64 " at seq %" PRIu64 " from the log",
            check->seq, check->first, check->first + CHECK_ACCOUNTS - 1, check->digest.words[0],
            check->digest.words[1], digest.words[0], digest.words[1], bs_engine_seq(engine));
        simulator->counters.mismatches++;
        drop_shadow(simulator, "self-check failed: the live state differs from what the log gives",
                    error);
    }
    check->first += CHECK_ACCOUNTS;
}

/* ---- the thread ---- */

static struct simulator_job *take_job(struct simulator *simulator)
{
    struct simulator_job *job = simulator->first;
    if (job != NULL) {
        simulator->first = job->next;
        simulator->waiting_count--;
    }
    return job;
}

static bool checks_now(const struct simulator *simulator)
{
    return simulator->options.check_interval_s > 0 &&
           (simulator->is_open || simulator->options.mode == SIMULATOR_ALWAYS);
}

/* Waits for a job until the next check is due; NULL: none came. */
static struct simulator_job *wait_for_job(struct simulator *simulator)
{
    pthread_mutex_lock(&simulator->mutex);
    simulator->is_running = false;
    while (simulator->first == NULL && !atomic_load(&simulator->stop) && !simulator->is_behind) {
        if (!checks_now(simulator)) {
            pthread_cond_wait(&simulator->changed, &simulator->mutex);
            continue;
        }
        int64_t due_ms = simulator->check_due_ms;
        if (shadow_now_ms() >= due_ms) {
            break;
        }
        struct timespec until = {.tv_sec = due_ms / 1000, .tv_nsec = due_ms % 1000 * 1000000};
        (void)pthread_cond_timedwait(&simulator->changed, &simulator->mutex, &until);
    }
    struct simulator_job *job = take_job(simulator);
    simulator->is_running = job != NULL;
    pthread_mutex_unlock(&simulator->mutex);
    return job;
}

static void *run(void *user)
{
    struct simulator *simulator = user;
    (void)pthread_setname_np(pthread_self(), "bs-simulator");
    /*
     * A thread that works on a settlement takes the processor from a simulation at once; with
     * niceness alone it would wait for the end of a time slice.
     */
    const struct sched_param none = {0};
    (void)pthread_setschedparam(pthread_self(), SCHED_IDLE, &none);
    for (;;) {
        struct simulator_job *job = wait_for_job(simulator);
        if (job != NULL) {
            run_job(simulator, job);
        } else if (atomic_load(&simulator->stop)) {
            return NULL;
        } else if (simulator->is_behind) {
            (void)follow(simulator, log_last_seq(simulator->log),
                         shadow_now_ms() + CATCH_UP_SLICE_MS);
        } else {
            run_check(simulator);
            simulator->check_due_ms =
                shadow_now_ms() + (int64_t)simulator->options.check_interval_s * 1000;
        }
    }
}

bool simulator_is_off(const struct simulator *simulator)
{
    return simulator->options.mode == SIMULATOR_OFF;
}

bool simulator_submit(struct simulator *simulator, struct simulator_job *job)
{
    pthread_mutex_lock(&simulator->mutex);
    bool is_taken =
        !atomic_load(&simulator->stop) && !simulator_is_off(simulator) &&
        simulator->waiting_count < simulator->options.queue_max + (simulator->is_running ? 0 : 1);
    if (is_taken) {
        job->next = NULL;
        job->last_seq = log_last_seq(simulator->log);
        if (simulator->first == NULL) {
            simulator->first = job;
        } else {
            simulator->last->next = job;
        }
        simulator->last = job;
        simulator->waiting_count++;
        pthread_cond_signal(&simulator->changed);
    } else {
        simulator->counters.overloaded++;
    }
    pthread_mutex_unlock(&simulator->mutex);
    return is_taken;
}

static int start(struct simulator *simulator, char *error)
{
    pthread_condattr_t attributes;
    (void)pthread_condattr_init(&attributes);
    (void)pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    (void)pthread_mutex_init(&simulator->mutex, NULL);
    (void)pthread_cond_init(&simulator->changed, &attributes);
    (void)pthread_condattr_destroy(&attributes);
    if (simulator_is_off(simulator)) {
        return 0;
    }
    simulator->is_behind = simulator->options.mode == SIMULATOR_ALWAYS;
    int code = log_reader_open(&simulator->reader, simulator->log, error);
    if (code == 0) {
        code = log_thread_create(&simulator->thread, run, simulator);
        if (code != 0) {
            (void)snprintf(error, LOG_ERROR_SIZE, "cannot start the simulator's thread: %s",
                           strerror(-code));
            log_reader_close(simulator->reader);
        }
    }
    return code;
}

int simulator_new(struct simulator **ret_simulator, struct core *core, struct command_log *log,
                  const struct simulator_options *options, char error[LOG_ERROR_SIZE])
{
    struct simulator *simulator = calloc(1, sizeof(*simulator));
    if (simulator == NULL) {
        (void)snprintf(error, LOG_ERROR_SIZE, "out of memory for the simulator");
        return -ENOMEM;
    }
    simulator->core = core;
    simulator->log = log;
    simulator->options = *options;
    int code = start(simulator, error);
    if (code != 0) {
        pthread_cond_destroy(&simulator->changed);
        pthread_mutex_destroy(&simulator->mutex);
        free(simulator);
        return code;
    }
    *ret_simulator = simulator;
    return 0;
}

void simulator_stop(struct simulator *simulator)
{
    if (simulator == NULL || simulator_is_off(simulator) || atomic_load(&simulator->stop)) {
        return;
    }
    pthread_mutex_lock(&simulator->mutex);
    atomic_store(&simulator->stop, true);
    pthread_cond_signal(&simulator->changed);
    pthread_mutex_unlock(&simulator->mutex);
    (void)pthread_join(simulator->thread, NULL);
    shadow_close(&simulator->shadow);
    outcome_rows_fini(&simulator->rows);
    log_reader_close(simulator->reader);
}

void simulator_free(struct simulator *simulator)
{
    if (simulator == NULL) {
        return;
    }
    simulator_stop(simulator);
    pthread_cond_destroy(&simulator->changed);
    pthread_mutex_destroy(&simulator->mutex);
    free(simulator);
}
