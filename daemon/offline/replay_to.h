/* SPDX-License-Identifier: Apache-2.0 */
/* The state of a log at one moment: the log opened to be read, and replayed up to there. */
#ifndef REPLAY_TO_H
#define REPLAY_TO_H

#include "daemon/config/settings.h"
#include "daemon/config/until.h"
#include "daemon/core/replay.h"

struct replay_to {
    struct command_log *log;
    struct executor executor;
    struct replay_result result;
    struct until until;
    int64_t first_time_ms; /* of the log */
};

/* Opens a log to be read, with its identity. 0 or a negative code; then the caller closes nothing. */
BS_MUST_USE int offline_log_open(struct command_log **ret_log, const char *directory,
                                 char error[LOG_ERROR_SIZE]);

/* 0 or a negative code with a message: the log is not readable, does not replay to what it holds, or
 * has no such moment. replay_to_fini in both cases. */
BS_MUST_USE int replay_to_run(struct replay_to *replay, const struct settings *settings,
                              const struct log_moment *moment, char error[LOG_ERROR_SIZE]);
void replay_to_fini(struct replay_to *replay);

#endif
