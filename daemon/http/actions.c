/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Actions and settlements: pages of the log, up to the last durable action. begin, on the HTTP
 * thread, writes down what is wanted; run, on the thread of log_reads.h, reads it; end, on the HTTP
 * thread again, sees to it that a long poll which found nothing becomes a waiter. With news it
 * begins again, after the actions that it has already looked through.
 *
 * One condition is answered by an index. With two, one is looked up and the other compared, over
 * SPAN actions at a time and for SEARCH_MS in all: then the page ends, and `more` says so.
 */
#include "daemon/http/actions.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "api/json_state.h"
#include "api/json_writer.h"
#include "daemon/answer/answer.h"
#include "daemon/answer/page.h"
#include "daemon/http/action_row.h"
#include "daemon/http/handlers.h"
#include "daemon/http/pool_filter.h"
#include "daemon/http/submit.h"
#include "daemon/log/identity.h"
#include "daemon/logger/logger.h"

#define ARCHIVE_SHOWN_MAX 64 /* it has room in the last event of a stream, also escaped */
#define ACTIONS_SIZE_MAX ((size_t)8 << 20) /* bytes after which a page of actions ends early */
#define SPAN 16384
#define SEARCH_MS 50
#define QUICK_ROWS 1024
#define UNREADABLE_SETTLEMENT "a stored settlement cannot be decoded"

struct page {
    struct buffer *out;
    const char *log;  /* its identity */
    const char *list; /* what the cursors of settlements begin with */
    uint64_t durable; /* rows past it are not shown yet */
    uint64_t last;    /* the cursor after the last row written */
    bool by_number;   /* settlements of one pool: the cursor is their number */
    uint64_t number;  /* the one settlement that is asked for, or the place before a list of them */
    uint32_t count;
    uint32_t limit;
    bool has_more; /* stopped before the rows ended */
    bool broken;   /* a stored row cannot be read */
    bool is_cut;   /* a settlement before the row was cut from the log */
};

/* A page on its way to the reading thread and back. */
struct page_read {
    struct log_read base;
    struct page page;
    struct log_filter actions;                /* of an action list, or of one settlement */
    struct log_settlement_filter settlements; /* of a settlement list, or the one settlement */
    bool is_first;                            /* of its request, not after a wait */
};

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

void actions_answer_unreadable(struct request *request, int code, const char *error)
{
    logger_write(LOGGER_ERROR, "http", "reading the log failed",
                 LOGGER_FIELDS(logger_string("error", error)));
    answer_failure(request, code);
}

/* A row more than wanted is read, to know whether the page is the last. False: the answer is there. */
static bool read_actions(struct page_read *read, struct log_reader *reader)
{
    char error[LOG_ERROR_SIZE] = "a stored action cannot be decoded";
    struct page *page = &read->page;
    read->actions.limit = page->limit - page->count + 1;
    int code = log_reader_actions(reader, &read->actions, put_action, page, error);
    if (code != 0 || page->broken) {
        actions_answer_unreadable(read->base.request, code != 0 ? code : -EBADMSG, error);
        return false;
    }
    return true;
}

/* Whether the client waits for more: nothing was found, and its time is not up. */
static bool may_wait(struct connection *connection)
{
    const struct http_server *server = connection->server;
    int64_t now_ms = sweep_now_ms();
    if (connection->wait_until_ms == 0) {
        connection->wait_until_ms = now_ms + connection->query.wait_ms;
    }
    return now_ms < connection->wait_until_ms && !server->waits_ended &&
           !connection->sweep.has_left && !sweep_is_crowded(&server->sweep);
}

/*
 * Looks again at once if there was news while the page was read, and else when there is. News after
 * this read of last_ordinal comes with a signal, which is handled later.
 */
static enum outcome wait_for_more(struct connection *connection, uint64_t seen)
{
    struct http_server *server = connection->server;
    buffer_clear(&connection->request.body);
    connection->course = COURSE_BEGUN;
    if (atomic_load(&server->last_ordinal) > seen) {
        return connection->route->begin(connection);
    }
    MHD_suspend_connection(connection->mhd);
    sweep_wait(&server->sweep, &connection->sweep, connection->wait_until_ms);
    return OUTCOME_WAITS;
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

/* What was asked for was cut from the log, up to and with the number that is named. `archive`: where
 * it is, or NULL. */
static void answer_cut(struct request *request, const char *archive, const char *name,
                       const char *what, uint64_t cut)
{
    struct buffer detail = {0};
    buffer_printf(&detail,
                  "%s: the %s up to %" PRIu64
                  " are no longer kept; read the state again and continue from there",
                  name, what, cut);
    if (archive != NULL) {
        buffer_printf(&detail, ". The server's archive of them is %s", archive);
    }
    answer_problem(request, BS_CURSOR_EXPIRED, buffer_string(&detail));
    buffer_fini(&detail);
}

bool actions_check_after(struct connection *connection, const char *name, uint64_t durable)
{
    char detail[160];
    const struct api_cursor *cursor = &connection->query.after;
    uint64_t after = cursor->ordinal;
    struct log_begin begin = log_begin(core_log(connection->server->core));
    if (!actions_check_cursor(connection, name, cursor)) {
        return false;
    }
    if (after > durable) {
        (void)snprintf(detail, sizeof detail, "%s: the last action is %" PRIu64, name, durable);
        answer_problem(&connection->request, BS_INVALID_QUERY, detail);
        return false;
    }
    if (after < begin.ordinal) {
        answer_cut(&connection->request, begin.archive, name, "actions", begin.ordinal);
        return false;
    }
    return true;
}

void actions_put_begin(struct buffer *out, const struct command_log *log)
{
    struct log_begin begin = log_begin(log);
    buffer_printf(out, "\"after\":\"%.*s_%" PRIu64 "\"", API_LOG_DIGITS, log_identity(log),
                  begin.ordinal);
    if (begin.archive != NULL && strlen(begin.archive) <= ARCHIVE_SHOWN_MAX) {
        member_text(out, "archive",
                    (struct bs_text){begin.archive, (uint32_t)strlen(begin.archive)});
    }
}

/* Whether an index answers the filter alone. */
static bool is_indexed(const struct log_filter *filter)
{
    return (filter->pool.size > 0) + (filter->account.size > 0) + (filter->type != UINT8_MAX) <= 1;
}

/* After an empty page of a pool: whether that pool was ever in the log. False: the answer is there. */
static bool look_for_pool(struct page_read *read, struct log_reader *reader, struct bs_text pool)
{
    char error[LOG_ERROR_SIZE];
    if (pool.size == 0 || read->page.count > 0 || !read->is_first) {
        return true;
    }
    int code = pool_filter_look(&read->base, reader, pool, error);
    if (code == 0) {
        return true;
    }
    actions_answer_unreadable(read->base.request, code, error);
    return false;
}

static void run_actions(struct log_read *base, struct log_reader *reader)
{
    struct page_read *read = (struct page_read *)base;
    struct page *page = &read->page;
    struct log_filter *filter = &read->actions;
    int64_t until_ms = sweep_now_ms() + SEARCH_MS;
    uint64_t after = filter->after;
    bool has_all = false;
    page_begin(page->out);
    do {
        bool is_last = is_indexed(filter) || page->durable - filter->after <= SPAN;
        filter->last = is_last ? page->durable : filter->after + SPAN;
        if (!read_actions(read, reader)) {
            return;
        }
        has_all = is_last || page->has_more;
        filter->after = filter->last;
    } while (!has_all && sweep_now_ms() < until_ms);
    struct log_begin begin = log_reader_begin(reader);
    if (after < begin.ordinal) { /* a cut since the request began: rows may be missing */
        answer_cut(base->request, begin.archive, "after", "actions", begin.ordinal);
        return;
    }
    bool is_empty = has_all && page->count == 0;
    if (look_for_pool(read, reader, filter->pool) && !is_empty) {
        page_end_actions(page->out, page->log, page->has_more ? page->last : filter->last,
                         !has_all);
        answer_json(base->request, 200);
    }
}

static bool take(struct connection *connection)
{
    struct page_read *read = connection->job;
    return log_reads_submit(connection->server->log_reads, &read->base);
}

/* A read of a connection that begins, perhaps after a wait; NULL: the answer is there. */
static struct page_read *page_read_new(struct connection *connection,
                                       void (*run)(struct log_read *read,
                                                   struct log_reader *reader))
{
    struct page_read *read = calloc(1, sizeof *read);
    free(connection->job);
    connection->job = read;
    if (read == NULL) {
        answer_problem(&connection->request, BS_OUT_OF_MEMORY, NULL);
        return NULL;
    }
    read->base = (struct log_read){.request = &connection->request, .run = run};
    read->is_first = connection->wait_until_ms == 0;
    read->page = (struct page){.out = &connection->request.body,
                               .log = log_reader_identity(connection->server->reader),
                               .list = connection->query.list,
                               .limit = connection->query.limit,
                               .durable = core_durable_ordinal(connection->server->core),
                               .number = connection->path_number};
    return read;
}

enum outcome actions_begin(struct connection *connection)
{
    struct read_query *query = &connection->query;
    if ((query->given & QUERY_AFTER_CURSOR) == 0 && query->after.ordinal == 0) {
        query->after.ordinal = log_dropped_ordinal(core_log(connection->server->core));
    }
    struct page_read *read = page_read_new(connection, run_actions);
    if (read == NULL || !actions_check_after(connection, "after", read->page.durable)) {
        return OUTCOME_ANSWER;
    }
    read->actions = (struct log_filter){.pool = query_name(query, NAME_POOL),
                                        .account = query_name(query, NAME_MEMBER),
                                        .type = query->type,
                                        .after = query->after.ordinal};
    read->base.is_quick = read->page.durable - query->after.ordinal <= QUICK_ROWS ||
                          (is_indexed(&read->actions) && query->limit <= QUICK_ROWS);
    return submit(connection, take);
}

enum outcome log_read_end(struct connection *connection)
{
    struct page_read *read = connection->job;
    struct request *request = &connection->request;
    enum outcome outcome = pool_filter_end(connection);
    if (outcome == OUTCOME_SUBMITTED || request->status != 0) {
        return outcome;
    }
    connection->query.after.ordinal = read->page.durable;
    if (may_wait(connection)) {
        return wait_for_more(connection, read->page.durable);
    }
    page_end_actions(&request->body, read->page.log, read->page.durable, false);
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
    uint64_t place = page->by_number ? row->number : row->ordinal;
    if (page->count == 0 && page->number > 0 && place > page->number + 1) {
        page->is_cut = true; /* the numbers have no gaps */
        page->last = place - 1;
        return false;
    }
    page_comma(page->out);
    if (!settlement_row_put(page->out, row)) {
        page->broken = true;
        return false;
    }
    page->last = place;
    page->count++;
    return true;
}

static bool read_settlements(struct page_read *read, struct log_reader *reader,
                             log_settlement_fn put)
{
    char error[LOG_ERROR_SIZE] = UNREADABLE_SETTLEMENT;
    int code = log_reader_settlements(reader, &read->settlements, put, &read->page, error);
    if (code != 0 || read->page.broken) {
        actions_answer_unreadable(read->base.request, code != 0 ? code : -EBADMSG, error);
        return false;
    }
    return true;
}

static void run_settlements(struct log_read *base, struct log_reader *reader)
{
    struct page_read *read = (struct page_read *)base;
    struct page *page = &read->page;
    page_begin(page->out);
    if (!read_settlements(read, reader, put_settlement)) {
        return;
    }
    if (page->is_cut) {
        answer_cut(base->request, log_reader_begin(reader).archive, "after", "settlements",
                   page->last);
    } else if (look_for_pool(read, reader, read->settlements.pool)) {
        page_end_number(page->out, page->list, page->has_more, page->last);
        answer_json(base->request, 200);
    }
}

enum outcome settlements_begin(struct connection *connection)
{
    const struct read_query *query = &connection->query;
    struct page_read *read = page_read_new(connection, run_settlements);
    if (read == NULL) {
        return OUTCOME_ANSWER;
    }
    read->settlements = (struct log_settlement_filter){
        .pool = query_name(query, NAME_POOL), .after = query->number, .limit = query->limit + 1};
    read->page.by_number = read->settlements.pool.size > 0;
    read->page.number = query->number; /* 0: from the beginning, wherever that is */
    read->base.is_quick = true;
    return submit(connection, take);
}

/* Puts the settlement page->number's members and leaves its object open for the actions. */
static bool put_summary(void *user, const struct log_settlement_row *row)
{
    struct page *page = user;
    if (row->number != page->number) {
        page->is_cut = true; /* there is a later one, and the numbers have no gaps */
        page->last = row->number - 1;
        return false;
    }
    if (!settlement_row_put(page->out, row)) {
        page->broken = true;
        return false;
    }
    if (buffer_ends_with(page->out, '}')) { /* unless the buffer failed */
        page->out->size--;
    }
    return false;
}

static void run_settlement(struct log_read *base, struct log_reader *reader)
{
    struct page_read *read = (struct page_read *)base;
    struct page *page = &read->page;
    if (!read_settlements(read, reader, put_summary)) {
        return;
    }
    if (page->is_cut) {
        answer_cut(base->request, log_reader_begin(reader).archive, "number", "settlements",
                   page->last);
        return;
    }
    if (page->out->size == 0) {
        answer_problem(base->request, BS_UNKNOWN_SETTLEMENT, NULL);
        return;
    }
    buffer_text(page->out, ",\"actions\":[");
    if (read_actions(read, reader)) {
        if (page->has_more) {
            page_end_actions(page->out, page->log, page->last, false);
        } else {
            page_end_number(page->out, "settlements", false, 0);
        }
        answer_json(base->request, 200);
    }
}

enum outcome settlement_begin(struct connection *connection)
{
    const struct read_query *query = &connection->query;
    uint64_t number = connection->path_number;
    struct page_read *read = page_read_new(connection, run_settlement);
    if (read == NULL || !actions_check_cursor(connection, "after", &query->after)) {
        return OUTCOME_ANSWER;
    }
    struct bs_text pool = query_name(query, NAME_PATH);
    read->settlements = (struct log_settlement_filter){
        .pool = pool, .after = number > 0 ? number - 1 : 0, .limit = 1};
    read->actions = (struct log_filter){.pool = pool,
                                        .type = UINT8_MAX,
                                        .settlement = number,
                                        .after = query->after.ordinal,
                                        .last = read->page.durable};
    read->base.is_quick = query->limit <= QUICK_ROWS;
    return submit(connection, take);
}
