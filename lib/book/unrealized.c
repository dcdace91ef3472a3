/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/book/unrealized.h"

#include "lib/book/positions.h"

#define KEPT_FROM 32u /* positions; the sum of fewer costs less than to look for it */

static struct bs_unrealized sum_of(const struct bs_engine *engine, uint32_t account)
{
    struct bs_unrealized sum = {0, 0};
    uint32_t first = engine->accounts.hot[account].position_at;
    uint32_t count = engine->accounts.hot[account].position_count;
    for (uint32_t i = first; i < first + count; i++) {
        sum.profit += bs_position_profit(engine, i);
        sum.taken += bs_taken_get(&engine->positions, i);
    }
    return sum;
}

struct bs_unrealized bs_unrealized_of(struct bs_engine *engine, uint32_t account)
{
    assert(account != 0);
    if (engine->accounts.hot[account].position_count < KEPT_FROM) {
        return sum_of(engine, account);
    }
    uint64_t mark_changes = engine->pools[engine->accounts.hot[account].pool].mark_changes;
    struct bs_kept_unrealized *kept = &engine->kept_unrealized[account % BS_KEPT_UNREALIZED];
    if (kept->account != account || kept->mark_changes != mark_changes) {
        *kept = (struct bs_kept_unrealized){account, mark_changes, sum_of(engine, account)};
    }
    assert(!engine->config.checks_detection || kept->sum.profit == sum_of(engine, account).profit);
    assert(!engine->config.checks_detection || kept->sum.taken == sum_of(engine, account).taken);
    return kept->sum;
}
