/* SPDX-License-Identifier: Apache-2.0 */
/* What a trader or an operator can know before the event: ranks and presets. */
#include "api/json_state.h"
#include "api/presets.h"
#include "daemon/http/answer.h"
#include "daemon/http/query.h"
#include "daemon/http/reads.h"

void read_presets(struct request *request, struct core *core, struct bs_engine *engine)
{
    (void)core;
    (void)engine;
    struct buffer *out = &request->body;
    uint32_t at = request->number < UINT32_MAX ? (uint32_t)request->number : UINT32_MAX;
    uint32_t left = request->limit;
    page_begin(out);
    for (; left > 0 && api_preset_at(at) != NULL; left--) {
        page_comma(out);
        api_preset(out, api_preset_at(at++));
    }
    page_end_number(out, api_preset_at(at) != NULL, at);
    answer_json(request, 200);
}
