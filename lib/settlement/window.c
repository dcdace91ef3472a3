/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Haircuts of the gains since a default (docs/policies.md "Window"). While a window is open, what
 * its payers bear is divided anew whenever a loss comes in, the fund pays some of it back, and at
 * each period's end: L is what has been taken so far and what is new, a payer's weight its gain
 * since the window opened, before anything was taken. Only differences are settled:
 *
 *     share > taken: haircut          share < taken: refund, out of what others pay
 *
 * so that the sum of what is taken is the loss that the payers bear, at every point. When gains
 * have gone and nobody else can bear their part, those it was taken from keep bearing it: a refund
 * is never paid by the venue. An account that owes is left out, until its debt is resolved.
 */
#include "lib/money/money.h"
#include "lib/settlement/haircut.h"
#include "lib/settlement/layers.h"

bool bs_window_due(const struct bs_plan *plan)
{
    const struct bs_layer *haircut = bs_layer_of(plan, BS_LAYER_HAIRCUT);
    return haircut != NULL && plan->scratch->period_ends && plan->window_loss > 0 &&
           bs_basis_in_force(plan, haircut) == BS_BASIS_WINDOW_GAIN;
}

static bool takes_part(const struct bs_plan *plan, uint32_t account)
{
    const struct bs_engine *engine = plan->engine;
    return engine->accounts.hot[account].pool == plan->pool &&
           account != engine->pools[plan->pool].backstop && bs_plan_equity(plan, account) >= 0;
}

bs_i128 bs_window_payable(const struct bs_plan *plan)
{
    const struct bs_engine *engine = plan->engine;
    bs_i128 sum = 0;
    for (uint32_t i = 0; i < engine->order_count && plan->window_loss > 0; i++) {
        uint32_t account = engine->accounts.order[i];
        sum += takes_part(plan, account) ? bs_plan_window_taken(plan, account) : 0;
    }
    return sum;
}

/* What the window has taken from an account beyond its share. The accounts are asked in their
 * order; *at follows in the list of payers, where those without a gain do not stand. */
static bs_i128 due_to(const struct bs_plan *plan, uint32_t account, uint32_t count, uint32_t *at)
{
    const struct bs_payer *payers = plan->scratch->payers;
    bs_i128 share = 0;
    if (*at < count && payers[*at].account == account) {
        share = payers[(*at)++].share;
    }
    return takes_part(plan, account) ? bs_max(0, bs_plan_window_taken(plan, account) - share) : 0;
}

/* Refunds what is due, less what nobody else bears: returns how much of `rest` that keeps. */
static bs_i128 refund(struct bs_plan *plan, uint32_t count, bs_i128 rest)
{
    const struct bs_engine *engine = plan->engine;
    struct bs_round round = {.side = BS_BOTH_SIDES, .basis = BS_BASIS_WINDOW_GAIN};
    for (uint32_t i = 0, at = 0; i < engine->order_count; i++) {
        round.total += due_to(plan, engine->accounts.order[i], count, &at);
    }
    bs_i128 kept = bs_min(rest, round.total), prefix = 0;
    round.loss = round.total - kept;
    if (round.loss == 0) {
        return kept;
    }
    if (plan->rounds_count == plan->scratch->rounds_max) {
        plan->overflow = true;
        return kept;
    }
    plan->scratch->rounds[plan->rounds_count++] = round;
    for (uint32_t i = 0, at = 0; i < engine->order_count; i++) {
        uint32_t account = engine->accounts.order[i];
        bs_i128 due = due_to(plan, account, count, &at);
        struct bs_step step = {.type = BS_STEP_REFUND,
                               .account = account,
                               .reference = plan->rounds_count,
                               .amount =
                                   bs_split_floor(round.loss, prefix, prefix + due, round.total),
                               .weight = due,
                               .prefix = prefix};
        if (step.amount > 0) {
            step.gain = bs_plan_window_gain(plan, account);
            bs_plan_add(plan, &step);
        }
        prefix += due;
    }
    return kept;
}

static void add_of_fund(struct bs_plan *plan, uint8_t type, bs_i128 amount)
{
    uint32_t backstop = plan->engine->pools[plan->pool].backstop;
    struct bs_step step = {
        .type = type, .account = backstop, .counterparty = backstop, .amount = amount};
    if (amount > 0) {
        bs_plan_add(plan, &step);
    }
}

void bs_window_divide(struct bs_plan *plan, bs_i128 paid_back)
{
    const struct bs_layer *haircut = bs_layer_of(plan, BS_LAYER_HAIRCUT);
    const struct bs_round like = {.side = BS_BOTH_SIDES, .basis = BS_BASIS_WINDOW_GAIN};
    bs_i128 loss = bs_window_payable(plan) + plan->period_loss - paid_back;
    uint32_t count = bs_payers_list(plan, haircut->rule, &like);
    bs_i128 rest = bs_payers_divide(plan, &like, count, loss);
    rest -= refund(plan, count, rest);
    for (uint32_t i = 0; i < count; i++) {
        const struct bs_payer *payer = &plan->scratch->payers[i];
        bs_charge(plan, payer, payer->share - bs_plan_window_taken(plan, payer->account));
    }
    add_of_fund(plan, BS_STEP_RESTITUTION, paid_back);
    add_of_fund(plan, BS_STEP_UNALLOCATED, rest);
}
