/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/settlement/period.h"

#include "lib/book/accounts.h"
#include "lib/book/policy.h"
#include "lib/book/pools.h"
#include "lib/book/window.h"
#include "lib/rules/seniority.h"
#include "lib/settlement/actions.h"
#include "lib/settlement/budgets.h"

/* Every account begins a new period. Its gain grows older where gains are remembered; where they
 * are not any more, older ones are forgotten. */
static void open_next_period(struct bs_engine *engine, uint32_t pool,
                             const struct bs_layer *haircut)
{
    struct bs_accounts *accounts = &engine->accounts;
    uint32_t ages = haircut != NULL ? haircut->options[BS_OPTION_SENIORITY] : 0;
    struct bs_account_walk walk = bs_account_walk_begin(&engine->pools[pool]);
    for (uint32_t account; (account = bs_account_walk_next(engine, &walk)) != 0;) {
        bs_i128 equity = bs_account_equity(engine, account);
        bs_i128 gain = equity - accounts->cold[account].baseline;
        if (ages > 0 || accounts->any_past) {
            accounts->any_past = true;
            bs_gains_grow_older(accounts->past[account].gains, gain, ages);
        }
        if (engine->pools[pool].window.open) {
            bs_window_carry(engine, account, gain);
        }
        accounts->cold[account].baseline = equity;
    }
}

void bs_period_end(struct bs_engine *engine, uint32_t row, int64_t now_ms,
                   struct bs_effects *effects)
{
    struct bs_pool *pool = &engine->pools[row];
    open_next_period(engine, row, bs_policy_layer(&pool->policy, BS_LAYER_HAIRCUT));
    if (pool->has_next) {
        pool->policy = pool->next;
        pool->has_next = false;
    }
    if (pool->window.open && !bs_policy_has_window(&pool->policy)) {
        bs_window_close(engine, row);
        bs_action_window(engine, row, effects);
    }
    bs_budgets_renew(engine, row);
    bs_pool_period_open(pool, now_ms);
    assert(!pool->has_next);
    assert(!pool->window.open || bs_policy_has_window(&pool->policy));
}
