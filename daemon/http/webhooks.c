/* SPDX-License-Identifier: Apache-2.0 */
/* Webhooks: bodies are read here, the webhooks thread does the rest. */
#include <stdlib.h>

#include "daemon/answer/answer.h"
#include "daemon/http/handlers.h"
#include "daemon/http/idempotency.h"
#include "daemon/http/submit.h"
#include "daemon/webhooks/webhooks.h"

static bool take(struct connection *connection)
{
    return webhooks_submit(connection->server->options.webhooks, connection->job);
}

/* ---- bodies, as verbs.def names them ---- */

static bool parse_webhook(struct webhooks_job *job, const char *body, size_t size,
                          struct api_error *error)
{
    return api_webhook_parse(&job->asked.webhook, body, size, error);
}

static bool parse_redeliver(struct webhooks_job *job, const char *body, size_t size,
                            struct api_error *error)
{
    return api_redeliver_parse(&job->asked.redeliver, body, size, error);
}

static bool parse_rotate(struct webhooks_job *job, const char *body, size_t size,
                         struct api_error *error)
{
    return api_rotate_parse(&job->asked.rotate, body, size, error);
}

static bool parse_nothing(struct webhooks_job *job, const char *body, size_t size,
                          struct api_error *error)
{
    (void)job;
    (void)body;
    (void)size;
    (void)error;
    return true;
}

struct verb {
    bool (*parse)(struct webhooks_job *job, const char *body, size_t size, struct api_error *error);
    bool needs_body;
};

static const struct verb verbs[] = {
#define X(name, function, body, needs_body) [WEBHOOKS_##name] = {parse_##body, needs_body},
#include "daemon/webhooks/verbs.def"
#undef X
};

/* Reads the request; false: the answer is set. */
static bool read_body(struct connection *connection, struct webhooks_job *job)
{
    struct request *request = &connection->request;
    const struct verb *verb = &verbs[job->verb];
    struct api_error error;
    if (connection->body_size == 0) {
        job->asked.rotate.overlap_s = API_OVERLAP_S;
        if (verb->needs_body) {
            answer_problem(request, BS_EMPTY_BODY, NULL);
        }
        return !verb->needs_body;
    }
    if (connection->guard.media == MEDIA_NDJSON) {
        answer_problem(request, BS_UNSUPPORTED_MEDIA_TYPE,
                       "this path takes one JSON object: send application/json");
        return false;
    }
    if (!verb->parse(job, connection->body, connection->body_size, &error)) {
        answer_problem(request, error.status, error.detail);
        return false;
    }
    return true;
}

enum outcome webhook_begin(struct connection *connection)
{
    const struct route *route = connection->route;
    const struct read_query *query = &connection->query;
    struct webhooks_job *job = calloc(1, sizeof(*job));
    if (job == NULL) {
        answer_problem(&connection->request, BS_OUT_OF_MEMORY, NULL);
        return OUTCOME_ANSWER;
    }
    connection->job = job;
    job->request = &connection->request;
    job->verb = route->command;
    job->endpoint = query_name(query, NAME_PATH);
    job->after = query_name(query, NAME_AFTER);
    job->after_number = query->number;
    job->limit = query->limit;
    job->list = query->list;
    bool takes_key = strcmp(route->method, "GET") != 0 && job->verb != WEBHOOKS_TEST;
    if (!read_body(connection, job) || (takes_key && !idempotency_begin_job(connection, job))) {
        return OUTCOME_ANSWER;
    }
    return submit(connection, take);
}
