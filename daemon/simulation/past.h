/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A settlement of the past, run again: a block of its own steps the log from the beginning to just
 * before the command that made the settlement; from there the settlement itself and the other
 * waterfalls are run.
 */
#ifndef SIM_PAST_H
#define SIM_PAST_H

#include "daemon/simulation/run.h"

struct past {
    struct log_reader *reader;
    const struct bs_config *config;
    const struct shadow_limit *limit;
    uint64_t last_seq;
    struct bs_text pool;
    uint64_t settlement;
    /* filled while it runs */
    struct shadow shadow;
    struct buffer stored; /* JSON of the settlement as the log has it */
    int64_t time_ms;
    uint8_t record[BS_RECORD_SIZE_MAX]; /* the command that made it */
};

/* Answers run->request. False: what the log gives now is not what was stored, which was logged. */
BS_MUST_USE bool past_compare(struct past *past, struct run *run);

#endif
