/* SPDX-License-Identifier: Apache-2.0 */
/* Which old files of the log may go. Pure. */
#ifndef RETENTION_PLAN_H
#define RETENTION_PLAN_H

#include "daemon/log/log_cut.h"

struct retention_options {
    uint32_t keep_days; /* files written within them stay, but for keep_bytes */
    uint64_t
        keep_bytes; /* old files of more than this go before keep_days are over; 0: they stay */
};

/* What others still need of the log. */
struct retention_needs {
    uint64_t snapshot_seq;    /* a start reads the log from there on; 0: from its beginning */
    uint64_t webhook_ordinal; /* the actions up to there are delivered; UINT64_MAX: all are */
};

/*
 * The sequence up to which the log is cut; 0: not at all. `files` are the old ones, the oldest first.
 *
 * Nothing that a start needs ever goes. Of the rest a file goes when it is older than keep_days, also
 * if a webhook endpoint is not through it yet. It goes earlier if the old files take more than
 * keep_bytes, but then not while an endpoint needs it.
 */
uint64_t retention_plan(const struct retention_options *options,
                        const struct retention_needs *needs, const struct log_old_file *files,
                        uint32_t files_count, int64_t now_s);

#endif
