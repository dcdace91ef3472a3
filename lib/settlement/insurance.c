/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/settlement/insurance.h"

#include "lib/money/money.h"
#include "lib/settlement/budgets.h"
#include "lib/settlement/draws.h"
#include "lib/settlement/step/kind.h"
#include "lib/settlement/taken_over.h"

bs_i128 bs_insurance_pays(struct bs_plan *plan, bs_i128 wanted)
{
    assert(wanted >= 0);
    bs_i128 paid = bs_min(wanted, bs_plan_fund_available(plan));
    if (paid < wanted && !plan->fund_restricted && plan->fund_least > plan->policy->floor) {
        bs_i128 above_floor = bs_plan_fund_equity(plan) - plan->policy->floor;
        bs_i128 left = plan->policy->max_per_settlement - plan->fund_paid;
        plan->fund_cut = plan->fund_cut || paid < bs_min(wanted, bs_min(above_floor, left));
    }
    plan->fund_paid += paid;
    assert(plan->fund_paid <= plan->policy->max_per_settlement);
    return paid;
}

/* market 0: out of the pool's fund. */
static void draw(struct bs_plan *plan, uint32_t debtor_row, uint32_t market, bs_i128 amount)
{
    struct bs_debtor *debtor = &plan->debtors[debtor_row];
    struct bs_step step = {.type = market != 0 ? BS_STEP_OWN_FUND_DRAW : BS_STEP_DRAW,
                           .account = debtor->account,
                           .market = market,
                           .debtor = debtor_row + 1,
                           .amount = amount};
    if (amount > 0) {
        debtor->owed -= amount;
        debtor->fund_paid += amount;
        bs_plan_add(plan, &step);
    }
    assert(debtor->owed >= 0);
}

/* Each own fund pays for its market's leg, as far as the fund as a whole has it. */
static void draw_own_funds(struct bs_plan *plan, uint32_t debtor_row, bs_i128 owed)
{
    struct bs_debtor *debtor = &plan->debtors[debtor_row];
    int64_t *used = plan->budget_used;
    uint32_t backstop = bs_plan_backstop(plan);
    for (uint32_t i = 0; plan->own_funds_total > 0 && i < debtor->legs_count; i++) {
        uint32_t market = plan->weights[debtor->legs_first + i].market;
        bs_i128 part = bs_budgets_own_part(plan, debtor, owed, i, used);
        if (part > 0) {
            part = bs_min(part, plan->own_funds[market]);
            part = bs_max(0, bs_min(part, bs_plan_equity(plan, backstop)));
            used[market] += (int64_t)part;
            draw(plan, debtor_row, market, part);
        }
    }
}

void bs_insurance_run(struct bs_plan *plan, uint32_t debtor_row)
{
    struct bs_debtor *debtor = &plan->debtors[debtor_row];
    int64_t *used = plan->budget_used;
    bs_i128 owed = debtor->owed, wanted = bs_budgets_allow(plan, debtor, owed, used);
    if (plan->has_budgets) {
        draw_own_funds(plan, debtor_row, owed);
    }
    debtor->over_budget = debtor->owed - wanted;
    bs_i128 paid = bs_insurance_pays(plan, wanted);
    bs_budgets_pay(plan, debtor, owed, paid, used);
    draw(plan, debtor_row, 0, paid);
    if (debtor->owed == 0) {
        bs_insurance_take_over(plan, debtor_row);
    }
}

void bs_insurance_take_over(struct bs_plan *plan, uint32_t debtor_row)
{
    uint32_t account = plan->debtors[debtor_row].account;
    uint32_t left = 0; /* positions passed over */
    while (!plan->overflow && bs_plan_positions(plan, account) > left) {
        struct bs_working_position position = bs_plan_position(plan, account, left);
        struct bs_step step = {.type = BS_STEP_TAKEOVER,
                               .account = account,
                               .counterparty = bs_plan_backstop(plan),
                               .market = position.market,
                               .debtor = debtor_row + 1,
                               .lots = bs_abs64(position.leg.size),
                               .amount = bs_plan_value(plan, position.market, position.leg.size)};
        if (plan->inverse && bs_plan_positions(plan, account) == 1) {
            /* Dust of partial closes: an account that is done ends at exactly 0. */
            step.amount -= bs_max(0, bs_plan_equity(plan, account));
        }
        struct bs_taken_over taken_over;
        if (bs_taken_over_by_fund(plan, position.market, position.leg.size, step.amount,
                                  &taken_over)) {
            bs_plan_add(plan, &step);
        } else {
            left++;
        }
    }
}

void bs_insurance_leave_rest(struct bs_plan *plan, uint32_t debtor_row)
{
    uint32_t account = plan->debtors[debtor_row].account;
    for (uint32_t i = 0; i < bs_plan_positions(plan, account); i++) {
        struct bs_step step = {.type = BS_STEP_KEPT,
                               .account = account,
                               .market = bs_plan_position(plan, account, i).market,
                               .debtor = debtor_row + 1};
        bs_plan_add(plan, &step);
    }
}
