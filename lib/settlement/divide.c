/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/settlement/divide.h"

#include "lib/book/policy.h"
#include "lib/money/money.h"
#include "lib/settlement/payers.h"
#include "lib/settlement/redivide.h"
#include "lib/settlement/step/kind.h"

/* Under scope market and side: the debt's parts by the legs held at detection. A side's payers are
 * those opposite to the leg; a market's are kept in the row of its longs. */
static void share_to_markets(struct bs_plan *plan, const struct bs_debtor *debtor, uint8_t scope)
{
    const struct bs_leg_weight *legs = plan->weights + debtor->legs_first;
    bs_i128 total = 0, prefix = 0;
    for (uint32_t i = 0; i < debtor->legs_count; i++) {
        total += legs[i].weight;
    }
    for (uint32_t i = 0; i < debtor->legs_count; i++) {
        uint32_t side = scope == BS_SCOPE_SIDE && legs[i].side == 0;
        plan->market_loss[legs[i].market * 2 + side] +=
            bs_split_floor(debtor->owed, prefix, prefix + legs[i].weight, total);
        prefix += legs[i].weight;
    }
}

void bs_debtor_write_off(struct bs_plan *plan, uint32_t debtor_row)
{
    struct bs_debtor *debtor = &plan->debtors[debtor_row];
    const struct bs_layer *haircut = bs_policy_layer(plan->policy, BS_LAYER_HAIRCUT);
    assert(debtor->owed >= 0);
    if (debtor->owed == 0) {
        return;
    }
    struct bs_step step = {.type = BS_STEP_WRITE_OFF,
                           .account = debtor->account,
                           .debtor = debtor_row + 1,
                           .amount = debtor->owed};
    bs_plan_add(plan, &step);
    plan->over_budget += haircut != NULL ? bs_min(debtor->over_budget, debtor->owed) : 0;
    if (haircut == NULL) {
        step.type = BS_STEP_UNALLOCATED;
        bs_plan_add(plan, &step);
    } else if (haircut->scope != BS_SCOPE_POOL) {
        share_to_markets(plan, debtor, haircut->scope);
    }
    debtor->owed = 0;
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
    assert(rest >= 0);
    if (rest > 0 && !plan->overflow) {
        struct bs_step step = {
            .type = BS_STEP_UNALLOCATED, .account = bs_plan_backstop(plan), .amount = rest};
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
            if (plan->market_loss[division->market * 2 + division->side] > 0) {
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
    const struct bs_layer *layer = bs_policy_layer(plan->policy, BS_LAYER_HAIRCUT);
    if (layer == NULL || (plan->period_loss == 0 && !bs_redivide_due(plan))) {
        return false;
    }
    if (bs_basis_in_force(plan, layer) == BS_BASIS_WINDOW_GAIN) {
        bs_redivide(plan, 0);
        return false;
    }
    if (layer->scope != BS_SCOPE_POOL && !division->markets_done) {
        if (next_place(plan, division)) {
            bs_i128 *loss = &plan->market_loss[division->market * 2 + division->side];
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
