/* SPDX-License-Identifier: Apache-2.0 */
/* The clocks of the room, in milliseconds. */
#ifndef WEBHOOKS_CLOCK_H
#define WEBHOOKS_CLOCK_H

#include <stdint.h>
#include <time.h>

static inline int64_t clock_read_ms(clockid_t clock)
{
    struct timespec now;
    (void)clock_gettime(clock, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* Since 1970. It can jump: for what receivers and clients see. */
static inline int64_t clock_wall_ms(void)
{
    return clock_read_ms(CLOCK_REALTIME);
}

/* Since some moment of this machine's life. It never goes back: for waiting. */
static inline int64_t clock_monotonic_ms(void)
{
    return clock_read_ms(CLOCK_MONOTONIC);
}

#endif
