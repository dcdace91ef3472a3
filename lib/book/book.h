/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The engine's tables. One block of memory; rows are addressed by index (0 = none); columns that a
 * full pass over the accounts reads are apart from those it does not. Internal to lib.
 *
 * Invariants: of each position |entry_value| and |value at mark| stay within BS_MONEY_MAX
 * (market.size_peak guards the marks); an account's positions are contiguous and in market-name
 * order; a position's size is never 0.
 */
#ifndef BS_BOOK_H
#define BS_BOOK_H

#include "lib/book/index.h"
#include "lib/book/kept.h"
#include "lib/book/states.h"
#include "lib/config.h"
#include "lib/record/command.h"
#include "lib/rules/limits.h"

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

#define BS_POOL_KEPT(X)                                                                            \
    X(NAME, asset, ALWAYS)                                                                         \
    X(U32, decimals, ALWAYS)                                                                       \
    X(U32, mark_max_age_ms, ALWAYS)                                                                \
    X(U8, state, ALWAYS)     /* enum bs_pool_state */                                              \
    X(U8, waiting, ALWAYS)   /* enum bs_waiting */                                                 \
    X(U8, trigger, ALWAYS)   /* enum bs_trigger */                                                 \
    X(BOOL, changed, ALWAYS) /* since the last run */                                              \
    X(BOOL, has_next, ALWAYS)                                                                      \
    X(PART(bs_policy), policy, ALWAYS)                                                             \
    X(PART(bs_policy), next, IF(has_next))                                                         \
    X(I64, period_start_ms, ALWAYS)                                                                \
    X(I64, period_end_ms, ALWAYS)                                                                  \
    X(WIDE, period_loss, ALWAYS)                                                                   \
    X(WIDE, unallocated, ALWAYS)                                                                   \
    X(WIDE, claims, ALWAYS)      /* sum of those of the accounts */                                \
    X(WIDE, own_funds, ALWAYS)   /* sum of those of the markets with a fund of their own */        \
    X(WIDE, over_budget, ALWAYS) /* of the period loss: what budgets keep the fund from paying */

/* In the digest, after the fund. */
#define BS_POOL_KEPT_TOO(X)                                                                        \
    X(PART(bs_window), window, ALWAYS)                                                             \
    X(U64, actions, ALWAYS) /* numbers given out */                                                \
    X(U64, settlements, ALWAYS)                                                                    \
    X(U64, closes_forgotten, ALWAYS) /* the newest action whose close was dropped */

struct bs_pool {
    uint32_t name; /* a place in the names; 0 = free row */
    BS_POOL_KEPT(BS_KEPT_MEMBER)
    BS_POOL_KEPT_TOO(BS_KEPT_MEMBER)
    uint8_t reason_size;
    char reason[BS_REASON_SIZE_MAX]; /* of the last pause or halt */
    bool again_ends_period;          /* halted: the next run ends the period, */
    uint32_t again_final;            /* and ends this market; 0 = none */
    bool retired;      /* deleted; the row keeps its name and numbers for a pool of the same name */
    uint32_t backstop; /* account */
    uint64_t bound_spent;  /* accounts looked at since the references were set */
    uint64_t mark_changes; /* of its markets' marks */
    bool deficits_known;   /* nothing has changed since they were summed up: */
    bs_i128 deficits;      /* of all accounts at the marks held */
    uint32_t exclusions;   /* closes whose two accounts are excluded in the next run */
    uint32_t handovers;    /* accounts handed over and not yet looked at */
    uint32_t accounts, positions, markets; /* counts; accounts without the backstop's */
    uint32_t page_head, page_tail, account_free;
    uint32_t market_head; /* in name order, by market.next */
};

#define BS_MARKET_KEPT(X)                                                                          \
    X(POOL, pool, ALWAYS)                                                                          \
    X(U8, contract, ALWAYS) /* enum bs_contract */                                                 \
    X(U32, maintenance_ppm, ALWAYS)                                                                \
    X(U32, max_move_ppm, ALWAYS)                                                                   \
    X(BOOL, has_budget, ALWAYS)                                                                    \
    X(I64, budget, ALWAYS)           /* most the fund pays for its debts in one period, quanta */  \
    X(I64, budget_used, ALWAYS)      /* in this one */                                             \
    X(BOOL, own_fund, ALWAYS)        /* its debts are paid by its own_fund_balance alone */        \
    X(I64, own_fund_balance, ALWAYS) /* of the fund's equity, kept for it, quanta */               \
    X(DECIMAL, tick, ALWAYS)                                                                       \
    X(DECIMAL, lot, ALWAYS)                                                                        \
    X(DECIMAL, multiplier, ALWAYS)                                                                 \
    X(BOOL, has_mark, ALWAYS)                                                                      \
    X(I64, mark, ALWAYS) /* ticks */                                                               \
    X(I64, mark_time_ms, ALWAYS)                                                                   \
    X(I64, size_peak, ALWAYS) /* at least the largest |size| held: bounds what a mark may be */    \
    X(BOOL, size_peak_is_old, ALWAYS) /* it may be more */                                         \
    X(U32, max_move_span_ms, ALWAYS)                                                               \
    X(BOOL, settled, ALWAYS)                /* finally: it takes no positions any more */          \
    X(U32, pending_count, ALWAYS)           /* out-of-band marks in a row */                       \
    X(I64, pending_mark, IF(pending_count)) /* the last of them */                                 \
    X(I64, pending_time_ms, IF(pending_count))                                                     \
    X(I64, pending_first_ms, IF(pending_count)) /* time of the first of them */

struct bs_market {
    uint32_t name; /* 0 = free row */
    uint32_t next;
    int64_t unit;        /* quanta of one lot at a price of one tick, >= 1: linear, value = q * p *
                           unit; inverse (the face), value = -sign(q) * floor(|q| * unit / p) */
    int64_t lot_value;   /* linear: mark * unit */
    int64_t bound_mark;  /* the reference price of solvency_bound.h; 0 = none */
    uint64_t uid;        /* of this definition: row numbers are reused */
    uint32_t holders[2]; /* longs, shorts */
    uint32_t isolated_head; /* the first of its isolated rows, also flat ones; 0 = none */
    BS_MARKET_KEPT(BS_KEPT_MEMBER)
    bs_i128 open[2]; /* lots, both >= 0 */
};

/* What a full pass over the accounts reads. */
struct bs_account_hot {
    int64_t collateral;   /* up to BS_MONEY_MAX: account_cash.h */
    uint32_t position_at; /* first position; for a free row the next free one */
    uint16_t position_count;
    uint16_t pool; /* 0 = free row */
};

#define BS_ACCOUNT_KEPT(X)                                                                         \
    X(WIDE, baseline, ALWAYS)                                                                      \
    X(U64, last_action, ALWAYS)                                                                    \
    X(U32, uncapped_ppm, ALWAYS) /* BS_PPM less haircut_cap_ppm: what the cap leaves of a gain */  \
    X(BOOL, handed_over, ALWAYS) /* by the venue, for the next settlement; only with that trigger */

struct bs_account_cold {
    BS_ACCOUNT_KEPT(BS_KEPT_MEMBER)
    uint8_t position_class; /* room of 1 << class; BS_NO_ROOM = none */
    bool in_closes;         /* side of a close that is remembered; may be late to forget it */
    uint64_t seq;           /* of the last command that changed it */
    uint64_t uid;
    uint32_t name;
    uint32_t rank;     /* place in `order`, or in `order_waiting` */
    uint32_t owner;    /* of an isolated position's account row; 0 = an account as sent */
    uint32_t isolated; /* the owner's first isolated row, or the next one; 0 = none */
};

#define BS_NO_ROOM UINT8_MAX

_Static_assert(sizeof(struct bs_account_hot) == 16, "four accounts a cache line");
_Static_assert(sizeof(struct bs_account_cold) <= 64, "one cache line");

/* An account's memory beyond the period. Only rules that use it write it. */
struct bs_account_past {
    struct bs_limit_use limits[BS_LIMIT_SPANS];
    uint32_t hits;              /* closes in the day of limits[BS_LIMIT_DAY] */
    bs_i128 gains[BS_AGES_MAX]; /* by age less 1: what is left of the gains of older periods */
    bs_i128 claim;              /* on the fund: what haircuts took and it has not paid back */
};

/* Of an account in the window of its pool. */
struct bs_account_window {
    bs_i128 carried; /* the gain since the window opened less the gain of the current period */
    bs_i128 taken;   /* by its haircuts, less what was refunded; >= 0 */
};

/* Neighbours among the isolated rows of one market, in no order that matters; 0 = none. */
struct bs_isolated_links {
    uint32_t next, before;
};

struct bs_account_order {
    uint32_t places;  /* of accounts.order in use, gaps included */
    uint32_t count;   /* rows that have a place */
    uint32_t waiting; /* places of accounts.order_waiting in use */
};

struct bs_accounts {
    struct bs_account_hot *hot;
    struct bs_account_cold *cold;
    uint32_t *order;                  /* by place, in name order; 0 = a gap (account_order.h) */
    uint32_t *order_waiting;          /* new rows that have no place yet; 0 = gone again */
    uint32_t *order_spare;            /* for merging and spreading */
    struct bs_isolated_links *links;  /* by row; of isolated rows only */
    struct bs_account_past *past;     /* by row */
    bool any_past;                    /* ever: until then `past` is all 0 and never touched */
    struct bs_account_window *window; /* by row; all 0 while the pool has no window open */
    bool any_window;                  /* ever: until then `window` is never touched */
    bs_i128 *beyond;                  /* by row: what collateral does not hold of the cash */
    bool any_beyond;                  /* ever: until then `beyond` is all 0 and never touched */
    uint8_t *bound;                   /* by row: its level, solvency_bound.h */
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

/* Sums over the positions of an account, in quanta. */
struct bs_unrealized {
    bs_i128 profit; /* at the marks held now */
    bs_i128 taken;  /* by haircuts on unrealized profit, and not released yet */
};

#define BS_KEPT_UNREALIZED 64u

struct bs_kept_unrealized { /* unrealized.h */
    uint32_t account;       /* 0 = none */
    uint64_t mark_changes;  /* of its pool, when it was summed up */
    struct bs_unrealized sum;
};

struct bs_dedupe_entry;

struct bs_dedupe {                   /* dedupe.h */
    struct bs_dedupe_entry *entries; /* a ring; those from `forgotten` on are remembered */
    uint32_t *heads;                 /* hash chains: entry + 1 */
    uint32_t entries_mask;
    uint32_t heads_mask;
    uint64_t forgotten, added; /* since the log began */
    int64_t forgotten_ms;      /* the newest time of an id that is forgotten */
    bool any_deleted;          /* ever: until then no deleted account is looked for */
};

struct bs_close;

struct bs_closes { /* closes.h */
    struct bs_close *entries;
    uint64_t *by_action, *by_place; /* heads of chains */
    uint64_t added;
};

struct bs_fund; /* fund.h */

struct bs_source; /* command/source.h */

struct bs_provider; /* providers.h */

struct bs_plan; /* lib/settlement/plan.h */

struct bs_progress; /* lib/settlement/progress.h */

struct bs_engine {
    struct bs_config config;
    struct bs_capacity_command capacity; /* in force */
    struct bs_capacity_command largest;  /* that was ever in force, each by each */
    bool has_capacity;                   /* a record of the log has said so */
    uint32_t feature_level;              /* in force: feature.h */
    uint64_t seq;
    int64_t time_ms;
    uint64_t ordinal; /* of the last action */
    uint64_t uids;

    struct bs_names names;
    struct bs_pool *pools; /* rows from 1 */
    uint32_t *pool_name, *pool_order;
    uint32_t pools_count, pools_used;
    struct bs_index pool_index;
    struct bs_market *markets; /* rows from 1 */
    uint32_t *market_name, *market_order;
    uint32_t markets_count, markets_used;
    struct bs_index market_index;

    struct bs_accounts accounts; /* rows 1..slots */
    struct bs_index account_index;
    uint32_t accounts_count; /* backstop accounts included */
    uint32_t pages_max, pages_used;
    uint32_t *page_next; /* page -> next page of the same pool; pages from 1 */
    uint8_t *page_bound; /* the least of accounts.bound in it */
    struct bs_account_order order;

    struct bs_positions positions;
    uint32_t positions_count, positions_used, positions_rows;
    uint32_t position_free[BS_POSITION_CLASSES];
    struct bs_kept_unrealized kept_unrealized[BS_KEPT_UNREALIZED]; /* by row, modulo */

    struct bs_dedupe trades, transfers; /* their ids */
    struct bs_closes closes;
    struct bs_fund *funds; /* by pool row */
    struct bs_provider *providers;
    uint32_t providers_count;
    struct bs_source *sources;
    uint64_t *source_rings; /* of source_ring_mask + 1 entries each */
    uint32_t source_ring_mask;
    uint32_t sources_count;
    uint8_t *scratch_markets; /* by market: flags of one command, all 0 between commands */
    struct bs_plan *plan;     /* of the current settlement, with the tables of all plans */
    struct bs_progress *progress;
};

#endif
