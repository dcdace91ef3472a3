/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/what_if.h"

#include "lib/book/accounts.h"
#include "lib/book/bounds.h"
#include "lib/book/convert.h"
#include "lib/book/names.h"
#include "lib/command/apply.h"
#include "lib/money/money.h"

void bs_what_if_begin(struct bs_engine *engine, uint32_t pool)
{
    engine->pools[pool].mark_max_age_ms = 0;
}

/* mark * (1 + ppm), to the nearest tick, half away from zero. */
static enum bs_status moved_price(const struct bs_market *market, int64_t move_ppm,
                                  struct bs_decimal *ret_price)
{
    if (!market->has_mark) {
        return BS_NO_MARK;
    }
    bs_i128 ticks =
        bs_div_floor((bs_i128)market->mark * (BS_PPM + (bs_i128)move_ppm) + BS_PPM / 2, BS_PPM);
    bs_i128 mantissa;
    if (!bs_mul(ticks, market->tick.mantissa, &mantissa) || mantissa > INT64_MAX) {
        return BS_OUT_OF_RANGE;
    }
    *ret_price = (struct bs_decimal){(int64_t)bs_max(mantissa, 0), market->tick.exponent};
    return BS_OK;
}

enum bs_status bs_what_if_mark(struct bs_engine *engine, uint32_t pool,
                               const struct bs_what_if_mark *mark)
{
    uint32_t row = bs_market_find(engine, mark->market);
    if (row == 0) {
        return BS_UNKNOWN_MARKET;
    }
    const struct bs_market *market = &engine->markets[row];
    if (market->pool != pool) {
        return BS_MARKET_IN_OTHER_POOL;
    }
    struct bs_mark_command command = {
        .market = mark->market,
        .price = mark->price,
        .has_time = true,
        .mark_time_ms = engine->time_ms,
        .confirm = true,
    };
    if (market->has_mark && market->mark_time_ms > command.mark_time_ms) {
        command.mark_time_ms = market->mark_time_ms; /* an older mark would be refused */
    }
    if (!mark->by_price) {
        enum bs_status status = moved_price(market, mark->move_ppm, &command.price);
        if (status != BS_OK) {
            return status;
        }
    }
    return bs_mark_apply(engine, &command).status;
}

enum bs_status bs_what_if_fund(struct bs_engine *engine, uint32_t pool, struct bs_decimal amount)
{
    int64_t quanta;
    enum bs_status status = bs_to_quanta(&engine->pools[pool], amount, &quanta);
    if (status == BS_OK && quanta < 0) {
        status = BS_INVALID_VALUE;
    }
    if (status == BS_OK) {
        bs_account_cash_set(engine, engine->pools[pool].backstop, quanta);
        bs_bound_touch(engine, engine->pools[pool].backstop);
    }
    return status;
}

enum bs_status bs_what_if_waterfall(struct bs_engine *engine, uint32_t row,
                                    const struct bs_layer *layers, uint32_t count,
                                    const char **ret_field)
{
    struct bs_pool *pool = &engine->pools[row];
    struct bs_pool_command command = {.period_ms = pool->policy.period_ms, .layers_count = count};
    assert(count <= BS_LAYERS_MAX);
    memcpy(command.layers, layers, count * sizeof layers[0]);
    struct bs_policy policy;
    struct bs_outcome outcome = bs_policy_read(pool, &command, &policy);
    if (outcome.status == BS_OK) {
        pool->policy = policy;
        pool->has_next = false;
    }
    *ret_field = outcome.field;
    return outcome.status;
}

bool bs_what_if_lacks_mark(const struct bs_engine *engine, uint32_t pool)
{
    uint32_t market = engine->pools[pool].market_head;
    for (; market != 0; market = engine->markets[market].next) {
        const struct bs_market *m = &engine->markets[market];
        if (!m->has_mark && m->holders[0] + m->holders[1] > 0) {
            return true;
        }
    }
    return false;
}

uint32_t bs_what_if_rows(const struct bs_engine *engine)
{
    return (engine->pages_used + 1) * BS_PAGE_ACCOUNTS;
}

void bs_what_if_accounts(const struct bs_engine *engine, uint32_t pool,
                         struct bs_what_if_account *rows)
{
    struct bs_account_walk walk = bs_account_walk_begin(&engine->pools[pool]);
    for (uint32_t account; (account = bs_account_walk_next(engine, &walk)) != 0;) {
        bs_i128 equity = bs_account_equity(engine, account);
        if (account != engine->pools[pool].backstop) {
            rows[account] = (struct bs_what_if_account){
                equity, equity - engine->accounts.cold[account].baseline};
        }
    }
}

void bs_what_if_totals_get(const struct bs_engine *engine, uint32_t row,
                           struct bs_what_if_totals *ret_totals)
{
    const struct bs_pool *pool = &engine->pools[row];
    *ret_totals = (struct bs_what_if_totals){
        .fund_equity = bs_account_equity(engine, pool->backstop),
        .period_loss = pool->period_loss,
        .unallocated = pool->unallocated,
    };
}

struct bs_text bs_what_if_key(const struct bs_engine *engine, uint32_t account)
{
    return bs_account_key(engine, account);
}
