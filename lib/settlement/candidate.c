/* SPDX-License-Identifier: Apache-2.0 */
/* One candidate of a queue: its figures, its tier and its score. */
#include "lib/book/policy.h"
#include "lib/money/money.h"
#include "lib/settlement/plan.h"
#include "lib/settlement/queue.h"

int bs_candidate_compare(const struct bs_candidate *a, const struct bs_candidate *b)
{
    if (a->tier != b->tier) {
        return a->tier < b->tier ? -1 : 1;
    }
    int order = bs_compare_products(a->score.numerator, b->score.denominator, b->score.numerator,
                                    a->score.denominator);
    return -order;
}

/* Exposures of all markets add up, with their signs. */
bool bs_candidate_is_hedged(const struct bs_plan *plan, uint32_t account)
{
    const struct bs_layer *adl = bs_policy_layer(plan->policy, BS_LAYER_ADL);
    if (adl == NULL || !adl->has[BS_OPTION_HEDGED_LAST_PPM]) {
        return false;
    }
    bs_i128 net = 0, gross = 0;
    for (uint32_t i = 0; i < bs_plan_positions(plan, account); i++) {
        struct bs_working_position position = bs_plan_position(plan, account, i);
        bool marked = plan->engine->markets[position.market].has_mark; /* or at entry */
        bs_i128 value = bs_abs(marked ? bs_plan_value(plan, position.market, position.leg.size)
                                      : position.leg.entry);
        gross += value;
        net += position.leg.size > 0 ? value : -value;
    }
    return bs_compare_products(bs_abs(net), BS_PPM, gross,
                               adl->options[BS_OPTION_HEDGED_LAST_PPM]) <= 0;
}

struct bs_score_input bs_score_input_of(const struct bs_market *market,
                                        const struct bs_candidate_terms *terms, uint32_t priority)
{
    return (struct bs_score_input){
        .profit = (bs_i128)terms->value - terms->entry,
        .entry = terms->entry,
        .notional = bs_abs64(terms->value),
        .equity = terms->equity,
        .wallet = terms->wallet,
        .maintenance_ppm = market->maintenance_ppm,
        .value_grows = (terms->lots > 0) == (market->contract == BS_CONTRACT_LINEAR),
        .priority = priority,
    };
}

struct bs_candidate_terms bs_candidate_terms_of(const struct bs_plan *plan, uint32_t account,
                                                bs_i128 equity,
                                                const struct bs_working_position *position)
{
    return (struct bs_candidate_terms){
        .lots = position->leg.size,
        .value = (int64_t)bs_plan_value(plan, position->market, position->leg.size),
        .entry = position->leg.entry,
        .wallet = bs_plan_collateral(plan, account),
        .equity = equity,
    };
}

static uint32_t priority_of(const struct bs_plan *plan, uint32_t account, uint32_t market)
{
    uint32_t row = bs_position_find(plan->engine, account, market);
    return plan->engine->positions.rows[row].priority;
}

struct bs_candidate bs_candidate_of(const struct bs_plan *plan, uint8_t ranking, uint32_t account,
                                    const struct bs_working_position *position,
                                    const struct bs_candidate_terms *terms)
{
    struct bs_score_input input = bs_score_input_of(&plan->engine->markets[position->market], terms,
                                                    priority_of(plan, account, position->market));
    return (struct bs_candidate){
        .account = account,
        .tier = (uint8_t)((input.profit <= 0) + (bs_candidate_is_hedged(plan, account) ? 2 : 0)),
        .score = bs_score_of(ranking, &input),
        .terms = *terms,
    };
}
