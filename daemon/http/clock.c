/* SPDX-License-Identifier: Apache-2.0 */
/* POST /v1/clock: ops says that the wall clock is right after a jump. */
#include "api/json_state.h"
#include "api/json_writer.h"
#include "daemon/answer/answer.h"
#include "daemon/http/handlers.h"
#include "daemon/http/submit.h"

static void adopt(struct request *request, struct core *core, struct bs_engine *engine)
{
    int64_t time_ms, moved_ms;
    (void)engine;
    if (!core_adopt_clock(core, &time_ms, &moved_ms)) {
        answer_problem(request, BS_CLOCK_BEHIND, NULL);
        return;
    }
    buffer_text(&request->body, "{\"time\":");
    api_time(&request->body, time_ms);
    member_integer(&request->body, "moved_ms", (uint64_t)moved_ms);
    buffer_text(&request->body, "}");
    answer_json(request, 200);
}

enum outcome clock_begin(struct connection *connection)
{
    connection->request.query = adopt;
    return submit_to_core(connection);
}
