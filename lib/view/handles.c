/* SPDX-License-Identifier: Apache-2.0 */
/* Handles: by name, in the order of names, and from an account to its isolated margins. */
#include "lib/book/account_order.h"
#include "lib/book/accounts.h"
#include "lib/book/isolated.h"
#include "lib/book/names.h"
#include "lib/engine.h"

uint32_t bs_pool_find(const struct bs_engine *engine, struct bs_text pool)
{
    return bs_index_find(&engine->pool_index, pool);
}

uint32_t bs_market_find(const struct bs_engine *engine, struct bs_text market)
{
    return bs_index_find(&engine->market_index, market);
}

uint32_t bs_account_find(const struct bs_engine *engine, struct bs_text account)
{
    return bs_index_find(&engine->account_index, account);
}

typedef struct bs_text (*name_fn)(const struct bs_engine *engine, uint32_t row);

/* The first place in a name order whose name is greater than `after`. */
static uint32_t place_after(const struct bs_engine *engine, const uint32_t *order, uint32_t count,
                            name_fn name_of, struct bs_text after)
{
    uint32_t low = 0, high = count;
    while (low < high) {
        uint32_t middle = low + ((high - low) >> 1);
        if (bs_text_compare(name_of(engine, order[middle]), after) <= 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

uint32_t bs_pool_after(const struct bs_engine *engine, struct bs_text after)
{
    uint32_t at = place_after(engine, engine->pool_order, engine->pools_count, bs_pool_text, after);
    return at < engine->pools_count ? engine->pool_order[at] : 0;
}

uint32_t bs_market_after(const struct bs_engine *engine, struct bs_text after)
{
    uint32_t at =
        place_after(engine, engine->market_order, engine->markets_count, bs_market_text, after);
    return at < engine->markets_count ? engine->market_order[at] : 0;
}

uint32_t bs_account_after(struct bs_engine *engine, uint32_t pool, struct bs_text after)
{
    bs_account_order_refresh(engine);
    const struct bs_accounts *accounts = &engine->accounts;
    uint32_t account, at = bs_account_order_after(engine, after);
    do {
        account = bs_account_order_next(engine, &at);
    } while (account != 0 && (accounts->cold[account].owner != 0 ||
                              (pool != 0 && accounts->hot[account].pool != pool)));
    return account;
}

uint32_t bs_isolated_first(const struct bs_engine *engine, uint32_t account)
{
    return engine->accounts.cold[account].owner == 0 ? engine->accounts.cold[account].isolated : 0;
}

uint32_t bs_isolated_next(const struct bs_engine *engine, uint32_t isolated)
{
    return engine->accounts.cold[isolated].isolated;
}

uint32_t bs_action_account(const struct bs_engine *engine, const struct bs_action *action)
{
    uint32_t account = bs_account_find(engine, action->account);
    if (account == 0 || (action->present & BS_ACTION_IS_ISOLATED) == 0) {
        return account;
    }
    uint32_t market = bs_market_find(engine, action->market);
    return market == 0 ? 0 : bs_isolated_find(engine, account, market);
}
