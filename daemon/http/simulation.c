/* SPDX-License-Identifier: Apache-2.0 */
/* Simulations and comparisons: the body is read here, the simulator's thread does the rest. */
#include <stdlib.h>

#include "daemon/answer/answer.h"
#include "daemon/http/handlers.h"
#include "daemon/http/submit.h"
#include "daemon/simulation/simulator.h"

static bool take(struct connection *connection)
{
    return simulator_submit(connection->server->options.simulator, connection->job);
}

/* Reads the request; false: the answer is set. */
static bool read_body(struct connection *connection, struct simulator_job *job)
{
    struct request *request = &connection->request;
    struct api_error error;
    bool has_body = connection->body_size > 0;
    if (has_body && connection->guard.media == MEDIA_NDJSON) {
        answer_problem(request, BS_UNSUPPORTED_MEDIA_TYPE,
                       "this path takes one JSON object: send application/json");
        return false;
    }
    bool good = true;
    if (!job->is_comparison) {
        good = has_body &&
               api_simulation_parse(&job->asked, connection->body, connection->body_size, &error);
    } else if (has_body) {
        good = api_comparison_parse(&job->asked, connection->body, connection->body_size, &error);
    } else {
        api_comparison_presets(&job->asked);
    }
    if (!good) {
        answer_problem(request, has_body ? error.status : BS_EMPTY_BODY,
                       has_body ? error.detail : NULL);
    }
    return good;
}

enum outcome simulation_begin(struct connection *connection)
{
    struct simulator *simulator = connection->server->options.simulator;
    if (simulator == NULL || simulator_is_off(simulator)) {
        answer_problem(&connection->request, BS_SIMULATION_OFF, NULL);
        return OUTCOME_ANSWER;
    }
    struct simulator_job *job = calloc(1, sizeof(*job));
    if (job == NULL) {
        answer_problem(&connection->request, BS_OUT_OF_MEMORY, NULL);
        return OUTCOME_ANSWER;
    }
    connection->job = job;
    job->request = &connection->request;
    job->pool = query_pool(&connection->query);
    job->settlement = connection->path_number;
    job->is_comparison = strchr(connection->route->pattern, '#') != NULL;
    return read_body(connection, job) ? submit(connection, take) : OUTCOME_ANSWER;
}

enum outcome simulation_end(struct connection *connection)
{
    connection->retry_after_s = connection->request.status == 503 ? 1 : 0;
    return OUTCOME_ANSWER;
}
