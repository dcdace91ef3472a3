/* SPDX-License-Identifier: Apache-2.0 */
/*
 * After a recovery: is everything there that the world was told? The judge reads the log through
 * readers, steps an engine of its own with all that the log has held since it was new, also where
 * the daemon began with a snapshot or the log was cut, and compares both with the ledger:
 *
 *     each request that was answered is in the log, where the answer said, as it was sent
 *     no request is in it twice, and each transfer was counted once
 *     the digests that were seen at a sequence are those of the judge's engine at it, that of the
 *     recovered engine included
 *     the actions are those of the judge's engine, from 1 on without gaps, none published is gone
 */
#ifndef SIM_JUDGE_H
#define SIM_JUDGE_H

#include "daemon/core/core.h"
#include "tests/sim/ledger.h"

/* What is judged. */
struct judge_case {
    struct ledger *ledger;
    struct command_log *log;
    struct log_reader_place begin; /* of the log when it was opened */
    const struct bs_config *config;
};

/* The last sample of the ledger is of the recovered engine. False: the log cannot be read. */
bool judge_recovered(const struct judge_case *judged, char error[LOG_ERROR_SIZE]);
/* At the end of a run: the first `requests_count` requests were each done once, all notices came. */
void judge_end(const struct judge_case *judged, uint32_t requests_count);

#endif
