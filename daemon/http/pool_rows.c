/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/http/pool_rows.h"

#include "api/json_state.h"
#include "lib/view/views.h"

/* The next row of a kind; false: there is none. */
struct kind {
    const char *name;
    bool (*next)(struct pool_rows *rows, struct buffer *out);
};

static bool next_pool(struct pool_rows *rows, struct buffer *out)
{
    struct bs_pool_view view;
    if (rows->row++ > 0) {
        return false;
    }
    bs_pool_view_get(rows->engine, rows->pool, &view);
    api_pool(out, &view);
    return true;
}

static bool next_fund(struct pool_rows *rows, struct buffer *out)
{
    struct bs_fund_view view;
    if (rows->row++ > 0) {
        return false;
    }
    bs_fund_view_get(rows->engine, rows->pool, &view);
    api_insurance_fund(out, &view);
    return true;
}

static bool next_fund_change(struct pool_rows *rows, struct buffer *out)
{
    struct bs_fund_change_view view;
    if (bs_fund_history_get(rows->engine, rows->pool, rows->number, 1, &view) == 0) {
        return false;
    }
    rows->number = view.number;
    api_fund_change(out, &view);
    return true;
}

static bool next_market(struct pool_rows *rows, struct buffer *out)
{
    struct bs_market_view view;
    struct bs_pool_view pool;
    uint32_t market = 0;
    bs_pool_view_get(rows->engine, rows->pool, &pool);
    do {
        market = bs_market_after(rows->engine, rows->last);
        if (market == 0) {
            return false;
        }
        bs_market_view_get(rows->engine, market, &view);
        rows->last = view.market;
    } while (!bs_text_equal(view.pool, pool.pool));
    api_market(out, &view);
    return true;
}

static bool next_account(struct pool_rows *rows, struct buffer *out)
{
    struct bs_account_view view;
    uint32_t account = bs_account_after(rows->engine, rows->pool, rows->last);
    if (account == 0) {
        return false;
    }
    bs_account_view_get(rows->engine, account, &view);
    rows->last = view.account;
    api_account(out, rows->engine, account);
    return true;
}

static bool next_provider(struct pool_rows *rows, struct buffer *out)
{
    struct bs_provider_view view;
    if (!bs_provider_next(rows->engine, rows->pool, 0, &rows->row)) {
        return false;
    }
    bs_provider_view_get(rows->engine, rows->row++, &view);
    api_provider(out, &view);
    return true;
}

static const struct kind KINDS[] = {
    {"pool", next_pool},     {"insurance_fund", next_fund}, {"fund_change", next_fund_change},
    {"market", next_market}, {"account", next_account},     {"provider", next_provider},
};

struct pool_rows pool_rows_begin(struct bs_engine *engine, uint32_t pool)
{
    assert(pool != 0);
    return (struct pool_rows){.engine = engine, .pool = pool, .last = {"", 0}};
}

bool pool_rows_next(struct pool_rows *rows, struct buffer *out)
{
    while (rows->kind < sizeof KINDS / sizeof KINDS[0]) {
        const struct kind *kind = &KINDS[rows->kind];
        size_t begin = out->size;
        buffer_printf(out, "{\"%s\":", kind->name);
        if (kind->next(rows, out)) {
            buffer_text(out, "}\n");
            rows->count++;
            return true;
        }
        out->size = begin;
        rows->kind++;
        rows->row = 0;
        rows->number = 0;
        rows->last = (struct bs_text){"", 0};
    }
    return false;
}
