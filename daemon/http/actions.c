/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Actions and settlements: read from the log, on the HTTP thread, up to the last durable one. A
 * long poll that finds nothing becomes a waiter and runs again when there is news; it continues
 * after the actions that it has already looked through.
 */
#include "daemon/http/actions.h"

#include <inttypes.h>
#include <stdio.h>

#include "api/json_state.h"
#include "daemon/answer/answer.h"
#include "daemon/answer/page.h"
#include "daemon/http/handlers.h"
#include "daemon/log/identity.h"
#include "daemon/logger/logger.h"

#define ACTIONS_SIZE_MAX ((size_t)8 << 20) /* bytes after which a page of actions ends early */
#define UNREADABLE_SETTLEMENT "a stored settlement cannot be decoded"

struct page {
    struct buffer *out;
    const char *log;  /* its identity */
    uint64_t durable; /* rows past it are not shown yet */
    uint64_t last;    /* the cursor after the last row written */
    bool by_number;   /* settlements of one pool: the cursor is their number */
    uint64_t number;  /* the one settlement that is asked for */
    uint32_t count;
    uint32_t limit;
    bool has_more; /* stopped before the rows ended */
    bool broken;   /* a stored row cannot be read */
};

bool action_row_put(struct buffer *out, const char *log, const struct log_action_row *row,
                    const uint8_t hash[LOG_HASH_SIZE])
{
    struct bs_action action;
    if (bs_action_decode(row->record, row->record_size, &action) != BS_OK) {
        return false;
    }
    char hash_text[API_HASH_TEXT_SIZE];
    api_hash_print(hash_text, hash);
    api_action(out, &action, (struct api_origin){.log = log, .hash = hash_text});
    return true;
}

static bool put_action(void *user, const struct log_action_row *row,
                       const uint8_t hash[LOG_HASH_SIZE])
{
    struct page *page = user;
    if (row->ordinal > page->durable) {
        return false;
    }
    if (page->count == page->limit || page->out->size >= ACTIONS_SIZE_MAX) {
        page->has_more = true;
        return false;
    }
    page_comma(page->out);
    if (!action_row_put(page->out, page->log, row, hash)) {
        page->broken = true;
        return false;
    }
    page->last = row->ordinal;
    page->count++;
    return true;
}

/* An error of the server; its log says why the command log could not be read. */
static void answer_unreadable(struct request *request, const char *error)
{
    logger_write(LOGGER_ERROR, "http", "reading the log failed",
                 LOGGER_FIELDS(logger_string("error", error)));
    answer_problem(request, BS_INTERNAL, NULL);
}

/* Reads one more row than wanted, to know whether the page is the last. */
static bool read_actions(struct connection *connection, struct log_filter *filter,
                         struct page *page)
{
    char error[LOG_ERROR_SIZE] = "a stored action cannot be decoded";
    page->log = log_reader_identity(connection->server->reader);
    page->limit = filter->limit;
    filter->limit++;
    int code = log_reader_actions(connection->server->reader, filter, put_action, page, error);
    if (code != 0 || page->broken) {
        answer_unreadable(&connection->request, error);
        return false;
    }
    return true;
}

/* True: nothing was found yet and the client waits for more. */
static bool wait_for_more(struct connection *connection, uint64_t seen)
{
    struct http_server *server = connection->server;
    int64_t now_ms = sweep_now_ms();
    if (connection->wait_until_ms == 0) {
        connection->wait_until_ms = now_ms + connection->query.wait_ms;
    }
    /* News after this read of last_ordinal comes with a signal, which is handled later. */
    if (now_ms >= connection->wait_until_ms || server->waits_ended || connection->sweep.has_left ||
        sweep_is_crowded(&server->sweep) || atomic_load(&server->last_ordinal) > seen) {
        return false;
    }
    MHD_suspend_connection(connection->mhd);
    sweep_wait(&server->sweep, &connection->sweep, connection->wait_until_ms);
    return true;
}

bool actions_check_cursor(struct connection *connection, const char *name,
                          const struct api_cursor *cursor)
{
    const char *log = log_reader_identity(connection->server->reader);
    if (!api_cursor_is_of(cursor, log)) {
        char detail[160];
        (void)snprintf(detail, sizeof detail,
                       "%s: it is of log %s, this server answers from log %.*s", name, cursor->log,
                       API_LOG_DIGITS, log);
        answer_problem(&connection->request, BS_CURSOR_OF_ANOTHER_LOG, detail);
        return false;
    }
    return true;
}

bool actions_check_after(struct connection *connection, const char *name, uint64_t durable)
{
    char detail[160];
    const struct api_cursor *cursor = &connection->query.after;
    uint64_t after = cursor->ordinal;
    uint64_t dropped = log_dropped_ordinal(core_log(connection->server->core));
    if (!actions_check_cursor(connection, name, cursor)) {
        return false;
    }
    if (after > durable) {
        (void)snprintf(detail, sizeof detail, "%s: the last action is %" PRIu64, name, durable);
        answer_problem(&connection->request, BS_INVALID_QUERY, detail);
        return false;
    }
    if (after < dropped) {
        (void)snprintf(detail, sizeof detail,
                       "%s: the actions up to %" PRIu64
                       " are no longer kept; read the state again and continue from there",
                       name, dropped);
        answer_problem(&connection->request, BS_CURSOR_EXPIRED, detail);
        return false;
    }
    return true;
}

enum outcome actions_begin(struct connection *connection)
{
    struct read_query *query = &connection->query;
    struct request *request = &connection->request;
    struct log_filter filter = {.pool = query_name(query, NAME_POOL),
                                .account = query_name(query, NAME_MEMBER),
                                .type = query->type,
                                .limit = query->limit};
    uint64_t durable = core_durable_ordinal(connection->server->core);
    if ((query->given & QUERY_AFTER_CURSOR) == 0 && query->after.ordinal == 0) {
        query->after.ordinal = log_dropped_ordinal(core_log(connection->server->core));
    }
    if (!actions_check_after(connection, "after", durable)) {
        return OUTCOME_ANSWER;
    }
    filter.after = query->after.ordinal;
    struct page page = {.out = &request->body, .durable = durable};
    page_begin(&request->body);
    if (!read_actions(connection, &filter, &page)) {
        return OUTCOME_ANSWER;
    }
    if (page.count == 0) {
        query->after.ordinal = durable;
        buffer_clear(&request->body);
        if (wait_for_more(connection, durable)) {
            return OUTCOME_WAITS;
        }
        page_begin(&request->body);
    }
    page_end_cursor(&request->body, page.log, page.has_more ? page.last : durable);
    answer_json(request, 200);
    return OUTCOME_ANSWER;
}

static bool settlement_row_put(struct buffer *out, const struct log_settlement_row *row)
{
    struct bs_settlement settlement;
    if (log_settlement_decode(row, &settlement) != BS_OK) {
        return false;
    }
    api_settlement(out, &settlement);
    return true;
}

static bool put_settlement(void *user, const struct log_settlement_row *row)
{
    struct page *page = user;
    if (page->count == page->limit || page->out->size >= ACTIONS_SIZE_MAX) {
        page->has_more = true;
        return false;
    }
    page_comma(page->out);
    if (!settlement_row_put(page->out, row)) {
        page->broken = true;
        return false;
    }
    page->last = page->by_number ? row->number : row->ordinal;
    page->count++;
    return true;
}

enum outcome settlements_begin(struct connection *connection)
{
    const struct read_query *query = &connection->query;
    struct request *request = &connection->request;
    struct bs_text pool = query_name(query, NAME_POOL);
    struct log_settlement_filter filter = {
        .pool = pool, .after = query->number, .limit = query->limit + 1};
    struct page page = {.out = &request->body, .limit = query->limit, .by_number = pool.size > 0};
    char error[LOG_ERROR_SIZE] = UNREADABLE_SETTLEMENT;
    page_begin(&request->body);
    int code =
        log_reader_settlements(connection->server->reader, &filter, put_settlement, &page, error);
    if (code != 0 || page.broken) {
        answer_unreadable(request, error);
        return OUTCOME_ANSWER;
    }
    page_end_number(&request->body, page.has_more, page.last);
    answer_json(request, 200);
    return OUTCOME_ANSWER;
}

/* Puts the settlement page->number's members and leaves its object open for the actions. */
static bool put_summary(void *user, const struct log_settlement_row *row)
{
    struct page *page = user;
    if (row->number != page->number) {
        return false;
    }
    if (!settlement_row_put(page->out, row)) {
        page->broken = true;
        return false;
    }
    assert(page->out->bytes[page->out->size - 1] == '}');
    page->out->size--;
    return false;
}

enum outcome settlement_begin(struct connection *connection)
{
    const struct read_query *query = &connection->query;
    struct request *request = &connection->request;
    struct bs_text pool = query_name(query, NAME_PATH);
    char error[LOG_ERROR_SIZE] = UNREADABLE_SETTLEMENT;
    if (!actions_check_cursor(connection, "after", &query->after)) {
        return OUTCOME_ANSWER;
    }
    struct page page = {.out = &request->body,
                        .durable = core_durable_ordinal(connection->server->core),
                        .number = connection->path_number};
    struct log_settlement_filter one = {
        .pool = pool, .after = page.number > 0 ? page.number - 1 : 0, .limit = 1};
    int code = log_reader_settlements(connection->server->reader, &one, put_summary, &page, error);
    if (code != 0 || page.broken) {
        answer_unreadable(request, error);
        return OUTCOME_ANSWER;
    }
    if (request->body.size == 0) {
        answer_problem(request, BS_UNKNOWN_SETTLEMENT, NULL);
        return OUTCOME_ANSWER;
    }
    struct log_filter filter = {.pool = pool,
                                .type = UINT8_MAX,
                                .settlement = connection->path_number,
                                .after = query->after.ordinal,
                                .limit = query->limit};
    buffer_text(&request->body, ",\"actions\":[");
    if (read_actions(connection, &filter, &page)) {
        if (page.has_more) {
            page_end_cursor(&request->body, page.log, page.last);
        } else {
            page_end_number(&request->body, false, 0);
        }
        answer_json(request, 200);
    }
    return OUTCOME_ANSWER;
}
