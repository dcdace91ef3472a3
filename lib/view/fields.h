/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The members of every view, in the order of their JSON. A row makes the member, fills it and prints
 * it.
 *
 *     X(kind, member, json, shown, from)
 *
 *     kind           member
 *     TEXT           struct bs_text
 *     U32, U64       an integer
 *     WIDE           struct bs_wide
 *     AMOUNT         struct bs_wide, from quanta of `pool`
 *     WIDES          struct bs_wides, a list
 *     DECIMAL        struct bs_decimal
 *     TIME           int64_t, ms
 *     PERIOD         uint64_t, ms
 *     BOOL           bool
 *     WORD(names)    uint8_t; names() says the word, NULL for null
 *     LAYERS         struct bs_layers, a waterfall
 *     POSITIONS      uint32_t, how many the account holds; printed as the list of them
 *     OBJECT(view)   struct view, whose rows are its members
 *
 * `shown` is ALWAYS, NEVER, OR_NULL(flag) or IF(flag): without the flag, a member of the view, it is
 * null, or left out. `from` is the value where the view is filled, in lib/view/.
 */
#ifndef BS_VIEW_FIELDS_H
#define BS_VIEW_FIELDS_H

#define BS_MARKET_VIEW(X)                                                                          \
    X(TEXT, market, market, ALWAYS, bs_market_text(engine, row))                                   \
    X(TEXT, pool, pool, ALWAYS, bs_pool_text(engine, market->pool))                                \
    X(WORD(bs_contract_name), contract, contract, ALWAYS, market->contract)                        \
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
    X(AMOUNT, own_fund_balance, own_fund_balance, IF(own_fund), market->own_fund_balance)          \
    X(BOOL, has_fund_budget, has_fund_budget, NEVER, market->has_budget)                           \
    X(AMOUNT, fund_budget, fund_budget, IF(has_fund_budget), market->budget)                       \
    X(AMOUNT, fund_budget_used, fund_budget_used, IF(has_fund_budget), market->budget_used)

/* Without the account that holds it. */
#define BS_POSITION_VIEW(X)                                                                        \
    X(TEXT, market, market, ALWAYS, bs_market_text(engine, held->market))                          \
    X(WORD(bs_margin_name), isolated, margin, ALWAYS, engine->accounts.cold[account].owner != 0)   \
    X(WIDE, size, size, ALWAYS, bs_lots_wide(market, held->size))                                  \
    X(WIDE, entry_price, entry_price, ALWAYS,                                                      \
      bs_price_wide(market, bs_value_shown(market, held->size > 0, held->entry),                   \
                    bs_abs64(held->size)))                                                         \
    X(AMOUNT, entry_value, entry_value, ALWAYS, held->entry)                                       \
    X(BOOL, has_mark, has_mark, NEVER, market->has_mark)                                           \
    X(WIDE, mark_price, mark_price, OR_NULL(has_mark), bs_ticks_wide(market, market->mark))        \
    X(AMOUNT, value, value, ALWAYS, value) /* at mark, signed */                                   \
    X(AMOUNT, unrealized_profit, unrealized_profit, ALWAYS, value - held->entry)                   \
    X(AMOUNT, maintenance, maintenance, ALWAYS, bs_maintenance(market, value))                     \
    X(AMOUNT, haircut_taken, haircut_taken, ALWAYS, engine->positions.taken[row])                  \
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
    X(AMOUNT, quota_used, quota_used, OR_NULL(has_quota_period), /* at mark, in this period */     \
      bs_offer_use_now(&plan, provider, &provider->use).value)                                     \
    X(BOOL, has_priority, has_priority, NEVER, provider->priority != BS_PRIORITY_NONE)             \
    X(U32, priority, priority, OR_NULL(has_priority), provider->priority)                          \
    X(WIDE, position, position, ALWAYS, bs_lots_wide(market, held.size)) /* that it holds */       \
    X(WIDE, room_long, room_long, ALWAYS, room(&plan, provider, &held, 1))                         \
    X(WIDE, room_short, room_short, ALWAYS, room(&plan, provider, &held, -1))

#define BS_RULES_VIEW(X)                                                                           \
    X(PERIOD, period_ms, period, ALWAYS, policy->period_ms)                                        \
    X(LAYERS, layers, waterfall, ALWAYS, ((struct bs_layers){policy->layers, policy->layers_count}))

#define BS_FUND_CASH_VIEW(X)                                                                       \
    X(TEXT, account, account, ALWAYS, bs_account_text(engine, pool->backstop))                     \
    X(AMOUNT, collateral, collateral, ALWAYS, bs_account_cash(engine, pool->backstop))             \
    X(AMOUNT, equity, equity, ALWAYS, bs_account_equity(engine, pool->backstop))                   \
    X(AMOUNT, floor, floor, ALWAYS, pool->policy.floor)      /* of the insurance layer */          \
    X(AMOUNT, own_funds, own_funds, ALWAYS, pool->own_funds) /* of markets */                      \
    X(AMOUNT, available, available, ALWAYS,                                                        \
      bs_plan_fund_available(&plan)) /* for the insurance layer */

#define BS_WINDOW_VIEW(X)                                                                          \
    X(TEXT, name, name, ALWAYS, bs_window_name(pool))                                              \
    X(TIME, opened_ms, opened, ALWAYS, pool->window.opened_ms)                                     \
    X(AMOUNT, loss, loss, ALWAYS, pool->window.loss) /* that its payers bear */

/* The rules of `next_period` apply from then on. */
#define BS_POOL_VIEW(X)                                                                            \
    X(TEXT, pool, pool, ALWAYS, bs_pool_text(engine, row))                                         \
    X(TEXT, asset, asset, ALWAYS, bs_names_get(&engine->names, pool->asset))                       \
    X(U32, decimals, decimals, ALWAYS, pool->decimals)                                             \
    X(U32, mark_max_age_ms, mark_max_age_ms, ALWAYS, pool->mark_max_age_ms)                        \
    X(WORD(bs_trigger_name), trigger, trigger, ALWAYS, pool->trigger)                              \
    BS_RULES_VIEW(X)                                                                               \
    X(BOOL, has_next, has_next, NEVER, pool->has_next)                                             \
    X(OBJECT(bs_rules_view), next, next_period, OR_NULL(has_next), view_rules(&pool->next))        \
    X(WORD(bs_pool_state_name), state, state, ALWAYS, pool->state)                                 \
    X(WORD(bs_waiting_name), waiting, waiting, ALWAYS, pool->waiting)                              \
    X(BOOL, has_reason, has_reason, NEVER, pool->reason_size > 0)                                  \
    X(TEXT, reason, reason, OR_NULL(has_reason),                                                   \
      ((struct bs_text){pool->reason, pool->reason_size})) /* of the last pause or halt */         \
    X(TIME, period_start_ms, period_start, ALWAYS, pool->period_start_ms)                          \
    X(BOOL, has_end, has_end, NEVER, pool->period_end_ms != 0) /* not "tick" */                    \
    X(TIME, period_end_ms, period_end, OR_NULL(has_end), pool->period_end_ms)                      \
    X(U32, accounts, accounts, ALWAYS, pool->accounts) /* without the backstop account */          \
    X(U32, positions, positions, ALWAYS, pool->positions)                                          \
    X(U64, last_action, last_action, ALWAYS, pool->actions)                                        \
    X(U64, last_settlement, last_settlement, ALWAYS, pool->settlements)                            \
    X(OBJECT(bs_fund_cash_view), fund, insurance_fund, ALWAYS, bs_fund_cash_view_get(engine, row)) \
    X(AMOUNT, period_loss, period_loss, ALWAYS, pool->period_loss)                                 \
    X(AMOUNT, unallocated_deficit, unallocated_deficit, ALWAYS, pool->unallocated)                 \
    X(AMOUNT, claims, claims, ALWAYS, pool->claims)           /* of accounts on the fund */        \
    X(BOOL, has_window, has_window, NEVER, pool->window.open) /* since a default */                \
    X(OBJECT(bs_window_view), window, window, OR_NULL(has_window), view_window(pool))

/* The triggers are as an observation at engine time would find them. */
#define BS_FUND_VIEW(X)                                                                            \
    X(TEXT, pool, pool, ALWAYS, bs_pool_text(engine, row))                                         \
    X(TEXT, asset, asset, ALWAYS, bs_names_get(&engine->names, pool->asset))                       \
    BS_FUND_CASH_VIEW(X)                                                                           \
    X(AMOUNT, balance, balance, ALWAYS, bs_account_cash(engine, pool->backstop))                   \
    X(BOOL, has_max_per_settlement, has_max_per_settlement, NEVER,                                 \
      pool->policy.max_per_settlement != INT64_MAX)                                                \
    X(AMOUNT, max_per_settlement, max_per_settlement, OR_NULL(has_max_per_settlement),             \
      pool->policy.max_per_settlement)                                                             \
    X(BOOL, has_drawdown, has_drawdown, NEVER, bs_policy_drawdown(&pool->policy) != NULL)          \
    X(AMOUNT, peak, peak, OR_NULL(has_drawdown), found.peak)                                       \
    X(U32, drawdown_ppm, drawdown_ppm, OR_NULL(has_drawdown), found.drawdown_ppm)                  \
    X(AMOUNT, threshold, threshold, OR_NULL(has_drawdown),                                         \
      found.threshold) /* draws leave at least this equity */                                      \
    X(AMOUNT, distance, distance, OR_NULL(has_drawdown), found.equity - found.threshold)           \
    X(AMOUNT, resume_at, resume_at, OR_NULL(has_drawdown), found.resume_at)                        \
    X(WORD(bs_fund_state_name), state, state, ALWAYS, fund_state(pool, &found))

/* One change of an insurance fund's cash. */
#define BS_FUND_CHANGE_VIEW(X)                                                                     \
    X(U64, number, id, ALWAYS, number) /* within the pool, from 1 */                               \
    X(TIME, time_ms, time, ALWAYS, change->time_ms)                                                \
    X(WORD(bs_fund_cause_name), cause, cause, ALWAYS, change->cause)                               \
    X(BOOL, in_settlement, in_settlement, NEVER, change->settlement != 0)                          \
    X(U64, settlement, settlement, OR_NULL(in_settlement), change->settlement)                     \
    X(AMOUNT, amount, amount, ALWAYS, change->amount)    /* signed */                              \
    X(AMOUNT, balance, balance, ALWAYS, change->balance) /* after it */                            \
    X(AMOUNT, equity, equity, ALWAYS, change->equity)                                              \
    X(AMOUNT, own_funds, own_funds, ALWAYS, change->own_funds) /* of markets */

/* Totals over a pool at current marks: one pass over its accounts. The backstop account is only in
 * collateral, profit and loss. The next run does not resolve accounts that wait for handover. */
#define BS_SOLVENCY_VIEW(X)                                                                        \
    X(TEXT, pool, pool, ALWAYS, bs_pool_text(engine, row))                                         \
    X(TEXT, asset, asset, ALWAYS, bs_names_get(&engine->names, pool->asset))                       \
    X(AMOUNT, collateral, collateral, ALWAYS, sums.collateral) /* with the backstop account's */   \
    X(AMOUNT, equity_positive, equity_positive, ALWAYS, sums.positive)                             \
    X(AMOUNT, deficit, deficit, ALWAYS, sums.deficit)                                              \
    X(AMOUNT, gains, gains, ALWAYS, sums.gains) /* positive */                                     \
    X(AMOUNT, unrealized_profit, unrealized_profit, ALWAYS, sums.profits)                          \
    X(AMOUNT, unrealized_loss, unrealized_loss, ALWAYS, sums.losses) /* positive */                \
    X(U32, insolvent_accounts, insolvent_accounts, ALWAYS, sums.insolvent)                         \
    X(U32, waiting_for_handover, waiting_for_handover, ALWAYS, sums.waiting)                       \
    X(AMOUNT, fund, fund, ALWAYS, bs_account_equity(engine, pool->backstop))                       \
    X(AMOUNT, period_loss, period_loss, ALWAYS, pool->period_loss)                                 \
    X(AMOUNT, unallocated_deficit, unallocated_deficit, ALWAYS, pool->unallocated)

/* An account, or its isolated margin in `market`. */
#define BS_ACCOUNT_VIEW(X)                                                                         \
    X(TEXT, account, account, ALWAYS, bs_account_text(engine, account))                            \
    X(TEXT, pool, pool, ALWAYS, bs_pool_text(engine, hot->pool))                                   \
    X(WORD(bs_margin_name), isolated, margin, IF(isolated), cold->owner != 0)                      \
    X(TEXT, market, market, IF(isolated), isolated_market(engine, account))                        \
    X(AMOUNT, equity, equity, ALWAYS, sums.equity)                                                 \
    X(AMOUNT, collateral, collateral, ALWAYS, bs_account_cash(engine, account))                    \
    X(AMOUNT, gain, gain, ALWAYS, sums.equity - cold->baseline)                                    \
    X(AMOUNT, baseline, baseline, ALWAYS, cold->baseline)                                          \
    X(AMOUNT, maintenance, maintenance, ALWAYS, sums.maintenance)                                  \
    X(BOOL, has_leverage, has_leverage, NEVER, sums.equity > 0)                                    \
    X(WIDE, leverage, leverage, OR_NULL(has_leverage), leverage(&sums)) /* 12 digits */            \
    X(POSITIONS, positions_count, positions, ALWAYS, hot->position_count)                          \
    X(BOOL, handed_over, handed_over, ALWAYS, cold->handed_over)                                   \
    X(BOOL, has_haircut_cap, has_haircut_cap, NEVER, cold->uncapped_ppm > 0)                       \
    X(U32, haircut_cap_ppm, haircut_cap_ppm, IF(has_haircut_cap), BS_PPM - cold->uncapped_ppm)     \
    X(BOOL, has_window, has_window, NEVER, has_window)                                             \
    X(AMOUNT, window_gain, window_gain, IF(has_window),                                            \
      window_gain(engine, account, sums.equity)) /* before what it took */                         \
    X(AMOUNT, window_taken, window_taken, IF(has_window), bs_window_taken(engine, account))        \
    X(BOOL, has_claim, has_claim, NEVER, claim > 0)                                                \
    X(AMOUNT, claim, claim, IF(has_claim), claim) /* on the fund */                                \
    X(BOOL, has_older_gains, has_older_gains, NEVER, gains.count > 0)                              \
    X(WIDES, older_gains, older_gains, IF(has_older_gains), gains) /* the youngest first */        \
    X(U64, last_action, last_action, ALWAYS,                                                       \
      engine->accounts.cold[bs_account_owner(engine, account)].last_action)                        \
    X(U64, seq, seq, ALWAYS, cold->seq) /* of the last command that changed it */

/* One row of a queue, in the order of closing; under pro_rata the order is the account id. */
#define BS_QUEUE_VIEW(X)                                                                           \
    X(TEXT, account, account, ALWAYS, bs_account_text(engine, account))                            \
    X(WORD(bs_margin_name), isolated, margin, ALWAYS, engine->accounts.cold[account].owner != 0)   \
    X(U64, rank, rank, ALWAYS, standing->before + 1)                                               \
    X(WIDE, size, size, ALWAYS, bs_lots_wide(market, bs_abs64(held->size)))                        \
    X(AMOUNT, unrealized_profit, unrealized_profit, ALWAYS, bs_position_profit(engine, row))       \
    X(BOOL, has_score, has_score, NEVER, has_score(standing, held))                                \
    X(WIDE, score, score, OR_NULL(has_score), score(standing, held))                               \
    X(WIDE, quantity_ahead, quantity_ahead, ALWAYS, bs_lots_wide(market, standing->ahead))         \
    X(U32, percentile_ppm, percentile_ppm, ALWAYS, percentile(standing))                           \
    X(U32, lights, lights, ALWAYS, lights(standing, held)) /* 1..5 */

#define BS_BEST_CLOSE_VIEW(X)                                                                      \
    X(WIDE, price, price, ALWAYS, bs_ticks_wide(market, market->mark))                             \
    X(AMOUNT, cost, cost_to_mark, ALWAYS, 0)

/* Of a close of all of it, by the bound. */
#define BS_WORST_CLOSE_VIEW(X)                                                                     \
    X(WIDE, price, price, ALWAYS,                                                                  \
      bs_price_wide(market, bs_value_shown(market, size > 0, value - cost), bs_abs64(size)))       \
    X(AMOUNT, cost, cost_to_mark, ALWAYS, cost)                                                    \
    X(WORD(bs_bound_name), bound, bound, ALWAYS, bound)

/* The real price depends on which account becomes insolvent. */
#define BS_CLOSE_RANGE_VIEW(X)                                                                     \
    X(OBJECT(bs_best_close_view), best, best, ALWAYS, best)                                        \
    X(OBJECT(bs_worst_close_view), worst, worst, ALWAYS, worst_close(plan, account, row))

/* The place of one position of an account in the queue of its market side. It is not ranked if its
 * account is insolvent or the fund's, or the market has no mark. */
#define BS_RANK_VIEW(X)                                                                            \
    X(TEXT, market, market, ALWAYS, bs_market_text(engine, held->market))                          \
    X(WORD(bs_side_name), side, side, ALWAYS, held->size < 0)                                      \
    X(WORD(bs_margin_name), isolated, margin, ALWAYS, engine->accounts.cold[account].owner != 0)   \
    X(WIDE, size, size, ALWAYS, bs_lots_wide(market, bs_abs64(held->size)))                        \
    X(WORD(bs_ranking_name), ranking, ranking, ALWAYS, standing->ranking)                          \
    X(BOOL, ranked, ranked, NEVER, is_ranked(standing))                                            \
    X(U64, rank, rank, OR_NULL(ranked), standing->before + 1) /* 1 = first */                      \
    X(U64, of, of, ALWAYS, standing->candidates)              /* of the side */                    \
    X(U32, percentile_ppm, percentile_ppm, OR_NULL(ranked), percentile(standing))                  \
    X(U32, lights, lights, OR_NULL(ranked), lights(standing, held))                                \
    X(WIDE, quantity_ahead, quantity_ahead, OR_NULL(ranked),                                       \
      bs_lots_wide(market, standing->ahead))                                                       \
    X(BOOL, has_score, has_score, NEVER, has_score(standing, held))                                \
    X(WIDE, score, score, OR_NULL(has_score), score(standing, held))                               \
    X(AMOUNT, unrealized_profit, unrealized_profit, ALWAYS, bs_position_profit(engine, row))       \
    X(BOOL, has_mark, has_mark, NEVER, market->has_mark)                                           \
    X(WIDE, mark_price, mark_price, OR_NULL(has_mark), bs_ticks_wide(market, market->mark))        \
    X(BOOL, closable, closable, NEVER, closable)                                                   \
    X(OBJECT(bs_close_range_view), if_chosen_now, if_chosen_now, OR_NULL(closable), range)

/* A producer that numbers its items. From oldest_seq on a repeat is known; if that is next_seq, no
 * item is remembered. */
#define BS_SOURCE_VIEW(X)                                                                          \
    X(TEXT, source, source, ALWAYS, bs_source_name(source))                                        \
    X(U64, next_seq, next_seq, ALWAYS, source->next_seq) /* that its next item must have */        \
    X(U64, oldest_seq, oldest_seq, ALWAYS, bs_source_oldest(engine, source))

#define BS_VIEW_MEMBER(kind, member, json, shown, from) BS_VIEW_##kind member;
#define BS_VIEW_TEXT struct bs_text
#define BS_VIEW_U32 uint32_t
#define BS_VIEW_U64 uint64_t
#define BS_VIEW_WIDE struct bs_wide
#define BS_VIEW_DECIMAL struct bs_decimal
#define BS_VIEW_TIME int64_t
#define BS_VIEW_PERIOD uint64_t
#define BS_VIEW_BOOL bool
#define BS_VIEW_AMOUNT struct bs_wide
#define BS_VIEW_WIDES struct bs_wides
#define BS_VIEW_WORD(names) uint8_t
#define BS_VIEW_LAYERS struct bs_layers
#define BS_VIEW_POSITIONS uint32_t
#define BS_VIEW_OBJECT(view) struct view
/* The value of a row in the initializer of its view. */
#define BS_VIEW_VALUE(kind, member, json, shown, from) .member = BS_VALUE_##kind(from),
#define BS_VALUE_TEXT
#define BS_VALUE_U32
#define BS_VALUE_U64
#define BS_VALUE_WIDE
#define BS_VALUE_AMOUNT(from) bs_quanta_wide(pool, from)
#define BS_VALUE_WIDES
#define BS_VALUE_DECIMAL
#define BS_VALUE_TIME
#define BS_VALUE_PERIOD
#define BS_VALUE_BOOL
#define BS_VALUE_WORD(names) (uint8_t)
#define BS_VALUE_LAYERS
#define BS_VALUE_POSITIONS
#define BS_VALUE_OBJECT(view)

#endif
