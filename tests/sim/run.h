/* SPDX-License-Identifier: Apache-2.0 */
/* A run: the lives of one seed, one after another on what the last one left. */
#ifndef SIM_RUN_H
#define SIM_RUN_H

#include "tests/sim/life.h"

#define RUN_PATH_SIZE 128

struct run_counts {
    uint64_t runs, lives, kills, failures, refusals, flips, flips_found;
    uint64_t snapshots, snapshot_starts, passed_over, cut_starts;
    uint64_t operations, judged, requests, records, actions, settlements, notices;
};

/* Where runs have their directories; made on first use, in memory where there is /dev/shm. */
const char *run_root(void);
void run_root_remove(void);
void run_path(char ret_path[RUN_PATH_SIZE], const char *name);

/* Zeroed, in shared memory; there is one, and another one for what is tried beside a run. */
struct ledger *run_ledger(void);
struct ledger *run_scratch(void);

/* True: all promises were kept. Else it has told why. *ret_trace says what happened, all of it. */
bool run_seed(uint64_t seed, struct run_counts *counts, uint64_t *ret_trace);
/* Prints what went wrong in a life, with what it wrote to stderr. */
void run_report(const char *what, const struct ledger *ledger);

#endif
