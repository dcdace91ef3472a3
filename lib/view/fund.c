/* SPDX-License-Identifier: Apache-2.0 */
/* What readers see of an insurance fund: its triggers and the last changes of its cash. */
#include "lib/book/fund.h"
#include "lib/book/accounts.h"
#include "lib/book/convert.h"
#include "lib/book/names.h"
#include "lib/book/policy.h"
#include "lib/engine.h"
#include "lib/settlement/draws.h"
#include "lib/settlement/plan.h"

static uint8_t fund_state(const struct bs_pool *pool, const struct bs_drawdown *found)
{
    if (found->equity <= pool->policy.floor) {
        return BS_FUND_EXHAUSTED;
    }
    return found->restricted ? BS_FUND_RESTRICTED : BS_FUND_NORMAL;
}

struct bs_fund_cash_view bs_fund_cash_view_get(const struct bs_engine *engine, uint32_t row)
{
    const struct bs_pool *pool = &engine->pools[row];
    struct bs_plan plan;
    bs_plan_begin(&plan, engine, row, engine->time_ms);
    return (struct bs_fund_cash_view){BS_FUND_CASH_VIEW(BS_VIEW_VALUE)};
}

void bs_fund_view_get(const struct bs_engine *engine, uint32_t row, struct bs_fund_view *ret_view)
{
    assert(row <= engine->pools_used);
    const struct bs_pool *pool = &engine->pools[row];
    struct bs_plan plan;
    struct bs_drawdown found = bs_fund_drawdown(engine, row, engine->time_ms);
    bs_plan_begin(&plan, engine, row, engine->time_ms);
    *ret_view = (struct bs_fund_view){BS_FUND_VIEW(BS_VIEW_VALUE)};
}

uint32_t bs_fund_history_get(const struct bs_engine *engine, uint32_t row, uint64_t after,
                             uint32_t max, struct bs_fund_change_view *ret_rows)
{
    const struct bs_pool *pool = &engine->pools[row];
    const struct bs_fund *fund = &engine->funds[row];
    uint64_t kept = fund->changes < BS_FUND_CHANGES_MAX ? fund->changes : BS_FUND_CHANGES_MAX;
    uint64_t number = after > fund->changes - kept ? after : fund->changes - kept;
    uint32_t written = 0;
    while (number < fund->changes && written < max) {
        const struct bs_fund_change *change = &fund->history[number % BS_FUND_CHANGES_MAX];
        number++;
        ret_rows[written++] = (struct bs_fund_change_view){BS_FUND_CHANGE_VIEW(BS_VIEW_VALUE)};
    }
    return written;
}
