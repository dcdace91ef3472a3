/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/answer/answer.h"

#include <errno.h>
#include <stdio.h>

#include "api/json_state.h"

void answer_body(struct request *request, int status, const char *content_type)
{
    assert(status >= 200);
    request->status = status;
    request->content_type = content_type;
}

void answer_json(struct request *request, int status)
{
    answer_body(request, status, status < 400 ? "application/json" : "application/problem+json");
}

void answer_problem(struct request *request, enum bs_status status, const char *detail)
{
    assert(status != BS_OK);
    buffer_clear(&request->body);
    api_problem(&request->body, status, detail);
    answer_json(request, bs_status_http(status));
}

void answer_failure(struct request *request, int code)
{
    assert(code < 0);
    answer_problem(request, code == -ENOMEM ? BS_OUT_OF_MEMORY : BS_INTERNAL, NULL);
}

void answer_refused(struct request *request, enum bs_status status, const char *field)
{
    char detail[200];
    (void)snprintf(detail, sizeof detail, "%s: %s", field, bs_status_sentence(status));
    answer_problem(request, status, detail);
}
