/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/settlement/allowance.h"

#include "lib/money/money.h"

#define DAY_MS 86400000

/* The number of the current settlement, or day. Never 0. */
static uint64_t span_number(const struct bs_plan *plan, int span)
{
    return span == BS_LIMIT_SETTLEMENT ? plan->number
                                       : (uint64_t)bs_div_floor(plan->now_ms, DAY_MS) + 1;
}

struct bs_limit_base bs_limit_base_of(const struct bs_plan *plan, uint32_t account)
{
    struct bs_limit_base base = {.equity = bs_plan_equity(plan, account)};
    for (uint32_t i = 0; i < bs_plan_positions(plan, account); i++) {
        struct bs_working_position position = bs_plan_position(plan, account, i);
        base.gross += bs_abs(bs_plan_value(plan, position.market, position.leg.size));
    }
    return base;
}

/* What was used in the current span. */
static struct bs_limit_use use_of(const struct bs_plan *plan, uint32_t account, int span,
                                  const struct bs_limit_base *now)
{
    return bs_limit_use_now(&bs_plan_past(plan, account)->limits[span], span_number(plan, span),
                            now);
}

struct bs_allowance bs_allowance_of(const struct bs_plan *plan, uint32_t account)
{
    struct bs_allowance allowance = {BS_UNLIMITED, BS_UNLIMITED};
    if (plan->limits == NULL) {
        return allowance;
    }
    struct bs_limit_base now = bs_limit_base_of(plan, account);
    for (int span = 0; span < BS_LIMIT_SPANS; span++) {
        struct bs_limit_use use = use_of(plan, account, span, &now);
        struct bs_allowance left = bs_limits_left(plan->limits, (enum bs_limit_span)span, &use);
        allowance.loss = bs_min(allowance.loss, left.loss);
        allowance.close = bs_min(allowance.close, left.close);
    }
    return allowance;
}

void bs_allowance_count(struct bs_plan *plan, uint32_t account, const struct bs_limit_base *before)
{
    struct bs_limit_base after = bs_limit_base_of(plan, account);
    struct bs_account_past *past = bs_plan_touch_past(plan, account);
    assert(plan->limits != NULL);
    past->hits = bs_allowance_hits(plan, account) + 1;
    for (int span = 0; span < BS_LIMIT_SPANS; span++) {
        struct bs_limit_use use = use_of(plan, account, span, before);
        use.lost += before->equity - after.equity;
        use.closed += before->gross - after.gross;
        past->limits[span] = use;
    }
}

uint32_t bs_allowance_hits(const struct bs_plan *plan, uint32_t account)
{
    const struct bs_account_past *past = bs_plan_past(plan, account);
    return past->limits[BS_LIMIT_DAY].number == span_number(plan, BS_LIMIT_DAY) ? past->hits : 0;
}
