/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/settlement/assign.h"

#include "lib/base/sort.h"
#include "lib/money/money.h"
#include "lib/settlement/layers.h"
#include "lib/settlement/tally.h"

bs_i128 bs_spread_on(const struct bs_plan *plan, bs_i128 value)
{
    const struct bs_layer *layer = bs_layer_of(plan, BS_LAYER_ASSIGN);
    return layer == NULL
               ? 0
               : bs_muldiv_floor(bs_abs(value), layer->options[BS_OPTION_SPREAD_PPM], BS_PPM);
}

bs_i128 bs_spread_limit(const struct bs_plan *plan, bs_i128 debt)
{
    const struct bs_layer *layer = bs_layer_of(plan, BS_LAYER_ASSIGN);
    uint32_t ppm =
        layer->has[BS_OPTION_MAX_COST_PPM] ? layer->options[BS_OPTION_MAX_COST_PPM] : BS_PPM;
    return bs_muldiv_floor(bs_max(0, debt), ppm, BS_PPM);
}

struct bs_provider_use bs_provider_use_now(const struct bs_plan *plan,
                                           const struct bs_provider *provider,
                                           const struct bs_provider_use *use)
{
    struct bs_provider_use now = {.settlement = plan->number};
    if (use->settlement == now.settlement) {
        now.lots = use->lots;
    }
    if (provider->window_ms > 0) {
        now.window = (int64_t)bs_div_floor(plan->now_ms, provider->window_ms) + 1;
        now.value = use->window == now.window ? use->value : 0;
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
    bs_i128 window_left, gross, gross_max;
};

/* A position of the taker in the market of the offer after `lots` of it. */
static bool leg_after(const struct taker *taker, int64_t lots, struct bs_leg *ret_leg)
{
    const struct bs_offer *offer = taker->offer;
    bs_i128 realized;
    bs_i128 value = bs_plan_released(taker->plan, offer->market, offer->size, lots);
    *ret_leg = taker->held;
    return bs_leg_trade(ret_leg, offer->size > 0 ? lots : -lots,
                        value - bs_spread_on(taker->plan, value), &realized);
}

static bool may_take(const struct taker *taker, int64_t lots)
{
    const struct bs_plan *plan = taker->plan;
    const struct bs_offer *offer = taker->offer;
    struct bs_leg after;
    bs_i128 value = bs_plan_released(plan, offer->market, offer->size, lots);
    if (bs_spread_on(plan, value) > offer->cost_left || bs_abs(value) > taker->window_left ||
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

static bool has_position_room(const struct bs_plan *plan, uint32_t account)
{
    return bs_plan_positions(plan, account) < BS_ACCOUNT_POSITIONS_MAX &&
           plan->positions < plan->engine->config.positions_max;
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

/* The most lots up to `unbearable`, that it may not take: the fewer the easier. */
static int64_t halve(const struct taker *taker, int64_t unbearable)
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

int64_t bs_provider_room(const struct bs_plan *plan, const struct bs_provider *provider,
                         const struct bs_provider_use *use, const struct bs_offer *offer)
{
    struct bs_provider_use now = bs_provider_use_now(plan, provider, use);
    struct taker taker = {.plan = plan,
                          .provider = provider,
                          .offer = offer,
                          .held = bs_plan_leg(plan, provider->account, offer->market)};
    bool opposite = taker.held.size != 0 && (taker.held.size > 0) != (offer->size > 0);
    taker.opposite = opposite ? bs_abs64(taker.held.size) : 0;
    int64_t most = (int64_t)most_lots(&taker, &now);
    if (most == 0 || (taker.held.size == 0 && !has_position_room(plan, provider->account))) {
        return 0;
    }
    struct bs_tally_base base = bs_tally_base_of(plan, provider->account);
    if (base.equity <= plan->inverse) { /* a rounding of inverse values must not end it */
        return 0;
    }
    taker.gross = base.gross;
    taker.gross_max = bs_muldiv_floor(base.equity, provider->max_leverage_ppm, BS_PPM);
    taker.window_left = INT64_MAX;
    if (provider->window_ms > 0) {
        taker.window_left = bs_muldiv_floor(base.equity, provider->window_ppm, BS_PPM) - now.value;
    }
    return may_take(&taker, most) ? most : halve(&taker, most);
}

const struct bs_provider *bs_volunteer_at(const struct bs_plan *plan, uint32_t place)
{
    return &plan->engine->providers[plan->scratch->volunteers[place].row];
}

/* By market, then in the order in which they are asked. */
static int compare_volunteers(const void *a, const void *b, const void *context)
{
    const struct bs_engine *engine = context;
    const struct bs_volunteer *first = a, *second = b;
    const struct bs_provider *left = &engine->providers[first->row];
    const struct bs_provider *right = &engine->providers[second->row];
    if (left->market != right->market) {
        return left->market < right->market ? -1 : 1;
    }
    if (left->priority != right->priority) {
        return left->priority < right->priority ? -1 : 1;
    }
    uint32_t i = engine->accounts.cold[left->account].rank,
             k = engine->accounts.cold[right->account].rank;
    return (i > k) - (i < k);
}

void bs_volunteers_begin(struct bs_plan *plan)
{
    const struct bs_engine *engine = plan->engine;
    struct bs_volunteer *rows = plan->scratch->volunteers;
    plan->volunteers_count = 0;
    if (bs_layer_of(plan, BS_LAYER_ASSIGN) == NULL) {
        return;
    }
    for (uint32_t row = 0; row < engine->providers_count; row++) {
        if (engine->accounts.hot[engine->providers[row].account].pool == plan->pool) {
            rows[plan->volunteers_count++].row = row;
        }
    }
    bs_sort(rows, plan->volunteers_count, sizeof *rows, compare_volunteers, engine);
    bs_volunteers_reset(plan);
}

void bs_volunteers_reset(struct bs_plan *plan)
{
    for (uint32_t place = 0; place < plan->volunteers_count; place++) {
        plan->scratch->volunteers[place].use = bs_volunteer_at(plan, place)->use;
        plan->scratch->volunteers[place].full = 0;
    }
}

uint32_t bs_volunteers_first(const struct bs_plan *plan, uint32_t market)
{
    uint32_t from = 0, to = plan->volunteers_count;
    while (from < to) {
        uint32_t middle = from + (to - from) / 2;
        bool before = bs_volunteer_at(plan, middle)->market < market;
        from = before ? middle + 1 : from;
        to = before ? to : middle;
    }
    return from;
}

/* Not of its own account's isolated margin: it would pay itself a spread that others bear. */
static bool may_be_asked(const struct bs_plan *plan, uint32_t provider,
                         const struct bs_offer *offer)
{
    return bs_account_owner(plan->engine, offer->account) != provider &&
           !bs_are_apart(plan, offer->account, provider, offer->market);
}

/* Whether it takes not a lot of anybody's on a side, so that it need not be asked again while its
 * account stays as it is. (A lot of an inverse position is not worth the same in each of them.) */
static bool takes_nothing(const struct bs_plan *plan, const struct bs_volunteer *volunteer,
                          bool is_long)
{
    const struct bs_provider *provider = &plan->engine->providers[volunteer->row];
    struct bs_offer lot = {
        .market = provider->market, .size = is_long ? 1 : -1, .cost_left = BS_MONEY_MAX};
    return !plan->inverse && has_position_room(plan, provider->account) &&
           bs_provider_room(plan, provider, &volunteer->use, &lot) == 0;
}

int64_t bs_volunteer_room(const struct bs_plan *plan, uint32_t place, const struct bs_offer *offer)
{
    const struct bs_provider *provider = bs_volunteer_at(plan, place);
    struct bs_volunteer *volunteer = &plan->scratch->volunteers[place];
    uint8_t side = offer->size > 0 ? 1 : 2;
    uint32_t changes = bs_plan_changes(plan, provider->account);
    if ((volunteer->full & side) != 0 && volunteer->changes == changes) {
        return 0;
    }
    if (!may_be_asked(plan, provider->account, offer)) {
        return 0;
    }
    int64_t lots = bs_provider_room(plan, provider, &volunteer->use, offer);
    if (lots == 0 && takes_nothing(plan, volunteer, offer->size > 0)) {
        volunteer->full = volunteer->changes == changes ? volunteer->full | side : side;
        volunteer->changes = changes;
    }
    return lots;
}

void bs_volunteer_count(struct bs_plan *plan, uint32_t place, int64_t lots, bs_i128 value)
{
    struct bs_provider_use *use = &plan->scratch->volunteers[place].use;
    *use = bs_provider_use_now(plan, bs_volunteer_at(plan, place), use);
    use->lots += lots;
    use->value += bs_abs(value);
}

bool bs_volunteers_reserve(struct bs_engine *engine, const struct bs_plan *plan)
{
    for (uint32_t i = 0; i < plan->steps_count; i++) {
        const struct bs_step *step = &plan->scratch->steps[i];
        if (step->type != BS_STEP_ASSIGN) {
            continue;
        }
        uint32_t account = step->counterparty;
        uint32_t count = engine->accounts.hot[account].position_count;
        count += bs_providers_of_account(engine, account);
        if (!bs_position_room(engine, account, count)) {
            return false;
        }
    }
    return true;
}

void bs_volunteers_write(struct bs_engine *engine, const struct bs_plan *plan)
{
    for (uint32_t place = 0; place < plan->volunteers_count; place++) {
        const struct bs_volunteer *volunteer = &plan->scratch->volunteers[place];
        engine->providers[volunteer->row].use = volunteer->use;
    }
}

/* Whoever takes over a position may stand on a side whose queue had done with it. */
static void reopen_queue(struct bs_plan *plan, uint32_t account, uint32_t market)
{
    struct bs_leg leg = bs_plan_leg(plan, account, market);
    struct bs_ranking_list *list = &plan->scratch->rankings.lists[market * 2 + (leg.size < 0)];
    list->spent = 0;
    list->protected_end = 0;
}

static void offer_leg(struct bs_plan *plan, uint32_t case_row, struct bs_offer *offer)
{
    for (uint32_t place = bs_volunteers_first(plan, offer->market);
         place < plan->volunteers_count && offer->size != 0 && !plan->overflow; place++) {
        const struct bs_provider *provider = bs_volunteer_at(plan, place);
        if (provider->market != offer->market) {
            break;
        }
        int64_t lots = bs_volunteer_room(plan, place, offer);
        if (lots == 0) {
            continue;
        }
        bs_i128 value = bs_plan_released(plan, offer->market, offer->size, lots);
        bs_i128 cost = bs_spread_on(plan, value);
        struct bs_step step = {.type = BS_STEP_ASSIGN,
                               .account = offer->account,
                               .counterparty = provider->account,
                               .market = offer->market,
                               .reference = case_row + 1,
                               .candidate = place + 1,
                               .lots = lots,
                               .amount = value - cost};
        bs_plan_add(plan, &step);
        reopen_queue(plan, provider->account, offer->market);
        offer->cost_left -= cost;
        offer->size += offer->size > 0 ? -lots : lots;
    }
}

void bs_layer_assign(struct bs_plan *plan, uint32_t case_row)
{
    struct bs_case *c = &plan->scratch->cases[case_row];
    if (plan->volunteers_count == 0) {
        return;
    }
    struct bs_adl_leg *legs = plan->scratch->adl_legs;
    bs_i128 total;
    uint32_t count = bs_adl_legs(plan, c->account, legs, &total);
    struct bs_offer offer = {.account = c->account, .cost_left = bs_spread_limit(plan, c->owed)};
    for (uint32_t i = 0; i < count && !plan->overflow; i++) {
        offer.market = legs[i].market;
        offer.size = legs[i].size;
        offer_leg(plan, case_row, &offer);
    }
    c->owed = bs_max(0, -bs_plan_equity(plan, c->account));
}
