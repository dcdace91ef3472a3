/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/simulation/outcome.h"

#include <stdio.h>
#include <stdlib.h>

#include "lib/money/money.h"

bool outcome_rows_reset(struct outcome_rows *rows, uint32_t count)
{
    if (count > rows->capacity) {
        outcome_rows_fini(rows);
        rows->before = calloc(count, sizeof(rows->before[0]));
        rows->places = calloc(count, sizeof(rows->places[0]));
        if (rows->before == NULL || rows->places == NULL) {
            outcome_rows_fini(rows);
            return false;
        }
        rows->capacity = count;
    } else {
        memset(rows->before, 0, count * sizeof(rows->before[0]));
        memset(rows->places, 0, count * sizeof(rows->places[0]));
    }
    rows->count = count;
    return true;
}

void outcome_rows_fini(struct outcome_rows *rows)
{
    free(rows->before);
    free(rows->places);
    *rows = (struct outcome_rows){0};
}

void outcome_begin(struct outcome *outcome, const struct bs_engine *view, uint32_t pool)
{
    *outcome = (struct outcome){.state = OUTCOME_NOTHING};
    bs_what_if_totals_get(view, pool, &outcome->before);
}

static struct measure_loss *loss_of(struct outcome *outcome, struct outcome_rows *rows,
                                    uint32_t account)
{
    assert(account < rows->count);
    if (rows->places[account] == 0) {
        if (outcome->losses_count == outcome->losses_capacity) {
            uint32_t capacity = 64 + 2 * outcome->losses_capacity;
            struct measure_loss *losses =
                realloc(outcome->losses, capacity * sizeof(outcome->losses[0]));
            if (losses == NULL) {
                outcome->failed = true;
                return &outcome->lost;
            }
            outcome->losses = losses;
            outcome->losses_capacity = capacity;
        }
        outcome->losses[outcome->losses_count++] =
            (struct measure_loss){.account = account,
                                  .equity = rows->before[account].equity,
                                  .gain = rows->before[account].gain};
        rows->places[account] = outcome->losses_count;
    }
    return &outcome->losses[rows->places[account] - 1];
}

/* The winner's side of a close. What it received is the value, signed for a short; against mark it
 * lost cost_to_mark. */
static bs_i128 notional_of(const struct bs_action *action)
{
    bs_i128 value = action->decimals[BS_ACTION_DECIMAL_value].mantissa;
    return bs_abs((action->side == 0 ? value : -value) + bs_action_loss_amount(action));
}

/* What the fund's own account pays back of a window's refunds. */
static bool is_refund_of_fund(const struct bs_action *action)
{
    static const char prefix[] = "backstop:";
    return action->type == BS_ACTION_RESTITUTION && action->account.size > sizeof prefix - 1 &&
           memcmp(action->account.bytes, prefix, sizeof prefix - 1) == 0;
}

static void take_loss(struct outcome *outcome, const struct bs_action *action)
{
    bs_i128 lost = bs_action_loss_amount(action);
    switch (bs_action_loss(action->type)) {
    case BS_LOSS_COST:
        outcome->closed_notional += notional_of(action);
        outcome->deleveraged += lost;
        break;
    case BS_LOSS_AMOUNT:
    case BS_LOSS_REFUND: /* from what others pay, or from what the fund pays back */
        outcome->haircuts += lost;
        break;
    case BS_LOSS_NONE:
        break;
    }
}

static void take_action(struct outcome *outcome, struct outcome_rows *rows,
                        const struct bs_engine *view, const struct bs_action *action)
{
    outcome->actions_count++;
    take_loss(outcome, action);
    if (bs_action_loss(action->type) != BS_LOSS_NONE) {
        loss_of(outcome, rows, bs_action_account(view, action))->loss +=
            bs_action_loss_amount(action);
    }
    if (is_refund_of_fund(action)) {
        outcome->haircuts += action->decimals[BS_ACTION_DECIMAL_amount].mantissa;
    }
    if (action->type == BS_ACTION_POOL_HALTED) {
        outcome->state = OUTCOME_HALTED;
    }
}

void outcome_take(struct outcome *outcome, struct outcome_rows *rows, const struct bs_engine *view,
                  const struct bs_effects *effects)
{
    for (uint32_t i = 0; i < effects->actions_count; i++) {
        take_action(outcome, rows, view, &effects->actions[i]);
    }
    if (effects->settled) {
        outcome->settlement = effects->settlement;
        if (outcome->state != OUTCOME_HALTED) {
            outcome->state = OUTCOME_SETTLED;
        }
    }
}

bs_i128 outcome_taken(const struct outcome *outcome)
{
    return outcome->deleveraged + outcome->haircuts;
}

static void add_deficits(struct outcome *outcome, const struct outcome_rows *rows)
{
    for (uint32_t row = 0; row < rows->count; row++) {
        bs_i128 deficit = -rows->before[row].equity;
        outcome->largest_deficit = bs_max(outcome->largest_deficit, deficit);
    }
    outcome->deficit = outcome->settlement.deficit.mantissa;
}

/* What had to come from winners: all debts, the fund's own included, less what the fund paid and
 * less what nobody has paid yet. */
static void add_need(struct outcome *outcome)
{
    const struct bs_what_if_totals *before = &outcome->before, *after = &outcome->after;
    bs_i128 owed = outcome->deficit + bs_max(0, -before->fund_equity) + before->period_loss;
    bs_i128 open = after->period_loss + after->unallocated - before->unallocated;
    owed += outcome->settlement.spreads.mantissa;
    outcome->need = owed - outcome->settlement.fund_paid.mantissa - open;
    outcome->overshoot = outcome_taken(outcome) - outcome->need;
}

static int compare_accounts(const void *a, const void *b)
{
    const struct measure_loss *left = a, *right = b;
    return (left->account > right->account) - (left->account < right->account);
}

void outcome_finish(struct outcome *outcome, struct outcome_rows *rows,
                    const struct bs_engine *view, uint32_t pool)
{
    bs_what_if_totals_get(view, pool, &outcome->after);
    if (outcome->state == OUTCOME_SETTLED) {
        add_deficits(outcome, rows);
        add_need(outcome);
        bs_i128 top = measure_top_left(rows->before, rows->count, rows->places, outcome->losses);
        struct outcome_ppm *ptsr = &outcome->ptsr, *pmr = &outcome->pmr, *gini = &outcome->gini;
        ptsr->is_known = measure_ppm(top, outcome_taken(outcome), &ptsr->ppm);
        pmr->is_known = measure_ppm(top, outcome->largest_deficit, &pmr->ppm);
        gini->is_known = measure_gini(outcome->losses, outcome->losses_count, &gini->ppm);
    }
    for (uint32_t i = 0; i < outcome->losses_count; i++) {
        rows->places[outcome->losses[i].account] = 0;
    }
    if (outcome->losses_count > 0) {
        qsort(outcome->losses, outcome->losses_count, sizeof(outcome->losses[0]), compare_accounts);
        measure_worst(outcome->losses, outcome->losses_count, &outcome->worst);
    }
}

void outcome_fini(struct outcome *outcome)
{
    free(outcome->losses);
    *outcome = (struct outcome){0};
}
