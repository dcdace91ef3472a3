/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Engine time. It follows the monotonic clock from the last stamp on and the wall clock only slowly
 * once that has jumped, so that one wrong second of a machine's clock does not decide for ever:
 *
 *     wall clock ahead by up to 2 s    engine time is the wall clock
 *     wall clock ahead by more         1 s more in 100 s; a restart follows at once
 *     wall clock behind                half speed until the wall clock has caught up
 *     start of the process             ahead is followed at once: the downtime is real
 */
#ifndef CLOCK_H
#define CLOCK_H

#include <stdbool.h>
#include <stdint.h>

struct clock_reading {
    int64_t wall_ms; /* since the UTC epoch */
    uint64_t monotonic_ns;
};

struct clock {
    int64_t time_us; /* engine time at the last reading */
    struct clock_reading last;
    uint64_t jumps_count; /* of over 2 s since the start, a start behind the log included */
};

enum clock_event { CLOCK_NOTHING, CLOCK_JUMPED, CLOCK_CAUGHT_UP };

/* `stamp_ms` is the last one of the log, 0 for an empty one. Returns how far the wall clock is
 * ahead of it, negative: behind. */
int64_t clock_start(struct clock *clock, int64_t stamp_ms, struct clock_reading now);
/* Moves engine time on; never back. *ret_jump_ms is set with CLOCK_JUMPED, negative: back. */
enum clock_event clock_read(struct clock *clock, struct clock_reading now, int64_t *ret_jump_ms);
/* After a reading: engine time becomes the wall clock's, and *ret_moved_ms is by how much. False: the
 * wall clock is behind, and engine time never goes back. */
bool clock_adopt(struct clock *clock, int64_t *ret_moved_ms);
/* In ms. */
int64_t clock_time_ms(const struct clock *clock);
/* The wall clock less engine time at the last reading; 0 where they go together. */
int64_t clock_offset_ms(const struct clock *clock);

struct clock_reading clock_of_machine(void *unused);

#endif
