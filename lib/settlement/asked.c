/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/settlement/asked.h"

#include "lib/base/sort.h"
#include "lib/book/names.h"
#include "lib/book/policy.h"
#include "lib/money/money.h"

const struct bs_provider *bs_asked_at(const struct bs_plan *plan, uint32_t place)
{
    assert(place < plan->asked_count);
    return &plan->engine->providers[plan->asked[place].row];
}

/* By market, then in the order in which they are asked. */
static int compare_asked(const void *a, const void *b, const void *context)
{
    const struct bs_engine *engine = context;
    const struct bs_asked *first = a, *second = b;
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

void bs_asked_begin(struct bs_plan *plan)
{
    const struct bs_engine *engine = plan->engine;
    struct bs_asked *rows = plan->asked;
    plan->asked_count = 0;
    if (bs_policy_layer(plan->policy, BS_LAYER_ASSIGN) == NULL) {
        return;
    }
    for (uint32_t row = 0; row < engine->providers_count; row++) {
        if (engine->accounts.hot[engine->providers[row].account].pool == plan->pool) {
            rows[plan->asked_count++] =
                (struct bs_asked){.row = row, .use = engine->providers[row].use};
        }
    }
    assert(plan->asked_count <= BS_PROVIDERS_MAX);
    bs_sort(rows, plan->asked_count, sizeof *rows, compare_asked, engine);
}

uint32_t bs_asked_first(const struct bs_plan *plan, uint32_t market)
{
    uint32_t from = 0, to = plan->asked_count;
    while (from < to) {
        uint32_t middle = from + (to - from) / 2;
        bool before = bs_asked_at(plan, middle)->market < market;
        from = before ? middle + 1 : from;
        to = before ? to : middle;
    }
    return from;
}

/* A provider takes nothing over from its own isolated margin: it would pay itself a spread that
 * others bear. */
static bool may_be_asked(const struct bs_plan *plan, uint32_t provider,
                         const struct bs_offer *offer)
{
    return bs_account_owner(plan->engine, offer->account) != provider &&
           !bs_plan_excludes(plan, offer->account, provider, offer->market);
}

/* Whether the provider has no room for a single lot of a side, so that it need not be asked again
 * while its account stays as it is. (A lot of an inverse position is not worth the same in each of
 * them.) */
static bool has_no_room(const struct bs_plan *plan, const struct bs_asked *asked, bool is_long)
{
    const struct bs_provider *provider = &plan->engine->providers[asked->row];
    struct bs_offer lot = {
        .market = provider->market, .size = is_long ? 1 : -1, .cost_left = BS_MONEY_MAX};
    return !plan->inverse && bs_offer_position_fits(plan, provider->account) &&
           bs_offer_room(plan, provider, &asked->use, &lot) == 0;
}

int64_t bs_asked_room(const struct bs_plan *plan, uint32_t place, const struct bs_offer *offer)
{
    const struct bs_provider *provider = bs_asked_at(plan, place);
    struct bs_asked *asked = &plan->asked[place];
    uint8_t side = offer->size > 0 ? 1 : 2;
    uint32_t changes = bs_plan_changes(plan, provider->account);
    assert(provider->market == offer->market);
    if ((asked->full & side) != 0 && asked->changes == changes) {
        return 0;
    }
    if (!may_be_asked(plan, provider->account, offer)) {
        return 0;
    }
    int64_t lots = bs_offer_room(plan, provider, &asked->use, offer);
    if (lots == 0 && has_no_room(plan, asked, offer->size > 0)) {
        asked->full = asked->changes == changes ? asked->full | side : side;
        asked->changes = changes;
    }
    return lots;
}

void bs_asked_count(struct bs_plan *plan, uint32_t place, int64_t lots, bs_i128 value)
{
    assert(lots > 0);
    struct bs_provider_use *use = &plan->asked[place].use;
    *use = bs_offer_use_now(plan, bs_asked_at(plan, place), use);
    use->lots += lots;
    use->value += bs_abs(value);
}

bool bs_asked_reserve(struct bs_engine *engine, const struct bs_plan *plan)
{
    for (uint32_t i = 0; i < plan->steps_count; i++) {
        const struct bs_step *step = &plan->steps[i];
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

void bs_asked_write(struct bs_engine *engine, const struct bs_plan *plan)
{
    for (uint32_t place = 0; place < plan->asked_count; place++) {
        engine->providers[plan->asked[place].row].use = plan->asked[place].use;
    }
}
