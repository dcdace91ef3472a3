/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/retention/retention_plan.h"

#define DAY_S ((int64_t)86400)

uint64_t retention_plan(const struct retention_options *options,
                        const struct retention_needs *needs, const struct log_old_file *files,
                        uint32_t files_count, int64_t now_s)
{
    uint64_t size = 0;
    uint64_t up_to_seq = 0;
    for (uint32_t i = 0; i < files_count; i++) {
        size += files[i].size;
    }
    for (uint32_t i = 0; i < files_count && files[i].last_seq <= needs->snapshot_seq; i++) {
        assert(files[i].last_seq >= up_to_seq); /* the oldest first */
        bool is_old = now_s - files[i].written_s >= (int64_t)options->keep_days * DAY_S;
        bool is_too_much = options->keep_bytes > 0 && size > options->keep_bytes &&
                           files[i].last_ordinal <= needs->webhook_ordinal;
        if (!is_old && !is_too_much) {
            break;
        }
        up_to_seq = files[i].last_seq;
        size -= files[i].size;
    }
    return up_to_seq;
}
