/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/simulation/simulator.h"

#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>

#include "daemon/answer/answer.h"
#include "daemon/log/identity.h"
#include "daemon/log/log_backend.h"
#include "daemon/logger/logger.h"
#include "daemon/simulation/past.h"
#include "daemon/simulation/run.h"

#define EFFECTS_ACTIONS_MAX 4096 /* of one step */

struct simulator_counters { /* written by the simulator's thread, but for overloaded */
    _Atomic uint64_t answered, refused, timed_out, overloaded, run_ns_total, run_ns_max;
    _Atomic uint64_t mismatches;
};

struct simulator {
    struct simulator_counters counters;
    struct follower *follower;
    struct simulator_options options;
    pthread_t thread;
    pthread_mutex_t mutex; /* guards the queue */
    pthread_cond_t changed;
    struct simulator_job *first, *last;
    uint32_t waiting_count;
    bool is_running; /* a job */
    atomic_bool stop;
    /* the thread's own */
    struct log_reader *reader;
    struct view base, work; /* address space; memory only while a simulation runs */
    struct bs_effects effects;
    struct outcome_rows rows;
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
        .mismatches = counters->mismatches,
    };
}

/* ---- jobs ---- */

static void refuse_unless_lent(struct request *request, int code)
{
    answer_problem(request,
                   code == -ETIMEDOUT   ? BS_SIMULATION_CATCHING_UP
                   : code == -ECANCELED ? BS_NOT_READY
                                        : BS_SECOND_BLOCK_DROPPED,
                   NULL);
}

static void simulate(struct simulator *simulator, struct simulator_job *job, struct run *run)
{
    int code = follower_lend(simulator->follower, job->last_seq, run->limit, &simulator->base);
    if (code != 0) {
        refuse_unless_lent(job->request, code);
        return;
    }
    run_simulation(run);
    run_fini(run);
}

static void compare(struct simulator *simulator, struct simulator_job *job, struct run *run)
{
    struct past past = {.log = simulator->options.log,
                        .reader = simulator->reader,
                        .snapshots = simulator->options.snapshots,
                        .config = follower_config(simulator->follower),
                        .limit = run->limit,
                        .pool = job->pool,
                        .settlement = job->settlement,
                        .base = &simulator->base};
    if (!past_compare(&past, run)) {
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
    struct block_limit limit = {.until_ms = block_now_ms() + simulator->options.time_limit_ms,
                                .stop = &simulator->stop};
    struct run run = {.base = &simulator->base,
                      .work = &simulator->work,
                      .effects = &simulator->effects,
                      .rows = &simulator->rows,
                      .limit = &limit,
                      .asked = &job->asked,
                      .log = log_reader_identity(simulator->reader),
                      .request = job->request};
    if (atomic_load(&simulator->stop)) {
        answer_problem(job->request, BS_NOT_READY, NULL);
    } else if (job->is_comparison) {
        compare(simulator, job, &run);
    } else {
        simulate(simulator, job, &run);
    }
    view_drop(&simulator->base);
    view_drop(&simulator->work);
    count_result(simulator, job->request, uv_hrtime() - start_ns);
    job->request->done(job->request);
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

/* NULL: it is time to end, and nothing waits. */
static struct simulator_job *wait_for_job(struct simulator *simulator)
{
    pthread_mutex_lock(&simulator->mutex);
    simulator->is_running = false;
    while (simulator->first == NULL && !atomic_load(&simulator->stop)) {
        pthread_cond_wait(&simulator->changed, &simulator->mutex);
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
    struct simulator_job *job;
    while ((job = wait_for_job(simulator)) != NULL) {
        run_job(simulator, job);
    }
    return NULL;
}

bool simulator_is_off(const struct simulator *simulator)
{
    return simulator->options.is_off;
}

bool simulator_submit(struct simulator *simulator, struct simulator_job *job)
{
    pthread_mutex_lock(&simulator->mutex);
    bool is_taken =
        !atomic_load(&simulator->stop) && !simulator_is_off(simulator) &&
        simulator->waiting_count < simulator->options.queue_max + (simulator->is_running ? 0 : 1);
    if (is_taken) {
        job->next = NULL;
        job->last_seq = follower_executed_seq(simulator->follower);
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

static int open_memory(struct simulator *simulator, char *error)
{
    const struct bs_config *config = follower_config(simulator->follower);
    int code = view_open(&simulator->base, config, error);
    if (code == 0) {
        code = view_open(&simulator->work, config, error);
    }
    simulator->effects.actions = calloc(EFFECTS_ACTIONS_MAX, sizeof(struct bs_action));
    simulator->effects.actions_max = EFFECTS_ACTIONS_MAX;
    if (code == 0 && simulator->effects.actions == NULL) {
        (void)snprintf(error, LOG_ERROR_SIZE, "out of memory for simulations");
        code = -ENOMEM;
    }
    return code;
}

static void close_memory(struct simulator *simulator)
{
    view_close(&simulator->base);
    view_close(&simulator->work);
    free(simulator->effects.actions);
    simulator->effects.actions = NULL;
    outcome_rows_fini(&simulator->rows);
    log_reader_close(simulator->reader);
}

static int start(struct simulator *simulator, char *error)
{
    if (simulator_is_off(simulator)) {
        return 0;
    }
    int code = open_memory(simulator, error);
    if (code == 0) {
        code = follower_reader_open(simulator->follower, &simulator->reader, error);
    }
    if (code == 0) {
        code = log_thread_create(&simulator->thread, run, simulator);
        if (code != 0) {
            (void)snprintf(error, LOG_ERROR_SIZE, "cannot start the simulator's thread: %s",
                           strerror(-code));
        }
    }
    if (code != 0) {
        close_memory(simulator);
    }
    return code;
}

int simulator_new(struct simulator **ret_simulator, struct follower *follower,
                  const struct simulator_options *options, char error[LOG_ERROR_SIZE])
{
    struct simulator *simulator = calloc(1, sizeof(*simulator));
    if (simulator == NULL) {
        (void)snprintf(error, LOG_ERROR_SIZE, "out of memory for the simulator");
        return -ENOMEM;
    }
    simulator->follower = follower;
    simulator->options = *options;
    (void)pthread_mutex_init(&simulator->mutex, NULL);
    (void)pthread_cond_init(&simulator->changed, NULL);
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
    close_memory(simulator);
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
