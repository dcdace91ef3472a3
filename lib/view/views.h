/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Views: copies of an engine's state for reading. Texts point into the engine and live until the
 * next step. Amounts are in the pool's asset, sizes in contracts, prices as the venue quotes them.
 */
#ifndef BS_VIEWS_H
#define BS_VIEWS_H

#include "lib/base/status.h"
#include "lib/book/states.h"
#include "lib/record/action.h"
#include "lib/record/command.h"
#include "lib/view/fields.h"

struct bs_engine;

struct bs_provider_view {
    BS_PROVIDER_VIEW(BS_VIEW_MEMBER)
};

/* A producer that numbers its items. */
struct bs_source_view {
    struct bs_text source;
    uint64_t next_seq;   /* that its next item must have */
    uint64_t oldest_seq; /* from here on a repeat is known; next_seq: none is remembered */
};

struct bs_pool_view {
    struct bs_text pool;
    struct bs_text asset;
    uint32_t decimals;
    uint32_t mark_max_age_ms;
    uint64_t period_ms;
    uint8_t state;   /* enum bs_pool_state */
    uint8_t waiting; /* enum bs_waiting */
    uint8_t trigger; /* enum bs_trigger */
    int64_t period_start_ms;
    int64_t period_end_ms; /* 0 for "tick" */
    uint32_t layers_count;
    struct bs_layer layers[BS_LAYERS_MAX];
    bool has_next; /* a waterfall and period that apply from the next period */
    uint64_t next_period_ms;
    uint32_t next_layers_count;
    struct bs_layer next_layers[BS_LAYERS_MAX];
    uint32_t accounts; /* without the backstop account */
    uint32_t positions;
    uint64_t last_action;
    uint64_t last_settlement;
    struct bs_text backstop_account;
    struct bs_wide fund_collateral;
    struct bs_wide fund_equity;
    struct bs_wide fund_floor;     /* of the insurance layer; 0 without one */
    struct bs_wide own_funds;      /* kept for markets with a fund of their own */
    struct bs_wide fund_available; /* what the insurance layer could pay now */
    struct bs_wide period_loss;
    struct bs_wide unallocated_deficit;
    struct bs_wide claims; /* of accounts on the fund */
    bool has_window;       /* since a default: open */
    struct bs_text window;
    int64_t window_opened_ms;
    struct bs_wide window_loss; /* that its payers bear */
    struct bs_text reason;      /* of the last pause or halt */
};

enum bs_fund_state { BS_FUND_NORMAL, BS_FUND_RESTRICTED, BS_FUND_EXHAUSTED };

/* The triggers of an insurance fund, as an observation at engine time would find them. */
struct bs_fund_view {
    bool has_drawdown; /* else the peak and what follows from it mean nothing */
    uint32_t drawdown_ppm;
    struct bs_wide peak;
    struct bs_wide threshold; /* the layer may not take the equity below it */
    struct bs_wide distance;  /* equity less threshold */
    struct bs_wide resume_at; /* the least equity at which a restricted fund resumes */
    bool has_max_per_settlement;
    struct bs_wide max_per_settlement;
    uint8_t state; /* enum bs_fund_state */
};

/* One change of an insurance fund's cash. */
struct bs_fund_change_view {
    uint64_t number; /* within the pool, from 1 */
    int64_t time_ms;
    uint8_t cause;                  /* enum bs_fund_cause */
    uint64_t settlement;            /* 0 = outside of one */
    struct bs_wide amount;          /* signed */
    struct bs_wide balance, equity; /* after it */
    struct bs_wide own_funds;       /* of them kept for markets with a fund of their own */
};

/* Totals over a pool at current marks: one pass over its accounts. */
struct bs_solvency_view {
    struct bs_wide collateral;      /* all accounts, the backstop account included */
    struct bs_wide equity_positive; /* sum of equities >= 0, without the backstop account */
    struct bs_wide deficit;         /* sum of deficits, without the backstop account */
    struct bs_wide gains;           /* sum of positive gains of solvent accounts */
    struct bs_wide unrealized_profit;
    struct bs_wide unrealized_loss; /* as a positive amount */
    uint32_t insolvent_accounts;
    uint32_t waiting_for_handover; /* of them: those the next run will not resolve */
};

struct bs_market_view {
    BS_MARKET_VIEW(BS_VIEW_MEMBER)
};

struct bs_account_view {
    struct bs_text account;
    struct bs_text pool;
    struct bs_wide collateral;
    struct bs_wide equity;
    struct bs_wide baseline;
    struct bs_wide gain;
    struct bs_wide maintenance;
    bool has_leverage;       /* equity > 0 */
    struct bs_wide leverage; /* sum of notionals / equity, 12 digits */
    bool isolated;           /* the account's isolated margin in `market` */
    struct bs_text market;   /* empty unless isolated */
    bool handed_over;
    bool has_window;            /* the pool has one open */
    struct bs_wide window_gain; /* since it opened, before what it took */
    struct bs_wide window_taken;
    struct bs_wide claim;              /* on the fund: what haircuts took, not yet paid back */
    struct bs_wide gains[BS_AGES_MAX]; /* left of those of older periods, the youngest first */
    uint32_t gains_count;
    uint32_t haircut_cap_ppm; /* of its gain, under capped_pro_rata; BS_PPM = no cap */
    uint64_t last_action;
    uint64_t seq; /* of the last command that changed it */
    uint32_t positions_count;
};

struct bs_position_view {
    struct bs_text account;
    BS_POSITION_VIEW(BS_VIEW_MEMBER)
};

/* One row of a queue, in the order of closing; under pro_rata the order is the account id. */
struct bs_queue_view {
    struct bs_text account;
    bool isolated;
    uint64_t rank; /* 1 = first */
    struct bs_wide size;
    struct bs_wide unrealized_profit;
    bool has_score;
    struct bs_wide score;
    struct bs_wide quantity_ahead;
    uint32_t percentile_ppm;
    uint32_t lights; /* 1..5 */
};

/* What limits the worst close of a position: see bs_rank_view. */
enum bs_bound { BS_BOUND_MARK, BS_BOUND_ENTRY, BS_BOUND_EQUITY };

/* The place of one position of an account in the queue of its market side. */
struct bs_rank_view {
    struct bs_text market;
    uint8_t side; /* 0 long, 1 short */
    uint8_t ranking;
    bool isolated;
    bool ranked; /* false: its account is insolvent or the fund's, or the market has no mark; then
                    `of` is 0 and of `place` only size and profit are set */
    bool has_mark;
    bool closable; /* the pool has an adl layer: the worst close is set */
    uint8_t bound; /* enum bs_bound */
    struct bs_wide mark_price;
    uint64_t of; /* candidates of the side */
    struct bs_queue_view place;
    struct bs_wide worst_price, worst_cost; /* of a close of all of it, by the bound */
};

#define BS_RANK_ROWS_MAX 32u

/* Handles: 0 is "none"; they stay valid until the next step. Lists are in bytewise name order;
 * `after` may be a name that does not exist. A zero-size `after` begins. */
uint32_t bs_pool_find(const struct bs_engine *engine, struct bs_text pool);
uint32_t bs_pool_after(const struct bs_engine *engine, struct bs_text after);
void bs_pool_view_get(const struct bs_engine *engine, uint32_t pool, struct bs_pool_view *ret_view);
void bs_fund_view_get(const struct bs_engine *engine, uint32_t pool, struct bs_fund_view *ret_view);
/* The changes of the fund's cash after number `after` that are still kept, oldest first, at most
 * `max`. Returns how many were written. */
uint32_t bs_fund_history_get(const struct bs_engine *engine, uint32_t pool, uint64_t after,
                             uint32_t max, struct bs_fund_change_view *ret_rows);
void bs_solvency_view_get(const struct bs_engine *engine, uint32_t pool,
                          struct bs_solvency_view *ret_view);
uint32_t bs_market_find(const struct bs_engine *engine, struct bs_text market);
uint32_t bs_market_after(const struct bs_engine *engine, struct bs_text after);
void bs_market_view_get(const struct bs_engine *engine, uint32_t market,
                        struct bs_market_view *ret_view);
uint32_t bs_account_find(const struct bs_engine *engine, struct bs_text account);
/* Next account after a name, of one pool (0 = of all). Not const: it may bring the index up to
 * date. */
uint32_t bs_account_after(struct bs_engine *engine, uint32_t pool, struct bs_text after);
void bs_account_view_get(const struct bs_engine *engine, uint32_t account,
                         struct bs_account_view *ret_view);
/* The account's isolated margins, in market-id order: handles like its own, 0 = no more. */
uint32_t bs_isolated_first(const struct bs_engine *engine, uint32_t account);
uint32_t bs_isolated_next(const struct bs_engine *engine, uint32_t isolated);
/* What an action is about: the account, or its isolated margin; 0 when it is gone. */
uint32_t bs_action_account(const struct bs_engine *engine, const struct bs_action *action);
/* The i-th position of an account in market-id order, i < positions_count. */
void bs_position_view_get(const struct bs_engine *engine, uint32_t account, uint32_t index,
                          struct bs_position_view *ret_view);
/* The account's position in a market; false when it holds none there. */
BS_MUST_USE bool bs_position_in_market(const struct bs_engine *engine, uint32_t account,
                                       uint32_t market, struct bs_position_view *ret_view);
/*
 * Registrations of providers are in the order of account, then market: the first at or after a row,
 * of one pool (0 = of all) and one market (0 = of all). False past the end.
 */
BS_MUST_USE bool bs_provider_next(const struct bs_engine *engine, uint32_t pool, uint32_t market,
                                  uint32_t *row);
/* The first row after a pair of names, which need not exist. */
uint32_t bs_provider_after(const struct bs_engine *engine, struct bs_text account,
                           struct bs_text market);
void bs_provider_view_get(const struct bs_engine *engine, uint32_t row,
                          struct bs_provider_view *ret_view);
/* The first source after a name, which need not exist ("" to begin); false past the last. */
BS_MUST_USE bool bs_source_after(const struct bs_engine *engine, struct bs_text name,
                                 struct bs_source_view *ret_view);
BS_MUST_USE bool bs_source_view_get(const struct bs_engine *engine, struct bs_text name,
                                    struct bs_source_view *ret_view);
/* Ranks one side of a market (0 longs, 1 shorts) as the pool's adl layer would now (profit_leverage
 * without such a layer) and writes rows [offset, offset + max). Returns how many were written. */
uint32_t bs_queue_view_get(struct bs_engine *engine, uint32_t market, uint8_t side, uint32_t offset,
                           uint32_t max, struct bs_queue_view *ret_rows);
/* Where the account's positions [offset, offset + max), max <= BS_RANK_ROWS_MAX, stand; those of
 * its isolated margins follow its own. One pass over the pool's accounts for each kind, nothing
 * sorted. Returns how many rows were written. */
uint32_t bs_rank_view_get(struct bs_engine *engine, uint32_t account, uint32_t offset, uint32_t max,
                          struct bs_rank_view *ret_rows);
/* The accounts with the least equity over maintenance first (at most max <= 1000). */
uint32_t bs_at_risk_view_get(struct bs_engine *engine, uint32_t pool, uint32_t max,
                             uint32_t *ret_accounts);

#endif
