/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The price of a close, checked by StarkEx's rule for a fair deleverage. With TV the total value of
 * the closing account (its equity), TR its total risk (the weights of its legs), 0 before the first
 * close and 1 with the leg in hand closed in full at its planned value V,
 *
 *     TV1 * TR0 >= TV0 * TR1    and    (TV1 - 1) * TR0 < TV0 * TR1 :
 *
 * one single V passes, whatever legs before could not place. At mark V is the value at mark. Each
 * piece is then the difference of ceil(V*P/Q), P the lots placed, or what leaves a protected
 * counterparty with a realised profit of 0, if that is less: again one single amount.
 */
#include "lib/money/money.h"
#include "lib/settlement/assign.h"
#include "lib/settlement/layers.h"

static void begin_account(struct bs_plan *plan, const struct bs_step *step)
{
    const struct bs_layer *adl = bs_layer_of(plan, BS_LAYER_ADL);
    bool is_fund = step->account == plan->engine->pools[plan->pool].backstop;
    struct bs_pricing *pricing = &plan->scratch->pricing;
    *pricing = (struct bs_pricing){.reference = step->reference,
                                   .equity = bs_plan_equity(plan, step->account)};
    pricing->at_mark = is_fund ? pricing->equity >= 0 : adl->price == BS_PRICE_MARK;
    pricing->protect = !pricing->at_mark && adl->protect_principal;
    pricing->count = bs_adl_legs(plan, step->account, plan->scratch->priced_legs, &pricing->total);
    pricing->left = pricing->total - plan->scratch->priced_legs[0].weight;
}

/* Moves on to the step's leg; legs that nobody took were left behind. */
static bool find_leg(struct bs_plan *plan, const struct bs_step *step)
{
    struct bs_pricing *pricing = &plan->scratch->pricing;
    const struct bs_adl_leg *legs = plan->scratch->priced_legs;
    while (pricing->at < pricing->count && legs[pricing->at].market != step->market) {
        pricing->at++;
        pricing->left -= pricing->at < pricing->count ? legs[pricing->at].weight : 0;
        pricing->done = 0;
    }
    return pricing->at < pricing->count;
}

struct bs_leg_share bs_close_share(struct bs_plan *plan, const struct bs_step *step)
{
    struct bs_pricing *pricing = &plan->scratch->pricing;
    if (pricing->reference != step->reference) {
        begin_account(plan, step);
    }
    bool found = find_leg(plan, step);
    assert(found); /* the check has seen it */
    (void)found;
    bs_i128 weight = plan->scratch->priced_legs[pricing->at].weight;
    return (struct bs_leg_share){.amount = pricing->at_mark ? 0 : bs_max(0, -pricing->equity),
                                 .total = pricing->total,
                                 .prefix = pricing->total - pricing->left - weight,
                                 .weight = weight};
}

/* The planned value of the whole leg in hand. */
static bool leg_is_tight(struct bs_plan *plan, const struct bs_step *step)
{
    struct bs_pricing *pricing = &plan->scratch->pricing;
    int64_t size = plan->scratch->priced_legs[pricing->at].size;
    bs_i128 value = bs_plan_value(plan, step->market, size);
    pricing->price = (struct bs_piecewise){step->gain, bs_abs64(size)};
    if (pricing->at_mark) {
        return step->gain == value;
    }
    bs_i128 after = bs_plan_equity(plan, step->account) + step->gain - value;
    return bs_compare_products(after, pricing->total, pricing->equity, pricing->left) >= 0 &&
           bs_compare_products(after - 1, pricing->total, pricing->equity, pricing->left) < 0;
}

bool bs_close_is_tight(struct bs_plan *plan, const struct bs_step *step)
{
    struct bs_pricing *pricing = &plan->scratch->pricing;
    if (step->reference == 0 || bs_layer_of(plan, BS_LAYER_ADL) == NULL) {
        return false;
    }
    if (pricing->reference != step->reference) {
        if (!bs_volunteers_were_asked(plan, step)) {
            return false;
        }
        begin_account(plan, step);
    }
    if (!find_leg(plan, step) ||
        (pricing->done == 0 ? !leg_is_tight(plan, step) : step->gain != pricing->price.value)) {
        return false;
    }
    bs_i128 amount = bs_piece(&pricing->price, pricing->done, step->lots);
    if (pricing->protect) {
        struct bs_leg counter = bs_plan_leg(plan, step->counterparty, step->market);
        amount =
            bs_min(amount, -bs_muldiv_floor(counter.entry, step->lots, bs_abs64(counter.size)));
    }
    pricing->done += step->lots;
    return step->amount == amount;
}
