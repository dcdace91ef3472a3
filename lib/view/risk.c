/* SPDX-License-Identifier: Apache-2.0 */
/* The accounts of a pool by margin ratio, nearest to insolvency first. */
#include "lib/book/account_order.h"
#include "lib/book/accounts.h"
#include "lib/book/convert.h"
#include "lib/book/names.h"
#include "lib/engine.h"
#include "lib/money/money.h"
#include "lib/settlement/plan.h"

/* Margin ratio equity / maintenance, kept as weight / cap: lower is worse; without maintenance
 * last. */
static int compare_margins(const struct bs_payer *a, const struct bs_payer *b)
{
    if ((a->cap == 0) != (b->cap == 0)) {
        return a->cap == 0 ? 1 : -1;
    }
    return a->cap == 0 ? (a->weight > b->weight) - (a->weight < b->weight)
                       : bs_compare_products(a->weight, b->cap, b->weight, a->cap);
}

static int compare_risk(const struct bs_engine *engine, const struct bs_payer *a,
                        const struct bs_payer *b)
{
    int order = compare_margins(a, b);
    uint32_t i = engine->accounts.cold[a->account].rank, k = engine->accounts.cold[b->account].rank;
    return order != 0 ? order : (i > k) - (i < k);
}

static struct bs_payer risk_of(const struct bs_engine *engine, uint32_t account)
{
    struct bs_payer risk = {.account = account, .weight = bs_account_equity(engine, account)};
    uint32_t first = engine->accounts.hot[account].position_at;
    for (uint32_t i = first; i < first + engine->accounts.hot[account].position_count; i++) {
        risk.cap += bs_maintenance(&engine->markets[engine->positions.rows[i].market],
                                   bs_position_value(engine, i));
    }
    return risk;
}

static bool is_after(const struct bs_engine *engine, const struct bs_payer *risk,
                     const struct bs_place *place)
{
    const struct bs_payer other = {.weight = place->numerator, .cap = place->denominator};
    int order = compare_margins(risk, &other);
    return order > 0 ||
           (order == 0 && bs_text_compare(bs_account_key(engine, risk->account), place->key) > 0);
}

struct bs_place bs_risk_place(const struct bs_engine *engine, uint32_t account)
{
    struct bs_payer risk = risk_of(engine, account);
    return (struct bs_place){
        .numerator = risk.weight, .denominator = risk.cap, .key = bs_account_key(engine, account)};
}

/* Keeps the first `limit` of those after the place, in order. */
void bs_risk_page_get(struct bs_engine *engine, struct bs_risk_page *page)
{
    struct bs_payer *first = engine->plan->payers; /* free between commands */
    assert(page->limit >= 1);
    assert(page->limit <= BS_RISK_ROWS_MAX);
    page->count = 0;
    page->has_more = false;
    bs_account_order_refresh(engine);
    struct bs_account_walk walk = bs_account_walk_begin(&engine->pools[page->pool]);
    for (uint32_t account; (account = bs_account_walk_next(engine, &walk)) != 0;) {
        if (account == engine->pools[page->pool].backstop ||
            engine->accounts.hot[account].position_count == 0) {
            continue;
        }
        struct bs_payer risk = risk_of(engine, account);
        if (page->after != NULL && !is_after(engine, &risk, page->after)) {
            continue;
        }
        if (page->count == page->limit) {
            page->has_more = true;
            if (compare_risk(engine, &risk, &first[page->limit - 1]) >= 0) {
                continue;
            }
            page->count--;
        }
        uint32_t at = page->count++;
        for (; at > 0 && compare_risk(engine, &risk, &first[at - 1]) < 0; at--) {
            first[at] = first[at - 1];
        }
        first[at] = risk;
    }
    for (uint32_t i = 0; i < page->count; i++) {
        page->accounts[i] = first[i].account;
    }
}
