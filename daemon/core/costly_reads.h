/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads that look at a whole pool or make a long page. Commands and settlements go first: a turn of
 * the core loop runs such reads for READS_NS and at least one, none while a settlement is on its
 * way, and none that would delay the next tick, if one has run since the last. A bounded number
 * waits. Answers are kept for the sequence that they were made at, so any number of clients that
 * ask for the same pay for it once. The core loop's alone.
 */
#ifndef COSTLY_READS_H
#define COSTLY_READS_H

#include "daemon/core/request_list.h"

#define COSTLY_READS_MAX 64 /* waiting, each counted once */
#define KEPT_READS_MAX 16

struct core;

/* An answer, and what it is the answer to. */
struct kept_read {
    struct buffer asks;
    uint64_t seq;
    int status;
    const char *content_type;
    struct buffer body;
};

struct costly_reads {
    struct request_list waiting;
    uint32_t different_count; /* of them, without those that ask the same as another one */
    struct kept_read kept[KEPT_READS_MAX];
    uint32_t kept_next;
    uint64_t longest_ns;  /* of the last reads: halves with each that is shorter */
    uint64_t ticks_count; /* of the timer when one ran */
};

/* Takes the read, or answers 503 when too many wait. */
void costly_reads_add(struct core *core, struct request *request);
/* At the end of a turn, with no settlement half done. Asks for another turn when some are left. */
void costly_reads_run(struct core *core);
void costly_reads_fini(struct costly_reads *reads);

#endif
