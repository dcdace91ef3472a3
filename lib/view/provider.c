/* SPDX-License-Identifier: Apache-2.0 */
/* Const views of the registrations of liquidity providers. */
#include "lib/book/convert.h"
#include "lib/book/names.h"
#include "lib/book/providers.h"
#include "lib/engine.h"
#include "lib/money/money.h"
#include "lib/settlement/plan.h"

bool bs_provider_next(const struct bs_engine *engine, uint32_t pool, uint32_t market, uint32_t *row)
{
    for (; *row < engine->providers_count; ++*row) {
        const struct bs_provider *provider = &engine->providers[*row];
        if ((pool == 0 || engine->accounts.hot[provider->account].pool == pool) &&
            (market == 0 || provider->market == market)) {
            return true;
        }
    }
    return false;
}

uint32_t bs_provider_after(const struct bs_engine *engine, struct bs_text account,
                           struct bs_text market)
{
    uint32_t row = 0;
    for (; row < engine->providers_count; row++) {
        const struct bs_provider *provider = &engine->providers[row];
        int order = bs_text_compare(bs_account_text(engine, provider->account), account);
        if (order == 0) {
            order = bs_text_compare(bs_market_text(engine, provider->market), market);
        }
        if (order > 0) {
            break;
        }
    }
    return row;
}

static bool has_marks(const struct bs_engine *engine, const struct bs_provider *provider)
{
    uint32_t first = engine->accounts.hot[provider->account].position_at;
    uint32_t count = engine->accounts.hot[provider->account].position_count;
    for (uint32_t i = first; i < first + count; i++) {
        if (!engine->markets[engine->positions.rows[i].market].has_mark) {
            return false;
        }
    }
    return engine->markets[provider->market].has_mark;
}

/* How much of a position without bounds the provider would take now. */
static struct bs_wide room(const struct bs_plan *plan, const struct bs_provider *provider,
                           const struct bs_leg *held, int sign)
{
    const struct bs_market *market = &plan->engine->markets[provider->market];
    bs_i128 most = bs_min(bs_abs64(held->size) + (bs_i128)provider->max_position, BS_MONEY_MAX);
    struct bs_offer offer = {.account = 0,
                             .market = provider->market,
                             .size = sign * (int64_t)most,
                             .cost_left = BS_MONEY_MAX};
    int64_t lots = has_marks(plan->engine, provider)
                       ? bs_offer_room(plan, provider, &provider->use, &offer)
                       : 0;
    assert(lots >= 0);
    assert(lots <= most);
    return bs_lots_wide(market, lots);
}

static struct bs_wide max_size(const struct bs_market *market, const struct bs_provider *provider)
{
    return bs_lots_wide(market, provider->max_size == INT64_MAX ? 0 : provider->max_size);
}

void bs_provider_view_get(const struct bs_engine *engine, uint32_t row,
                          struct bs_provider_view *ret_view)
{
    struct bs_plan plan;
    assert(row < engine->providers_count);
    const struct bs_provider *provider = &engine->providers[row];
    const struct bs_market *market = &engine->markets[provider->market];
    const struct bs_pool *pool = &engine->pools[market->pool];
    bs_plan_begin(&plan, engine, market->pool, engine->time_ms);
    struct bs_leg held = bs_plan_leg(&plan, provider->account, provider->market);
    *ret_view = (struct bs_provider_view){BS_PROVIDER_VIEW(BS_VIEW_VALUE)};
}
