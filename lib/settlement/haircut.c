/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Socialized losses. The period loss L is divided among the payers by their gains G, by prefix
 * differences in account-id order; whoever's exact share reaches its cap min(gain, equity) pays
 * the cap, and the rest is divided again over the others.
 */
#include "lib/money/money.h"
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

/* Under scope market: the debt's parts by the legs held at detection. */
static void share_to_markets(struct bs_plan *plan, const struct bs_case *c, bs_i128 debt)
{
    const struct bs_leg_weight *legs = plan->scratch->weights + c->legs_first;
    bs_i128 total = 0, prefix = 0;
    for (uint32_t i = 0; i < c->legs_count; i++) {
        total += legs[i].weight;
    }
    for (uint32_t i = 0; i < c->legs_count; i++) {
        plan->scratch->market_loss[legs[i].market] +=
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
    if (haircut == NULL) {
        step.type = BS_STEP_UNALLOCATED;
        bs_plan_add(plan, &step);
    } else if (haircut->scope == BS_SCOPE_MARKET) {
        share_to_markets(plan, c, c->owed);
    }
    c->owed = 0;
}

/* What the account could be charged for: the basis, over one market or all of its positions. */
static bs_i128 gain_of(const struct bs_plan *plan, uint32_t account, uint8_t basis, uint32_t market)
{
    if (basis == BS_BASIS_PERIOD_GAIN) {
        return bs_plan_gain(plan, account);
    }
    bs_i128 sum = 0;
    uint32_t count = bs_plan_positions(plan, account);
    for (uint32_t i = 0; i < count; i++) {
        struct bs_working_position position = bs_plan_position(plan, account, i);
        if (market == 0 || market == position.market) {
            sum += bs_plan_profit(plan, position.market, &position.leg) - position.leg.taken;
        }
    }
    return sum;
}

static uint32_t list_payers(struct bs_plan *plan, uint8_t basis, uint32_t market)
{
    const struct bs_engine *engine = plan->engine;
    uint32_t count = 0;
    for (uint32_t i = 0; i < engine->order_count; i++) {
        uint32_t account = engine->accounts.order[i];
        if (engine->accounts.hot[account].pool != plan->pool ||
            account == engine->pools[plan->pool].backstop) {
            continue;
        }
        bs_i128 gain = gain_of(plan, account, basis, market);
        if (gain <= 0) {
            continue;
        }
        bs_i128 equity = bs_plan_equity(plan, account);
        if (equity >= 0) {
            plan->scratch->payers[count++] =
                (struct bs_payer){.account = account, .weight = gain, .cap = bs_min(gain, equity)};
        }
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
                               .gain = payer->weight,
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

/* Divides a loss over a market's payers or (market 0) the pool's; returns what they cannot bear. */
static bs_i128 divide(struct bs_plan *plan, const struct bs_layer *layer, uint32_t market,
                      bs_i128 loss)
{
    uint32_t count = list_payers(plan, layer->basis, market);
    while (loss > 0 && count > 0 && !plan->overflow) {
        bs_i128 total = 0;
        for (uint32_t i = 0; i < count; i++) {
            total += plan->scratch->payers[i].weight;
        }
        if (plan->rounds_count == plan->scratch->rounds_max) {
            plan->overflow = true;
            break;
        }
        plan->scratch->rounds[plan->rounds_count++] =
            (struct bs_round){loss, total, market, layer->basis};
        loss = divide_round(plan, loss, &count);
    }
    return loss;
}

static void divide_pool(struct bs_plan *plan, const struct bs_layer *layer)
{
    bs_i128 rest = divide(plan, layer, 0, plan->period_loss);
    if (rest > 0 && !plan->overflow) {
        struct bs_step step = {.type = BS_STEP_UNALLOCATED,
                               .account = plan->engine->pools[plan->pool].backstop,
                               .amount = rest};
        bs_plan_add(plan, &step);
    }
}

bool bs_divide_next(struct bs_plan *plan, struct bs_division *division)
{
    const struct bs_layer *layer = bs_layer_of(plan, BS_LAYER_HAIRCUT);
    const struct bs_engine *engine = plan->engine;
    if (layer == NULL || plan->period_loss == 0) {
        return false;
    }
    if (layer->scope == BS_SCOPE_MARKET && !division->markets_done) {
        uint32_t market = division->market == 0 ? engine->pools[plan->pool].market_head
                                                : engine->markets[division->market].next;
        for (; market != 0; market = engine->markets[market].next) {
            bs_i128 loss = plan->scratch->market_loss[market];
            plan->scratch->market_loss[market] = 0;
            if (loss > 0) {
                divide(plan, layer, market, loss);
                division->market = market;
                return true;
            }
        }
        division->markets_done = true;
    }
    divide_pool(plan, layer);
    return false;
}
