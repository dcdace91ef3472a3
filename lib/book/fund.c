/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/book/fund.h"

#include "lib/money/money.h"

#define WINDOW_PARTS (BS_FUND_BUCKETS - 1)

const struct bs_layer *bs_drawdown_of(const struct bs_policy *policy)
{
    for (uint32_t i = 0; i < policy->layers_count; i++) {
        if (policy->layers[i].type == BS_LAYER_INSURANCE && policy->layers[i].has_max_drawdown) {
            return &policy->layers[i];
        }
    }
    return NULL;
}

static int64_t bucket_length(const struct bs_layer *layer)
{
    return (int64_t)((layer->drawdown_window_ms + WINDOW_PARTS - 1) / WINDOW_PARTS);
}

/* The highest equity observed within the window, the one of now included. */
static bs_i128 peak_of(const struct bs_fund *fund, int64_t number, bs_i128 equity)
{
    bs_i128 peak = equity;
    for (uint32_t i = 0; i < BS_FUND_BUCKETS; i++) {
        const struct bs_fund_bucket *bucket = &fund->buckets[i];
        if (bucket->known && bucket->number > number - (int64_t)BS_FUND_BUCKETS) {
            peak = bs_max(peak, bucket->equity);
        }
    }
    return peak;
}

struct bs_fund_look bs_fund_look(const struct bs_engine *engine, uint32_t pool, int64_t now_ms)
{
    const struct bs_fund *fund = &engine->funds[pool];
    const struct bs_layer *layer = bs_drawdown_of(&engine->pools[pool].policy);
    struct bs_fund_look look = {.equity = bs_account_equity(engine, engine->pools[pool].backstop) -
                                          engine->pools[pool].own_funds};
    look.peak = look.equity;
    if (layer == NULL) {
        return look;
    }
    int64_t length = bucket_length(layer);
    if (fund->bucket_ms == length) { /* observed for another window: nothing is known */
        look.peak = peak_of(fund, (int64_t)bs_div_floor(now_ms, length), look.equity);
        look.restricted = fund->restricted;
    }
    bs_i128 lost = look.peak - look.equity;
    look.threshold = look.resume_at = look.peak;
    if (look.peak <= 0) {
        look.restricted = false;
        return look;
    }
    look.drawdown_ppm =
        lost >= look.peak ? BS_PPM : (uint32_t)bs_muldiv_floor(lost, BS_PPM, look.peak);
    look.threshold -= bs_muldiv_floor(look.peak, layer->max_drawdown_ppm, BS_PPM);
    look.resume_at -= bs_muldiv_ceil(look.peak, layer->resume_ppm, BS_PPM) - 1;
    uint32_t limit = look.restricted ? layer->resume_ppm : layer->max_drawdown_ppm;
    look.restricted = bs_compare_products(lost, BS_PPM, look.peak, limit) >= 0;
    return look;
}

void bs_fund_observe(struct bs_engine *engine, uint32_t pool, int64_t now_ms, bool cut)
{
    const struct bs_layer *layer = bs_drawdown_of(&engine->pools[pool].policy);
    if (layer == NULL) {
        return;
    }
    struct bs_fund_look look = bs_fund_look(engine, pool, now_ms);
    struct bs_fund *fund = &engine->funds[pool];
    int64_t length = bucket_length(layer);
    if (fund->bucket_ms != length) {
        fund->bucket_ms = length;
        memset(fund->buckets, 0, sizeof fund->buckets);
    }
    int64_t number = (int64_t)bs_div_floor(now_ms, length);
    struct bs_fund_bucket *bucket = &fund->buckets[(uint64_t)number % BS_FUND_BUCKETS];
    if (!bucket->known || bucket->number != number || bucket->equity < look.equity) {
        *bucket = (struct bs_fund_bucket){true, number, look.equity};
    }
    fund->restricted = look.restricted || cut;
}

void bs_fund_changed(struct bs_engine *engine, uint32_t pool, const struct bs_fund_change *change)
{
    if (change->amount == 0) {
        return;
    }
    struct bs_fund *fund = &engine->funds[pool];
    const uint64_t words[] = {fund->digest[0],
                              fund->digest[1],
                              (uint64_t)change->time_ms,
                              change->settlement,
                              (uint64_t)change->amount,
                              (uint64_t)change->balance,
                              (uint64_t)change->equity,
                              (uint64_t)change->own_funds,
                              change->cause};
    fund->history[fund->changes++ % BS_FUND_CHANGES_MAX] = *change;
    fund->digest[0] = bs_hash(0, words, sizeof words);
    fund->digest[1] = bs_hash(1, words, sizeof words);
}

void bs_fund_moved(struct bs_engine *engine, uint32_t pool, enum bs_fund_cause cause,
                   bs_i128 amount)
{
    uint32_t backstop = engine->pools[pool].backstop;
    struct bs_fund_change change = {
        .time_ms = engine->time_ms,
        .amount = amount,
        .balance = engine->accounts.hot[backstop].collateral,
        .equity = bs_account_equity(engine, backstop),
        .own_funds = engine->pools[pool].own_funds,
        .cause = (uint8_t)cause,
    };
    bs_fund_changed(engine, pool, &change);
}

void bs_fund_clear(struct bs_engine *engine, uint32_t pool)
{
    struct bs_fund *fund = &engine->funds[pool];
    if (fund->bucket_ms != 0 || fund->changes != 0) {
        memset(fund, 0, sizeof *fund);
    }
}
