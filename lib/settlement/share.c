/* SPDX-License-Identifier: Apache-2.0 */
/* What the actions of a close say of its share: the numbers that everybody needs to check it. */
#include "lib/money/money.h"
#include "lib/settlement/layers.h"
#include "lib/settlement/settle.h"

/* What is divided; then the sum of the weights, the sum of those before, and its own. */
static void add_share(struct bs_action *action, struct bs_wide amount,
                      const struct bs_wide weights[3])
{
    bs_action_decimal(action, BS_ACTION_DECIMAL_loss, amount);
    bs_action_decimal(action, BS_ACTION_DECIMAL_gains_total, weights[0]);
    bs_action_decimal(action, BS_ACTION_DECIMAL_prefix, weights[1]);
    bs_action_decimal(action, BS_ACTION_DECIMAL_weight, weights[2]);
}

/* When no leg has maintenance nor value, the weights are lots, printed as if they were quanta. */
void bs_publish_leg_share(struct bs_plan *plan, const struct bs_step *step,
                          struct bs_action *action)
{
    const struct bs_pool *pool = &plan->engine->pools[plan->pool];
    struct bs_leg_share share = bs_close_share(plan, step);
    const struct bs_wide weights[] = {bs_quanta_wide(pool, share.total),
                                      bs_quanta_wide(pool, share.prefix),
                                      bs_quanta_wide(pool, share.weight)};
    add_share(action, bs_quanta_wide(pool, share.amount), weights);
}

void bs_publish_lots_share(struct bs_plan *plan, const struct bs_step *step,
                           struct bs_action *action)
{
    const struct bs_pool *pool = &plan->engine->pools[plan->pool];
    const struct bs_market *market = &plan->engine->markets[step->market];
    struct bs_wide weights[3];
    if (step->total == 0) {
        return;
    }
    if (plan->scratch->rankings.ranking == BS_RANKING_LEVERAGE_WATER_FILL) {
        bs_i128 equity = bs_max(1, bs_plan_equity(plan, step->counterparty));
        weights[0] = bs_quanta_wide(pool, step->total);
        weights[1] = bs_quanta_wide(pool, step->prefix);
        weights[2] = bs_quanta_wide(pool, equity);
    } else {
        weights[0] = bs_lots_wide(market, step->total);
        weights[1] = bs_lots_wide(market, step->prefix);
        weights[2] = action->decimals[BS_ACTION_DECIMAL_size_before];
    }
    add_share(action, bs_lots_wide(market, step->parted), weights);
}
