/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/http/answer.h"

#include <inttypes.h>
#include <stdio.h>

#include "api/json_state.h"

void answer_problem(struct request *request, enum bs_status status, const char *detail)
{
    buffer_clear(&request->body);
    api_problem(&request->body, status, detail);
    request->status = bs_status_http(status);
    request->content_type = TYPE_PROBLEM;
}

void answer_refused(struct request *request, enum bs_status status, const char *field)
{
    char detail[200];
    (void)snprintf(detail, sizeof detail, "%s: %s", field, bs_status_sentence(status));
    answer_problem(request, status, detail);
}

void answer_json(struct request *request, int status)
{
    request->status = status;
    request->content_type = TYPE_JSON;
}

void page_begin(struct buffer *out)
{
    buffer_text(out, "{\"data\":[");
}

void page_comma(struct buffer *out)
{
    if (out->bytes[out->size - 1] != '[') {
        buffer_text(out, ",");
    }
}

void page_end(struct buffer *out, const char *next)
{
    if (next == NULL) {
        buffer_text(out, "],\"next\":null}");
    } else {
        buffer_printf(out, "],\"next\":\"%s\"}", next);
    }
}

void page_end_number(struct buffer *out, bool has_next, uint64_t next)
{
    char text[24];
    (void)snprintf(text, sizeof text, "%" PRIu64, next);
    page_end(out, has_next ? text : NULL);
}
