/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A settlement of the past, run again: a block of its own steps the log from the newest snapshot
 * before it, or from the beginning, to just before the command that made the settlement; from there
 * the settlement itself and the other waterfalls are run. What was cut is refused as such.
 */
#ifndef SIM_PAST_H
#define SIM_PAST_H

#include "daemon/simulation/run.h"

struct past {
    struct command_log *log;
    struct log_reader *reader; /* of the log */
    const char *snapshots;     /* their directory; NULL: there are none */
    const struct bs_config *config;
    const struct block_limit *limit;
    struct bs_text pool;
    uint64_t settlement;
    struct view *base; /* run->base */
    /* filled while it runs */
    struct block block;
    uint8_t stored[BS_SETTLEMENT_RECORD_SIZE_MAX]; /* the settlement's record in the log */
    size_t stored_size;                            /* 0: the log has no such settlement */
    uint64_t seq;                                  /* of the command that made it */
    bool is_unreadable;                            /* the log has only a part of it */
    uint8_t record[BS_RECORD_SIZE_MAX];            /* that command */
};

/* Answers run->request. False: the log now gives another settlement than the stored one, which was
 * logged. */
BS_MUST_USE bool past_compare(struct past *past, struct run *run);

#endif
