/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/settlement/legs.h"

#include "lib/base/sort.h"
#include "lib/book/convert.h"
#include "lib/book/policy.h"
#include "lib/money/money.h"

bs_i128 bs_leg_weight(const struct bs_plan *plan, const struct bs_working_position *position,
                      enum bs_leg_basis basis)
{
    assert(basis < BS_LEG_BASES);
    if (basis == BS_LEG_LOTS) {
        return bs_abs64(position->leg.size);
    }
    bs_i128 value = bs_abs(bs_plan_value(plan, position->market, position->leg.size));
    return basis == BS_LEG_VALUE ? value
                                 : bs_maintenance(&plan->engine->markets[position->market], value);
}

enum bs_leg_basis bs_legs_basis(const struct bs_plan *plan, uint32_t account, bs_i128 *ret_total)
{
    uint32_t count = bs_plan_positions(plan, account);
    for (int basis = 0; basis < BS_LEG_BASES; basis++) {
        *ret_total = 0;
        for (uint32_t i = 0; i < count; i++) {
            struct bs_working_position position = bs_plan_position(plan, account, i);
            *ret_total += bs_leg_weight(plan, &position, (enum bs_leg_basis)basis);
        }
        if (*ret_total > 0) {
            return (enum bs_leg_basis)basis;
        }
    }
    assert(count == 0);
    return BS_LEG_MAINTENANCE;
}

uint32_t bs_leg_weights(const struct bs_plan *plan, uint32_t account, struct bs_leg_weight *rows)
{
    uint32_t count = bs_plan_positions(plan, account);
    bs_i128 total;
    enum bs_leg_basis basis = bs_legs_basis(plan, account, &total);
    for (uint32_t i = 0; i < count; i++) {
        struct bs_working_position position = bs_plan_position(plan, account, i);
        rows[i].market = position.market;
        rows[i].side = position.leg.size < 0;
        rows[i].weight = bs_leg_weight(plan, &position, basis);
    }
    return count;
}

/* Own profit, highest first; then market id. */
static int compare_legs(const void *a, const void *b, const void *context)
{
    (void)context;
    const struct bs_closing_leg *left = a, *right = b;
    if (left->profit != right->profit) {
        return left->profit > right->profit ? -1 : 1;
    }
    return (left->order > right->order) - (left->order < right->order);
}

uint32_t bs_closing_legs(const struct bs_plan *plan, uint32_t account, struct bs_closing_leg *legs,
                         bs_i128 *ret_total)
{
    struct bs_leg_weight *weights = plan->leg_weights;
    uint32_t count = bs_leg_weights(plan, account, weights);
    *ret_total = 0;
    for (uint32_t i = 0; i < count; i++) {
        struct bs_working_position position = bs_plan_position(plan, account, i);
        legs[i] = (struct bs_closing_leg){
            .market = position.market,
            .order = i,
            .size = position.leg.size,
            .profit = bs_plan_profit(plan, position.market, &position.leg),
            .weight = weights[i].weight,
        };
        *ret_total += weights[i].weight;
    }
    if (!bs_policy_splits(plan->policy)) {
        bs_sort(legs, count, sizeof *legs, compare_legs, NULL);
    }
    return count;
}
