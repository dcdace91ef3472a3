/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Socialized losses. The period loss L is divided among the payers by the weights of the rule (the
 * gain, unless it says otherwise), by prefix differences in account-id order; whoever's exact share
 * reaches its cap pays the cap, and the rest is divided again over the others. What they cannot
 * bear goes to those without a weight, by their caps.
 */
#include "lib/settlement/haircut.h"

#include "lib/money/money.h"
#include "lib/settlement/layers.h"
#include "lib/state/seniority.h"

uint32_t bs_leg_weights(const struct bs_plan *plan, uint32_t account, struct bs_leg_weight *rows)
{
    uint32_t count = bs_plan_positions(plan, account);
    for (int basis = 0; basis < 3; basis++) {
        bs_i128 total = 0;
        for (uint32_t i = 0; i < count; i++) {
            struct bs_working_position position = bs_plan_position(plan, account, i);
            bs_i128 value = bs_abs(bs_plan_value(plan, position.market, position.leg.size));
            const struct bs_market *market = &plan->engine->markets[position.market];
            rows[i].market = position.market;
            rows[i].side = position.leg.size < 0;
            rows[i].weight = basis == 0   ? bs_maintenance(market, value)
                             : basis == 1 ? value
                                          : bs_abs64(position.leg.size);
            total += rows[i].weight;
        }
        if (total > 0) {
            break;
        }
    }
    return count;
}

/* Under scope market and side: the debt's parts by the legs held at detection. A side's payers are
 * those opposite to the leg; a market's are kept in the row of its longs. */
static void share_to_markets(struct bs_plan *plan, const struct bs_case *c, uint8_t scope,
                             bs_i128 debt)
{
    const struct bs_leg_weight *legs = plan->scratch->weights + c->legs_first;
    bs_i128 total = 0, prefix = 0;
    for (uint32_t i = 0; i < c->legs_count; i++) {
        total += legs[i].weight;
    }
    for (uint32_t i = 0; i < c->legs_count; i++) {
        uint32_t side = scope == BS_SCOPE_SIDE && legs[i].side == 0;
        plan->scratch->market_loss[legs[i].market * 2 + side] +=
            bs_split_floor(debt, prefix, prefix + legs[i].weight, total);
        prefix += legs[i].weight;
    }
}

void bs_write_off(struct bs_plan *plan, uint32_t case_row)
{
    struct bs_case *c = &plan->scratch->cases[case_row];
    const struct bs_layer *haircut = bs_layer_of(plan, BS_LAYER_HAIRCUT);
    if (c->owed == 0) {
        return;
    }
    struct bs_step step = {.type = BS_STEP_WRITE_OFF,
                           .account = c->account,
                           .reference = case_row + 1,
                           .amount = c->owed};
    bs_plan_add(plan, &step);
    plan->over_budget += haircut != NULL ? bs_min(c->over_budget, c->owed) : 0;
    if (haircut == NULL) {
        step.type = BS_STEP_UNALLOCATED;
        bs_plan_add(plan, &step);
    } else if (haircut->scope != BS_SCOPE_POOL) {
        share_to_markets(plan, c, haircut->scope, c->owed);
    }
    c->owed = 0;
}

/* What the account could be charged for: the basis, over one market or all of its positions. */
static bs_i128 gain_of(const struct bs_plan *plan, uint32_t account, const struct bs_round *round)
{
    if (round->basis == BS_BASIS_PERIOD_GAIN) {
        bs_i128 gain = bs_plan_gain(plan, account);
        return round->age == 0 ? gain
                               : bs_gain_of_age(bs_plan_past(plan, account), gain, round->age);
    }
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
    input.cap_ppm = BS_PPM - plan->engine->accounts.cold[account].uncapped_ppm;
    if (bs_rule_needs_notional(rule)) {
        input.notional = notional_of(plan, account);
    }
    payer->account = account;
    bs_payer_terms(rule, &input, payer);
    return true;
}

/* In account-id order. Those with a weight, or those without, whose caps are their weights then. */
static uint32_t list_payers(struct bs_plan *plan, uint8_t rule, const struct bs_round *round,
                            bool weighted)
{
    const struct bs_engine *engine = plan->engine;
    uint32_t count = 0;
    for (uint32_t i = 0; i < engine->order_count; i++) {
        uint32_t account = engine->accounts.order[i];
        struct bs_payer *payer = &plan->scratch->payers[count];
        if (engine->accounts.hot[account].pool != plan->pool ||
            account == engine->pools[plan->pool].backstop ||
            !is_payer(plan, rule, round, account, payer) || (payer->weight > 0) != weighted) {
            continue;
        }
        if (!weighted) {
            payer->weight = payer->cap;
        }
        count += payer->weight > 0;
    }
    return count;
}

static void charge(struct bs_plan *plan, const struct bs_payer *payer, bs_i128 amount,
                   const bs_i128 *prefix)
{
    if (amount > 0) {
        struct bs_step step = {.type = BS_STEP_HAIRCUT,
                               .has_prefix = prefix != NULL,
                               .account = payer->account,
                               .reference = plan->rounds_count,
                               .amount = amount,
                               .gain = payer->gain,
                               .weight = payer->weight,
                               .prefix = prefix != NULL ? *prefix : 0};
        bs_plan_add(plan, &step);
    }
}

/* One round: those who reach their cap pay it; when nobody does, everybody pays the share.
 * Returns what is left of the loss; *count becomes the payers left for another round. */
static bs_i128 divide_round(struct bs_plan *plan, bs_i128 loss, uint32_t *count)
{
    struct bs_payer *payers = plan->scratch->payers;
    bs_i128 total = plan->scratch->rounds[plan->rounds_count - 1].total;
    bs_i128 left = loss;
    uint32_t kept = 0;
    for (uint32_t i = 0; i < *count; i++) {
        if (bs_compare_products(loss, payers[i].weight, payers[i].cap, total) >= 0) {
            charge(plan, &payers[i], payers[i].cap, NULL);
            left -= payers[i].cap;
        } else {
            payers[kept++] = payers[i];
        }
    }
    if (kept < *count) {
        *count = kept;
        return left;
    }
    bs_i128 prefix = 0;
    for (uint32_t i = 0; i < *count; i++) {
        bs_i128 share = bs_split_floor(loss, prefix, prefix + payers[i].weight, total);
        charge(plan, &payers[i], share, &prefix);
        prefix += payers[i].weight;
    }
    *count = 0;
    return 0;
}

/* Divides a loss among the listed payers; returns what they cannot bear. `like` is the round but
 * for its amounts. */
static bs_i128 divide_listed(struct bs_plan *plan, const struct bs_round *like, uint32_t count,
                             bs_i128 loss)
{
    while (loss > 0 && count > 0 && !plan->overflow) {
        struct bs_round round = *like;
        round.loss = loss;
        round.total = 0;
        for (uint32_t i = 0; i < count; i++) {
            round.total += plan->scratch->payers[i].weight;
        }
        if (plan->rounds_count == plan->scratch->rounds_max) {
            plan->overflow = true;
            break;
        }
        plan->scratch->rounds[plan->rounds_count++] = round;
        loss = divide_round(plan, loss, &count);
    }
    return loss;
}

/* Divides a loss over the payers of a market's side, of a market or (market 0) of the pool. */
static bs_i128 divide(struct bs_plan *plan, const struct bs_layer *layer, uint32_t market,
                      uint8_t side, bs_i128 loss)
{
    struct bs_round like = {.market = market, .side = side, .basis = layer->basis};
    for (; like.age <= layer->options[BS_OPTION_SENIORITY]; like.age++) {
        uint32_t count = loss > 0 ? list_payers(plan, layer->rule, &like, true) : 0;
        loss = divide_listed(plan, &like, count, loss);
        if (loss > 0 && bs_rule_needs_notional(layer->rule) && !plan->overflow) {
            count = list_payers(plan, layer->rule, &like, false);
            loss = divide_listed(plan, &like, count, loss);
        }
    }
    return loss;
}

static void divide_pool(struct bs_plan *plan, const struct bs_layer *layer)
{
    bs_i128 rest = divide(plan, layer, 0, BS_BOTH_SIDES, plan->period_loss);
    if (rest > 0 && !plan->overflow) {
        struct bs_step step = {.type = BS_STEP_UNALLOCATED,
                               .account = plan->engine->pools[plan->pool].backstop,
                               .amount = rest};
        bs_plan_add(plan, &step);
    }
}

/* The next market, and side under scope side, that has a loss of its own; false after the last. */
static bool next_place(const struct bs_plan *plan, struct bs_division *division)
{
    const struct bs_engine *engine = plan->engine;
    if (division->market == 0) {
        division->market = engine->pools[plan->pool].market_head;
    }
    while (division->market != 0) {
        for (; division->side < 2; division->side++) {
            if (plan->scratch->market_loss[division->market * 2 + division->side] > 0) {
                return true;
            }
        }
        division->market = engine->markets[division->market].next;
        division->side = 0;
    }
    return false;
}

bool bs_divide_next(struct bs_plan *plan, struct bs_division *division)
{
    const struct bs_layer *layer = bs_layer_of(plan, BS_LAYER_HAIRCUT);
    if (layer == NULL || plan->period_loss == 0) {
        return false;
    }
    if (layer->scope != BS_SCOPE_POOL && !division->markets_done) {
        if (next_place(plan, division)) {
            bs_i128 *loss = &plan->scratch->market_loss[division->market * 2 + division->side];
            uint8_t side = layer->scope == BS_SCOPE_SIDE ? division->side : BS_BOTH_SIDES;
            divide(plan, layer, division->market, side, *loss);
            *loss = 0;
            return true;
        }
        division->markets_done = true;
    }
    divide_pool(plan, layer);
    return false;
}
