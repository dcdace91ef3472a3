/* SPDX-License-Identifier: Apache-2.0 */
/* What clients ask about webhooks. A change is saved before it is answered, and undone if it cannot
 * be saved. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>

#include "api/json_webhook.h"
#include "daemon/answer/answer.h"
#include "daemon/answer/page.h"
#include "daemon/log/identity.h"
#include "daemon/logger/logger.h"
#include "daemon/webhooks/internal.h"
#include "daemon/webhooks/webhook_json.h"

/* ---- creating ---- */

static enum bs_status make_key(struct signer_key *key, uint8_t signature, const char *secret)
{
    enum signer_kind kind = signature == API_ED25519 ? SIGNER_ED25519 : SIGNER_HMAC;
    if (secret[0] != '\0') {
        return signer_key_parse(key, kind, secret) ? BS_OK : BS_INVALID_SECRET;
    }
    return signer_key_new(key, kind) == 0 ? BS_OK : BS_INTERNAL;
}

static void make_id(struct endpoint *endpoint)
{
    uint64_t random = 0;
    if (getrandom(&random, sizeof(random), 0) != (ssize_t)sizeof(random)) {
        random = uv_hrtime();
    }
    (void)snprintf(endpoint->id, sizeof(endpoint->id), "ep_%016" PRIx64, random);
}

/* False: the log does not have this action, and the answer is set. */
static bool check_cursor(const struct webhooks *webhooks, struct request *request, const char *name,
                         const struct api_cursor *cursor)
{
    if (!api_cursor_is_of(cursor, log_reader_identity(webhooks->reader))) {
        answer_refused(request, BS_CURSOR_OF_ANOTHER_LOG, name);
        return false;
    }
    if (cursor->ordinal > webhooks->durable) {
        char detail[80];
        (void)snprintf(detail, sizeof(detail), "%s: the last action is %" PRIu64, name,
                       webhooks->durable);
        answer_problem(request, BS_INVALID_VALUE, detail);
        return false;
    }
    return true;
}

/* True if the request can be done; else the answer is set. */
static bool check_create(struct webhooks *webhooks, struct request *request,
                         const struct api_webhook *asked, struct signer_key *key)
{
    const char *reason = NULL;
    enum bs_status status = transport_check_url(webhooks->transport, asked->url, &reason);
    if (status != BS_OK) {
        char detail[160];
        (void)snprintf(detail, sizeof(detail), "url: %s", reason);
        answer_problem(request, status, detail);
        return false;
    }
    if (asked->has_after && !check_cursor(webhooks, request, "after", &asked->after)) {
        return false;
    }
    if (webhooks->endpoints_count >= webhooks->options.endpoints_max) {
        answer_problem(request, BS_FULL_WEBHOOKS, NULL);
        return false;
    }
    status = make_key(key, asked->signature, asked->secret);
    if (status != BS_OK) {
        answer_refused(request, status, "secret");
    }
    return status == BS_OK;
}

static void create(struct webhooks *webhooks, struct webhooks_job *job)
{
    struct request *request = job->request;
    struct signer_key key;
    if (!check_create(webhooks, request, &job->asked.webhook, &key)) {
        return;
    }
    struct endpoint *endpoint = endpoint_new(webhooks);
    struct lane *live = &endpoint->lanes[LANE_LIVE];
    uint32_t place = 0;
    make_id(endpoint);
    endpoint->asked = job->asked.webhook;
    memset(endpoint->asked.secret, 0, sizeof(endpoint->asked.secret));
    endpoint->created_ms = webhooks_wall_ms();
    endpoint->secrets[0].key = key;
    endpoint->secrets_count = 1;
    live->start = endpoint->asked.has_after ? endpoint->asked.after.ordinal : webhooks->durable;
    live->position = live->start;
    endpoint->is_dirty = true;
    webhooks_add(webhooks, endpoint);
    webhook_json_endpoint(&request->body, endpoint, true);
    answer_json(request, 201);
    if (webhooks_save(webhooks, true) != 0) {
        (void)webhooks_find(webhooks,
                            (struct bs_text){endpoint->id, (uint32_t)strlen(endpoint->id)}, &place);
        webhooks_remove(webhooks, place);
        answer_problem(request, BS_INTERNAL, NULL);
        return;
    }
    logger_write(LOGGER_INFO, "webhooks", "a webhook endpoint was added",
                 LOGGER_FIELDS(logger_string("endpoint", endpoint->id),
                               logger_string("url", endpoint->asked.url)));
}

/* ---- one endpoint ---- */

static void delete_endpoint(struct webhooks *webhooks, uint32_t place, struct request *request)
{
    char error[LOG_ERROR_SIZE];
    struct endpoint *endpoint = webhooks->endpoints[place];
    buffer_printf(&request->body, "{\"id\":\"%s\",\"deleted\":true}", endpoint->id);
    answer_json(request, 200);
    int code = store_begin(webhooks->store, true, error);
    if (code == 0) {
        code = store_remove(webhooks->store, endpoint->id, error);
    }
    if (code == 0 && webhooks->keeping != NULL) {
        code = repeats_put(&webhooks->repeats, webhooks->keeping, error);
    }
    code = store_end(webhooks->store, code, error);
    if (code != 0) {
        logger_write(LOGGER_ERROR, "webhooks", "a webhook endpoint was not removed",
                     LOGGER_FIELDS(logger_string("error", error)));
        answer_problem(request, BS_INTERNAL, NULL);
        return;
    }
    logger_write(LOGGER_INFO, "webhooks", "a webhook endpoint was removed",
                 LOGGER_FIELDS(logger_string("endpoint", endpoint->id)));
    webhooks_remove(webhooks, place);
}

/* Answers with the endpoint and saves the change, or answers that it cannot be saved. */
static bool answer_changed(struct endpoint *endpoint, struct request *request, int status,
                           bool shows_secret)
{
    endpoint->is_dirty = true;
    endpoint_expire_secrets(endpoint, webhooks_wall_ms());
    webhook_json_endpoint(&request->body, endpoint, shows_secret);
    answer_json(request, status);
    if (webhooks_save(endpoint->webhooks, true) != 0) {
        answer_problem(request, BS_INTERNAL, NULL);
        return false;
    }
    return true;
}

static void rotate(struct endpoint *endpoint, const struct api_rotate *asked,
                   struct request *request)
{
    struct signer_key key;
    int64_t wall_ms = webhooks_wall_ms();
    endpoint_expire_secrets(endpoint, wall_ms);
    if (endpoint->secrets_count == ENDPOINT_SECRETS_MAX && asked->overlap_s > 0) {
        answer_problem(request, BS_TOO_MANY_SECRETS, NULL);
        return;
    }
    enum bs_status status = make_key(&key, endpoint->asked.signature, asked->secret);
    if (status != BS_OK) {
        answer_refused(request, status, "secret");
        return;
    }
    struct endpoint_secret before[ENDPOINT_SECRETS_MAX];
    uint32_t before_count = endpoint->secrets_count;
    memcpy(before, endpoint->secrets, sizeof(before));
    uint32_t kept = asked->overlap_s > 0 ? before_count : 0;
    for (uint32_t i = kept; i > 0; i--) {
        endpoint->secrets[i] = endpoint->secrets[i - 1];
    }
    endpoint->secrets[0] = (struct endpoint_secret){.key = key};
    endpoint->secrets_count = 1 + kept;
    if (kept > 0) {
        endpoint->secrets[1].until_ms = wall_ms + (int64_t)asked->overlap_s * 1000;
    }
    if (!answer_changed(endpoint, request, 200, true)) {
        memcpy(endpoint->secrets, before, sizeof(before));
        endpoint->secrets_count = before_count;
    }
}

static void redeliver(struct endpoint *endpoint, const struct api_redeliver *asked,
                      struct request *request)
{
    char error[LOG_ERROR_SIZE];
    struct webhooks *webhooks = endpoint->webhooks;
    if (endpoint->reason != DISABLED_NOT) {
        answer_problem(request, BS_WEBHOOK_DISABLED, NULL);
    } else if (endpoint->lanes[LANE_REPLAY].is_open) {
        answer_problem(request, BS_REDELIVERY_RUNNING, NULL);
    } else if (!check_cursor(webhooks, request, "to", &asked->to) ||
               !check_cursor(webhooks, request, "from", &asked->from)) {
        return;
    } else if (endpoint_redeliver(endpoint, asked, error) != 0) {
        logger_write(LOGGER_ERROR, "webhooks", "reading the log failed",
                     LOGGER_FIELDS(logger_string("error", error)));
        answer_problem(request, BS_INTERNAL, NULL);
    } else if (!answer_changed(endpoint, request, 202, false)) {
        endpoint->lanes[LANE_REPLAY].is_open = false;
    }
}

static void enable(struct endpoint *endpoint, struct request *request)
{
    uint8_t reason = endpoint->reason;
    endpoint_enable(endpoint);
    if (!answer_changed(endpoint, request, 200, false)) {
        endpoint->reason = reason;
    }
}

/* ---- lists ---- */

static void list(struct webhooks *webhooks, const struct webhooks_job *job)
{
    struct buffer *out = &job->request->body;
    struct bs_text last = {"", 0};
    uint32_t put = 0;
    uint32_t i = 0;
    page_begin(out);
    for (; i < webhooks->endpoints_count && put < job->limit && out->size < PAGE_SIZE_MAX; i++) {
        struct endpoint *endpoint = webhooks->endpoints[i];
        struct bs_text id = {endpoint->id, (uint32_t)strlen(endpoint->id)};
        if (bs_text_compare(id, job->after) <= 0) {
            continue;
        }
        page_comma(out);
        endpoint_expire_secrets(endpoint, webhooks_wall_ms());
        webhook_json_endpoint(out, endpoint, false);
        last = id;
        put++;
    }
    page_end_name(out, i < webhooks->endpoints_count && put > 0, last, (struct bs_text){"", 0});
    answer_json(job->request, 200);
}

struct history {
    struct buffer *out;
    const char *log; /* its identity */
    uint32_t count, limit;
    uint64_t last;
    bool has_more;
};

static bool put_attempt(void *user, const struct attempt *attempt)
{
    struct history *history = user;
    struct buffer *out = history->out;
    if (history->count == history->limit || out->size >= PAGE_SIZE_MAX) {
        history->has_more = true;
        return false;
    }
    page_comma(out);
    webhook_json_attempt(out, attempt, history->log);
    history->last = attempt->number;
    history->count++;
    return true;
}

static void list_attempts(struct endpoint *endpoint, const struct webhooks_job *job)
{
    char error[LOG_ERROR_SIZE];
    struct request *request = job->request;
    struct history history = {.out = &request->body,
                              .log = log_reader_identity(endpoint->webhooks->reader),
                              .limit = job->limit};
    page_begin(&request->body);
    bool is_saved = !endpoint->is_dirty || webhooks_save(endpoint->webhooks, false) == 0;
    if (!is_saved || store_attempts(endpoint->webhooks->store, endpoint->id, job->after_number,
                                    put_attempt, &history, error) != 0) {
        answer_problem(request, BS_INTERNAL, NULL);
        return;
    }
    page_end_number(&request->body, history.has_more, history.last);
    answer_json(request, 200);
}

/* ---- jobs ---- */

void webhooks_answer_test(struct webhooks_job *job, const struct message *message)
{
    webhook_json_test(&job->request->body, message);
    answer_json(job->request, 200);
    job->request->done(job->request);
}

void webhooks_answer_lost(struct webhooks_job *job, enum bs_status status)
{
    answer_problem(job->request, status, NULL);
    job->request->done(job->request);
}

static void answer_about(struct webhooks *webhooks, struct webhooks_job *job)
{
    struct request *request = job->request;
    uint32_t place = 0;
    struct endpoint *endpoint = webhooks_find(webhooks, job->endpoint, &place);
    if (endpoint == NULL) {
        answer_problem(request, BS_UNKNOWN_WEBHOOK, NULL);
        return;
    }
    switch ((enum webhooks_verb)job->verb) {
    case WEBHOOKS_SHOW:
        endpoint_expire_secrets(endpoint, webhooks_wall_ms());
        webhook_json_endpoint(&request->body, endpoint, false);
        answer_json(request, 200);
        return;
    case WEBHOOKS_DELETE:
        delete_endpoint(webhooks, place, request);
        return;
    case WEBHOOKS_REDELIVER:
        redeliver(endpoint, &job->asked.redeliver, request);
        return;
    case WEBHOOKS_ROTATE:
        rotate(endpoint, &job->asked.rotate, request);
        return;
    case WEBHOOKS_ENABLE:
        enable(endpoint, request);
        return;
    case WEBHOOKS_HISTORY:
        list_attempts(endpoint, job);
        return;
    case WEBHOOKS_TEST:
        endpoint_test(endpoint, job);
        return;
    case WEBHOOKS_CREATE:
    case WEBHOOKS_LIST:
        break;
    }
    assert(false);
}

/* True: it came before under its key, or that cannot be found out, and the answer is there. */
static bool is_repeat(struct webhooks *webhooks, struct webhooks_job *job)
{
    char error[LOG_ERROR_SIZE];
    int found = job->key_size > 0 ? repeats_find(&webhooks->repeats, job, error) : 0;
    if (found < 0) {
        logger_write(LOGGER_ERROR, "webhooks", "earlier answers cannot be read",
                     LOGGER_FIELDS(logger_string("error", error)));
        answer_problem(job->request, BS_INTERNAL, NULL);
    }
    return found != 0;
}

static void answer_now(struct webhooks *webhooks, struct webhooks_job *job)
{
    if (job->verb == WEBHOOKS_CREATE) {
        create(webhooks, job);
    } else if (job->verb == WEBHOOKS_LIST) {
        list(webhooks, job);
    } else {
        answer_about(webhooks, job);
    }
}

/* A test is answered when it ends; everything else now. */
void webhooks_answer(struct webhooks *webhooks, struct webhooks_job *job)
{
    struct request *request = job->request;
    request->status = 0;
    if (!is_repeat(webhooks, job)) {
        webhooks->keeping = job->key_size > 0 ? job : NULL;
        answer_now(webhooks, job);
        webhooks->keeping = NULL;
    }
    if (request->status != 0) {
        request->done(request);
    }
}
