/* SPDX-License-Identifier: Apache-2.0 */
#include "api/json_rank.h"

#include "api/json_state.h"
#include "api/json_writer.h"

void api_rank_ccxt(struct buffer *out, const struct bs_rank_view *rank, int64_t time_ms)
{
    buffer_append(out, "{", 1);
    member_name(out, "info");
    api_rank(out, rank);
    member_text(out, "symbol", rank->market);
    if (rank->ranked) {
        member_integer(out, "rank", rank->lights);
    } else {
        member_null(out, "rank");
    }
    member_null(out, "rating");
    if (rank->ranked) {
        struct bs_wide behind = {BS_PPM - rank->percentile_ppm, -4};
        char text[BS_DECIMAL_TEXT_MAX];
        size_t size = bs_wide_print(behind, text);
        member_name(out, "percentage");
        buffer_append(out, text, size);
    } else {
        member_null(out, "percentage");
    }
    member_integer(out, "timestamp", (uint64_t)time_ms);
    member_time(out, "datetime", time_ms);
    buffer_append(out, "}", 1);
}
