/* SPDX-License-Identifier: Apache-2.0 */
/* Haircuts: a payer is charged its share of a loss. */
#include "lib/book/convert.h"
#include "lib/book/names.h"
#include "lib/book/policy.h"
#include "lib/rules/seniority.h"
#include "lib/settlement/actions.h"

/* Books a haircut on unrealized profit to the positions that still have some, by prefix
 * differences in market-name order; under scope market to that market's position alone. */
static void book_taken(struct bs_plan *plan, const struct bs_step *step, uint32_t market)
{
    struct bs_working *working = bs_plan_touch_positions(plan, step->account);
    struct bs_working_position *rows = plan->working_positions + working->first;
    bs_i128 total = 0;
    for (int pass = 0; pass < 2; pass++) {
        bs_i128 prefix = 0;
        for (uint32_t i = 0; i < working->count; i++) {
            struct bs_leg *leg = &rows[i].leg;
            bs_i128 rest = bs_plan_profit(plan, rows[i].market, leg) - leg->taken;
            if (rest <= 0 || (market != 0 && market != rows[i].market)) {
                continue;
            }
            if (pass == 1) {
                leg->taken += (int64_t)bs_split_floor(step->amount, prefix, prefix + rest, total);
            }
            prefix += rest;
        }
        total = prefix;
    }
}

static void carry(struct bs_plan *plan, const struct bs_step *step)
{
    const struct bs_round *round = &plan->rounds[step->as.haircut.round];
    if (round->basis == BS_BASIS_UNREALIZED_PROFIT) {
        book_taken(plan, step, round->market);
    }
    bs_plan_touch(plan, step->account)->collateral -= step->amount;
    plan->period_loss -= step->amount;
    if (round->basis == BS_BASIS_WINDOW_GAIN) {
        bs_plan_touch(plan, step->account)->window_taken += step->amount;
        plan->window_loss += step->amount;
    }
    if (round->age > 0) { /* the gain of this period stays what it is */
        bs_plan_touch(plan, step->account)->baseline -= step->amount;
        bs_plan_touch_past(plan, step->account)->gains[round->age - 1] -= step->amount;
    }
    if (bs_policy_layer(plan->policy, BS_LAYER_HAIRCUT)->has[BS_OPTION_RESTITUTION]) {
        bs_plan_touch_past(plan, step->account)->claim += step->amount;
        plan->claims += step->amount;
    }
}

/* The gain that the step names is at most the one that the account has. */
static bool gain_is_held(const struct bs_plan *plan, const struct bs_step *step)
{
    const struct bs_step_haircut *haircut = &step->as.haircut;
    const struct bs_round *round = &plan->rounds[haircut->round];
    if (round->basis == BS_BASIS_PERIOD_GAIN) {
        return haircut->gain <= bs_gain_of_age(bs_plan_past(plan, step->account)->gains,
                                               bs_plan_gain(plan, step->account), round->age);
    }
    if (round->basis == BS_BASIS_WINDOW_GAIN) {
        bs_i128 taken = bs_plan_window_taken(plan, step->account);
        return haircut->gain <= bs_plan_window_gain(plan, step->account) &&
               step->amount <= haircut->gain - taken;
    }
    return true;
}

static bool check(struct bs_plan *plan, const struct bs_step *step)
{
    const struct bs_step_haircut *haircut = &step->as.haircut;
    if (step->amount <= 0 || step->amount > plan->period_loss ||
        step->amount > bs_plan_equity(plan, step->account) || step->amount > haircut->gain ||
        haircut->weight < 0 || !gain_is_held(plan, step)) {
        return false;
    }
    carry(plan, step);
    return true;
}

/* The payer's own numbers, where they say more than the round's. */
static void add_share(struct bs_applying *applying, struct bs_action *action)
{
    const struct bs_step *step = applying->step;
    const struct bs_step_haircut *haircut = &step->as.haircut;
    const struct bs_round *round = &applying->plan->rounds[haircut->round];
    const struct bs_layer *layer = bs_policy_layer(applying->plan->policy, BS_LAYER_HAIRCUT);
    if (haircut->has_prefix) {
        BS_DECIMAL(action, prefix, bs_quanta_wide(applying->pool, haircut->prefix));
    }
    if (layer->has[BS_OPTION_SENIORITY]) {
        BS_DECIMAL(action, age, ((struct bs_wide){round->age, 0}));
    }
    if (haircut->weight != haircut->gain) {
        BS_DECIMAL(action, weight, bs_quanta_wide(applying->pool, haircut->weight));
    }
    if (round->basis == BS_BASIS_WINDOW_GAIN) {
        bs_i128 taken = bs_plan_window_taken(applying->plan, step->account);
        BS_DECIMAL(action, taken, bs_quanta_wide(applying->pool, taken));
    }
}

static void apply(struct bs_applying *applying)
{
    const struct bs_step *step = applying->step;
    const struct bs_pool *pool = applying->pool;
    const struct bs_round *round = &applying->plan->rounds[step->as.haircut.round];
    assert(step->as.haircut.round < applying->plan->rounds_count);
    struct bs_action *action = bs_applying_action(applying, BS_ACTION_HAIRCUT, step->account);
    if (round->market != 0) {
        action->market = bs_market_text(applying->engine, round->market);
    }
    if (round->side != BS_BOTH_SIDES) {
        action->side = round->side;
        action->present |= BS_ACTION_HAS_SIDE;
    }
    action->basis = round->basis;
    action->present |= BS_ACTION_HAS_BASIS;
    BS_DECIMAL(action, amount, bs_quanta_wide(pool, step->amount));
    BS_DECIMAL(action, gain, bs_quanta_wide(pool, step->as.haircut.gain));
    BS_DECIMAL(action, loss, bs_quanta_wide(pool, round->loss));
    BS_DECIMAL(action, gains_total, bs_quanta_wide(pool, round->total));
    add_share(applying, action);
    applying->summary->payers++;
    applying->summary->haircuts.mantissa += step->amount;
}

const struct bs_step_kind bs_step_haircut = {
    .fund_cause = BS_FUND_SETTLEMENT, .carry = carry, .check = check, .apply = apply};
