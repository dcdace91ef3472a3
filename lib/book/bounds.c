/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/book/bounds.h"

#include "lib/book/accounts.h"
#include "lib/book/positions.h"
#include "lib/money/money.h"

#define PASSES_BETWEEN_REFERENCES UINT64_C(4)

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
        if (market->bound_mark == 0) {
            market->bound_mark = market->mark;
        }
        uint64_t move = bs_bound_move(market->bound_mark, market->mark,
                                      market->contract == BS_CONTRACT_INVERSE);
        largest = move > largest ? move : largest;
    }
    return largest;
}

/* Makes the marks the references; nothing is known about any account then. */
static void renew_references(struct bs_engine *engine, struct bs_pool *pool)
{
    for (uint32_t row = pool->market_head; row != 0; row = engine->markets[row].next) {
        engine->markets[row].bound_mark =
            engine->markets[row].has_mark ? engine->markets[row].mark : 0;
    }
    for (uint32_t page = pool->page_head; page != 0; page = engine->page_next[page]) {
        engine->page_bound[page] = 0;
        memset(engine->accounts.bound + page * BS_PAGE_ACCOUNTS, 0, BS_PAGE_ACCOUNTS);
    }
    pool->bound_spent = 0;
}

struct bs_bound_walk bs_bound_begin(struct bs_engine *engine, uint32_t row)
{
    struct bs_pool *pool = &engine->pools[row];
    assert(pool->backstop != 0);
    if (pool->bound_spent > PASSES_BETWEEN_REFERENCES * pool->accounts) {
        renew_references(engine, pool);
    }
    return (struct bs_bound_walk){
        .pool = row,
        .page = pool->page_head,
        .reach = bs_bound_reach(largest_move(engine, pool)),
    };
}

static void leave_page(struct bs_engine *engine, uint32_t page)
{
    const uint8_t *levels = engine->accounts.bound + page * BS_PAGE_ACCOUNTS;
    uint8_t least = BS_BOUND_NEVER;
    for (uint32_t i = 0; i < BS_PAGE_ACCOUNTS; i++) {
        least = levels[i] < least ? levels[i] : least;
    }
    engine->page_bound[page] = least;
}

/* The next account of the page, from walk->slot on; 0 = none. */
static uint32_t next_in_page(struct bs_engine *engine, struct bs_bound_walk *walk)
{
    uint8_t *levels = engine->accounts.bound + walk->page * BS_PAGE_ACCOUNTS;
    while (walk->slot < BS_PAGE_ACCOUNTS) {
        uint32_t slot = walk->slot++;
        uint32_t account = walk->page * BS_PAGE_ACCOUNTS + slot;
        if (levels[slot] >= walk->reach) {
            continue;
        }
        if (engine->accounts.hot[account].pool == 0 ||
            account == engine->pools[walk->pool].backstop) {
            levels[slot] = BS_BOUND_NEVER;
            continue;
        }
        engine->pools[walk->pool].bound_spent += levels[slot] > 0;
        return account;
    }
    return 0;
}

uint32_t bs_bound_next(struct bs_engine *engine, struct bs_bound_walk *walk)
{
    while (walk->page != 0) {
        if (engine->page_bound[walk->page] < walk->reach) {
            uint32_t account = next_in_page(engine, walk);
            if (account != 0) {
                return account;
            }
            leave_page(engine, walk->page);
        }
        walk->page = engine->page_next[walk->page];
        walk->slot = 0;
    }
    return 0;
}

/* At the reference price; false when there is none, or the value has outgrown it. */
static bool value_at_reference(const struct bs_market *market, int64_t lots, int64_t *ret_value)
{
    if (market->bound_mark == 0) {
        return false;
    }
    if (market->contract == BS_CONTRACT_LINEAR) {
        return !__builtin_mul_overflow(lots, market->bound_mark * market->unit, ret_value) &&
               *ret_value >= -BS_MONEY_MAX && *ret_value <= BS_MONEY_MAX;
    }
    bs_i128 value = bs_inverse_value(market->unit, lots, market->bound_mark);
    *ret_value = (int64_t)value;
    return bs_abs(value) <= BS_MONEY_MAX;
}

static uint8_t level_of_account(const struct bs_engine *engine, uint32_t account)
{
    bs_i128 equity = bs_account_cash(engine, account), gross = 0;
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
    return bs_bound_level(equity, gross);
}

void bs_bound_found(struct bs_engine *engine, uint32_t account, bs_i128 equity)
{
    uint8_t *level = &engine->accounts.bound[account];
    if (equity < 0) {
        *level = 0;
    } else if (*level == 0) {
        *level = level_of_account(engine, account);
    }
}

static bs_i128 deficit_of(const struct bs_engine *engine, uint32_t account)
{
    return bs_max(0, -bs_account_equity(engine, account));
}

/* Looks at every account: computes what the sum must be. */
static bs_i128 sum_deficits(const struct bs_engine *engine, const struct bs_pool *pool)
{
    bs_i128 sum = 0;
    struct bs_account_walk walk = bs_account_walk_begin(pool);
    for (uint32_t account; (account = bs_account_walk_next(engine, &walk)) != 0;) {
        sum += account != pool->backstop ? deficit_of(engine, account) : 0;
    }
    return sum;
}

bs_i128 bs_pool_deficits(struct bs_engine *engine, uint32_t row)
{
    struct bs_pool *pool = &engine->pools[row];
    if (!pool->deficits_known) {
        pool->deficits = 0;
        struct bs_bound_walk walk = bs_bound_begin(engine, row);
        for (uint32_t account; (account = bs_bound_next(engine, &walk)) != 0;) {
            bs_bound_found(engine, account, bs_account_equity(engine, account));
            pool->deficits += deficit_of(engine, account);
        }
        pool->deficits_known = true;
    }
    assert(!engine->config.checks_detection || pool->deficits == sum_deficits(engine, pool));
    return pool->deficits;
}
