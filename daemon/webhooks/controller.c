/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/webhooks/controller.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/random.h>

#include "daemon/answer/answer.h"
#include "daemon/answer/page.h"
#include "daemon/logger/logger.h"
#include "daemon/webhooks/clock.h"
#include "daemon/webhooks/webhook_json.h"

/* ---- changes ---- */

/* Gives the answer if the change that it reports was saved, else (`code`) an error. */
static bool answer_saved(struct repeats_answer *answer, int code)
{
    struct request *request = answer->job->request;
    assert(request->status == 0);
    if (code == 0) {
        buffer_fini(&request->body); /* the other one is whole already */
        request->body = answer->body;
        answer->body = (struct buffer){0};
        answer_json(request, answer->status);
    } else {
        answer_failure(request, code);
    }
    buffer_fini(&answer->body);
    return code == 0;
}

/* Answers with the endpoint as it is after the change once the change is saved. False: it could not
 * be saved and is to be undone; the answer says so. */
static bool save_changed(struct registry *registry, const struct webhooks_job *job,
                         struct endpoint *endpoint, int status, bool shows_secret)
{
    struct repeats_answer answer = {.job = job, .status = status};
    endpoint->is_dirty = true;
    endpoint_expire_secrets(endpoint, clock_wall_ms());
    webhook_json_endpoint(&answer.body, endpoint, shows_secret);
    int code = answer.body.failed ? -ENOMEM : registry_save(registry, true, &answer);
    return answer_saved(&answer, code);
}

/* ---- creating ---- */

static enum bs_status make_key(struct signer_key *key, uint8_t signature, const char *secret)
{
    enum signer_kind kind = signature == API_ED25519 ? SIGNER_ED25519 : SIGNER_HMAC;
    if (secret[0] != '\0') {
        return signer_key_parse(key, kind, secret) ? BS_OK : BS_INVALID_SECRET;
    }
    return signer_key_new(key, kind) == 0 ? BS_OK : BS_OUT_OF_MEMORY;
}

static void make_id(struct endpoint *endpoint)
{
    uint64_t random = 0;
    if (getrandom(&random, sizeof(random), 0) != (ssize_t)sizeof(random)) {
        random = uv_hrtime();
    }
    (void)snprintf(endpoint->id, sizeof(endpoint->id), "ep_%016" PRIx64, random);
}

/* False: the log does not have this action, or (`after`: what is wanted begins after this ordinal)
 * no longer, and the answer is set. */
static bool check_cursor(const struct endpoint_host *host, struct request *request,
                         const char *name, const struct api_cursor *cursor, uint64_t after)
{
    if (!api_cursor_is_of(cursor, host->log)) {
        answer_refused(request, BS_CURSOR_OF_ANOTHER_LOG, name);
        return false;
    }
    struct log_begin begin = log_reader_begin(host->reader);
    if (after < begin.ordinal) {
        struct buffer detail = {0};
        buffer_printf(&detail, "%s: the actions up to %" PRIu64 " are no longer kept", name,
                      begin.ordinal);
        if (begin.archive != NULL) {
            buffer_printf(&detail, ". The server's archive of them is %s", begin.archive);
        }
        answer_problem(request, BS_CURSOR_EXPIRED, buffer_string(&detail));
        buffer_fini(&detail);
        return false;
    }
    if (cursor->ordinal > host->durable) {
        char detail[80];
        (void)snprintf(detail, sizeof(detail), "%s: the last action is %" PRIu64, name,
                       host->durable);
        answer_problem(request, BS_INVALID_VALUE, detail);
        return false;
    }
    return true;
}

/* True if the request can be done; else the answer is set. */
static bool check_create(const struct registry *registry, struct request *request,
                         const struct api_webhook *asked, struct signer_key *key)
{
    const char *reason = NULL;
    enum bs_status status = transport_check_url(registry->host.transport, asked->url, &reason);
    if (status != BS_OK) {
        char detail[160];
        (void)snprintf(detail, sizeof(detail), "url: %s", reason);
        answer_problem(request, status, detail);
        return false;
    }
    if (asked->has_after &&
        !check_cursor(&registry->host, request, "after", &asked->after, asked->after.ordinal)) {
        return false;
    }
    if (registry->endpoints_count >= registry->endpoints_max) {
        answer_problem(request, BS_FULL_WEBHOOKS, NULL);
        return false;
    }
    status = make_key(key, asked->signature, asked->secret);
    if (status != BS_OK) {
        answer_refused(request, status, "secret");
    }
    return status == BS_OK;
}

static void create(struct registry *registry, struct webhooks_job *job, struct endpoint *none)
{
    struct signer_key key;
    assert(none == NULL);
    if (!check_create(registry, job->request, &job->asked.webhook, &key)) {
        return;
    }
    struct endpoint *endpoint = endpoint_new(&registry->host);
    if (endpoint == NULL) {
        answer_problem(job->request, BS_OUT_OF_MEMORY, NULL);
        return;
    }
    struct lane *live = &endpoint->lanes[LANE_LIVE];
    make_id(endpoint);
    endpoint->asked = job->asked.webhook;
    memset(endpoint->asked.secret, 0, sizeof(endpoint->asked.secret));
    endpoint->created_ms = clock_wall_ms();
    endpoint->secrets[0].key = key;
    endpoint->secrets_count = 1;
    live->start =
        endpoint->asked.has_after ? endpoint->asked.after.ordinal : registry->host.durable;
    live->position = live->start;
    endpoint_check(endpoint);
    registry_add(registry, endpoint);
    if (!save_changed(registry, job, endpoint, 201, true)) {
        registry_remove(registry, endpoint);
        return;
    }
    logger_write(LOGGER_INFO, "webhooks", "a webhook endpoint was added",
                 LOGGER_FIELDS(logger_string("endpoint", endpoint->id),
                               logger_string("url", endpoint->asked.url)));
}

/* ---- one endpoint ---- */

static void show(struct registry *registry, struct webhooks_job *job, struct endpoint *endpoint)
{
    (void)registry;
    endpoint_expire_secrets(endpoint, clock_wall_ms());
    webhook_json_endpoint(&job->request->body, endpoint, false);
    answer_json(job->request, 200);
}

static void delete_one(struct registry *registry, struct webhooks_job *job,
                       struct endpoint *endpoint)
{
    struct repeats_answer answer = {.job = job, .status = 200};
    buffer_printf(&answer.body, "{\"id\":\"%s\",\"deleted\":true}", endpoint->id);
    int code = answer.body.failed ? -ENOMEM : registry_delete(registry, endpoint, &answer);
    (void)answer_saved(&answer, code);
}

static void test(struct registry *registry, struct webhooks_job *job, struct endpoint *endpoint)
{
    (void)registry;
    if (!endpoint_test(endpoint, job)) {
        answer_problem(job->request, BS_OUT_OF_MEMORY, NULL);
    }
}

static void rotate(struct registry *registry, struct webhooks_job *job, struct endpoint *endpoint)
{
    const struct api_rotate *asked = &job->asked.rotate;
    struct request *request = job->request;
    struct signer_key key;
    endpoint_expire_secrets(endpoint, clock_wall_ms());
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
    endpoint_rotate(endpoint, &key, asked->overlap_s);
    if (!save_changed(registry, job, endpoint, 200, true)) {
        memcpy(endpoint->secrets, before, sizeof(before));
        endpoint->secrets_count = before_count;
    }
}

static void redeliver(struct registry *registry, struct webhooks_job *job,
                      struct endpoint *endpoint)
{
    char error[LOG_ERROR_SIZE];
    const struct api_redeliver *asked = &job->asked.redeliver;
    struct request *request = job->request;
    if (endpoint->reason != DISABLED_NOT) {
        answer_problem(request, BS_WEBHOOK_DISABLED, NULL);
    } else if (endpoint->lanes[LANE_REPLAY].is_open) {
        answer_problem(request, BS_REDELIVERY_RUNNING, NULL);
    } else if (!check_cursor(&registry->host, request, "to", &asked->to, asked->to.ordinal) ||
               !check_cursor(&registry->host, request, "from", &asked->from,
                             asked->from.ordinal - 1)) {
        return;
    }
    if (request->status != 0) {
        return;
    }
    int code = endpoint_redeliver(endpoint, asked, error);
    if (code != 0) {
        logger_write(LOGGER_ERROR, "webhooks", "reading the log failed",
                     LOGGER_FIELDS(logger_string("error", error)));
        answer_failure(request, code);
    } else if (!save_changed(registry, job, endpoint, 202, false)) {
        endpoint->lanes[LANE_REPLAY].is_open = false;
    }
}

static void enable(struct registry *registry, struct webhooks_job *job, struct endpoint *endpoint)
{
    uint8_t reason = endpoint->reason;
    int64_t disabled_ms = endpoint->disabled_ms;
    int64_t failing_since_ms = endpoint->failing_since_ms;
    endpoint_enable(endpoint);
    if (!save_changed(registry, job, endpoint, 200, false)) {
        endpoint->reason = reason;
        endpoint->disabled_ms = disabled_ms;
        endpoint->failing_since_ms = failing_since_ms;
        endpoint_check(endpoint);
    }
}

/* ---- lists ---- */

static void list(struct registry *registry, struct webhooks_job *job, struct endpoint *none)
{
    assert(none == NULL);
    struct buffer *out = &job->request->body;
    struct bs_text last = {"", 0};
    uint32_t put = 0;
    uint32_t i = 0;
    page_begin(out);
    for (; i < registry->endpoints_count && put < job->limit && out->size < PAGE_SIZE_MAX; i++) {
        struct endpoint *endpoint = registry->endpoints[i];
        struct bs_text id = {endpoint->id, (uint32_t)strlen(endpoint->id)};
        if (bs_text_compare(id, job->after) <= 0) {
            continue;
        }
        page_comma(out);
        endpoint_expire_secrets(endpoint, clock_wall_ms());
        webhook_json_endpoint(out, endpoint, false);
        last = id;
        put++;
    }
    page_end_name(out, job->list, i < registry->endpoints_count && put > 0, last,
                  (struct bs_text){"", 0});
    answer_json(job->request, 200);
}

struct page {
    struct buffer *out;
    const char *log; /* its identity */
    uint32_t count, limit;
    uint64_t last;
    bool has_more;
};

static bool put_attempt(void *user, const struct attempt *attempt)
{
    struct page *page = user;
    struct buffer *out = page->out;
    if (page->count == page->limit || out->size >= PAGE_SIZE_MAX) {
        page->has_more = true;
        return false;
    }
    page_comma(out);
    webhook_json_attempt(out, attempt, page->log);
    page->last = attempt->number;
    page->count++;
    return true;
}

static void list_attempts(struct registry *registry, struct webhooks_job *job,
                          struct endpoint *endpoint)
{
    char error[LOG_ERROR_SIZE];
    struct request *request = job->request;
    struct page page = {.out = &request->body, .log = registry->host.log, .limit = job->limit};
    const struct history_reader reader = {.on_attempt = put_attempt, .user = &page};
    page_begin(&request->body);
    int code = endpoint->is_dirty ? registry_save(registry, false, NULL) : 0;
    if (code == 0) {
        code = history_list(store_history(registry->store), endpoint->id, job->after_number,
                            &reader, error);
    }
    if (code != 0) {
        answer_failure(request, code);
        return;
    }
    page_end_number(&request->body, job->list, page.has_more, page.last);
    answer_json(request, 200);
}

/* ---- jobs ---- */

void controller_answer_test(struct webhooks_job *job, const struct message *message)
{
    webhook_json_test(&job->request->body, message);
    answer_json(job->request, 200);
    job->request->done(job->request);
}

void controller_answer_lost(struct webhooks_job *job, enum bs_status status)
{
    answer_problem(job->request, status, NULL);
    job->request->done(job->request);
}

/* One function for each verb; the endpoint is NULL where the verb names none. */
typedef void (*verb_fn)(struct registry *registry, struct webhooks_job *job,
                        struct endpoint *endpoint);

static const verb_fn verbs[] = {
#define X(name, function, body, needs_body) [WEBHOOKS_##name] = function,
#include "daemon/webhooks/verbs.def"
#undef X
};

/* True, with the answer: the job came before under its key, or this cannot be looked up. */
static bool is_repeat(struct registry *registry, struct webhooks_job *job)
{
    char error[LOG_ERROR_SIZE];
    int found = job->key_size > 0 ? repeats_find(&registry->repeats, job, error) : 0;
    if (found < 0) {
        logger_write(LOGGER_ERROR, "webhooks", "earlier answers cannot be read",
                     LOGGER_FIELDS(logger_string("error", error)));
        answer_failure(job->request, found);
    }
    return found != 0;
}

void controller_answer(struct registry *registry, struct webhooks_job *job)
{
    struct request *request = job->request;
    bool names_one = job->verb != WEBHOOKS_CREATE && job->verb != WEBHOOKS_LIST;
    assert(job->verb < WEBHOOKS_VERBS_COUNT);
    assert(request->done != NULL);
    request->status = 0;
    if (!is_repeat(registry, job)) {
        struct endpoint *endpoint = names_one ? registry_find(registry, job->endpoint) : NULL;
        if (names_one && endpoint == NULL) {
            answer_problem(request, BS_UNKNOWN_WEBHOOK, NULL);
        } else {
            verbs[job->verb](registry, job, endpoint);
        }
    }
    if (request->status != 0) {
        request->done(request);
    }
}
