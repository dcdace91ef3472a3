/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The crash-point matrix. A recorded run counts every operation that changes the disk. Then, at each
 * of them: the process is killed there (all that it wrote is kept; only what was synced; any part),
 * it fails once, or the disk is full from there on. After each the daemon is started again, judged,
 * and serves the run to its end.
 */
#ifndef SIM_MATRIX_H
#define SIM_MATRIX_H

#include <stdbool.h>

/*
 * True: all promises were kept at every point. Prints the counts, or what went wrong where.
 * `is_quick`: the life after a crash is judged and ends, and the disk is not full. `scenario`: 1 from
 * nothing, 2 from a crash, 3 from nothing with snapshots and cuts of the log, 0 all.
 */
bool matrix_run(bool is_quick, unsigned scenario);

#endif
