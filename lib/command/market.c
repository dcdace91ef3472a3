/* SPDX-License-Identifier: Apache-2.0 */
/* Markets: created, replaced whole, deleted. */
#include "lib/book/convert.h"
#include "lib/book/isolated.h"
#include "lib/book/names.h"
#include "lib/book/providers.h"
#include "lib/command/apply.h"

static void link_market(struct bs_engine *engine, uint32_t row)
{
    struct bs_pool *pool = &engine->pools[engine->markets[row].pool];
    struct bs_text name = bs_market_text(engine, row);
    uint32_t *link = &pool->market_head;
    while (*link != 0 && bs_text_compare(bs_market_text(engine, *link), name) < 0) {
        link = &engine->markets[*link].next;
    }
    engine->markets[row].next = *link;
    *link = row;
    pool->markets++;
}

static void unlink_market(struct bs_engine *engine, uint32_t row)
{
    struct bs_pool *pool = &engine->pools[engine->markets[row].pool];
    assert(pool->markets > 0);
    uint32_t *link = &pool->market_head;
    while (*link != row) {
        assert(*link != 0);
        link = &engine->markets[*link].next;
    }
    *link = engine->markets[row].next;
    pool->markets--;
}

static bool same_decimal(struct bs_decimal a, struct bs_decimal b)
{
    return a.mantissa == b.mantissa && a.exponent == b.exponent;
}

/* The first field of a definition that differs in what positions depend on, or NULL. */
static const char *changed_field(const struct bs_market *market,
                                 const struct bs_market_command *command)
{
    return market->contract != command->contract                    ? "contract"
           : !same_decimal(market->tick, command->tick_size)        ? "tick_size"
           : !same_decimal(market->lot, command->lot_size)          ? "lot_size"
           : !same_decimal(market->multiplier, command->multiplier) ? "multiplier"
                                                                    : NULL;
}

/* The budget as the pool's money; BS_OK and nothing without one. */
static struct bs_outcome read_budget(const struct bs_pool *pool,
                                     const struct bs_market_command *command, int64_t *ret_budget)
{
    *ret_budget = 0;
    if (!command->has_fund_budget) {
        return BS_ACCEPTED;
    }
    enum bs_status status = bs_to_quanta(pool, command->fund_budget, ret_budget);
    if (status == BS_OK && *ret_budget < 0) {
        status = BS_INVALID_VALUE;
    }
    return status == BS_OK ? BS_ACCEPTED : bs_refuse(status, "fund_budget");
}

static struct bs_outcome check_market(const struct bs_market_command *command)
{
    if (command->tick_size.mantissa <= 0) {
        return bs_refuse(BS_INVALID_VALUE, "tick_size");
    }
    if (command->lot_size.mantissa <= 0) {
        return bs_refuse(BS_INVALID_VALUE, "lot_size");
    }
    if (command->multiplier.mantissa <= 0) {
        return bs_refuse(BS_INVALID_VALUE, "multiplier");
    }
    if (command->maintenance_margin_ppm > BS_PPM) {
        return bs_refuse(BS_INVALID_VALUE, "maintenance_margin_ppm");
    }
    return BS_ACCEPTED;
}

static void define_market(struct bs_engine *engine, uint32_t row,
                          const struct bs_market_command *command, uint32_t pool, int64_t unit)
{
    assert(unit > 0);
    uint32_t name = engine->market_name[row];
    engine->markets[row] = (struct bs_market){
        .name = name,
        .pool = pool,
        .contract = command->contract,
        .maintenance_ppm = command->maintenance_margin_ppm,
        .max_move_ppm = command->max_move_ppm,
        .max_move_span_ms = command->max_move_span_ms,
        .tick = command->tick_size,
        .lot = command->lot_size,
        .multiplier = command->multiplier,
        .unit = unit,
        .uid = ++engine->uids,
    };
    link_market(engine, row);
}

static struct bs_outcome new_market(struct bs_engine *engine,
                                    const struct bs_market_command *command, uint32_t pool,
                                    int64_t unit)
{
    uint32_t row =
        bs_free_row(engine->market_name, &engine->markets_used, engine->capacity.markets_max);
    if (row == 0) {
        return bs_refuse(BS_FULL_MARKETS, NULL);
    }
    uint32_t name = bs_names_add(&engine->names, command->market);
    if (name == 0) {
        return bs_refuse(BS_FULL_NAMES, NULL);
    }
    engine->market_name[row] = name;
    define_market(engine, row, command, pool, unit);
    bs_order_insert(&engine->market_index, engine->market_order, &engine->markets_count, row);
    bs_index_add(&engine->market_index, row);
    return BS_ACCEPTED;
}

/* Applies at once; what was used in this period stays used. */
static void set_budget(struct bs_market *market, const struct bs_market_command *command,
                       int64_t budget)
{
    assert(budget >= 0);
    assert(market->own_fund_balance == 0 || command->own_fund);
    market->own_fund = command->own_fund;
    market->has_budget = command->has_fund_budget;
    market->budget = budget;
}

/* Whether a market may be defined again at all: it stays in its pool. */
static struct bs_outcome check_change(const struct bs_market *market,
                                      const struct bs_market_command *command, uint32_t pool)
{
    if (market->pool != pool) {
        return bs_refuse(BS_MARKET_IN_OTHER_POOL, "pool");
    }
    if (market->settled) {
        return bs_refuse(BS_MARKET_SETTLED, "market");
    }
    if (market->own_fund_balance != 0 && !command->own_fund) {
        return bs_refuse(BS_IN_USE, "own_fund");
    }
    return BS_ACCEPTED;
}

struct bs_outcome bs_market_apply(struct bs_engine *engine, const struct bs_market_command *command)
{
    uint32_t pool = bs_index_find(&engine->pool_index, command->pool);
    if (pool == 0) {
        return bs_refuse(BS_UNKNOWN_POOL, "pool");
    }
    struct bs_outcome outcome = check_market(command);
    if (outcome.status != BS_OK) {
        return outcome;
    }
    int64_t budget;
    outcome = read_budget(&engine->pools[pool], command, &budget);
    if (outcome.status != BS_OK) {
        return outcome;
    }
    const struct bs_market terms = {.contract = command->contract,
                                    .tick = command->tick_size,
                                    .lot = command->lot_size,
                                    .multiplier = command->multiplier};
    int64_t unit;
    enum bs_status status = bs_market_unit(&terms, engine->pools[pool].decimals, &unit);
    if (status != BS_OK) {
        return bs_refuse(status, NULL);
    }
    uint32_t row = bs_index_find(&engine->market_index, command->market);
    if (row == 0) {
        outcome = new_market(engine, command, pool, unit);
        if (outcome.status == BS_OK) {
            row = bs_index_find(&engine->market_index, command->market);
            set_budget(&engine->markets[row], command, budget);
        }
        return outcome;
    }
    struct bs_market *market = &engine->markets[row];
    outcome = check_change(market, command, pool);
    if (outcome.status != BS_OK) {
        return outcome;
    }
    const char *field = changed_field(market, command);
    if (field == NULL) {
        market->maintenance_ppm = command->maintenance_margin_ppm;
        market->max_move_ppm = command->max_move_ppm;
        market->max_move_span_ms = command->max_move_span_ms;
        set_budget(market, command, budget);
        engine->pools[pool].changed = true;
        return BS_ACCEPTED;
    }
    if (engine->pools[market->pool].again_final == row || market->own_fund_balance != 0 ||
        market->holders[0] + market->holders[1] > 0 || bs_market_has_providers(engine, row) ||
        !bs_isolated_drop_market(engine, row)) {
        return bs_refuse(BS_IN_USE, field);
    }
    unlink_market(engine, row);
    define_market(engine, row, command, pool, unit);
    set_budget(market, command, budget);
    return BS_ACCEPTED;
}

struct bs_outcome bs_delete_market_apply(struct bs_engine *engine, struct bs_text name)
{
    uint32_t market = bs_index_find(&engine->market_index, name);
    if (market == 0) {
        return bs_refuse(BS_UNKNOWN_MARKET, NULL);
    }
    if (engine->pools[engine->markets[market].pool].again_final == market ||
        engine->markets[market].own_fund_balance != 0 ||
        engine->markets[market].holders[0] + engine->markets[market].holders[1] > 0 ||
        !bs_isolated_drop_market(engine, market)) {
        return bs_refuse(BS_IN_USE, NULL);
    }
    bs_providers_forget(engine, 0, market);
    unlink_market(engine, market);
    bs_order_remove(engine->market_order, &engine->markets_count, market);
    bs_index_remove(&engine->market_index, market);
    bs_names_remove(&engine->names, engine->market_name[market]);
    engine->market_name[market] = 0;
    engine->markets[market] = (struct bs_market){0};
    return BS_ACCEPTED;
}
