/* SPDX-License-Identifier: Apache-2.0 */
/* Assignments: lots of an insolvent account move to a provider, at mark less the spread. */
#include "lib/book/closes.h"
#include "lib/book/convert.h"
#include "lib/settlement/actions.h"
#include "lib/settlement/asked.h"
#include "lib/settlement/assigning.h"
#include "lib/settlement/taking.h"

/* A spread is not a loss of the account's period, as money that lifts it is not a gain. Nor is it a
 * gain of the provider, which a haircut could take back at once. */
static void carry(struct bs_plan *plan, const struct bs_step *step)
{
    uint32_t provider = step->counterparty;
    struct bs_leg leg = bs_plan_leg(plan, step->account, step->market);
    struct bs_leg held = bs_plan_leg(plan, provider, step->market);
    bs_i128 value = bs_plan_released(plan, step->market, leg.size, step->lots);
    bs_i128 realized = 0;
    if (!bs_leg_trade(&held, leg.size > 0 ? step->lots : -step->lots, step->amount, &realized)) {
        plan->overflow = true;
        return;
    }
    bs_i128 equity = bs_plan_equity(plan, provider);
    bs_plan_close_leg(plan, step->account, step->market, step->lots, step->amount);
    bs_plan_touch(plan, step->account)->baseline += step->amount - value;
    bs_plan_put_leg(plan, provider, step->market, &held);
    bs_plan_touch(plan, provider)->collateral += realized;
    bs_plan_touch(plan, provider)->baseline += bs_plan_equity(plan, provider) - equity;
    bs_asked_count(plan, step->as.assign.place, step->lots, value);
}

/* What the account owes grows by the spread and nothing else; the provider stays solvent. */
static bool check(struct bs_plan *plan, const struct bs_step *step)
{
    struct bs_leg leg = bs_plan_leg(plan, step->account, step->market);
    if (step->lots <= 0 || step->lots > bs_abs64(leg.size) || step->account == step->counterparty ||
        !bs_assigning_is_exact(plan, step)) {
        return false;
    }
    bs_i128 value = bs_plan_released(plan, step->market, leg.size, step->lots);
    bs_i128 before = bs_plan_equity(plan, step->account);
    carry(plan, step);
    return bs_plan_equity(plan, step->account) == before + step->amount - value &&
           bs_plan_equity(plan, step->counterparty) >= 0;
}

static void apply(struct bs_applying *applying)
{
    const struct bs_step *step = applying->step;
    const struct bs_market *market = &applying->engine->markets[step->market];
    int sign = bs_plan_leg(applying->plan, step->account, step->market).size > 0 ? 1 : -1;
    struct bs_action *action = bs_applying_close(applying, BS_ACTION_LIQUIDATION_CLOSE,
                                                 step->account, step->counterparty, step->amount);
    bs_applying_remember_close(applying, action->id);
    bs_applying_reason(applying, action);
    applying->summary->assignments++;
    applying->summary->spreads.mantissa +=
        action->decimals[BS_ACTION_DECIMAL_cost_to_mark].mantissa;
    struct bs_taking taking = {
        .account = step->counterparty,
        .counterparty = step->account,
        .market = step->market,
        .sign = sign,
        .lots = step->lots,
        .value = step->amount,
        .mark_value = bs_plan_value(applying->plan, step->market, sign * step->lots),
    };
    action = bs_applying_taking(applying, BS_ACTION_ASSIGNMENT, &taking);
    assert(step->as.assign.place >= bs_asked_first(applying->plan, step->market));
    action->rank = step->as.assign.place + 1 - bs_asked_first(applying->plan, step->market);
    action->present |= BS_ACTION_HAS_RANK;
    BS_DECIMAL(action, mark_price, bs_ticks_wide(market, market->mark));
    bs_applying_reason(applying, action);
}

const struct bs_step_kind bs_step_assign = {
    .fund_cause = BS_FUND_CLOSE, .carry = carry, .check = check, .apply = apply};
