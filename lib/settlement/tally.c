/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/settlement/tally.h"

#include "lib/money/money.h"

#define DAY_MS 86400000
#define UNLIMITED ((bs_i128)1 << 100)

const struct bs_layer *bs_limits_of(const struct bs_policy *policy)
{
    for (uint32_t i = 0; i < policy->layers_count; i++) {
        const struct bs_layer *layer = &policy->layers[i];
        if (layer->has[BS_OPTION_MAX_CLOSE_PPM] || layer->has[BS_OPTION_MAX_CLOSE_PPM_PER_DAY] ||
            layer->has[BS_OPTION_MAX_LOSS_PPM] || layer->has[BS_OPTION_MAX_LOSS_PPM_PER_DAY]) {
            return layer;
        }
    }
    return NULL;
}

/* What a window is called: the settlement's number, or the day. Never 0. */
static uint64_t window_of(const struct bs_plan *plan, int kind)
{
    return kind == BS_TALLY_SETTLEMENT ? plan->number
                                       : (uint64_t)bs_div_floor(plan->now_ms, DAY_MS) + 1;
}

struct bs_tally_base bs_tally_base_of(const struct bs_plan *plan, uint32_t account)
{
    struct bs_tally_base base = {.equity = bs_plan_equity(plan, account)};
    for (uint32_t i = 0; i < bs_plan_positions(plan, account); i++) {
        struct bs_working_position position = bs_plan_position(plan, account, i);
        base.gross += bs_abs(bs_plan_value(plan, position.market, position.leg.size));
    }
    return base;
}

/* The tally of a window, begun if need be. */
static struct bs_tally tally_of(const struct bs_plan *plan, uint32_t account, int kind,
                                const struct bs_tally_base *now)
{
    struct bs_tally tally = bs_plan_past(plan, account)->tallies[kind];
    uint64_t window = window_of(plan, kind);
    if (tally.window != window) {
        tally = (struct bs_tally){.window = window, .base = *now};
    }
    return tally;
}

struct bs_allowance bs_allowance_of(const struct bs_plan *plan, uint32_t account)
{
    struct bs_allowance allowance = {UNLIMITED, UNLIMITED};
    if (plan->limits == NULL) {
        return allowance;
    }
    struct bs_tally_base now = bs_tally_base_of(plan, account);
    for (int kind = 0; kind < BS_TALLIES; kind++) {
        struct bs_tally tally = tally_of(plan, account, kind, &now);
        bool daily = kind == BS_TALLY_DAY;
        int loss = daily ? BS_OPTION_MAX_LOSS_PPM_PER_DAY : BS_OPTION_MAX_LOSS_PPM;
        int close = daily ? BS_OPTION_MAX_CLOSE_PPM_PER_DAY : BS_OPTION_MAX_CLOSE_PPM;
        if (plan->limits->has[loss]) {
            bs_i128 most = bs_muldiv_floor(tally.base.equity, plan->limits->options[loss], BS_PPM);
            allowance.loss = bs_min(allowance.loss, most - tally.lost);
        }
        if (plan->limits->has[close]) {
            bs_i128 most = bs_muldiv_floor(tally.base.gross, plan->limits->options[close], BS_PPM);
            allowance.close = bs_min(allowance.close, most - tally.closed);
        }
    }
    return allowance;
}

void bs_tally_close(struct bs_plan *plan, uint32_t account, const struct bs_tally_base *before)
{
    struct bs_tally_base after = bs_tally_base_of(plan, account);
    struct bs_account_past *past = bs_plan_touch_past(plan, account);
    uint64_t day = window_of(plan, BS_TALLY_DAY);
    past->hits = past->tallies[BS_TALLY_DAY].window == day ? past->hits + 1 : 1;
    for (int kind = 0; kind < BS_TALLIES; kind++) {
        struct bs_tally tally = tally_of(plan, account, kind, before);
        tally.lost += before->equity - after.equity;
        tally.closed += before->gross - after.gross;
        past->tallies[kind] = tally;
    }
}

uint32_t bs_tally_hits(const struct bs_plan *plan, uint32_t account)
{
    const struct bs_account_past *past = bs_plan_past(plan, account);
    return past->tallies[BS_TALLY_DAY].window == window_of(plan, BS_TALLY_DAY) ? past->hits : 0;
}
