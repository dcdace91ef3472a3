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

#define BS_RISK_ROWS_MAX 1000

struct bs_engine;

/* Rows of what the view points to, until the next step. */
struct bs_layers {
    const struct bs_layer *rows;
    uint32_t count;
};

struct bs_wides {
    struct bs_wide rows[BS_AGES_MAX];
    uint32_t count;
};

enum bs_fund_state { BS_FUND_NORMAL, BS_FUND_RESTRICTED, BS_FUND_EXHAUSTED };

/* What limits the worst close of a position. */
enum bs_bound { BS_BOUND_MARK, BS_BOUND_ENTRY, BS_BOUND_EQUITY };

const char *bs_pool_state_name(uint8_t state);
const char *bs_waiting_name(uint8_t waiting); /* NULL: it waits for nothing */
const char *bs_fund_state_name(uint8_t state);
const char *bs_bound_name(uint8_t bound);

#define VIEW(name, ROWS)                                                                           \
    struct name {                                                                                  \
        ROWS(BS_VIEW_MEMBER)                                                                       \
    };
VIEW(bs_market_view, BS_MARKET_VIEW)
VIEW(bs_provider_view, BS_PROVIDER_VIEW)
VIEW(bs_source_view, BS_SOURCE_VIEW)
VIEW(bs_rules_view, BS_RULES_VIEW)
VIEW(bs_fund_cash_view, BS_FUND_CASH_VIEW)
VIEW(bs_window_view, BS_WINDOW_VIEW)
VIEW(bs_pool_view, BS_POOL_VIEW)
VIEW(bs_fund_view, BS_FUND_VIEW)
VIEW(bs_fund_change_view, BS_FUND_CHANGE_VIEW)
VIEW(bs_solvency_view, BS_SOLVENCY_VIEW)
VIEW(bs_account_view, BS_ACCOUNT_VIEW)
VIEW(bs_queue_view, BS_QUEUE_VIEW)
VIEW(bs_best_close_view, BS_BEST_CLOSE_VIEW)
VIEW(bs_worst_close_view, BS_WORST_CLOSE_VIEW)
VIEW(bs_close_range_view, BS_CLOSE_RANGE_VIEW)
VIEW(bs_rank_view, BS_RANK_VIEW)
#undef VIEW

struct bs_position_view {
    struct bs_text account;
    BS_POSITION_VIEW(BS_VIEW_MEMBER)
};

#define BS_RANK_ROWS_MAX 32u

/* Handles: 0 is "none"; they stay valid until the next step. Lists are in bytewise name order;
 * `after` may be a name that does not exist. A zero-size `after` begins. */
uint32_t bs_pool_find(const struct bs_engine *engine, struct bs_text pool);
uint32_t bs_pool_after(const struct bs_engine *engine, struct bs_text after);
void bs_pool_view_get(const struct bs_engine *engine, uint32_t pool, struct bs_pool_view *ret_view);
struct bs_fund_cash_view bs_fund_cash_view_get(const struct bs_engine *engine, uint32_t pool);
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

/*
 * A place in an order by fractions. It need not be taken: what follows it follows from its numbers,
 * so a list is continued although rows have come, gone or moved.
 */
struct bs_place {
    uint8_t tier; /* before the fraction; lower ones come first */
    bs_i128 numerator, denominator;
    struct bs_text key; /* of an account, or of an isolated margin; orders equal fractions */
};

#define BS_PLACE_KEY_SIZE_MAX (2 * BS_ID_SIZE_MAX + 1)

/* A page of the candidates on one side of a market (0 longs, 1 shorts), ranked as the pool's adl
 * layer would now (profit_leverage without such a layer). */
struct bs_queue_page {
    uint32_t market, limit;
    uint8_t side;
    const struct bs_place *after; /* NULL: from the front */
    struct bs_queue_view *rows;   /* the caller's, `limit` of them */
    uint32_t count;               /* of those written */
    bool has_more;
    struct bs_place last; /* of the last row; its denominator is above 0 */
};

void bs_queue_page_get(struct bs_engine *engine, struct bs_queue_page *page);
/* Where the account's positions [offset, offset + max), max <= BS_RANK_ROWS_MAX, stand; those of
 * its isolated margins follow its own. One pass over the pool's accounts for each kind, nothing
 * sorted. Returns how many rows were written. */
uint32_t bs_rank_view_get(struct bs_engine *engine, uint32_t account, uint32_t offset, uint32_t max,
                          struct bs_rank_view *ret_rows);

/* A page of the accounts with positions, those with the least equity over maintenance first, those
 * without maintenance last. */
struct bs_risk_page {
    uint32_t pool, limit;         /* limit <= BS_RISK_ROWS_MAX */
    const struct bs_place *after; /* NULL: from the front */
    uint32_t accounts[BS_RISK_ROWS_MAX];
    uint32_t count;
    bool has_more;
};

void bs_risk_page_get(struct bs_engine *engine, struct bs_risk_page *page);
/* Where the account stands among them; the denominator may be 0. */
struct bs_place bs_risk_place(const struct bs_engine *engine, uint32_t account);

#endif
