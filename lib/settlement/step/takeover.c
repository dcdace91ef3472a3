/* SPDX-License-Identifier: Apache-2.0 */
/* Take-overs: a whole position of an account moves to the backstop account. */
#include "lib/book/closes.h"
#include "lib/settlement/actions.h"
#include "lib/settlement/taken_over.h"

static void carry(struct bs_plan *plan, const struct bs_step *step)
{
    uint32_t backstop = bs_plan_backstop(plan);
    struct bs_leg leg = bs_plan_leg(plan, step->account, step->market);
    struct bs_taken_over taken_over;
    if (!bs_taken_over_by_fund(plan, step->market, leg.size, step->amount, &taken_over)) {
        plan->overflow = true;
        return;
    }
    bs_plan_close_leg(plan, step->account, step->market, bs_abs64(leg.size), step->amount);
    bs_plan_put_leg(plan, backstop, step->market, &taken_over.held);
    bs_plan_touch(plan, backstop)->collateral = taken_over.collateral;
}

static bool check(struct bs_plan *plan, const struct bs_step *step)
{
    struct bs_leg leg = bs_plan_leg(plan, step->account, step->market);
    if (leg.size == 0 || bs_abs64(leg.size) != step->lots) {
        return false;
    }
    bs_i128 before = bs_plan_equity(plan, step->account);
    bs_i128 slack = bs_plan_dust(plan, step->account);
    carry(plan, step);
    bs_i128 after = bs_plan_equity(plan, step->account);
    return after == before || (after == 0 && before > 0 && before <= slack);
}

static void apply(struct bs_applying *applying)
{
    const struct bs_step *step = applying->step;
    assert(step->counterparty == applying->pool->backstop);
    struct bs_action *action = bs_applying_close(applying, BS_ACTION_TAKEOVER, step->account,
                                                 step->counterparty, step->amount);
    bs_applying_reason(applying, action);
}

const struct bs_step_kind bs_step_takeover = {
    .fund_cause = BS_FUND_TAKEOVER, .carry = carry, .check = check, .apply = apply};
