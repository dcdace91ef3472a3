/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/settlement/waterfall.h"

#include "lib/book/policy.h"
#include "lib/money/money.h"
#include "lib/settlement/assign.h"
#include "lib/settlement/deleverage.h"
#include "lib/settlement/detect.h"
#include "lib/settlement/divide.h"
#include "lib/settlement/draws.h"
#include "lib/settlement/insurance.h"
#include "lib/settlement/pooled.h"
#include "lib/settlement/queue.h"
#include "lib/settlement/step/kind.h"

bool bs_fund_is_short(const struct bs_plan *plan)
{
    return bs_plan_fund_equity(plan) < plan->policy->floor;
}

static void need_counterparties(struct bs_plan *plan, uint32_t account)
{
    for (uint32_t i = 0; i < bs_plan_positions(plan, account); i++) {
        struct bs_working_position position = bs_plan_position(plan, account, i);
        bs_queues_need(plan->queues, plan->engine, position.market, position.leg.size > 0);
    }
}

/* The fund pays for all debtors: no account will be deleveraged. */
static bool fund_pays_all(const struct bs_plan *plan, bool fund_short)
{
    bs_i128 owed = 0;
    for (uint32_t i = 0; i < plan->debtors_count; i++) {
        owed += plan->debtors[i].owed;
    }
    return plan->policy->layers[0].type == BS_LAYER_INSURANCE &&
           owed <= bs_plan_fund_available(plan) && !fund_short && !plan->has_budgets;
}

void bs_waterfall_rank(struct bs_plan *plan)
{
    const struct bs_layer *adl = bs_policy_layer(plan->policy, BS_LAYER_ADL);
    bs_queues_clear(plan->queues, adl != NULL ? adl->ranking : 0);
    /* Taking over inverse positions may cost the fund a rounding. */
    bool fund_short = bs_fund_is_short(plan) || plan->inverse;
    if (adl == NULL || fund_pays_all(plan, fund_short)) {
        return;
    }
    for (uint32_t i = 0; i < plan->debtors_count; i++) {
        need_counterparties(plan, plan->debtors[i].account);
    }
    if (fund_short) {
        need_counterparties(plan, bs_plan_backstop(plan));
    }
    if (plan->queues->markets_count > 0) {
        bs_queues_collect(plan->queues, plan);
    }
}

static void run_layer(struct bs_plan *plan, uint32_t debtor_row, const struct bs_layer *layer)
{
    switch ((enum bs_layer_type)layer->type) {
    case BS_LAYER_INSURANCE:
        if (plan->debtors[debtor_row].owed > 0) {
            bs_insurance_run(plan, debtor_row);
        }
        break;
    case BS_LAYER_ASSIGN:
        bs_assign_run(plan, debtor_row);
        break;
    case BS_LAYER_ADL:
        bs_deleverage_run(plan, debtor_row, layer, layer->price == BS_PRICE_MARK);
        break;
    case BS_LAYER_HAIRCUT: /* divides what is written off, later */
        break;
    case BS_LAYER_COUNT:
        assert(false);
    }
}

static void run_debtor(struct bs_plan *plan, uint32_t debtor_row)
{
    struct bs_debtor *debtor = &plan->debtors[debtor_row];
    assert(debtor->owed >= 0);
    if (debtor->solvent) {
        return;
    }
    for (uint32_t i = 0; i < plan->policy->layers_count; i++) {
        if (debtor->owed == 0 && bs_plan_positions(plan, debtor->account) == 0) {
            return;
        }
        run_layer(plan, debtor_row, &plan->policy->layers[i]);
    }
    bs_debtor_write_off(plan, debtor_row);
    bs_insurance_take_over(plan, debtor_row);
    bs_insurance_leave_rest(plan, debtor_row);
}

/* One debtor's turn in a layer; the fund takes over what it has paid for, also where that is 0. */
static void run_turn(struct bs_plan *plan, uint32_t debtor_row, const struct bs_layer *layer)
{
    struct bs_debtor *debtor = &plan->debtors[debtor_row];
    if (debtor->solvent || (debtor->owed == 0 && bs_plan_positions(plan, debtor->account) == 0)) {
        return;
    }
    if (layer->type == BS_LAYER_INSURANCE && debtor->owed == 0) {
        bs_insurance_take_over(plan, debtor_row);
        return;
    }
    run_layer(plan, debtor_row, layer);
}

/* The next part of a layer. False: it is through. */
static bool run_layer_part(struct bs_plan *plan, const struct bs_layer *layer)
{
    struct bs_stage *stage = &plan->stage;
    if (layer->type != BS_LAYER_ADL) {
        run_turn(plan, stage->debtor++, layer);
        return stage->debtor < plan->debtors_count;
    }
    if (!stage->sides.begun) {
        bs_sides_begin(plan, &stage->sides, 0, plan->debtors_count, layer->price == BS_PRICE_MARK);
    }
    return bs_sides_next(plan, &stage->sides);
}

/* What is left of a debtor after the last layer. */
static void finish_debtor(struct bs_plan *plan, uint32_t debtor_row)
{
    if (!plan->debtors[debtor_row].solvent) {
        bs_debtor_write_off(plan, debtor_row);
        bs_insurance_take_over(plan, debtor_row);
        bs_insurance_leave_rest(plan, debtor_row);
    }
}

static void run_part(struct bs_plan *plan)
{
    struct bs_stage *stage = &plan->stage;
    if (stage->layer == plan->policy->layers_count) {
        finish_debtor(plan, plan->debtor_next++);
    } else if (!run_layer_part(plan, &plan->policy->layers[stage->layer])) {
        stage->layer++;
        stage->debtor = 0;
    }
}

bool bs_waterfall_next(struct bs_plan *plan)
{
    if (plan->debtor_next == plan->debtors_count) {
        return false;
    }
    if (bs_policy_splits(plan->policy)) {
        run_part(plan);
    } else {
        run_debtor(plan, plan->debtor_next++);
    }
    return true;
}

static void deleverage_fund(struct bs_plan *plan, const struct bs_layer *adl, bool at_mark)
{
    struct bs_side_walk sides;
    if (!bs_policy_splits(plan->policy)) {
        bs_deleverage_run(plan, plan->fund_debtor, adl, at_mark);
        return;
    }
    bs_sides_begin(plan, &sides, plan->fund_debtor, plan->fund_debtor + 1, at_mark);
    while (bs_sides_next(plan, &sides)) {
    }
}

void bs_waterfall_run_fund(struct bs_plan *plan)
{
    uint32_t backstop = bs_plan_backstop(plan);
    const struct bs_layer *adl = bs_policy_layer(plan->policy, BS_LAYER_ADL);
    if (!bs_fund_is_short(plan)) {
        return;
    }
    bs_i128 owed = bs_max(0, -bs_plan_equity(plan, backstop));
    uint32_t row = plan->fund_debtor;
    assert(row < plan->debtors_max);
    struct bs_debtor *debtor = &plan->debtors[row];
    *debtor = (struct bs_debtor){.account = backstop, .deficit = owed, .owed = owed};
    bs_debtor_record_legs(plan, debtor);
    bs_assign_run(plan, row);
    if (adl != NULL && bs_plan_positions(plan, backstop) > 0) {
        deleverage_fund(plan, adl, debtor->owed == 0);
    }
    bs_debtor_write_off(plan, row);
}

void bs_waterfall_ask_fund_again(struct bs_plan *plan)
{
    const struct bs_layer *haircut = bs_policy_layer(plan->policy, BS_LAYER_HAIRCUT);
    if (haircut == NULL || haircut->divide != BS_DIVIDE_PERIOD_END) {
        return;
    }
    bs_i128 paid = bs_insurance_pays(plan, plan->period_loss - plan->over_budget);
    if (paid > 0) {
        struct bs_step step = {
            .type = BS_STEP_DRAW, .account = bs_plan_backstop(plan), .amount = paid};
        bs_plan_add(plan, &step);
    }
}
