/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/http/reads.h"

#include <stdlib.h>

#include "api/json_state.h"
#include "daemon/answer/answer.h"
#include "daemon/answer/page.h"
#include "daemon/http/query.h"

/* Accounts looked at for one page: a filter that matches few must not hold up the others. */
#define SCAN_MAX 20000

static struct bs_text no_name(void)
{
    return (struct bs_text){"", 0};
}

/* 0, with a 404 as the answer: there is no such pool. */
static uint32_t find_pool(struct request *request, const struct bs_engine *engine,
                          struct bs_text name)
{
    uint32_t pool = bs_pool_find(engine, name);
    if (pool == 0) {
        answer_refused(request, BS_UNKNOWN_POOL, "pool");
    }
    return pool;
}

static uint32_t pool_in_path(struct request *request, const struct read_query *query,
                             const struct bs_engine *engine)
{
    return find_pool(request, engine, query_name(query, NAME_PATH));
}

static uint32_t find_market(struct request *request, const struct bs_engine *engine,
                            struct bs_text name)
{
    uint32_t market = bs_market_find(engine, name);
    if (market == 0) {
        answer_refused(request, BS_UNKNOWN_MARKET, "market");
    }
    return market;
}

/* An absent filter is 0 = all; false: it names no pool, and the answer is set. */
static bool pool_filter(struct request *request, const struct read_query *query,
                        const struct bs_engine *engine, uint32_t *ret_pool)
{
    struct bs_text name = query_name(query, NAME_POOL);
    *ret_pool = name.size > 0 ? find_pool(request, engine, name) : 0;
    return name.size == 0 || *ret_pool != 0;
}

static bool market_filter(struct request *request, const struct read_query *query,
                          const struct bs_engine *engine, uint32_t *ret_market)
{
    struct bs_text name = query_name(query, NAME_MEMBER);
    *ret_market = name.size > 0 ? find_market(request, engine, name) : 0;
    return name.size == 0 || *ret_market != 0;
}

void read_pools(struct request *request, const struct read_query *query, struct bs_engine *engine)
{
    struct buffer *out = &request->body;
    struct bs_pool_view view = {.pool = query_name(query, NAME_AFTER)};
    uint32_t pool = bs_pool_after(engine, view.pool);
    page_begin(out);
    for (uint32_t i = 0; pool != 0 && i < query->limit && out->size < PAGE_SIZE_MAX; i++) {
        bs_pool_view_get(engine, pool, &view);
        page_comma(out);
        api_pool(out, &view);
        pool = bs_pool_after(engine, view.pool);
    }
    page_end_name(out, query->list, pool != 0, view.pool, no_name());
    answer_json(request, 200);
}

void read_pool(struct request *request, const struct read_query *query, struct bs_engine *engine)
{
    uint32_t pool = pool_in_path(request, query, engine);
    if (pool != 0) {
        struct bs_pool_view view;
        bs_pool_view_get(engine, pool, &view);
        api_pool(&request->body, &view);
        answer_json(request, 200);
    }
}

void read_insurance_fund(struct request *request, const struct read_query *query,
                         struct bs_engine *engine)
{
    uint32_t pool = pool_in_path(request, query, engine);
    if (pool != 0) {
        struct bs_fund_view view;
        bs_fund_view_get(engine, pool, &view);
        api_insurance_fund(&request->body, &view);
        answer_json(request, 200);
    }
}

void read_fund_history(struct request *request, const struct read_query *query,
                       struct bs_engine *engine)
{
    enum { ROWS = 64 };

    struct bs_fund_change_view rows[ROWS];
    uint32_t pool = pool_in_path(request, query, engine);
    if (pool == 0) {
        return;
    }
    struct buffer *out = &request->body;
    uint64_t after = query->number;
    uint32_t left = query->limit, count = ROWS;
    page_begin(out);
    while (left > 0 && count == ROWS && out->size < PAGE_SIZE_MAX) {
        count = bs_fund_history_get(engine, pool, after, left < ROWS ? left : ROWS, rows);
        for (uint32_t i = 0; i < count; i++) {
            page_comma(out);
            api_fund_change(out, &rows[i]);
            after = rows[i].number;
        }
        left -= count;
    }
    page_end_number(out, query->list, bs_fund_history_get(engine, pool, after, 1, rows) > 0, after);
    answer_json(request, 200);
}

void read_solvency(struct request *request, const struct read_query *query,
                   struct bs_engine *engine)
{
    uint32_t pool = pool_in_path(request, query, engine);
    if (pool != 0) {
        struct bs_solvency_view view;
        bs_solvency_view_get(engine, pool, &view);
        api_solvency(&request->body, &view);
        answer_json(request, 200);
    }
}

/* Whether the page before, of a list that moves, was made at another sequence. */
static bool has_moved(const struct bs_engine *engine, const struct read_query *query)
{
    return (query->given & QUERY_AFTER_PLACE) != 0 && query->place.seq != bs_engine_seq(engine);
}

void read_at_risk(struct request *request, const struct read_query *query, struct bs_engine *engine)
{
    struct bs_place after;
    struct bs_risk_page page = {.limit = query->limit, .after = query_place(query, &after)};
    struct buffer *out = &request->body;
    uint32_t put = 0;
    page.pool = pool_in_path(request, query, engine);
    if (page.pool == 0) {
        return;
    }
    bs_risk_page_get(engine, &page);
    page_begin(out);
    for (; put < page.count && out->size < PAGE_SIZE_MAX; put++) {
        page_comma(out);
        api_account(out, engine, page.accounts[put]);
    }
    bool has_next = put < page.count || page.has_more;
    struct cursor_place next = {.seq = bs_engine_seq(engine)};
    if (has_next) {
        next.place = bs_risk_place(engine, page.accounts[put - 1]);
    }
    page_end_place(out, query->list, has_next ? &next : NULL, has_moved(engine, query));
    answer_json(request, 200);
}

void read_accounts(struct request *request, const struct read_query *query,
                   struct bs_engine *engine)
{
    uint32_t pool = 0;
    if (!pool_filter(request, query, engine, &pool)) {
        return;
    }
    struct buffer *out = &request->body;
    struct bs_account_view view = {.account = query_name(query, NAME_AFTER)};
    uint32_t account = bs_account_after(engine, pool, view.account);
    page_begin(out);
    for (uint32_t i = 0; account != 0 && i < query->limit && out->size < PAGE_SIZE_MAX; i++) {
        page_comma(out);
        api_account(out, engine, account);
        bs_account_view_get(engine, account, &view);
        account = bs_account_after(engine, pool, view.account);
    }
    page_end_name(out, query->list, account != 0, view.account, no_name());
    answer_json(request, 200);
}

void read_account(struct request *request, const struct read_query *query, struct bs_engine *engine)
{
    uint32_t account = bs_account_find(engine, query_name(query, NAME_PATH));
    if (account == 0) {
        answer_refused(request, BS_UNKNOWN_ACCOUNT, "account");
        return;
    }
    api_account(&request->body, engine, account);
    answer_json(request, 200);
}

/* A page of positions: by account, then by market; `last` is where the next page begins after. */
struct position_page {
    const struct bs_engine *engine;
    struct buffer *out;
    uint32_t left;   /* rows that still fit */
    uint32_t market; /* only this one; 0 = all */
    struct bs_text last_account;
    struct bs_text last_market; /* empty: the whole account is done */
};

static bool page_is_full(const struct position_page *page)
{
    return page->left == 0 || page->out->size >= PAGE_SIZE_MAX;
}

static void put_position(struct position_page *page, const struct bs_position_view *view)
{
    page_comma(page->out);
    api_position(page->out, view);
    page->left -= page->left > 0;
    page->last_account = view->account;
    page->last_market = view->market;
}

/* The next position of an account by market: its own and its isolated ones, side by side. */
struct walk {
    uint32_t own, own_count; /* indexes */
    uint32_t isolated;       /* handle */
};

static bool next_position(const struct bs_engine *engine, uint32_t account, struct walk *walk,
                          struct bs_position_view *ret_view)
{
    struct bs_account_view holder;
    struct bs_position_view other;
    bool own = walk->own < walk->own_count;
    if (own) {
        bs_position_view_get(engine, account, walk->own, ret_view);
    }
    for (; walk->isolated != 0; walk->isolated = bs_isolated_next(engine, walk->isolated)) {
        bs_account_view_get(engine, walk->isolated, &holder);
        if (holder.positions_count > 0) {
            break;
        }
    }
    if (walk->isolated != 0) {
        bs_position_view_get(engine, walk->isolated, 0, &other);
        if (!own || bs_text_compare(other.market, ret_view->market) < 0) {
            *ret_view = other;
            walk->isolated = bs_isolated_next(engine, walk->isolated);
            return true;
        }
    }
    walk->own++;
    return own;
}

/* Where a market was asked for: the account's own position in it, then its isolated one. */
static bool next_in_market(const struct position_page *page, uint32_t account, struct walk *walk,
                           struct bs_position_view *ret_view)
{
    if (walk->own++ == 0 && bs_position_in_market(page->engine, account, page->market, ret_view)) {
        return true;
    }
    while (walk->isolated != 0) {
        uint32_t isolated = walk->isolated;
        walk->isolated = bs_isolated_next(page->engine, isolated);
        if (bs_position_in_market(page->engine, isolated, page->market, ret_view)) {
            return true;
        }
    }
    return false;
}

/* The account's positions in markets after `after`; false when the page was full before the last.
 * A page ends between markets: the cursor names one. */
static bool put_positions(struct position_page *page, uint32_t account, struct bs_text after)
{
    struct bs_account_view holder;
    struct bs_position_view view;
    bs_account_view_get(page->engine, account, &holder);
    struct walk walk = {.own_count = holder.positions_count,
                        .isolated = bs_isolated_first(page->engine, account)};
    while (page->market != 0 ? next_in_market(page, account, &walk, &view)
                             : next_position(page->engine, account, &walk, &view)) {
        bool same = bs_text_equal(page->last_market, view.market) &&
                    bs_text_equal(page->last_account, view.account);
        if (bs_text_compare(view.market, after) <= 0) {
            continue;
        }
        if (page_is_full(page) && !same) {
            return false;
        }
        put_position(page, &view);
    }
    page->last_account = holder.account;
    page->last_market = no_name();
    return true;
}

void read_positions(struct request *request, const struct read_query *query,
                    struct bs_engine *engine)
{
    struct position_page page = {.engine = engine, .out = &request->body, .left = query->limit};
    uint32_t pool = 0;
    if (!pool_filter(request, query, engine, &pool) ||
        !market_filter(request, query, engine, &page.market)) {
        return;
    }
    page_begin(page.out);
    page.last_account = query_name(query, NAME_AFTER);
    page.last_market = query_name(query, NAME_AFTER_MARKET);
    uint32_t account = 0;
    if (page.last_market.size > 0) {
        account = bs_account_find(engine, page.last_account);
    }
    bool complete = account == 0 || put_positions(&page, account, page.last_market);
    bool has_next = !complete;
    for (uint32_t i = 0; complete; i++) {
        account = bs_account_after(engine, pool, page.last_account);
        has_next = account != 0;
        complete = has_next && i < SCAN_MAX && put_positions(&page, account, no_name());
    }
    page_end_name(page.out, query->list, has_next, page.last_account, page.last_market);
    answer_json(request, 200);
}

void read_providers(struct request *request, const struct read_query *query,
                    struct bs_engine *engine)
{
    struct buffer *out = &request->body;
    uint32_t pool = 0, market = 0;
    if (!pool_filter(request, query, engine, &pool) ||
        !market_filter(request, query, engine, &market)) {
        return;
    }
    struct bs_provider_view view = {.account = query_name(query, NAME_AFTER),
                                    .market = query_name(query, NAME_AFTER_MARKET)};
    uint32_t row = view.account.size > 0 ? bs_provider_after(engine, view.account, view.market) : 0;
    bool has_next = bs_provider_next(engine, pool, market, &row);
    page_begin(out);
    for (uint32_t i = 0; has_next && i < query->limit && out->size < PAGE_SIZE_MAX; i++) {
        bs_provider_view_get(engine, row++, &view);
        page_comma(out);
        api_provider(out, &view);
        has_next = bs_provider_next(engine, pool, market, &row);
    }
    page_end_name(out, query->list, has_next, view.account, view.market);
    answer_json(request, 200);
}

void read_sources(struct request *request, const struct read_query *query, struct bs_engine *engine)
{
    struct buffer *out = &request->body;
    struct bs_source_view view = {.source = query_name(query, NAME_AFTER)};
    bool has_next = bs_source_after(engine, view.source, &view);
    struct bs_text last = view.source;
    page_begin(out);
    for (uint32_t i = 0; has_next && i < query->limit; i++) {
        page_comma(out);
        api_source(out, &view);
        last = view.source;
        has_next = bs_source_after(engine, last, &view);
    }
    page_end_name(out, query->list, has_next, last, no_name());
    answer_json(request, 200);
}

void read_source(struct request *request, const struct read_query *query, struct bs_engine *engine)
{
    struct bs_source_view view;
    if (!bs_source_view_get(engine, query_name(query, NAME_PATH), &view)) {
        answer_refused(request, BS_UNKNOWN_SOURCE, "source");
        return;
    }
    api_source(&request->body, &view);
    answer_json(request, 200);
}

void read_markets(struct request *request, const struct read_query *query, struct bs_engine *engine)
{
    struct buffer *out = &request->body;
    struct bs_market_view view = {.market = query_name(query, NAME_AFTER)};
    uint32_t market = bs_market_after(engine, view.market);
    page_begin(out);
    for (uint32_t i = 0; market != 0 && i < query->limit && out->size < PAGE_SIZE_MAX; i++) {
        bs_market_view_get(engine, market, &view);
        page_comma(out);
        api_market(out, &view);
        market = bs_market_after(engine, view.market);
    }
    page_end_name(out, query->list, market != 0, view.market, no_name());
    answer_json(request, 200);
}

void read_market(struct request *request, const struct read_query *query, struct bs_engine *engine)
{
    uint32_t market = find_market(request, engine, query_name(query, NAME_PATH));
    if (market != 0) {
        struct bs_market_view view;
        bs_market_view_get(engine, market, &view);
        api_market(&request->body, &view);
        answer_json(request, 200);
    }
}

void read_adl_queue(struct request *request, const struct read_query *query,
                    struct bs_engine *engine)
{
    struct bs_place after;
    struct bs_queue_page page = {
        .side = query->side, .limit = query->limit, .after = query_place(query, &after)};
    page.market = find_market(request, engine, query_name(query, NAME_PATH));
    if (page.market == 0) {
        return;
    }
    page.rows = calloc(query->limit, sizeof *page.rows);
    if (page.rows == NULL) {
        answer_problem(request, BS_OUT_OF_MEMORY, "no memory for the rows");
        return;
    }
    bs_queue_page_get(engine, &page);
    page_begin(&request->body);
    for (uint32_t i = 0; i < page.count; i++) {
        page_comma(&request->body);
        api_queue_row(&request->body, &page.rows[i]);
    }
    const struct cursor_place next = {.seq = bs_engine_seq(engine), .place = page.last};
    page_end_place(&request->body, query->list, page.has_more ? &next : NULL,
                   has_moved(engine, query));
    answer_json(request, 200);
    free(page.rows);
}
