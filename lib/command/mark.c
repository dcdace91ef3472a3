/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Marks. One that leaves the band is refused and remembered. A run of them, each later than and
 * within the band of the one before, is believed when it has three and lasts long enough.
 */
#include "lib/book/accounts.h"
#include "lib/book/convert.h"
#include "lib/book/positions.h"
#include "lib/command/apply.h"
#include "lib/money/money.h"

#define MARKS_IN_A_ROW 3u

static bool in_band(int64_t from, int64_t to, uint32_t max_move_ppm)
{
    assert(from > 0);
    return bs_compare_products(bs_abs((bs_i128)to - from), BS_PPM, from, max_move_ppm) <= 0;
}

/* True when this out-of-band mark completes a run that is believed. */
static bool note_out_of_band(struct bs_market *market, int64_t ticks, int64_t time_ms)
{
    bool follows = market->pending_count > 0 && time_ms > market->pending_time_ms &&
                   in_band(market->pending_mark, ticks, market->max_move_ppm);
    if (!follows) {
        market->pending_count = 0;
        market->pending_first_ms = time_ms;
    }
    market->pending_count += market->pending_count < UINT32_MAX;
    market->pending_mark = ticks;
    market->pending_time_ms = time_ms;
    return market->pending_count >= MARKS_IN_A_ROW &&
           time_ms - market->pending_first_ms >= (int64_t)market->max_move_span_ms;
}

/* Sets market->size_peak from the accounts of the pool. */
static void recount_peak(struct bs_engine *engine, uint32_t row)
{
    struct bs_market *market = &engine->markets[row];
    struct bs_account_walk walk = bs_account_walk_begin(&engine->pools[market->pool]);
    market->size_peak = 0;
    market->size_peak_is_old = false;
    for (uint32_t account; (account = bs_account_walk_next(engine, &walk)) != 0;) {
        uint32_t position = bs_position_find(engine, account, row);
        int64_t size = position == 0 ? 0 : bs_abs64(engine->positions.rows[position].size);
        market->size_peak = size > market->size_peak ? size : market->size_peak;
    }
}

/* Whether the value of every position in the market stays in range at this mark. */
static bool is_in_range(struct bs_engine *engine, uint32_t row, int64_t ticks)
{
    const struct bs_market *market = &engine->markets[row];
    bs_i128 value;
    if (bs_value_at(market, (int64_t)bs_max(1, market->size_peak), ticks, &value)) {
        return true;
    }
    if (!market->size_peak_is_old) {
        return false;
    }
    recount_peak(engine, row);
    return bs_value_at(market, (int64_t)bs_max(1, market->size_peak), ticks, &value);
}

struct bs_outcome bs_mark_apply(struct bs_engine *engine, const struct bs_mark_command *command)
{
    uint32_t row = bs_index_find(&engine->market_index, command->market);
    if (row == 0) {
        return bs_refuse(BS_UNKNOWN_MARKET, "market");
    }
    struct bs_market *market = &engine->markets[row];
    struct bs_pool *pool = &engine->pools[market->pool];
    if (market->settled || (pool->again_final == row && !command->confirm)) {
        return bs_refuse(BS_MARKET_SETTLED, "market");
    }
    int64_t ticks;
    enum bs_status status = bs_to_ticks(market, command->price, &ticks);
    if (status != BS_OK) {
        return bs_refuse(status, "price");
    }
    int64_t time_ms = command->has_time ? command->mark_time_ms : engine->time_ms;
    if (time_ms - engine->time_ms > BS_TIME_AHEAD_MAX_MS) {
        return bs_refuse(BS_MARK_IN_FUTURE, "time");
    }
    if (market->has_mark && time_ms < market->mark_time_ms && !command->confirm) {
        return bs_refuse(BS_STALE_MARK, "time");
    }
    bool linear = market->contract == BS_CONTRACT_LINEAR;
    if (!is_in_range(engine, row, ticks)) {
        return bs_refuse(BS_OUT_OF_RANGE, "price");
    }
    bool banded = market->has_mark && market->max_move_ppm > 0 && !command->confirm;
    if (banded && !in_band(market->mark, ticks, market->max_move_ppm) &&
        !note_out_of_band(market, ticks, time_ms)) {
        return bs_refuse(BS_MARK_OUT_OF_BAND, "price");
    }
    assert(ticks > 0);
    market->pending_count = 0;
    market->has_mark = true;
    market->mark = ticks;
    market->lot_value = linear ? ticks * market->unit : 0;
    market->mark_time_ms = time_ms;
    pool->changed = true;
    pool->mark_changes++;
    pool->deficits_known = false;
    return BS_ACCEPTED;
}
