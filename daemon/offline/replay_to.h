/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The state of a log at one moment: the log opened to be read, and replayed up to there. A log whose
 * older files were cut is replayed from the oldest snapshot beside it; it has no moment before that.
 */
#ifndef REPLAY_TO_H
#define REPLAY_TO_H

#include "daemon/config/settings.h"
#include "daemon/config/until.h"
#include "daemon/offline/kept_snapshots.h"

struct replay_to {
    struct command_log *log;
    struct executor executor;
    struct snapshot_start start; /* header.seq 0: the replay began with the log */
    struct replay_result result;
    uint64_t settlements_count; /* up to the moment, those before the start too */
    /* its own */
    struct until until;
    int64_t first_time_ms; /* of the log */
    struct kept_snapshots *kept;
    int failure; /* of a snapshot; then `error` says why */
    char *error;
};

/* Opens a log to be read, with its identity, and with what the archive (NULL: none) has of it. 0 or a
 * negative code; then the caller closes nothing. */
BS_MUST_USE int offline_log_open(struct command_log **ret_log, const char *directory,
                                 const char *archive, char error[LOG_ERROR_SIZE]);

/*
 * `kept` is optional, and the caller's: it gets the snapshots, each of them checked. 0 or a negative
 * code with a message: the log is not readable, does not replay to what it holds, or has no such
 * moment. replay_to_fini in both cases.
 */
BS_MUST_USE int replay_to_run(struct replay_to *replay, const struct settings *settings,
                              const struct log_moment *moment, struct kept_snapshots *kept,
                              char error[LOG_ERROR_SIZE]);
void replay_to_fini(struct replay_to *replay);

#endif
