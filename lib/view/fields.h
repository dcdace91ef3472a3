/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The members of the views of a market, a position and a provider, in the order of their JSON. A
 * row makes the member, fills it and prints it.
 *
 *     X(kind, member, json, shown, from)
 *
 * `kind` is TEXT, U32, U64, WIDE, DECIMAL, TIME or PERIOD (ms), BOOL, CONTRACT or MARGIN. `shown` is
 * ALWAYS, NEVER, OR_NULL(flag) or IF(flag): without the flag, a member of the view, it is null, or
 * left out. `from` is the value where the view is filled, in lib/view/.
 */
#ifndef BS_VIEW_FIELDS_H
#define BS_VIEW_FIELDS_H

#define BS_MARKET_VIEW(X)                                                                          \
    X(TEXT, market, market, ALWAYS, bs_market_text(engine, row))                                   \
    X(TEXT, pool, pool, ALWAYS, bs_pool_text(engine, market->pool))                                \
    X(CONTRACT, contract, contract, ALWAYS, market->contract)                                      \
    X(DECIMAL, tick_size, tick_size, ALWAYS, market->tick)                                         \
    X(DECIMAL, lot_size, lot_size, ALWAYS, market->lot)                                            \
    X(DECIMAL, multiplier, multiplier, ALWAYS, market->multiplier)                                 \
    X(U32, maintenance_margin_ppm, maintenance_margin_ppm, ALWAYS, market->maintenance_ppm)        \
    X(U32, max_move_ppm, max_move_ppm, ALWAYS, market->max_move_ppm)                               \
    X(U32, max_move_span_ms, max_move_span_ms, ALWAYS, market->max_move_span_ms)                   \
    X(U32, marks_in_run, marks_in_run, NEVER, market->pending_count) /* refused, and agreeing */   \
    X(BOOL, has_mark, has_mark, NEVER, market->has_mark)                                           \
    X(WIDE, mark_price, mark_price, OR_NULL(has_mark), bs_ticks_wide(market, market->mark))        \
    X(TIME, mark_time_ms, mark_time, OR_NULL(has_mark), market->mark_time_ms)                      \
    X(BOOL, settled, settled, ALWAYS, market->settled) /* finally, at mark_price */                \
    X(U32, longs, longs, ALWAYS, market->holders[0])   /* positions, the backstop account's too */ \
    X(U32, shorts, shorts, ALWAYS, market->holders[1])                                             \
    X(WIDE, open_long, open_long, ALWAYS, bs_lots_wide(market, market->open[0])) /* contracts */   \
    X(WIDE, open_short, open_short, ALWAYS, bs_lots_wide(market, market->open[1]))                 \
    X(BOOL, own_fund, own_fund, IF(own_fund), market->own_fund)                                    \
    X(WIDE, own_fund_balance, own_fund_balance, IF(own_fund),                                      \
      bs_quanta_wide(pool, market->own_fund_balance))                                              \
    X(BOOL, has_fund_budget, has_fund_budget, NEVER, market->has_budget)                           \
    X(WIDE, fund_budget, fund_budget, IF(has_fund_budget), bs_quanta_wide(pool, market->budget))   \
    X(WIDE, fund_budget_used, fund_budget_used, IF(has_fund_budget), /* in this period */          \
      bs_quanta_wide(pool, market->budget_used))

/* Without the account that holds it. */
#define BS_POSITION_VIEW(X)                                                                        \
    X(TEXT, market, market, ALWAYS, bs_market_text(engine, held->market))                          \
    X(MARGIN, isolated, margin, ALWAYS, engine->accounts.cold[account].owner != 0)                 \
    X(WIDE, size, size, ALWAYS, bs_lots_wide(market, held->size))                                  \
    X(WIDE, entry_price, entry_price, ALWAYS,                                                      \
      bs_price_wide(market, bs_value_shown(market, held->size > 0, held->entry),                   \
                    bs_abs64(held->size)))                                                         \
    X(WIDE, entry_value, entry_value, ALWAYS, bs_quanta_wide(pool, held->entry))                   \
    X(BOOL, has_mark, has_mark, NEVER, market->has_mark)                                           \
    X(WIDE, mark_price, mark_price, OR_NULL(has_mark), bs_ticks_wide(market, market->mark))        \
    X(WIDE, value, value, ALWAYS, bs_quanta_wide(pool, value)) /* at mark, signed */               \
    X(WIDE, unrealized_profit, unrealized_profit, ALWAYS,                                          \
      bs_quanta_wide(pool, value - held->entry))                                                   \
    X(WIDE, maintenance, maintenance, ALWAYS, bs_quanta_wide(pool, bs_maintenance(market, value))) \
    X(WIDE, haircut_taken, haircut_taken, ALWAYS,                                                  \
      bs_quanta_wide(pool, engine->positions.taken[row]))                                          \
    X(BOOL, has_priority, has_priority, NEVER, held->priority != BS_PRIORITY_NONE)                 \
    X(U32, adl_priority, adl_priority, OR_NULL(has_priority), held->priority)

/* What an account has offered to take over in a market, and how much of it is left. The rooms are
 * the contracts of a long, and of a short, that it would take now by its limits: 0 while a market
 * that it holds something in, or this one, has no mark. */
#define BS_PROVIDER_VIEW(X)                                                                        \
    X(TEXT, account, account, ALWAYS, bs_account_text(engine, provider->account))                  \
    X(TEXT, market, market, ALWAYS, bs_market_text(engine, provider->market))                      \
    X(WIDE, max_position, max_position, ALWAYS, bs_lots_wide(market, provider->max_position))      \
    X(BOOL, has_max_size, has_max_size, NEVER, provider->max_size != INT64_MAX)                    \
    X(WIDE, max_size, max_size, OR_NULL(has_max_size), max_size(market, provider))                 \
    X(U32, max_leverage_ppm, max_leverage_ppm, ALWAYS, provider->max_leverage_ppm)                 \
    X(BOOL, has_quota_period, has_quota_period, NEVER, provider->quota_period_ms > 0)              \
    X(PERIOD, quota_period_ms, quota_period, OR_NULL(has_quota_period),                            \
      (uint64_t)provider->quota_period_ms)                                                         \
    X(U32, quota_ppm, quota_ppm, OR_NULL(has_quota_period), provider->quota_ppm)                   \
    X(WIDE, quota_used, quota_used, OR_NULL(has_quota_period), /* at mark, in this period */       \
      bs_quanta_wide(&engine->pools[market->pool],                                                 \
                     bs_offer_use_now(&plan, provider, &provider->use).value))                     \
    X(BOOL, has_priority, has_priority, NEVER, provider->priority != BS_PRIORITY_NONE)             \
    X(U32, priority, priority, OR_NULL(has_priority), provider->priority)                          \
    X(WIDE, position, position, ALWAYS, bs_lots_wide(market, held.size)) /* that it holds */       \
    X(WIDE, room_long, room_long, ALWAYS, room(&plan, provider, &held, 1))                         \
    X(WIDE, room_short, room_short, ALWAYS, room(&plan, provider, &held, -1))

#define BS_VIEW_MEMBER(kind, member, json, shown, from) BS_VIEW_##kind member;
#define BS_VIEW_TEXT struct bs_text
#define BS_VIEW_U32 uint32_t
#define BS_VIEW_U64 uint64_t
#define BS_VIEW_WIDE struct bs_wide
#define BS_VIEW_DECIMAL struct bs_decimal
#define BS_VIEW_TIME int64_t
#define BS_VIEW_PERIOD uint64_t
#define BS_VIEW_BOOL bool
#define BS_VIEW_CONTRACT uint8_t
#define BS_VIEW_MARGIN bool
/* The value of a row in the initializer of its view. */
#define BS_VIEW_VALUE(kind, member, json, shown, from) .member = (from),

#endif
