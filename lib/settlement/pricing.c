/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/settlement/pricing.h"

#include "lib/book/policy.h"
#include "lib/money/money.h"
#include "lib/settlement/assigning.h"
#include "lib/settlement/legs.h"

static void begin_account(struct bs_plan *plan, const struct bs_step *step)
{
    const struct bs_layer *adl = bs_policy_layer(plan->policy, BS_LAYER_ADL);
    bool is_fund = step->account == bs_plan_backstop(plan);
    struct bs_pricing *pricing = &plan->check.pricing;
    *pricing =
        (struct bs_pricing){.debtor = step->debtor, .equity = bs_plan_equity(plan, step->account)};
    pricing->at_mark = is_fund ? pricing->equity >= 0 : adl->price == BS_PRICE_MARK;
    pricing->protect = !pricing->at_mark && adl->protect_principal;
    pricing->count = bs_closing_legs(plan, step->account, plan->check.legs, &pricing->total);
    assert(pricing->count > 0);
    pricing->left = pricing->total - plan->check.legs[0].weight;
}

/* Moves on to the step's leg; legs that were not placed are passed over. */
static bool find_leg(struct bs_plan *plan, const struct bs_step *step)
{
    struct bs_pricing *pricing = &plan->check.pricing;
    const struct bs_closing_leg *legs = plan->check.legs;
    while (pricing->at < pricing->count && legs[pricing->at].market != step->market) {
        pricing->at++;
        pricing->left -= pricing->at < pricing->count ? legs[pricing->at].weight : 0;
        pricing->done = 0;
    }
    assert(pricing->left >= 0);
    return pricing->at < pricing->count;
}

struct bs_leg_share bs_pricing_share(struct bs_plan *plan, const struct bs_step *step)
{
    struct bs_pricing *pricing = &plan->check.pricing;
    if (pricing->debtor != step->debtor) {
        begin_account(plan, step);
    }
    bool found = find_leg(plan, step);
    assert(found); /* the check has found it */
    (void)found;
    bs_i128 weight = plan->check.legs[pricing->at].weight;
    return (struct bs_leg_share){.amount = pricing->at_mark ? 0 : bs_max(0, -pricing->equity),
                                 .total = pricing->total,
                                 .prefix = pricing->total - pricing->left - weight,
                                 .weight = weight};
}

/* The planned value of the whole current leg. */
static bool leg_is_exact(struct bs_plan *plan, const struct bs_step *step)
{
    struct bs_pricing *pricing = &plan->check.pricing;
    int64_t size = plan->check.legs[pricing->at].size;
    bs_i128 value = bs_plan_value(plan, step->market, size);
    bs_i128 planned = step->as.close.leg_value;
    pricing->price = (struct bs_piecewise){planned, bs_abs64(size)};
    if (pricing->at_mark) {
        return planned == value;
    }
    bs_i128 after = bs_plan_equity(plan, step->account) + planned - value;
    if (bs_plan_pays_to_close(plan, step->market, size) && planned >= 0) {
        /* At a price of 0: one below it would leave the account no more than it owes. */
        return planned == 0 &&
               !bs_exceeds_equity_after(after, pricing->equity, pricing->left, pricing->total);
    }
    return bs_exact_equity_after(after, pricing->equity, pricing->left, pricing->total);
}

bool bs_pricing_is_exact(struct bs_plan *plan, const struct bs_step *step)
{
    struct bs_pricing *pricing = &plan->check.pricing;
    if (step->debtor == 0 || bs_policy_layer(plan->policy, BS_LAYER_ADL) == NULL) {
        return false;
    }
    if (pricing->debtor != step->debtor) {
        if (!bs_assigning_is_done(plan, step)) {
            return false;
        }
        begin_account(plan, step);
    }
    if (!find_leg(plan, step) ||
        (pricing->done == 0 ? !leg_is_exact(plan, step)
                            : step->as.close.leg_value != pricing->price.value)) {
        return false;
    }
    bs_i128 amount = bs_piece(&pricing->price, pricing->done, step->lots);
    if (pricing->protect) {
        struct bs_leg counter = bs_plan_leg(plan, step->counterparty, step->market);
        amount = bs_min(amount, bs_piece_at_entry(counter.entry, step->lots, counter.size));
    }
    pricing->done += step->lots;
    return step->amount == amount;
}
