/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/disk/disk_watch.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "daemon/log/log_backend.h"
#include "daemon/logger/logger.h"

#define INTERVAL_MS 1000
#define PPM 1000000u
#define BLOCK_SIZE 4096 /* so that parts per million of any disk fit */
#define BACK_PPM 10000u /* a level ends this much below where it begins */

struct disk_watch {
    struct disk_watch_options options;
    int directory;
    pthread_t thread;
    bool is_started;
    _Atomic bool is_low;
    pthread_mutex_t
        looking; /* held while it looks and reports; guards on_change, user and failed */
    void (*on_change)(void *user, const struct disk_state *state);
    void *user;
    bool has_failed;       /* the last look did; it is logged once */
    pthread_mutex_t mutex; /* guards the rest */
    pthread_cond_t changed;
    struct disk_state state;
    bool is_stopping;
};

static const uint32_t begins_at_ppm[DISK_LEVELS_COUNT] = {
    [DISK_ROOMY] = 0,
    [DISK_FILLING] = 850000,
    [DISK_NEARLY_FULL] = 950000,
};

const char *disk_level_name(uint8_t level)
{
    static const char *const names[DISK_LEVELS_COUNT] = {
        [DISK_ROOMY] = "roomy",
        [DISK_FILLING] = "filling",
        [DISK_NEARLY_FULL] = "nearly_full",
    };
    assert(level < DISK_LEVELS_COUNT);
    return names[level];
}

static int read_room(void *user, int directory, struct disk_room *ret_room)
{
    (void)user;
    return disk_room_get(directory, ret_room);
}

void disk_watch_options_defaults(struct disk_watch_options *options)
{
    *options = (struct disk_watch_options){.interval_ms = INTERVAL_MS, .read_room = read_room};
}

/* ---- one look ---- */

static uint8_t level_of(uint32_t used_ppm, uint8_t before)
{
    uint8_t level = DISK_ROOMY;
    for (uint8_t i = DISK_FILLING; i < DISK_LEVELS_COUNT; i++) {
        uint32_t at_ppm = begins_at_ppm[i] - (before >= i ? BACK_PPM : 0);
        level = used_ppm >= at_ppm ? i : level;
    }
    return level;
}

static uint32_t ppm_of(const struct disk_room *room)
{
    uint64_t size = room->size / BLOCK_SIZE;
    uint64_t used = size - (room->free < room->size ? room->free / BLOCK_SIZE : size);
    return size == 0 ? 0 : (uint32_t)(used * PPM / size);
}

static struct disk_state judge(const struct disk_watch *watch, const struct disk_room *room)
{
    const struct disk_state *before = &watch->state;
    uint64_t free_min = watch->options.reserve.free_min;
    struct disk_state state = {.room = *room, .used_ppm = ppm_of(room)};
    state.level = level_of(state.used_ppm, before->level);
    state.is_low = room->free < (before->is_low ? free_min + free_min / 4 : free_min);
    state.has_reserve = reserve_exists(watch->directory);
    return state;
}

/* A reserve that cannot be made is tried again at the next look. */
static void keep_reserve(const struct disk_watch *watch, struct disk_state *state)
{
    const struct reserve_options *reserve = &watch->options.reserve;
    if (reserve->size > 0 && !state->has_reserve &&
        state->room.free >= reserve_make_from(reserve)) {
        state->has_reserve = reserve_make(watch->directory, reserve->size) == 0;
    }
}

static void log_change(const struct disk_watch *watch, const struct disk_state *state)
{
    bool is_well = state->level == DISK_ROOMY && !state->is_low;
    const char *what = state->is_low                      ? "the disk is low: writes are refused"
                       : state->level == DISK_ROOMY       ? "the disk has room again"
                       : state->level == DISK_NEARLY_FULL ? "the disk is nearly full"
                                                          : "the disk is filling up";
    logger_write(is_well         ? LOGGER_INFO
                 : state->is_low ? LOGGER_ERROR
                                 : LOGGER_WARN,
                 "disk", what,
                 LOGGER_FIELDS(logger_uint("free_bytes", state->room.free),
                               logger_uint("free_min_bytes", watch->options.reserve.free_min),
                               logger_uint("used_percent", state->used_ppm / 10000),
                               logger_string("reserve", state->has_reserve ? "kept" : "none")));
}

static void note_failure(struct disk_watch *watch, int code)
{
    if (code != 0 && !watch->has_failed) {
        logger_write(LOGGER_WARN, "disk", "the room on the disk cannot be read",
                     LOGGER_FIELDS(logger_string("error", strerror(-code))));
    }
    watch->has_failed = code != 0;
}

void disk_watch_look(struct disk_watch *watch)
{
    struct disk_room room;
    pthread_mutex_lock(&watch->looking);
    int code = watch->options.read_room(watch->options.user, watch->directory, &room);
    note_failure(watch, code);
    if (code == 0) {
        struct disk_state before = watch->state; /* written only here */
        struct disk_state state = judge(watch, &room);
        keep_reserve(watch, &state);
        pthread_mutex_lock(&watch->mutex);
        watch->state = state;
        pthread_mutex_unlock(&watch->mutex);
        atomic_store(&watch->is_low, state.is_low);
        if (state.level != before.level || state.is_low != before.is_low) {
            log_change(watch, &state);
            if (watch->on_change != NULL) {
                watch->on_change(watch->user, &state);
            }
        }
    }
    pthread_mutex_unlock(&watch->looking);
}

/* ---- the thread ---- */

/* False when it stops. */
static bool sleep_once(struct disk_watch *watch)
{
    struct timespec until;
    (void)clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += watch->options.interval_ms / 1000;
    until.tv_nsec += (long)(watch->options.interval_ms % 1000) * 1000000;
    if (until.tv_nsec >= 1000000000) {
        until.tv_sec++;
        until.tv_nsec -= 1000000000;
    }
    pthread_mutex_lock(&watch->mutex);
    int code = 0;
    while (!watch->is_stopping && code == 0) {
        code = pthread_cond_timedwait(&watch->changed, &watch->mutex, &until);
    }
    bool goes_on = !watch->is_stopping;
    pthread_mutex_unlock(&watch->mutex);
    return goes_on;
}

static void *run(void *user)
{
    struct disk_watch *watch = user;
    (void)pthread_setname_np(pthread_self(), "bs-disk");
    while (sleep_once(watch)) {
        disk_watch_look(watch);
    }
    return NULL;
}

static void init_locks(struct disk_watch *watch)
{
    pthread_condattr_t attributes;
    (void)pthread_condattr_init(&attributes);
    (void)pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    (void)pthread_cond_init(&watch->changed, &attributes);
    (void)pthread_condattr_destroy(&attributes);
    (void)pthread_mutex_init(&watch->mutex, NULL);
    (void)pthread_mutex_init(&watch->looking, NULL);
}

int disk_watch_start(struct disk_watch **ret_watch, const struct disk_watch_options *options)
{
    assert(options->interval_ms > 0);
    struct disk_watch *watch = calloc(1, sizeof(*watch));
    if (watch == NULL) {
        return -ENOMEM;
    }
    watch->options = *options;
    init_locks(watch);
    watch->directory = open(options->directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int code = watch->directory < 0 ? -errno : 0;
    if (code == 0) {
        disk_watch_look(watch);
        code = log_thread_create(&watch->thread, run, watch);
        watch->is_started = code == 0;
    }
    if (code != 0) {
        disk_watch_free(watch);
        return code;
    }
    *ret_watch = watch;
    return 0;
}

void disk_watch_on_change(struct disk_watch *watch,
                          void (*fn)(void *user, const struct disk_state *state), void *user)
{
    if (watch == NULL) {
        return;
    }
    pthread_mutex_lock(&watch->looking);
    watch->on_change = fn;
    watch->user = user;
    if (fn != NULL && (watch->state.level != DISK_ROOMY || watch->state.is_low)) {
        fn(user, &watch->state);
    }
    pthread_mutex_unlock(&watch->looking);
}

bool disk_watch_is_low(const struct disk_watch *watch)
{
    return watch != NULL && atomic_load_explicit(&watch->is_low, memory_order_relaxed);
}

struct disk_state disk_watch_state(struct disk_watch *watch)
{
    struct disk_state state = {0};
    if (watch != NULL) {
        pthread_mutex_lock(&watch->mutex);
        state = watch->state;
        pthread_mutex_unlock(&watch->mutex);
    }
    return state;
}

void disk_watch_free(struct disk_watch *watch)
{
    if (watch == NULL) {
        return;
    }
    if (watch->is_started) {
        pthread_mutex_lock(&watch->mutex);
        watch->is_stopping = true;
        pthread_cond_broadcast(&watch->changed);
        pthread_mutex_unlock(&watch->mutex);
        (void)pthread_join(watch->thread, NULL);
    }
    if (watch->directory >= 0) {
        (void)close(watch->directory);
    }
    pthread_cond_destroy(&watch->changed);
    pthread_mutex_destroy(&watch->mutex);
    pthread_mutex_destroy(&watch->looking);
    free(watch);
}
