/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/settlement/taking.h"

#include "lib/book/convert.h"
#include "lib/book/names.h"

struct bs_action *bs_applying_taking(struct bs_applying *applying, enum bs_action_type type,
                                     const struct bs_taking *taking)
{
    const struct bs_market *market = &applying->engine->markets[taking->market];
    struct bs_leg held = bs_plan_leg(applying->plan, taking->account, taking->market);
    bs_i128 before = taking->sign * (bs_i128)held.size;
    bs_i128 realized = 0;
    bool traded = bs_leg_trade(&held, taking->sign * taking->lots, taking->value, &realized);
    assert(traded); /* the check has carried the step out */
    (void)traded;
    struct bs_action *action = bs_applying_action(applying, type, taking->account);
    action->market = bs_market_text(applying->engine, taking->market);
    action->counterparty = bs_account_text(applying->engine, taking->counterparty);
    action->side = taking->sign < 0;
    action->present |= BS_ACTION_HAS_SIDE;
    BS_DECIMAL(action, size_taken, bs_lots_wide(market, taking->lots));
    BS_DECIMAL(action, size_before, bs_lots_wide(market, before));
    BS_DECIMAL(action, size_after, bs_lots_wide(market, before + taking->lots));
    bs_i128 shown = bs_value_shown(market, taking->sign > 0, taking->value);
    BS_DECIMAL(action, price,
               bs_price_wide(market, taking->lots > 0 ? shown : -shown, bs_abs64(taking->lots)));
    BS_DECIMAL(action, value, bs_quanta_wide(applying->pool, shown));
    BS_DECIMAL(action, realized_pnl, bs_quanta_wide(applying->pool, realized));
    BS_DECIMAL(action, cost_to_mark,
               bs_quanta_wide(applying->pool, taking->value - taking->mark_value));
    return action;
}
