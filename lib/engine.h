/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The engine: all state of all pools in one block of memory that the caller gives, one entry that
 * changes it (bs_engine_step), and const views. Deterministic: the same commands give the same
 * actions, byte for byte, on any machine.
 *
 *     struct bs_engine *engine = bs_engine_init(memory, bs_engine_size(&config), &config);
 *     bs_engine_step(engine, &command, &effects);
 *     while (effects.more) { publish(effects.actions); bs_engine_continue(engine, &effects); }
 *
 * One thread at a time. Zeroed memory that is never written need not be resident.
 */
#ifndef BS_ENGINE_H
#define BS_ENGINE_H

#include "lib/base/base.h"
#include "lib/base/limits.h"
#include "lib/base/status.h"
#include "lib/record/action.h"
#include "lib/record/command.h"

struct bs_engine;

struct bs_config {
    uint32_t accounts_max;  /* default 1,000,000 */
    uint32_t positions_max; /* default 4,000,000 */
    uint32_t markets_max;   /* default 10,000 */
    uint32_t pools_max;     /* default 1,000 */
    uint32_t dedupe_window; /* trade and transfer ids remembered, default 1,048,576; power of two */
    uint32_t source_window; /* items remembered of each source, default 65,536; power of two */
    uint64_t hash_seed;     /* spreads names over the hash tables; never changes an outcome */
    bool checks_detection;  /* tests: each detection is compared with one that looks at everybody */
};

void bs_config_defaults(struct bs_config *config);
/* Bytes of memory the engine needs; 0 when a capacity is 0 or too large. */
size_t bs_engine_size(const struct bs_config *config);
/* `memory` is zeroed (fresh anonymous mmap), aligned to 64 and outlives the engine. */
struct bs_engine *bs_engine_init(void *memory, size_t size, const struct bs_config *config);

/* The block was copied, or mapped at a second address: puts its pointers right. It must not be in
 * the middle of a settlement. */
struct bs_engine *bs_engine_attach(void *memory);

/* Why an insurance fund's cash changed. */
enum bs_fund_cause {
    BS_FUND_TOP_UP,
    BS_FUND_WITHDRAWAL,
    BS_FUND_CREDIT, /* a top-up paid down the unallocated deficit */
    BS_FUND_FILL,
    BS_FUND_TRANSFER,
    BS_FUND_DRAW,
    BS_FUND_TAKEOVER, /* of a position opposite to its own */
    BS_FUND_CLOSE,
    BS_FUND_WRITE_OFF,
    BS_FUND_REVERSAL,
    BS_FUND_RESTITUTION,
    BS_FUND_OWN_FUND,      /* not its cash: into a market's own fund (negative), or back */
    BS_FUND_OWN_FUND_DRAW, /* out of one */
    BS_FUND_SETTLEMENT,    /* any other step of one */
    BS_FUND_CAUSE_COUNT
};

const char *bs_fund_cause_name(uint8_t cause); /* as in JSON; NULL past the end */

enum bs_waiting { BS_WAITING_NO, BS_WAITING_STALE_MARK };

/* What one settlement did, for the list of settlements. Amounts in the pool's asset. */
struct bs_settlement {
    struct bs_text pool;
    uint64_t number;
    uint64_t seq; /* place in the log of the command that began it */
    int64_t time_ms;
    uint64_t first_action; /* ids within the pool */
    uint64_t last_action;
    uint64_t insolvent_accounts;
    uint64_t counterparties; /* adl actions */
    uint64_t payers;         /* haircut actions */
    uint64_t assignments;    /* actions of that name */
    struct bs_wide deficit;
    struct bs_wide fund_paid;
    struct bs_wide deleveraged; /* taken from counterparties below or above mark */
    struct bs_wide haircuts;
    struct bs_wide unallocated;
    struct bs_wide spreads; /* owed on top of the deficits, to volunteers */
};

/* What a step did. The caller owns `actions`; the texts in them live until the next step. */
struct bs_effects {
    struct bs_action *actions;
    uint32_t actions_max; /* at least 2 */
    uint32_t actions_count;
    bool more;             /* call bs_engine_continue before any other step */
    enum bs_status status; /* BS_OK: accepted; else nothing changed, but that a mark out of band is
                              remembered */
    const char *field;     /* the offending field, or NULL */
    bool settled;          /* `settlement` is filled: the settlement's last action is out */
    bool waiting;          /* a settle or close_period that waits for a fresh mark */
    struct bs_settlement settlement;
};

/* Executes one command. command->seq must be the last one + 1, time_ms must not go back. */
void bs_engine_step(struct bs_engine *engine, const struct bs_command *command,
                    struct bs_effects *effects);
/* Hands out the next actions of the settlement that the last step began. */
void bs_engine_continue(struct bs_engine *engine, struct bs_effects *effects);

/*
 * Hints: the record (checked by bs_command_decode before it was logged) will be stepped soon. Call
 * the stages in their order, each a few records before the next one and the step. No effect but on
 * caches.
 */
enum bs_prefetch { BS_PREFETCH_SLOT, BS_PREFETCH_ACCOUNT, BS_PREFETCH_NAME };

void bs_engine_prefetch(const struct bs_engine *engine, const uint8_t *record,
                        enum bs_prefetch stage);

uint64_t bs_engine_seq(const struct bs_engine *engine);
int64_t bs_engine_time_ms(const struct bs_engine *engine);
uint64_t bs_engine_actions(const struct bs_engine *engine); /* ordinal of the last action */

/* The next pool, after `after` (0 to begin), for which a settle command would do something at
 * now_ms: not paused, not halted, changed since its last run or past its period's end. 0 = none.
 * The result is a handle for bs_pool_view_get. */
uint32_t bs_engine_due(const struct bs_engine *engine, uint32_t after, int64_t now_ms);

/* 128 bits over the whole logical state in name order: equal state, equal digest. */
struct bs_digest {
    uint64_t words[2];
};
struct bs_digest bs_engine_digest(struct bs_engine *engine);
/* The same over the pools, the markets and `count` accounts from the `first` in name order on: what
 * a self-check beside the traffic can afford. */
struct bs_digest bs_engine_digest_part(struct bs_engine *engine, uint32_t first, uint32_t count);

/* How full the tables are. */
struct bs_usage {
    uint32_t pools, markets, accounts, positions;
};
struct bs_usage bs_engine_usage(const struct bs_engine *engine);

/* ---- views: copies for reading; texts point into the engine and live until the next step ---- */

/* What an account has volunteered to take over in a market, and what of it is left. */
struct bs_provider_view {
    struct bs_text account;
    struct bs_text market;
    struct bs_wide max_position;
    bool has_max_size;
    struct bs_wide max_size;
    uint32_t max_leverage_ppm;
    bool has_window;
    uint64_t window_ms;
    uint32_t window_ppm;
    bool has_priority;
    uint32_t priority;
    struct bs_wide position;    /* that it holds, signed */
    struct bs_wide window_used; /* value at mark taken in the window that engine time is in */
    /* Contracts of a long, and of a short, that it would take now by its limits. 0 while a market
     * that it holds something in, or this one, has no mark. */
    struct bs_wide room_long, room_short;
};

/* A producer that numbers what it sends. */
struct bs_source_view {
    struct bs_text source;
    uint64_t next_seq;   /* that its next item must have */
    uint64_t oldest_seq; /* from here on a repeat is known; next_seq: none is remembered */
};

enum bs_pool_state { BS_STATE_PAUSED, BS_STATE_RUNNING, BS_STATE_HALTED };

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
    struct bs_text market;
    struct bs_text pool;
    uint8_t contract;
    struct bs_decimal tick_size;
    struct bs_decimal lot_size;
    struct bs_decimal multiplier;
    uint32_t maintenance_margin_ppm;
    uint32_t max_move_ppm;
    bool has_mark;
    struct bs_wide mark_price;
    int64_t mark_time_ms;
    bool settled;                         /* finally, at mark_price */
    uint32_t longs, shorts;               /* positions, the backstop account's included */
    struct bs_wide open_long, open_short; /* contracts, both positive */
    bool has_fund_budget;
    struct bs_wide fund_budget, fund_budget_used; /* of the current period */
    bool own_fund;
    struct bs_wide own_fund_balance; /* its own part of the fund */
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
    struct bs_text market;
    bool isolated;
    struct bs_wide size;
    struct bs_wide entry_price;
    struct bs_wide entry_value;
    bool has_mark;
    struct bs_wide mark_price;
    struct bs_wide value; /* at mark, signed */
    struct bs_wide unrealized_profit;
    struct bs_wide maintenance;
    struct bs_wide haircut_taken;
    bool has_priority;
    uint32_t adl_priority;
};

/* One row of a queue: who would be closed, in order. Under pro_rata the order is the account id. */
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

/* Where one position of an account stands in the queue of its market side. */
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
/* Registrations of providers stand in the order of account, then market: the first at or after a
 * row, of one pool (0 = of all) and one market (0 = of all). False past the end. */
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
