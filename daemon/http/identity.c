/* SPDX-License-Identifier: Apache-2.0 */
/* GET /v1/identity: which log this server answers from. It never changes. */
#include "daemon/log/identity.h"

#include "api/json_writer.h"
#include "daemon/answer/answer.h"
#include "daemon/http/handlers.h"

enum outcome identity_begin(struct connection *connection)
{
    struct request *request = &connection->request;
    buffer_text(&request->body, "{");
    member_word(&request->body, "identity", log_identity(core_log(connection->server->core)));
    buffer_text(&request->body, "}");
    answer_json(request, 200);
    return OUTCOME_ANSWER;
}
