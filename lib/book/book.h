/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The engine's tables. One block of memory; rows are addressed by index (0 = none); columns that a
 * full pass over the accounts reads are apart from those it does not. Internal to lib.
 *
 * Invariants: |collateral|, and of each position |entry_value| and |value at mark|, stay within
 * BS_MONEY_MAX (market.size_peak guards the marks); an account's positions are contiguous and in
 * market-name order; a position's size is never 0.
 */
#ifndef BS_BOOK_H
#define BS_BOOK_H

#include "lib/book/index.h"
#include "lib/engine.h"

#define BS_PAGE_ACCOUNTS 64u    /* accounts of one pool sit together in pages */
#define BS_POSITION_CLASSES 17u /* rooms of 1, 2, 4 ... 65536 positions */
#define BS_MARKETS_LIMIT                                                                           \
    65535u /* most that markets_max may be: the backstop account may hold all */

struct bs_policy {      /* a waterfall and its period */
    uint64_t period_ms; /* 0 = tick */
    uint32_t layers_count;
    struct bs_layer layers[BS_LAYERS_MAX];
    int64_t floor;              /* of the insurance layer, in quanta */
    int64_t max_per_settlement; /* INT64_MAX = no limit */
};

/* Since a default: what the haircut layer takes while it is open may be recomputed (window.h). */
struct bs_window {
    bool open;
    uint8_t name_size;
    char name[BS_ID_SIZE_MAX];
    int64_t opened_ms;
    bs_i128 loss; /* that its payers bear: the sum of what it has taken from the accounts */
};

struct bs_pool {
    uint32_t name, asset; /* name offsets; name 0 = free row */
    uint32_t decimals;
    uint32_t mark_max_age_ms;
    uint8_t state;   /* enum bs_pool_state */
    uint8_t waiting; /* enum bs_waiting */
    uint8_t trigger; /* enum bs_trigger */
    bool changed;    /* since the last run */
    bool has_next;
    bool retired; /* deleted; the row keeps its name and numbers for a pool of the same name */
    struct bs_policy policy;
    struct bs_policy next;
    int64_t period_start_ms, period_end_ms;
    bs_i128 period_loss;
    bs_i128 unallocated;
    bs_i128 claims;      /* sum of those of the accounts */
    bs_i128 own_funds;   /* sum of those of the markets with a fund of their own */
    bs_i128 over_budget; /* of the period loss: what the fund's budgets keep it from paying */
    uint64_t actions, settlements;         /* numbers given out */
    uint64_t closes_forgotten;             /* the newest action whose close is no longer kept */
    uint32_t backstop;                     /* account */
    uint64_t watch_spent;                  /* accounts looked at since references were taken */
    uint32_t exclusions;                   /* closes that keep two accounts apart in the next run */
    uint32_t handovers;                    /* accounts handed over and not yet looked at */
    uint32_t accounts, positions, markets; /* counts; accounts without the backstop's */
    uint32_t page_head, page_tail, account_free;
    uint32_t market_head; /* in name order, by market.next */
    struct bs_window window;
    uint8_t reason_size;
    char reason[BS_REASON_SIZE_MAX];
};

struct bs_market {
    uint32_t name; /* 0 = free row */
    uint32_t pool, next;
    uint8_t contract;
    bool has_mark;
    uint32_t maintenance_ppm, max_move_ppm;
    struct bs_decimal tick, lot, multiplier;
    int64_t unit;       /* quanta of one lot at a price of one tick, >= 1: linear, value = q * p *
                           unit; inverse (the face), value = -sign(q) * floor(|q| * unit / p) */
    int64_t mark;       /* ticks */
    int64_t watch_mark; /* the reference price of watch.h; 0 = none */
    int64_t lot_value;  /* linear: mark * unit */
    int64_t mark_time_ms;
    int64_t size_peak; /* the largest |size| ever held: bounds what a mark may be */
    int64_t pending_mark, pending_time_ms; /* out-of-band marks in a row */
    uint32_t pending_count;
    uint32_t holders[2];     /* longs, shorts */
    uint32_t isolated_count; /* isolated rows, also flat ones */
    bs_i128 open[2];         /* lots, both >= 0 */
    bool has_budget;
    int64_t budget;           /* most the fund pays for its debts in one period, quanta */
    int64_t budget_used;      /* in this one */
    bool own_fund;            /* its debts are paid by its own_fund_balance alone */
    int64_t own_fund_balance; /* of the fund's equity, kept for it, quanta */
    uint64_t uid;             /* of this definition: row numbers are reused */
    bool settled;             /* finally: nothing is held in it any more */
};

/* What a full pass over the accounts reads. */
struct bs_account_hot {
    int64_t collateral;
    uint32_t position_at; /* first position; for a free row the next free one */
    uint16_t position_count;
    uint16_t pool; /* 0 = free row */
};

struct bs_account_cold {
    bs_i128 baseline;
    uint64_t last_action;
    uint64_t seq;
    uint64_t uid;
    uint32_t name;
    uint32_t rank;          /* place in `order` */
    uint32_t owner;         /* of an isolated position's account row; 0 = an account as sent */
    uint32_t isolated;      /* the owner's first isolated row, or the next one; 0 = none */
    uint32_t uncapped_ppm;  /* BS_PPM less haircut_cap_ppm: what capped_pro_rata leaves of a gain */
    uint8_t position_class; /* room of 1 << class; BS_NO_ROOM = none */
    bool in_closes;         /* side of a close that is remembered; may be late to forget it */
    bool handed_over;       /* by the venue, for the next settlement; only with that trigger */
};

#define BS_NO_ROOM UINT8_MAX

_Static_assert(sizeof(struct bs_account_hot) == 16, "four accounts a cache line");
_Static_assert(sizeof(struct bs_account_cold) <= 64, "one cache line");

enum bs_tally_kind { BS_TALLY_SETTLEMENT, BS_TALLY_DAY, BS_TALLIES };

struct bs_tally_base {
    bs_i128 equity, gross; /* gross: sum of |value at mark| */
};

/* What deleveraging did to an account in one settlement or one day. */
struct bs_tally {
    uint64_t window; /* which one; 0 = none yet */
    struct bs_tally_base base;
    bs_i128 lost, closed;
};

/* What is remembered of an account beyond the period. Only rules that ask for it write it. */
struct bs_account_past {
    struct bs_tally tallies[BS_TALLIES];
    uint32_t hits;              /* closes in the day of the second tally */
    bs_i128 gains[BS_AGES_MAX]; /* by age less 1: what is left of the gains of older periods */
    bs_i128 claim;              /* on the fund: what haircuts took and it has not paid back */
};

/* Of an account in the window of its pool. */
struct bs_account_window {
    bs_i128 carried; /* the gain since the window opened less the gain of the period in hand */
    bs_i128 taken;   /* by its haircuts, less what was refunded; >= 0 */
};

struct bs_accounts {
    struct bs_account_hot *hot;
    struct bs_account_cold *cold;
    uint32_t *order;                  /* accounts in name order: the first order_sorted of them */
    uint32_t *touch;                  /* scratch of a settlement: working row */
    struct bs_account_past *past;     /* by row */
    bool any_past;                    /* ever: until then `past` is all 0 and never touched */
    struct bs_account_window *window; /* by row; all 0 while the pool has no window open */
    bool any_window;                  /* ever: until then `window` is never touched */
    uint8_t *watch;                   /* by row: watch.h */
};

struct bs_position_row {
    int64_t size;  /* lots, signed */
    int64_t entry; /* entry_value, quanta, signed as size */
    uint32_t market;
    uint32_t priority;
};

struct bs_positions {
    struct bs_position_row *rows;
    int64_t *taken; /* what haircuts on unrealized profit took and no close released yet */
    bool any_taken; /* ever: until then `taken` is all 0 and never touched */
};

struct bs_dedupe_entry;

struct bs_dedupe {
    struct bs_dedupe_entry *entries; /* a ring of `window` */
    uint32_t *heads;                 /* hash chains: entry + 1 */
    uint32_t window;
    uint32_t heads_mask;
    uint64_t added;
};

struct bs_close;

struct bs_closes { /* closes.h */
    struct bs_close *entries;
    uint64_t *by_action, *by_place; /* heads of chains */
    uint64_t added;
};

struct bs_fund; /* fund.h */

struct bs_source; /* sources.h */

struct bs_provider; /* providers.h */

struct bs_scratch; /* memory of one settlement: lib/settlement/scratch.h */

struct bs_engine {
    struct bs_config config;
    uint64_t seq;
    int64_t time_ms;
    uint64_t ordinal; /* of the last action */
    uint64_t uids;

    struct bs_names names;
    struct bs_pool *pools; /* rows 1..pools_max */
    uint32_t *pool_name, *pool_order;
    uint32_t pools_count, pools_used;
    struct bs_index pool_index;
    struct bs_market *markets; /* rows 1..markets_max */
    uint32_t *market_name, *market_order;
    uint32_t markets_count, markets_used;
    struct bs_index market_index;

    struct bs_accounts accounts; /* rows 1..slots */
    struct bs_index account_index;
    uint32_t accounts_count; /* backstop accounts included */
    uint32_t pages_max, pages_used;
    uint32_t *page_next; /* page -> next page of the same pool; pages from 1 */
    uint8_t *page_watch; /* the least of accounts.watch in it */
    uint32_t order_count, order_sorted;
    bool order_holes; /* a deleted account still stands in `order` */

    struct bs_positions positions;
    uint32_t positions_count, positions_used, positions_rows;
    uint32_t position_free[BS_POSITION_CLASSES];

    struct bs_dedupe dedupe;
    struct bs_closes closes;
    struct bs_fund *funds; /* by pool row */
    struct bs_provider *providers;
    uint32_t providers_count;
    struct bs_source *sources;
    uint64_t *source_rings; /* of source_window entries each */
    uint32_t sources_count;
    uint8_t *scratch_markets; /* by market: flags of one command, all 0 between commands */
    struct bs_scratch *scratch;
};

/* What a row goes by: the account's id; for an isolated row the owner's, a NUL and the market's,
 * which no id contains, so that it stands right behind its owner in the order of ids. */
static inline struct bs_text bs_account_key(const struct bs_engine *engine, uint32_t account)
{
    return bs_names_get(&engine->names, engine->accounts.cold[account].name);
}

/* The account of a row: itself, or the owner of an isolated one. */
static inline uint32_t bs_account_owner(const struct bs_engine *engine, uint32_t account)
{
    uint32_t owner = engine->accounts.cold[account].owner;
    return owner != 0 ? owner : account;
}

static inline struct bs_text bs_account_text(const struct bs_engine *engine, uint32_t account)
{
    return bs_account_key(engine, bs_account_owner(engine, account));
}

static inline struct bs_text bs_market_text(const struct bs_engine *engine, uint32_t market)
{
    return bs_names_get(&engine->names, engine->market_name[market]);
}

static inline struct bs_text bs_pool_text(const struct bs_engine *engine, uint32_t pool)
{
    return bs_names_get(&engine->names, engine->pool_name[pool]);
}

/* Of an inverse contract, at a price of `ticks` > 0. */
static inline bs_i128 bs_inverse_value(int64_t unit, int64_t lots, int64_t ticks)
{
    bs_i128 value = (bs_i128)(lots < 0 ? -(bs_i128)lots : lots) * unit / ticks;
    return lots > 0 ? -value : value;
}

/* At mark; the market has one. */
static inline bs_i128 bs_market_value(const struct bs_market *market, int64_t lots)
{
    return market->contract == BS_CONTRACT_LINEAR
               ? (bs_i128)lots * market->lot_value
               : bs_inverse_value(market->unit, lots, market->mark);
}

/* Value at mark less entry value; 0 without a mark. */
static inline int64_t bs_position_profit(const struct bs_engine *engine, uint32_t position)
{
    const struct bs_position_row *row = &engine->positions.rows[position];
    const struct bs_market *market = &engine->markets[row->market];
    if (!market->has_mark) {
        return 0;
    }
    return market->contract == BS_CONTRACT_LINEAR
               ? row->size * market->lot_value - row->entry
               : (int64_t)bs_inverse_value(market->unit, row->size, market->mark) - row->entry;
}

static inline int64_t bs_taken_get(const struct bs_positions *positions, uint32_t position)
{
    return positions->any_taken ? positions->taken[position] : 0;
}

static inline void bs_taken_set(struct bs_positions *positions, uint32_t position, int64_t taken)
{
    positions->any_taken = positions->any_taken || taken != 0;
    if (positions->any_taken) {
        positions->taken[position] = taken;
    }
}

/* Collateral plus the profit of all positions at current marks. */
static inline bs_i128 bs_account_equity(const struct bs_engine *engine, uint32_t account)
{
    bs_i128 equity = engine->accounts.hot[account].collateral;
    uint32_t first = engine->accounts.hot[account].position_at;
    uint32_t count = engine->accounts.hot[account].position_count;
    for (uint32_t i = first; i < first + count; i++) {
        equity += bs_position_profit(engine, i);
    }
    return equity;
}

/* Walks the accounts of a pool, the backstop account included, page by page. */
struct bs_account_walk {
    uint32_t page, slot;
};

static inline struct bs_account_walk bs_account_walk_begin(const struct bs_pool *pool)
{
    return (struct bs_account_walk){pool->page_head, 0};
}

static inline uint32_t bs_account_walk_next(const struct bs_engine *engine,
                                            struct bs_account_walk *walk)
{
    while (walk->page != 0) {
        while (walk->slot < BS_PAGE_ACCOUNTS) {
            uint32_t account = walk->page * BS_PAGE_ACCOUNTS + walk->slot++;
            if (engine->accounts.hot[account].pool != 0) {
                return account;
            }
        }
        walk->page = engine->page_next[walk->page];
        walk->slot = 0;
    }
    return 0;
}

/* accounts.c */
uint32_t bs_account_new(struct bs_engine *engine, uint32_t pool, struct bs_text name,
                        enum bs_status *ret_status); /* 0 and a status when a table is full */
void bs_account_delete(struct bs_engine *engine, uint32_t account);
/* Brings accounts.order and accounts.rank up to date with all accounts in name order. */
void bs_order_refresh(struct bs_engine *engine);

/*
 * isolated_count.c: an isolated position is an account row of its own, with its own collateral,
 * baseline and at most one position. It lives until its owner, or its market, goes.
 */
uint32_t bs_isolated_find(const struct bs_engine *engine, uint32_t owner, uint32_t market);
uint32_t bs_isolated_new(struct bs_engine *engine, uint32_t owner, uint32_t market,
                         enum bs_status *ret_status); /* 0 and a status when a table is full */
void bs_isolated_delete(struct bs_engine *engine,
                        uint32_t isolated); /* flat and without collateral */
/* Deletes the isolated_count of an owner (or of a market), unless one of them still holds
 * something. */
BS_MUST_USE bool bs_isolated_drop(struct bs_engine *engine, uint32_t owner);
BS_MUST_USE bool bs_market_isolated_drop(struct bs_engine *engine, uint32_t market);
struct bs_text bs_isolated_market(const struct bs_engine *engine, uint32_t isolated);

/* positions.c: position rows are found by account and market. */
uint32_t bs_position_find(const struct bs_engine *engine, uint32_t account, uint32_t market);
/* Makes room for `count` positions in all, whatever the table's count allows. */
BS_MUST_USE bool bs_position_room(struct bs_engine *engine, uint32_t account, uint32_t count);
/* Makes sure `more` new positions in new markets can be added to the account. */
BS_MUST_USE bool bs_position_reserve(struct bs_engine *engine, uint32_t account, uint32_t more);
/* Adds, changes or (size 0) removes; room must be reserved. Keeps the market's open interest. */
void bs_position_put(struct bs_engine *engine, uint32_t account, uint32_t market, int64_t size,
                     int64_t entry);
void bs_positions_clear(struct bs_engine *engine, uint32_t account);

/* The transitions of one position: pure arithmetic, used on live and on working positions alike. */
struct bs_leg {
    int64_t size, entry, taken;
};

/* Closes `lots` (> 0, at most |size|): returns the released share of entry (floor toward -inf). */
int64_t bs_leg_close(struct bs_leg *leg, int64_t lots);
/* Trades `lots` (signed) for `value` = what they are worth, signed as lots: closes, opens or flips.
 * *ret_realized is what goes to collateral. False when the result leaves the money range. */
BS_MUST_USE bool bs_leg_trade(struct bs_leg *leg, int64_t lots, bs_i128 value,
                              bs_i128 *ret_realized);

/* dedupe.c */
enum bs_seen { BS_SEEN_NEW, BS_SEEN_SAME, BS_SEEN_OTHER };

struct bs_dedupe_key {
    uint64_t account_uid, market_uid; /* market_uid 0 for transfers */
    struct bs_text id;
    int64_t content[3];
    uint8_t side; /* of a fill: 0 buy, 1 sell */
};
enum bs_seen bs_dedupe_check(const struct bs_engine *engine, const struct bs_dedupe_key *key);
void bs_dedupe_add(struct bs_engine *engine, const struct bs_dedupe_key *key);
size_t bs_dedupe_entry_size(void);

/* convert.c: wire decimals <-> lots, ticks and quanta of a market or pool. */
BS_MUST_USE enum bs_status bs_to_quanta(const struct bs_pool *pool, struct bs_decimal amount,
                                        int64_t *ret_quanta);
BS_MUST_USE enum bs_status bs_to_lots(const struct bs_market *market, struct bs_decimal size,
                                      int64_t *ret_lots);
BS_MUST_USE enum bs_status bs_to_ticks(const struct bs_market *market, struct bs_decimal price,
                                       int64_t *ret_ticks);
/* Entry value of `lots` at a price that may be finer than a tick, rounded up; |value| bounded. */
BS_MUST_USE enum bs_status bs_to_entry(const struct bs_market *market, int64_t lots,
                                       struct bs_decimal price, int64_t *ret_entry);
/* market->unit from its tick, lot, multiplier and contract: linear tick * lot * multiplier /
 * quantum, inverse lot * multiplier / (tick * quantum); if it is a whole number >= 1. */
BS_MUST_USE bool bs_market_unit(const struct bs_market *market, uint32_t decimals,
                                int64_t *ret_unit);
/* The value of `lots` at a price of `ticks` > 0; false when |value| is above BS_MONEY_MAX. */
BS_MUST_USE bool bs_value_at(const struct bs_market *market, int64_t lots, int64_t ticks,
                             bs_i128 *ret_value);
struct bs_wide bs_quanta_wide(const struct bs_pool *pool, bs_i128 quanta);
struct bs_wide bs_lots_wide(const struct bs_market *market, bs_i128 lots);
struct bs_wide bs_ticks_wide(const struct bs_market *market, bs_i128 ticks);
/* The value of a position that is shown: size * price, or size / price, positive for positive
 * prices. */
bs_i128 bs_value_shown(const struct bs_market *market, bool is_long, bs_i128 value);
/* The price at which `lots` (> 0) have the value shown: 12 significant digits; 0 for an inverse
 * contract without value. */
struct bs_wide bs_price_wide(const struct bs_market *market, bs_i128 value, int64_t lots);
/* ceil(|value| * ppm / 10^6) */
bs_i128 bs_maintenance(const struct bs_market *market, bs_i128 value);

#endif
