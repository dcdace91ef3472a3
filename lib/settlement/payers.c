/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/settlement/payers.h"

#include "lib/book/account_order.h"
#include "lib/money/money.h"
#include "lib/rules/haircut_weights.h"
#include "lib/rules/seniority.h"
#include "lib/settlement/step/kind.h"

bool bs_round_add(struct bs_plan *plan, const struct bs_round *round)
{
    assert(round->loss > 0);
    assert(round->total > 0);
    if (plan->rounds_count == plan->rounds_max) {
        plan->overflow = true;
        return false;
    }
    plan->rounds[plan->rounds_count++] = *round;
    return true;
}

static bs_i128 unrealized_gain(const struct bs_plan *plan, uint32_t account,
                               const struct bs_round *round)
{
    bs_i128 sum = 0;
    uint32_t count = bs_plan_positions(plan, account);
    for (uint32_t i = 0; i < count; i++) {
        struct bs_working_position position = bs_plan_position(plan, account, i);
        bool of_market = round->market == 0 || round->market == position.market;
        if (of_market && (round->side == BS_BOTH_SIDES || round->side == (position.leg.size < 0))) {
            sum += bs_plan_profit(plan, position.market, &position.leg) - position.leg.taken;
        }
    }
    return sum;
}

/* What the account could be charged for: the basis, over one market or all of its positions. */
static bs_i128 gain_of(const struct bs_plan *plan, uint32_t account, const struct bs_round *round)
{
    if (round->basis == BS_BASIS_UNREALIZED_PROFIT) {
        return unrealized_gain(plan, account, round);
    }
    if (round->basis == BS_BASIS_WINDOW_GAIN) {
        return bs_plan_window_gain(plan, account);
    }
    bs_i128 gain = bs_plan_gain(plan, account);
    return round->age == 0 ? gain
                           : bs_gain_of_age(bs_plan_past(plan, account)->gains, gain, round->age);
}

static bs_i128 notional_of(const struct bs_plan *plan, uint32_t account)
{
    bs_i128 sum = 0;
    uint32_t count = bs_plan_positions(plan, account);
    for (uint32_t i = 0; i < count; i++) {
        struct bs_working_position position = bs_plan_position(plan, account, i);
        sum += bs_abs(bs_plan_value(plan, position.market, position.leg.size));
    }
    return sum;
}

/* Fills *payer; false when the account is not one. */
static bool is_payer(const struct bs_plan *plan, uint8_t rule, const struct bs_round *round,
                     uint32_t account, struct bs_payer *payer)
{
    struct bs_payer_input input = {.gain = gain_of(plan, account, round)};
    if (input.gain <= 0) {
        return false;
    }
    input.equity = bs_plan_equity(plan, account);
    if (input.equity < 0) {
        return false;
    }
    if (round->basis == BS_BASIS_WINDOW_GAIN) { /* before what it has taken, like the gain */
        input.equity += bs_plan_window_taken(plan, account);
    }
    input.cap_ppm = BS_PPM - plan->engine->accounts.cold[account].uncapped_ppm;
    if (bs_rule_needs_notional(rule)) {
        input.notional = notional_of(plan, account);
    }
    struct bs_payer_terms terms = bs_payer_terms_of(rule, &input);
    *payer = (struct bs_payer){
        .account = account, .gain = input.gain, .weight = terms.weight, .cap = terms.cap};
    if (payer->weight == 0) {
        payer->last = true;
        payer->weight = payer->cap;
    }
    return payer->weight > 0;
}

uint32_t bs_payers_list(struct bs_plan *plan, uint8_t rule, const struct bs_round *round)
{
    const struct bs_engine *engine = plan->engine;
    uint32_t count = 0;
    for (uint32_t at = 0, account; (account = bs_account_order_next(engine, &at)) != 0;) {
        if (engine->accounts.hot[account].pool == plan->pool && account != bs_plan_backstop(plan) &&
            is_payer(plan, rule, round, account, &plan->payers[count])) {
            count++;
        }
    }
    return count;
}

void bs_payer_charge(struct bs_plan *plan, const struct bs_payer *payer, bs_i128 amount)
{
    if (amount > 0) {
        struct bs_step step = {.type = BS_STEP_HAIRCUT,
                               .account = payer->account,
                               .amount = amount,
                               .as.haircut = {.round = payer->round,
                                              .has_prefix = payer->has_prefix,
                                              .gain = payer->gain,
                                              .weight = payer->weight,
                                              .prefix = payer->prefix}};
        bs_plan_add(plan, &step);
    }
}

/* Gives the payer its share; prefix NULL: its cap. */
static void give_share(struct bs_plan *plan, struct bs_payer *payer, bs_i128 amount,
                       const bs_i128 *prefix)
{
    assert(amount <= payer->cap);
    payer->share = amount;
    payer->done = true;
    payer->round = plan->rounds_count - 1;
    payer->has_prefix = prefix != NULL;
    payer->prefix = prefix != NULL ? *prefix : 0;
    if (plan->rounds[payer->round].basis != BS_BASIS_WINDOW_GAIN) {
        bs_payer_charge(plan, payer, amount);
    }
}

/* One round: payers that reach their cap pay it; when none does, all pay their share. Returns what
 * is left of the loss. */
static bs_i128 divide_round(struct bs_plan *plan, uint32_t count, bool last)
{
    const struct bs_round *round = &plan->rounds[plan->rounds_count - 1];
    bs_i128 left = round->loss, prefix = 0;
    bool capped = false;
    for (uint32_t i = 0; i < count; i++) {
        struct bs_payer *payer = &plan->payers[i];
        if (!payer->done && payer->last == last &&
            bs_compare_products(round->loss, payer->weight, payer->cap, round->total) >= 0) {
            give_share(plan, payer, payer->cap, NULL);
            left -= payer->cap;
            capped = true;
        }
    }
    for (uint32_t i = 0; i < count && !capped; i++) {
        struct bs_payer *payer = &plan->payers[i];
        if (!payer->done && payer->last == last) {
            bs_i128 share =
                bs_split_floor(round->loss, prefix, prefix + payer->weight, round->total);
            give_share(plan, payer, share, &prefix);
            left -= share;
            prefix += payer->weight;
        }
    }
    assert(left >= 0);
    return left;
}

/* The weights of those who have no share yet. */
static bs_i128 weights_left(const struct bs_plan *plan, uint32_t count, bool last)
{
    const struct bs_payer *payers = plan->payers;
    bs_i128 total = 0;
    for (uint32_t i = 0; i < count; i++) {
        total += !payers[i].done && payers[i].last == last ? payers[i].weight : 0;
    }
    return total;
}

bs_i128 bs_payers_divide(struct bs_plan *plan, const struct bs_round *like, uint32_t count,
                         bs_i128 loss)
{
    for (int last = 0; last < 2; last++) {
        bs_i128 total;
        while (loss > 0 && !plan->overflow && (total = weights_left(plan, count, last)) > 0) {
            struct bs_round round = *like;
            round.loss = loss;
            round.total = total;
            if (!bs_round_add(plan, &round)) {
                break;
            }
            loss = divide_round(plan, count, last);
        }
    }
    return loss;
}
