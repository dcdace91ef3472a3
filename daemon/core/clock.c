/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/core/clock.h"

#include <assert.h>
#include <time.h>

#define JUMP_MS 2000
#define AHEAD_SHARE 100 /* 1 s more in so many */
#define BEHIND_SHARE 2  /* 1 s less in so many */

static bool is_apart(int64_t ms)
{
    return ms > JUMP_MS || ms < -JUMP_MS;
}

int64_t clock_time_ms(const struct clock *clock)
{
    return clock->time_us / 1000;
}

static int64_t offset_of(const struct clock *clock)
{
    return clock->last.wall_ms - clock_time_ms(clock);
}

int64_t clock_offset_ms(const struct clock *clock)
{
    int64_t offset = offset_of(clock);
    return is_apart(offset) ? offset : 0;
}

int64_t clock_start(struct clock *clock, int64_t stamp_ms, struct clock_reading now)
{
    int64_t ahead = now.wall_ms - stamp_ms;
    *clock = (struct clock){.time_us = (ahead > 0 ? now.wall_ms : stamp_ms) * 1000, .last = now};
    clock->jumps_count = ahead < -JUMP_MS ? 1 : 0;
    return ahead;
}

/* Engine time after `elapsed_us` when the wall clock is `offset` ms ahead of it. */
static void move(struct clock *clock, int64_t elapsed_us, int64_t offset)
{
    if (offset > JUMP_MS) {
        clock->time_us += elapsed_us + elapsed_us / AHEAD_SHARE;
    } else if (clock->last.wall_ms > clock_time_ms(clock)) {
        clock->time_us = clock->last.wall_ms * 1000;
    } else {
        clock->time_us += elapsed_us - elapsed_us / BEHIND_SHARE;
    }
}

enum clock_event clock_read(struct clock *clock, struct clock_reading now, int64_t *ret_jump_ms)
{
    int64_t before_us = clock->time_us;
    bool was_apart = is_apart(offset_of(clock));
    int64_t elapsed_us = now.monotonic_ns > clock->last.monotonic_ns
                             ? (int64_t)((now.monotonic_ns - clock->last.monotonic_ns) / 1000)
                             : 0;
    int64_t jump_ms = now.wall_ms - clock->last.wall_ms - elapsed_us / 1000;
    /* what is left of a microsecond counts the next time */
    clock->last =
        (struct clock_reading){now.wall_ms, clock->last.monotonic_ns + (uint64_t)elapsed_us * 1000};
    move(clock, elapsed_us, now.wall_ms - (before_us + elapsed_us) / 1000);
    assert(clock->time_us >= before_us);
    *ret_jump_ms = is_apart(jump_ms) ? jump_ms : 0;
    if (*ret_jump_ms != 0) {
        clock->jumps_count++;
        return CLOCK_JUMPED;
    }
    return was_apart && !is_apart(offset_of(clock)) ? CLOCK_CAUGHT_UP : CLOCK_NOTHING;
}

bool clock_adopt(struct clock *clock, int64_t *ret_moved_ms)
{
    int64_t offset_ms = offset_of(clock);
    if (is_apart(offset_ms) && offset_ms < 0) {
        return false;
    }
    *ret_moved_ms = offset_ms > 0 ? offset_ms : 0;
    clock->time_us += *ret_moved_ms * 1000;
    assert(clock_offset_ms(clock) == 0);
    return true;
}

struct clock_reading clock_of_machine(void *unused)
{
    (void)unused;
    struct timespec wall, monotonic;
    (void)clock_gettime(CLOCK_REALTIME, &wall);
    (void)clock_gettime(CLOCK_BOOTTIME, &monotonic); /* a suspended machine's time passes */
    return (struct clock_reading){.wall_ms = (int64_t)wall.tv_sec * 1000 + wall.tv_nsec / 1000000,
                                  .monotonic_ns = (uint64_t)monotonic.tv_sec * 1000000000 +
                                                  (uint64_t)monotonic.tv_nsec};
}
