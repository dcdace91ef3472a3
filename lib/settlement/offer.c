/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/settlement/offer.h"

#include "lib/book/policy.h"
#include "lib/money/money.h"
#include "lib/rules/spread.h"
#include "lib/settlement/allowance.h"
#include "lib/settlement/plan.h"

bs_i128 bs_offer_spread(const struct bs_plan *plan, bs_i128 value)
{
    const struct bs_layer *layer = bs_policy_layer(plan->policy, BS_LAYER_ASSIGN);
    return layer == NULL ? 0 : bs_spread_on(value, layer->options[BS_OPTION_SPREAD_PPM]);
}

bs_i128 bs_offer_cost_limit(const struct bs_plan *plan, bs_i128 debt)
{
    const struct bs_layer *layer = bs_policy_layer(plan->policy, BS_LAYER_ASSIGN);
    assert(layer != NULL);
    uint32_t ppm =
        layer->has[BS_OPTION_MAX_COST_PPM] ? layer->options[BS_OPTION_MAX_COST_PPM] : BS_PPM;
    return bs_spread_limit(debt, ppm);
}

struct bs_provider_use bs_offer_use_now(const struct bs_plan *plan,
                                        const struct bs_provider *provider,
                                        const struct bs_provider_use *use)
{
    struct bs_provider_use now = {.settlement = plan->number};
    if (use->settlement == now.settlement) {
        now.lots = use->lots;
    }
    if (provider->quota_period_ms > 0) {
        now.period = (int64_t)bs_div_floor(plan->now_ms, provider->quota_period_ms) + 1;
        now.value = use->period == now.period ? use->value : 0;
    }
    return now;
}

/* A provider as it stands, before it takes anything. */
struct taker {
    const struct bs_plan *plan;
    const struct bs_provider *provider;
    const struct bs_offer *offer;
    struct bs_leg held;
    int64_t opposite; /* lots of its own that the offered ones would close */
    bs_i128 quota_left, gross, gross_max;
};

/* The taker's position in the market of the offer after it takes `lots` of it. */
static bool leg_after(const struct taker *taker, int64_t lots, struct bs_leg *ret_leg)
{
    const struct bs_offer *offer = taker->offer;
    bs_i128 realized;
    bs_i128 value = bs_plan_released(taker->plan, offer->market, offer->size, lots);
    *ret_leg = taker->held;
    return bs_leg_trade(ret_leg, offer->size > 0 ? lots : -lots,
                        value - bs_offer_spread(taker->plan, value), &realized);
}

static bool may_take(const struct taker *taker, int64_t lots)
{
    const struct bs_plan *plan = taker->plan;
    const struct bs_offer *offer = taker->offer;
    struct bs_leg after;
    bs_i128 value = bs_plan_released(plan, offer->market, offer->size, lots);
    if (bs_offer_spread(plan, value) > offer->cost_left || bs_abs(value) > taker->quota_left ||
        !leg_after(taker, lots, &after)) {
        return false;
    }
    if (lots <= taker->opposite) {
        return true;
    }
    bs_i128 worth = bs_abs(bs_plan_value(plan, offer->market, after.size));
    bs_i128 worth_before = bs_abs(bs_plan_value(plan, offer->market, taker->held.size));
    return worth <= BS_MONEY_MAX && taker->gross - worth_before + worth <= taker->gross_max;
}

bool bs_offer_position_fits(const struct bs_plan *plan, uint32_t account)
{
    return bs_plan_positions(plan, account) < BS_ACCOUNT_POSITIONS_MAX &&
           plan->positions < plan->engine->capacity.positions_max;
}

/* What bounds the lots by themselves. */
static bs_i128 most_lots(const struct taker *taker, const struct bs_provider_use *now)
{
    const struct bs_provider *provider = taker->provider;
    bs_i128 most = taker->opposite > 0
                       ? (bs_i128)taker->opposite + provider->max_position
                       : (bs_i128)provider->max_position - bs_abs64(taker->held.size);
    most = bs_min(most, (bs_i128)provider->max_size - now->lots);
    return bs_max(0, bs_min(most, bs_abs64(taker->offer->size)));
}

/* The most lots below `unbearable` that it may take: fewer lots are always easier. */
static int64_t most_bearable(const struct taker *taker, int64_t unbearable)
{
    int64_t bearable = 0;
    while (unbearable - bearable > 1) {
        int64_t middle = bearable + ((unbearable - bearable) >> 1);
        if (may_take(taker, middle)) {
            bearable = middle;
        } else {
            unbearable = middle;
        }
    }
    return bearable;
}

int64_t bs_offer_room(const struct bs_plan *plan, const struct bs_provider *provider,
                      const struct bs_provider_use *use, const struct bs_offer *offer)
{
    assert(offer->size != 0);
    assert(offer->market == provider->market);
    struct bs_provider_use now = bs_offer_use_now(plan, provider, use);
    struct taker taker = {.plan = plan,
                          .provider = provider,
                          .offer = offer,
                          .held = bs_plan_leg(plan, provider->account, offer->market)};
    bool opposite = taker.held.size != 0 && (taker.held.size > 0) != (offer->size > 0);
    taker.opposite = opposite ? bs_abs64(taker.held.size) : 0;
    int64_t most = (int64_t)most_lots(&taker, &now);
    if (most == 0 || (taker.held.size == 0 && !bs_offer_position_fits(plan, provider->account))) {
        return 0;
    }
    struct bs_limit_base base = bs_limit_base_of(plan, provider->account);
    if (base.equity <= plan->inverse) { /* a rounding of inverse values must not end it */
        return 0;
    }
    taker.gross = base.gross;
    taker.gross_max = bs_muldiv_floor(base.equity, provider->max_leverage_ppm, BS_PPM);
    taker.quota_left = INT64_MAX;
    if (provider->quota_period_ms > 0) {
        taker.quota_left = bs_muldiv_floor(base.equity, provider->quota_ppm, BS_PPM) - now.value;
    }
    return may_take(&taker, most) ? most : most_bearable(&taker, most);
}
