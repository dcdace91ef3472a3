/* SPDX-License-Identifier: Apache-2.0 */
/* What a trader or an operator can read before any settlement: ranks and presets. */
#include "api/json_rank.h"
#include "api/json_state.h"
#include "api/presets.h"
#include "daemon/answer/answer.h"
#include "daemon/answer/page.h"
#include "daemon/http/query.h"
#include "daemon/http/reads.h"

void read_presets(struct request *request, const struct read_query *query, struct bs_engine *engine)
{
    (void)engine;
    struct buffer *out = &request->body;
    uint32_t at = query->number < UINT32_MAX ? (uint32_t)query->number : UINT32_MAX;
    uint32_t left = query->limit;
    page_begin(out);
    for (; left > 0 && api_preset_at(at) != NULL; left--) {
        page_comma(out);
        api_preset(out, api_preset_at(at++));
    }
    page_end_number(out, query->list, api_preset_at(at) != NULL, at);
    answer_json(request, 200);
}

void read_adl_rank(struct request *request, const struct read_query *query,
                   struct bs_engine *engine)
{
    struct bs_rank_view rows[BS_RANK_ROWS_MAX];
    struct buffer *out = &request->body;
    uint32_t account = bs_account_find(engine, query_name(query, NAME_PATH));
    if (account == 0) {
        answer_refused(request, BS_UNKNOWN_ACCOUNT, "account");
        return;
    }
    uint32_t offset = query->number < UINT32_MAX ? (uint32_t)query->number : UINT32_MAX;
    uint32_t limit = query->limit < BS_RANK_ROWS_MAX ? query->limit : BS_RANK_ROWS_MAX;
    uint32_t count = bs_rank_view_get(engine, account, offset, limit, rows);
    if (query->ccxt) {
        buffer_append(out, "[", 1);
    } else {
        page_begin(out);
    }
    for (uint32_t i = 0; i < count; i++) {
        page_comma(out);
        if (query->ccxt) {
            api_rank_ccxt(out, &rows[i], bs_engine_time_ms(engine));
        } else {
            api_rank(out, &rows[i]);
        }
    }
    if (query->ccxt) {
        buffer_append(out, "]", 1);
    } else {
        struct bs_rank_view next;
        bool has_next =
            count == limit && bs_rank_view_get(engine, account, offset + count, 1, &next);
        page_end_number(out, query->list, has_next, (uint64_t)offset + count);
    }
    answer_json(request, 200);
}
