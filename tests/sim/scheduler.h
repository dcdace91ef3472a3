/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The threads and the clock of a simulated process. The daemon's code runs on real threads, but one
 * at a time: where a thread waits (a mutex, a condition, a loop with nothing to do, another thread's
 * end) and where it touches the disk, the next one is drawn from the seed. Time is the simulator's
 * too. It passes when a clock is read, and otherwise only when all threads wait for it. So one seed
 * always gives the same run.
 *
 * The program defines pthread_create, pthread_mutex_lock, epoll_pwait, clock_gettime and the like
 * itself; the daemon and its libraries call these. Before sched_begin all pass through.
 */
#ifndef SIM_SCHEDULER_H
#define SIM_SCHEDULER_H

#include <stdbool.h>
#include <stdint.h>

/* The calling thread becomes number 0. `wall_ms` is the wall clock's time now. */
void sched_begin(uint64_t seed, int64_t wall_ms);
bool sched_is_on(void);
uint32_t sched_thread(void); /* the number of the calling thread, in the order of creation */
/* Another thread may run. */
void sched_pause(void);
void sched_sleep(uint64_t ns);
uint64_t sched_now_ns(void); /* since sched_begin */
int64_t sched_wall_ms(void);
void sched_jump(int64_t ms); /* of the wall clock */

#endif
