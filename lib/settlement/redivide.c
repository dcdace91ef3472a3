/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/settlement/redivide.h"

#include "lib/book/account_order.h"
#include "lib/book/policy.h"
#include "lib/money/money.h"
#include "lib/rules/default_window.h"
#include "lib/settlement/payers.h"
#include "lib/settlement/progress.h"
#include "lib/settlement/step/kind.h"

uint8_t bs_basis_in_force(const struct bs_plan *plan, const struct bs_layer *haircut)
{
    assert(haircut != NULL);
    return haircut->basis == BS_BASIS_WINDOW_GAIN && !plan->engine->pools[plan->pool].window.open
               ? BS_BASIS_PERIOD_GAIN
               : haircut->basis;
}

bool bs_redivide_due(const struct bs_plan *plan)
{
    const struct bs_layer *haircut = bs_policy_layer(plan->policy, BS_LAYER_HAIRCUT);
    return haircut != NULL && plan->engine->progress->period_ends && plan->window_loss > 0 &&
           bs_basis_in_force(plan, haircut) == BS_BASIS_WINDOW_GAIN;
}

static bool takes_part(const struct bs_plan *plan, uint32_t account)
{
    return plan->engine->accounts.hot[account].pool == plan->pool &&
           account != bs_plan_backstop(plan) && bs_plan_equity(plan, account) >= 0;
}

bs_i128 bs_redivide_payable(const struct bs_plan *plan)
{
    const struct bs_engine *engine = plan->engine;
    bs_i128 sum = 0;
    if (plan->window_loss <= 0) {
        return 0;
    }
    for (uint32_t at = 0, account; (account = bs_account_order_next(engine, &at)) != 0;) {
        sum += takes_part(plan, account) ? bs_plan_window_taken(plan, account) : 0;
    }
    return sum;
}

/* What the window has taken from an account beyond its share. The accounts are asked in their
 * order; *at follows in the list of payers, which lacks those without a gain. */
static bs_i128 due_to(const struct bs_plan *plan, uint32_t account, uint32_t count, uint32_t *at)
{
    const struct bs_payer *payers = plan->payers;
    bs_i128 share = 0;
    if (*at < count && payers[*at].account == account) {
        share = payers[(*at)++].share;
    }
    return takes_part(plan, account)
               ? bs_default_window_due(bs_plan_window_taken(plan, account), share)
               : 0;
}

/* Pays the refunds of the last round; `count` payers are listed. */
static void add_refunds(struct bs_plan *plan, uint32_t count)
{
    const struct bs_engine *engine = plan->engine;
    const struct bs_round *round = &plan->rounds[plan->rounds_count - 1];
    bs_i128 prefix = 0;
    for (uint32_t place = 0, at = 0, account;
         (account = bs_account_order_next(engine, &place)) != 0;) {
        bs_i128 due = due_to(plan, account, count, &at);
        struct bs_step step = {
            .type = BS_STEP_REFUND,
            .account = account,
            .amount = bs_split_floor(round->loss, prefix, prefix + due, round->total),
            .as.refund = {.round = plan->rounds_count - 1, .due = due, .prefix = prefix}};
        if (step.amount > 0) {
            step.as.refund.gain = bs_plan_window_gain(plan, account);
            bs_plan_add(plan, &step);
        }
        prefix += due;
    }
    assert(prefix == round->total);
}

/* Refunds what is due, less what no other payer bears: returns how much of `rest` that keeps. */
static bs_i128 refund(struct bs_plan *plan, uint32_t count, bs_i128 rest)
{
    const struct bs_engine *engine = plan->engine;
    struct bs_round round = {.side = BS_BOTH_SIDES, .basis = BS_BASIS_WINDOW_GAIN};
    for (uint32_t place = 0, at = 0, account;
         (account = bs_account_order_next(engine, &place)) != 0;) {
        round.total += due_to(plan, account, count, &at);
    }
    bs_i128 kept = bs_min(rest, round.total);
    round.loss = round.total - kept;
    if (round.loss > 0 && bs_round_add(plan, &round)) {
        add_refunds(plan, count);
    }
    return kept;
}

static void add_of_fund(struct bs_plan *plan, uint8_t type, bs_i128 amount)
{
    uint32_t backstop = bs_plan_backstop(plan);
    struct bs_step step = {
        .type = type, .account = backstop, .counterparty = backstop, .amount = amount};
    if (amount > 0) {
        bs_plan_add(plan, &step);
    }
}

void bs_redivide(struct bs_plan *plan, bs_i128 paid_back)
{
    const struct bs_layer *haircut = bs_policy_layer(plan->policy, BS_LAYER_HAIRCUT);
    const struct bs_round like = {.side = BS_BOTH_SIDES, .basis = BS_BASIS_WINDOW_GAIN};
    bs_i128 loss = bs_redivide_payable(plan) + plan->period_loss - paid_back;
    assert(loss >= 0);
    uint32_t count = bs_payers_list(plan, haircut->rule, &like);
    bs_i128 rest = bs_payers_divide(plan, &like, count, loss);
    rest -= refund(plan, count, rest);
    assert(rest >= 0);
    for (uint32_t i = 0; i < count; i++) {
        const struct bs_payer *payer = &plan->payers[i];
        bs_payer_charge(plan, payer, payer->share - bs_plan_window_taken(plan, payer->account));
    }
    add_of_fund(plan, BS_STEP_RESTITUTION, paid_back);
    add_of_fund(plan, BS_STEP_UNALLOCATED, rest);
}
