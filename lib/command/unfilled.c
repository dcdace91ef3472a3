/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a venue could not apply of a close is taken back on both sides at the same value, and the
 * debt is resolved again by the next run, against others.
 *
 * A close can be taken back while both sides are what it left and what was traded since: fills and
 * cash come on top of it, whenever they came. An absolute update does not: it says what is, and
 * it may or may not count the part that failed; after one the venue sets both sides itself.
 */
#include "lib/book/closes.h"
#include "lib/book/convert.h"
#include "lib/book/positions.h"
#include "lib/command/apply.h"
#include "lib/settlement/apply.h"
#include "lib/settlement/check.h"
#include "lib/settlement/progress.h"
#include "lib/settlement/reverse.h"
#include "lib/settlement/step/kind.h"

static struct bs_outcome find_close(const struct bs_engine *engine, uint32_t row, uint64_t action,
                                    struct bs_close **ret_close)
{
    const struct bs_pool *pool = &engine->pools[row];
    if (action == 0 || action > pool->actions) {
        return bs_refuse(BS_UNKNOWN_ACTION, "action");
    }
    *ret_close = bs_closes_find(engine, row, action);
    if (*ret_close == NULL) {
        return bs_refuse(action <= pool->closes_forgotten ? BS_CLOSE_TOO_OLD : BS_NOT_A_CLOSE,
                         "action");
    }
    const struct bs_close *close = *ret_close;
    if (close->group != 0 && bs_close_side(close) == BS_SIDE_CLOSED) {
        return bs_refuse(BS_NOT_A_CLOSE, "action"); /* the counterparties' are reported */
    }
    if (close->group != 0 && close->group < bs_closes_first(engine)) {
        return bs_refuse(BS_CLOSE_TOO_OLD, "action"); /* some of its debtors are forgotten */
    }
    if (!bs_close_stands(engine, *ret_close)) {
        return bs_refuse(BS_SET_ANEW, "action");
    }
    bool settled = engine->markets[(*ret_close)->market].settled;
    return settled ? bs_refuse(BS_MARKET_SETTLED, "action") : BS_ACCEPTED;
}

static struct bs_outcome read_lots(const struct bs_engine *engine, const struct bs_close *close,
                                   struct bs_decimal size, int64_t *ret_lots)
{
    enum bs_status status = bs_to_lots(&engine->markets[close->market], size, ret_lots);
    if (status == BS_OK && *ret_lots <= 0) {
        status = BS_INVALID_VALUE;
    }
    if (status == BS_OK && *ret_lots > close->lots - close->reversed) {
        status = BS_MORE_THAN_CLOSED;
    }
    return status == BS_OK ? BS_ACCEPTED : bs_refuse(status, "size");
}

/* Room for a position that comes back whole; none is needed where there still is one. */
static bool make_room_for(struct bs_engine *engine, uint32_t account, uint32_t market,
                          bool *ret_is_new)
{
    const struct bs_account_hot *hot = &engine->accounts.hot[account];
    uint32_t count = hot->position_count + 1u;
    bool is_fund = account == engine->pools[hot->pool].backstop;
    *ret_is_new = bs_position_find(engine, account, market) == 0;
    return !*ret_is_new || ((is_fund || count <= BS_ACCOUNT_POSITIONS_MAX) &&
                            bs_position_room(engine, account, count));
}

static bool make_room(struct bs_engine *engine, const struct bs_close *close,
                      bool ret_is_new[BS_SIDES])
{
    for (int side = 0; side < BS_SIDES; side++) {
        if (!make_room_for(engine, close->account[side], close->market, &ret_is_new[side])) {
            return false;
        }
    }
    uint32_t added = (uint32_t)ret_is_new[BS_SIDE_CLOSED] + ret_is_new[BS_SIDE_COUNTER];
    return engine->capacity.positions_max - engine->positions_count >= added;
}

/* Room for all that get lots back. */
static bool make_pooled_room(struct bs_engine *engine, const struct bs_close *close, int64_t lots)
{
    bool is_new;
    if (!make_room_for(engine, close->account[BS_SIDE_COUNTER], close->market, &is_new)) {
        return false;
    }
    uint32_t added = is_new;
    struct bs_back_walk walk = bs_back_begin(close, lots);
    while (bs_back_next(engine, close, &walk)) {
        uint32_t account = bs_closes_at(engine, walk.number)->account[BS_SIDE_CLOSED];
        if (!make_room_for(engine, account, close->market, &is_new)) {
            return false;
        }
        added += is_new;
    }
    return engine->capacity.positions_max - engine->positions_count >= added;
}

/* Lots of a counterparty that was closed for a whole side: they go to some of its debtors. */
static struct bs_outcome take_pooled_back(struct bs_engine *engine, struct bs_close *close,
                                          int64_t lots, struct bs_effects *effects)
{
    struct bs_back_walk walk = bs_back_begin(close, lots);
    while (bs_back_next(engine, close, &walk)) {
        if (!bs_close_stands(engine, bs_closes_at(engine, walk.number))) {
            return bs_refuse(BS_SET_ANEW, "action");
        }
    }
    if (!make_pooled_room(engine, close, lots)) {
        return bs_refuse(BS_FULL_POSITIONS, NULL);
    }
    return bs_reversal_begin(engine, close, lots, effects) ? BS_ACCEPTED
                                                           : bs_refuse(BS_OUT_OF_RANGE, "size");
}

/* Books what was taken back: the sides of the close stay excluded, and the debtor is handed over
 * again. */
static void mark_reversed(struct bs_engine *engine, struct bs_close *close, int64_t lots,
                          const bool is_new[BS_SIDES])
{
    struct bs_pool *pool = &engine->pools[close->pool];
    uint32_t account = close->account[BS_SIDE_CLOSED];
    for (int side = 0; side < BS_SIDES; side++) {
        uint32_t row = bs_position_find(engine, close->account[side], close->market);
        if (is_new[side]) {
            assert(row != 0);
            engine->positions.rows[row].priority = close->priority[side];
        }
    }
    close->reversed += lots;
    assert(close->reversed <= close->lots);
    pool->exclusions += !close->excludes;
    assert(pool->exclusions <= BS_CLOSES_MAX);
    close->excludes = true;
    pool->changed = true;
    if (pool->trigger == BS_TRIGGER_HANDOVER && account != pool->backstop) {
        pool->handovers += !engine->accounts.cold[account].handed_over;
        engine->accounts.cold[account].handed_over = true;
    }
}

static struct bs_outcome take_back(struct bs_engine *engine, struct bs_close *close, int64_t lots,
                                   struct bs_effects *effects)
{
    bool is_new[BS_SIDES];
    if (!make_room(engine, close, is_new)) {
        return bs_refuse(BS_FULL_POSITIONS, NULL);
    }
    struct bs_plan *plan = engine->plan;
    bs_plan_begin(plan, engine, close->pool, engine->time_ms);
    plan->reversed = close;
    struct bs_step step = {.type = BS_STEP_REVERSAL,
                           .account = close->account[BS_SIDE_CLOSED],
                           .counterparty = close->account[BS_SIDE_COUNTER],
                           .market = close->market,
                           .lots = lots,
                           .amount = bs_close_part(close, lots).value};
    bs_plan_add(plan, &step);
    if (!bs_plan_check(plan)) {
        bs_plan_drop(plan);
        return bs_refuse(BS_OUT_OF_RANGE, "size");
    }
    engine->progress->applied = 0;
    bool applied = bs_plan_apply(engine, plan, effects);
    assert(applied); /* two actions, for which a step always has room */
    (void)applied;
    mark_reversed(engine, close, lots, is_new);
    return BS_ACCEPTED;
}

struct bs_outcome bs_unfilled_apply(struct bs_engine *engine,
                                    const struct bs_unfilled_command *command,
                                    struct bs_effects *effects)
{
    uint32_t pool = bs_index_find(&engine->pool_index, command->pool);
    if (pool == 0) {
        return bs_refuse(BS_UNKNOWN_POOL, "pool");
    }
    if (engine->pools[pool].state == BS_STATE_HALTED) {
        return bs_refuse(BS_POOL_HALTED, NULL);
    }
    struct bs_close *close;
    int64_t lots;
    struct bs_outcome outcome = find_close(engine, pool, command->action, &close);
    if (outcome.status == BS_OK) {
        outcome = read_lots(engine, close, command->size, &lots);
    }
    if (outcome.status != BS_OK) {
        return outcome;
    }
    return close->group != 0 ? take_pooled_back(engine, close, lots, effects)
                             : take_back(engine, close, lots, effects);
}
