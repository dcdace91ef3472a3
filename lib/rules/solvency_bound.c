/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/rules/solvency_bound.h"

#include "lib/money/money.h"

#define ONE ((bs_i128)1 << 32) /* ratios are in units of 2^-32 */
#define LEAST_EXPONENT 8       /* ratios below 2^8 have level 0 */
#define STEPS 4u               /* levels to a factor of 2 */
#define PASSES_BETWEEN_REFERENCES UINT64_C(4)

/* Rounded down. */
static uint8_t level_of(uint64_t ratio)
{
    if (ratio >> LEAST_EXPONENT == 0) {
        return 0;
    }
    uint32_t exponent = 63 - (uint32_t)__builtin_clzll(ratio);
    return (uint8_t)(1 + (exponent - LEAST_EXPONENT) * STEPS + (ratio >> (exponent - 2)) % STEPS);
}

/* The least ratio of a level > 0. */
static uint64_t ratio_of(uint8_t level)
{
    uint32_t exponent = (level - 1u) / STEPS + LEAST_EXPONENT;
    return (uint64_t)(STEPS + (level - 1u) % STEPS) << (exponent - 2);
}

static uint64_t clamped(bs_i128 ratio)
{
    return ratio > UINT64_MAX ? UINT64_MAX : (uint64_t)ratio;
}

/* The move of a market since its reference price, rounded up. */
static uint64_t move_of(const struct bs_market *market)
{
    bs_i128 from = market->watch_mark;
    if (market->contract == BS_CONTRACT_INVERSE) {
        from = bs_min(from, market->mark);
    }
    return clamped(bs_muldiv_ceil(bs_abs((bs_i128)market->mark - market->watch_mark), ONE, from));
}

/* Levels that are at least this one are at least the ratio. */
static uint8_t reach_of(uint64_t ratio)
{
    uint8_t level = level_of(ratio);
    return level > 0 && ratio_of(level) == ratio ? level : (uint8_t)(level + 1);
}

/* The largest move of a market with a reference price; a market without one takes the mark: no
 * account with a level above 0 holds anything there. */
static uint64_t largest_move(struct bs_engine *engine, const struct bs_pool *pool)
{
    uint64_t largest = 0;
    for (uint32_t row = pool->market_head; row != 0; row = engine->markets[row].next) {
        struct bs_market *market = &engine->markets[row];
        if (!market->has_mark || market->holders[0] + market->holders[1] == 0) {
            continue;
        }
        if (market->watch_mark == 0) {
            market->watch_mark = market->mark;
        }
        uint64_t move = move_of(market);
        largest = move > largest ? move : largest;
    }
    return largest;
}

/* References are the marks from now on; nothing is known of anybody. */
static void take_references(struct bs_engine *engine, struct bs_pool *pool)
{
    for (uint32_t row = pool->market_head; row != 0; row = engine->markets[row].next) {
        engine->markets[row].watch_mark =
            engine->markets[row].has_mark ? engine->markets[row].mark : 0;
    }
    for (uint32_t page = pool->page_head; page != 0; page = engine->page_next[page]) {
        engine->page_watch[page] = 0;
        memset(engine->accounts.watch + page * BS_PAGE_ACCOUNTS, 0, BS_PAGE_ACCOUNTS);
    }
    pool->watch_spent = 0;
}

struct bs_watch bs_watch_begin(struct bs_engine *engine, uint32_t pool)
{
    struct bs_pool *p = &engine->pools[pool];
    if (p->watch_spent > PASSES_BETWEEN_REFERENCES * p->accounts) {
        take_references(engine, p);
    }
    return (struct bs_watch){
        .pool = pool,
        .page = p->page_head,
        .reach = reach_of(largest_move(engine, p)),
    };
}

static void leave_page(struct bs_engine *engine, uint32_t page)
{
    const uint8_t *levels = engine->accounts.watch + page * BS_PAGE_ACCOUNTS;
    uint8_t least = BS_WATCH_NEVER;
    for (uint32_t i = 0; i < BS_PAGE_ACCOUNTS; i++) {
        least = levels[i] < least ? levels[i] : least;
    }
    engine->page_watch[page] = least;
}

/* From the slot in hand on. */
static uint32_t next_in_page(struct bs_engine *engine, struct bs_watch *watch)
{
    uint8_t *levels = engine->accounts.watch + watch->page * BS_PAGE_ACCOUNTS;
    while (watch->slot < BS_PAGE_ACCOUNTS) {
        uint32_t slot = watch->slot++;
        uint32_t account = watch->page * BS_PAGE_ACCOUNTS + slot;
        if (levels[slot] >= watch->reach) {
            continue;
        }
        if (engine->accounts.hot[account].pool == 0 ||
            account == engine->pools[watch->pool].backstop) {
            levels[slot] = BS_WATCH_NEVER;
            continue;
        }
        engine->pools[watch->pool].watch_spent += levels[slot] > 0;
        return account;
    }
    return 0;
}

uint32_t bs_watch_next(struct bs_engine *engine, struct bs_watch *watch)
{
    while (watch->page != 0) {
        if (engine->page_watch[watch->page] < watch->reach) {
            uint32_t account = next_in_page(engine, watch);
            if (account != 0) {
                return account;
            }
            leave_page(engine, watch->page);
        }
        watch->page = engine->page_next[watch->page];
        watch->slot = 0;
    }
    return 0;
}

/* At the reference price; false when there is none, or the value has outgrown it. */
static bool value_at_reference(const struct bs_market *market, int64_t lots, int64_t *ret_value)
{
    if (market->watch_mark == 0) {
        return false;
    }
    if (market->contract == BS_CONTRACT_LINEAR) {
        return !__builtin_mul_overflow(lots, market->watch_mark * market->unit, ret_value) &&
               *ret_value >= -BS_MONEY_MAX && *ret_value <= BS_MONEY_MAX;
    }
    bs_i128 value = bs_inverse_value(market->unit, lots, market->watch_mark);
    *ret_value = (int64_t)value;
    return bs_abs(value) <= BS_MONEY_MAX;
}

static uint8_t level_of_account(const struct bs_engine *engine, uint32_t account)
{
    bs_i128 equity = engine->accounts.hot[account].collateral, gross = 0;
    uint32_t first = engine->accounts.hot[account].position_at;
    uint32_t end = first + engine->accounts.hot[account].position_count;
    for (uint32_t i = first; i < end; i++) {
        const struct bs_position_row *row = &engine->positions.rows[i];
        const struct bs_market *market = &engine->markets[row->market];
        int64_t rounding = market->contract == BS_CONTRACT_INVERSE, value;
        if (!value_at_reference(market, row->size, &value)) {
            return 0;
        }
        equity += (bs_i128)value - row->entry - rounding;
        gross += bs_abs64(value) + rounding;
    }
    if (equity <= 0) {
        return equity == 0 && gross == 0 ? BS_WATCH_NEVER : 0;
    }
    return gross == 0 ? BS_WATCH_NEVER : level_of(bs_ratio_below(equity, gross));
}

void bs_watch_found(struct bs_engine *engine, uint32_t account, bs_i128 equity)
{
    uint8_t *level = &engine->accounts.watch[account];
    if (equity < 0) {
        *level = 0;
    } else if (*level == 0) {
        *level = level_of_account(engine, account);
    }
}
