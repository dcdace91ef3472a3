/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Socialized losses. The period loss L is divided among the payers by the weights of the rule (the
 * gain, unless it says otherwise), by prefix differences in account-id order; whoever's exact share
 * reaches its cap pays the cap, and the rest is divided again over the others. What they cannot
 * bear goes to those without a weight, by their caps.
 */
#include "lib/settlement/haircut.h"

#include "lib/money/money.h"
#include "lib/rules/seniority.h"
#include "lib/settlement/layers.h"

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
    if (round->basis == BS_BASIS_WINDOW_GAIN) {
        return bs_plan_window_gain(plan, account);
    }
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
    if (round->basis == BS_BASIS_WINDOW_GAIN) { /* before what it has taken, like the gain */
        input.equity += bs_plan_window_taken(plan, account);
    }
    input.cap_ppm = BS_PPM - plan->engine->accounts.cold[account].uncapped_ppm;
    if (bs_rule_needs_notional(rule)) {
        input.notional = notional_of(plan, account);
    }
    *payer = (struct bs_payer){.account = account};
    bs_payer_terms(rule, &input, payer);
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
    for (uint32_t i = 0; i < engine->order_count; i++) {
        uint32_t account = engine->accounts.order[i];
        if (engine->accounts.hot[account].pool == plan->pool &&
            account != engine->pools[plan->pool].backstop &&
            is_payer(plan, rule, round, account, &plan->scratch->payers[count])) {
            count++;
        }
    }
    return count;
}

static void charge(struct bs_plan *plan, struct bs_payer *payer, bs_i128 amount,
                   const bs_i128 *prefix)
{
    payer->share = amount;
    payer->done = true;
    payer->round = plan->rounds_count;
    payer->has_prefix = prefix != NULL;
    payer->prefix = prefix != NULL ? *prefix : 0;
    if (plan->scratch->rounds[payer->round - 1].basis != BS_BASIS_WINDOW_GAIN) {
        bs_charge(plan, payer, amount);
    }
}

void bs_charge(struct bs_plan *plan, const struct bs_payer *payer, bs_i128 amount)
{
    if (amount > 0) {
        struct bs_step step = {.type = BS_STEP_HAIRCUT,
                               .has_prefix = payer->has_prefix,
                               .account = payer->account,
                               .reference = payer->round,
                               .amount = amount,
                               .gain = payer->gain,
                               .weight = payer->weight,
                               .prefix = payer->prefix};
        bs_plan_add(plan, &step);
    }
}

/* One round: those who reach their cap pay it; when nobody does, everybody pays the share.
 * Returns what is left of the loss. */
static bs_i128 divide_round(struct bs_plan *plan, uint32_t count, bool last)
{
    struct bs_payer *payers = plan->scratch->payers;
    const struct bs_round *round = &plan->scratch->rounds[plan->rounds_count - 1];
    bs_i128 left = round->loss, prefix = 0;
    bool capped = false;
    for (uint32_t i = 0; i < count; i++) {
        struct bs_payer *payer = &payers[i];
        if (!payer->done && payer->last == last &&
            bs_compare_products(round->loss, payer->weight, payer->cap, round->total) >= 0) {
            charge(plan, payer, payer->cap, NULL);
            left -= payer->cap;
            capped = true;
        }
    }
    for (uint32_t i = 0; i < count && !capped; i++) {
        struct bs_payer *payer = &payers[i];
        if (!payer->done && payer->last == last) {
            bs_i128 share =
                bs_split_floor(round->loss, prefix, prefix + payer->weight, round->total);
            charge(plan, payer, share, &prefix);
            left -= share;
            prefix += payer->weight;
        }
    }
    return left;
}

/* The weights of those who have no share yet. */
static bs_i128 weights_left(const struct bs_plan *plan, uint32_t count, bool last)
{
    const struct bs_payer *payers = plan->scratch->payers;
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
            if (plan->rounds_count == plan->scratch->rounds_max) {
                plan->overflow = true;
                break;
            }
            plan->scratch->rounds[plan->rounds_count++] = round;
            loss = divide_round(plan, count, last);
        }
    }
    return loss;
}

uint8_t bs_basis_in_force(const struct bs_plan *plan, const struct bs_layer *haircut)
{
    return haircut->basis == BS_BASIS_WINDOW_GAIN && !plan->engine->pools[plan->pool].window.open
               ? BS_BASIS_PERIOD_GAIN
               : haircut->basis;
}

/* Divides a loss over the payers of a market's side, of a market or (market 0) of the pool. */
static bs_i128 divide(struct bs_plan *plan, const struct bs_layer *layer, uint32_t market,
                      uint8_t side, bs_i128 loss)
{
    struct bs_round like = {
        .market = market, .side = side, .basis = bs_basis_in_force(plan, layer)};
    for (; like.age <= layer->options[BS_OPTION_SENIORITY] && loss > 0; like.age++) {
        uint32_t count = bs_payers_list(plan, layer->rule, &like);
        loss = bs_payers_divide(plan, &like, count, loss);
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
    if (layer == NULL || (plan->period_loss == 0 && !bs_window_due(plan))) {
        return false;
    }
    if (bs_basis_in_force(plan, layer) == BS_BASIS_WINDOW_GAIN) {
        bs_window_divide(plan, 0);
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
