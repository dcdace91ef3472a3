/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/sim/scheduler.h"

#include <assert.h>
#include <dlfcn.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/random.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include "tests/sim/random.h"

#define THREADS_MAX 32
#define LOCKS_MAX 256
#define NEVER UINT64_MAX
#define NS_PER_S ((uint64_t)1000000000)
#define NS_PER_MS ((uint64_t)1000000)
#define CLOCK_STEP_NS 200 /* one reading of a clock */
#define MONOTONIC_NS (3600 * NS_PER_S)
#define PROCESS_ID 4711

enum state { READY, ON_MUTEX, ON_CONDITION, ON_EPOLL, ON_THREAD, ASLEEP, ENDED };

struct thread {
    sem_t turn;
    enum state state;
    const void *awaited; /* the mutex, the condition or the thread */
    int epoll;
    uint64_t wake_ns; /* NEVER: only by what is awaited */
    bool is_woken;    /* of a condition */
    pthread_t id;
    void *(*run)(void *);
    void *user;
    void *result;
};

struct lock { /* a mutex that was locked once */
    const void *mutex;
    struct thread *owner;
    uint32_t depth;
};

static struct thread threads[THREADS_MAX];
static uint32_t threads_count;
static struct lock locks[LOCKS_MAX];
static uint32_t locks_count;
static struct random draws;
static uint64_t now_ns;
static int64_t wall_base_ms;
static bool is_on;
static __thread struct thread *self;

/* The functions of the C library that are defined again below. */
static struct {
    int (*create)(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *);
    int (*join)(pthread_t, void **);
    int (*lock)(pthread_mutex_t *);
    int (*trylock)(pthread_mutex_t *);
    int (*unlock)(pthread_mutex_t *);
    int (*wait)(pthread_cond_t *, pthread_mutex_t *);
    int (*timedwait)(pthread_cond_t *, pthread_mutex_t *, const struct timespec *);
    int (*signal)(pthread_cond_t *);
    int (*broadcast)(pthread_cond_t *);
    int (*epoll_pwait)(int, struct epoll_event *, int, int, const sigset_t *);
    int (*clock_gettime)(clockid_t, struct timespec *);
    ssize_t (*getrandom)(void *, size_t, unsigned);
    int (*usleep)(useconds_t);
} real;

static void find(void *function, const char *name)
{
    void *found = dlsym(RTLD_NEXT, name);
    memcpy(function, &found, sizeof(found));
}

/* Libraries call them before the program has begun. */
static void find_all(void)
{
    if (real.create != NULL) {
        return;
    }
    find(&real.create, "pthread_create");
    find(&real.join, "pthread_join");
    find(&real.lock, "pthread_mutex_lock");
    find(&real.trylock, "pthread_mutex_trylock");
    find(&real.unlock, "pthread_mutex_unlock");
    find(&real.wait, "pthread_cond_wait");
    find(&real.timedwait, "pthread_cond_timedwait");
    find(&real.signal, "pthread_cond_signal");
    find(&real.broadcast, "pthread_cond_broadcast");
    find(&real.epoll_pwait, "epoll_pwait");
    find(&real.clock_gettime, "clock_gettime");
    find(&real.getrandom, "getrandom");
    find(&real.usleep, "usleep");
}

/* ---- whose turn it is ---- */

static struct lock *lock_of(const void *mutex)
{
    struct lock *free_lock = NULL;
    for (uint32_t i = 0; i < locks_count; i++) {
        if (locks[i].mutex == mutex) {
            return &locks[i];
        }
        if (locks[i].depth == 0 && free_lock == NULL) {
            free_lock = &locks[i];
        }
    }
    if (free_lock == NULL) {
        assert(locks_count < LOCKS_MAX);
        free_lock = &locks[locks_count++];
    }
    *free_lock = (struct lock){.mutex = mutex};
    return free_lock;
}

static bool has_events(int epoll)
{
    struct pollfd fd = {.fd = epoll, .events = POLLIN};
    return poll(&fd, 1, 0) > 0;
}

static bool can_run(const struct thread *thread)
{
    switch (thread->state) {
    case READY:
        return true;
    case ON_MUTEX:
        return lock_of(thread->awaited)->depth == 0;
    case ON_CONDITION:
        return thread->is_woken || thread->wake_ns <= now_ns;
    case ON_EPOLL:
        return thread->wake_ns <= now_ns || has_events(thread->epoll);
    case ON_THREAD:
        return ((const struct thread *)thread->awaited)->state == ENDED;
    case ASLEEP:
        return thread->wake_ns <= now_ns;
    case ENDED:
        return false;
    }
    return false;
}

/* Nothing can ever happen again: a fault of the program under test. */
static _Noreturn void report_deadlock(void)
{
    static const char *const names[] = {"is ready",           "waits for a mutex",
                                        "waits for a signal", "waits for events",
                                        "waits for a thread", "sleeps",
                                        "has ended"};
    for (uint32_t i = 0; i < threads_count; i++) {
        fprintf(stderr, "deadlock: thread %u %s\n", i, names[threads[i].state]);
    }
    abort();
}

static struct thread *next_thread(void)
{
    for (;;) {
        struct thread *found[THREADS_MAX];
        uint32_t count = 0;
        uint64_t wake_ns = NEVER;
        for (uint32_t i = 0; i < threads_count; i++) {
            if (can_run(&threads[i])) {
                found[count++] = &threads[i];
            } else if (threads[i].state != ENDED && threads[i].wake_ns < wake_ns) {
                wake_ns = threads[i].wake_ns;
            }
        }
        if (count > 0) {
            return found[count == 1 ? 0 : random_below(&draws, count)];
        }
        if (wake_ns == NEVER) {
            report_deadlock();
        }
        now_ns = wake_ns;
    }
}

static void give_turn(void)
{
    struct thread *thread = self;
    struct thread *next = next_thread();
    if (next == thread) {
        return;
    }
    (void)sem_post(&next->turn);
    if (thread->state == ENDED) {
        return;
    }
    while (sem_wait(&thread->turn) != 0) {
        assert(errno == EINTR);
    }
}

static void wait_for(enum state state, const void *awaited, uint64_t wake_ns)
{
    self->state = state;
    self->awaited = awaited;
    self->wake_ns = wake_ns;
    self->is_woken = false;
    give_turn();
    self->state = READY;
    self->wake_ns = NEVER;
}

static struct thread *add_thread(void)
{
    assert(threads_count < THREADS_MAX);
    struct thread *thread = &threads[threads_count++];
    *thread = (struct thread){.wake_ns = NEVER};
    (void)sem_init(&thread->turn, 0, 0);
    return thread;
}

void sched_begin(uint64_t seed, int64_t wall_ms)
{
    assert(!is_on);
    draws = random_stream(seed, 1);
    wall_base_ms = wall_ms;
    now_ns = 0;
    threads_count = 0;
    self = add_thread();
    self->id = pthread_self();
    is_on = true;
}

bool sched_is_on(void)
{
    return is_on && self != NULL;
}

uint32_t sched_thread(void)
{
    return self == NULL ? 0 : (uint32_t)(self - threads);
}

void sched_pause(void)
{
    if (sched_is_on()) {
        give_turn();
    }
}

void sched_sleep(uint64_t ns)
{
    wait_for(ASLEEP, NULL, now_ns + ns);
}

uint64_t sched_now_ns(void)
{
    return now_ns;
}

int64_t sched_wall_ms(void)
{
    return wall_base_ms + (int64_t)(now_ns / NS_PER_MS);
}

void sched_jump(int64_t ms)
{
    wall_base_ms += ms;
}

/* ---- threads ---- */

static bool is_simulated(void)
{
    find_all();
    return sched_is_on();
}

static void *run_thread(void *user)
{
    struct thread *thread = user;
    self = thread;
    while (sem_wait(&thread->turn) != 0) {
        assert(errno == EINTR);
    }
    thread->result = thread->run(thread->user);
    thread->state = ENDED;
    give_turn();
    return thread->result;
}

int pthread_create(pthread_t *ret_id, const pthread_attr_t *attributes, void *(*run)(void *),
                   void *user)
{
    if (!is_simulated()) {
        return real.create(ret_id, attributes, run, user);
    }
    struct thread *thread = add_thread();
    thread->run = run;
    thread->user = user;
    int result = real.create(&thread->id, attributes, run_thread, thread);
    if (result != 0) {
        threads_count--;
        return result;
    }
    *ret_id = thread->id;
    return 0;
}

int pthread_join(pthread_t id, void **ret_result)
{
    if (is_simulated()) {
        for (uint32_t i = threads_count; i-- > 0;) {
            if (pthread_equal(threads[i].id, id) != 0 && &threads[i] != self) {
                wait_for(ON_THREAD, &threads[i], NEVER);
                break;
            }
        }
    }
    return real.join(id, ret_result);
}

/* ---- mutexes and conditions ---- */

static void take(struct lock *lock)
{
    lock->owner = self;
    lock->depth++;
}

int pthread_mutex_lock(pthread_mutex_t *mutex)
{
    if (!is_simulated()) {
        return real.lock(mutex);
    }
    while (lock_of(mutex)->depth > 0 && lock_of(mutex)->owner != self) {
        wait_for(ON_MUTEX, mutex, NEVER);
    }
    take(lock_of(mutex));
    return 0;
}

int pthread_mutex_trylock(pthread_mutex_t *mutex)
{
    if (!is_simulated()) {
        return real.trylock(mutex);
    }
    struct lock *lock = lock_of(mutex);
    if (lock->depth > 0 && lock->owner != self) {
        return EBUSY;
    }
    take(lock);
    return 0;
}

int pthread_mutex_unlock(pthread_mutex_t *mutex)
{
    if (!is_simulated()) {
        return real.unlock(mutex);
    }
    struct lock *lock = lock_of(mutex);
    assert(lock->owner == self);
    assert(lock->depth > 0);
    lock->depth--;
    return 0;
}

static int wait_condition(pthread_cond_t *condition, pthread_mutex_t *mutex, uint64_t wake_ns)
{
    struct lock *lock = lock_of(mutex);
    assert(lock->owner == self);
    assert(lock->depth == 1);
    lock->depth = 0;
    wait_for(ON_CONDITION, condition, wake_ns);
    bool is_woken = self->is_woken;
    (void)pthread_mutex_lock(mutex);
    return is_woken ? 0 : ETIMEDOUT;
}

int pthread_cond_wait(pthread_cond_t *condition, pthread_mutex_t *mutex)
{
    return is_simulated() ? wait_condition(condition, mutex, NEVER) : real.wait(condition, mutex);
}

/* The daemon's conditions go by CLOCK_MONOTONIC. */
int pthread_cond_timedwait(pthread_cond_t *condition, pthread_mutex_t *mutex,
                           const struct timespec *until)
{
    if (!is_simulated()) {
        return real.timedwait(condition, mutex, until);
    }
    uint64_t until_ns = (uint64_t)until->tv_sec * NS_PER_S + (uint64_t)until->tv_nsec;
    return wait_condition(condition, mutex, until_ns > MONOTONIC_NS ? until_ns - MONOTONIC_NS : 0);
}

static void wake(const pthread_cond_t *condition, bool wakes_all)
{
    for (uint32_t i = 0; i < threads_count; i++) {
        struct thread *thread = &threads[i];
        if (thread->state == ON_CONDITION && thread->awaited == condition && !thread->is_woken) {
            thread->is_woken = true;
            if (!wakes_all) {
                return;
            }
        }
    }
}

int pthread_cond_signal(pthread_cond_t *condition)
{
    if (!is_simulated()) {
        return real.signal(condition);
    }
    wake(condition, false);
    return 0;
}

int pthread_cond_broadcast(pthread_cond_t *condition)
{
    if (!is_simulated()) {
        return real.broadcast(condition);
    }
    wake(condition, true);
    return 0;
}

/* ---- loops ---- */

int epoll_pwait(int epoll, struct epoll_event *events, int events_max, int timeout_ms,
                const sigset_t *signals)
{
    if (!is_simulated()) {
        return real.epoll_pwait(epoll, events, events_max, timeout_ms, signals);
    }
    uint64_t until_ns = timeout_ms < 0 ? NEVER : now_ns + (uint64_t)timeout_ms * NS_PER_MS;
    for (;;) {
        int count = real.epoll_pwait(epoll, events, events_max, 0, signals);
        if (count != 0 || now_ns >= until_ns) {
            return count;
        }
        self->epoll = epoll;
        wait_for(ON_EPOLL, NULL, until_ns);
    }
}

int epoll_wait(int epoll, struct epoll_event *events, int events_max, int timeout_ms)
{
    return epoll_pwait(epoll, events, events_max, timeout_ms, NULL);
}

/* ---- time and chance ---- */

int clock_gettime(clockid_t clock, struct timespec *ret_time)
{
    if (!is_simulated()) {
        return real.clock_gettime(clock, ret_time);
    }
    now_ns += CLOCK_STEP_NS;
    bool is_wall = clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE;
    uint64_t ns = is_wall ? (uint64_t)wall_base_ms * NS_PER_MS + now_ns : MONOTONIC_NS + now_ns;
    ret_time->tv_sec = (time_t)(ns / NS_PER_S);
    ret_time->tv_nsec = (long)(ns % NS_PER_S);
    return 0;
}

int gettimeofday(struct timeval *restrict ret_time, void *restrict zone)
{
    struct timespec now;
    (void)zone;
    (void)clock_gettime(CLOCK_REALTIME, &now);
    *ret_time = (struct timeval){now.tv_sec, now.tv_nsec / 1000};
    return 0;
}

time_t time(time_t *ret_time)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_REALTIME, &now);
    if (ret_time != NULL) {
        *ret_time = now.tv_sec;
    }
    return now.tv_sec;
}

int usleep(useconds_t us)
{
    if (!is_simulated()) {
        return real.usleep(us);
    }
    sched_sleep((uint64_t)us * 1000);
    return 0;
}

ssize_t getrandom(void *bytes, size_t size, unsigned flags)
{
    if (!is_simulated()) {
        return real.getrandom(bytes, size, flags);
    }
    for (size_t i = 0; i < size; i++) {
        ((uint8_t *)bytes)[i] = (uint8_t)random_next(&draws);
    }
    return (ssize_t)size;
}

/* The daemon writes it to its lock file. */
pid_t getpid(void)
{
    return sched_is_on() ? PROCESS_ID : (pid_t)syscall(SYS_getpid);
}
