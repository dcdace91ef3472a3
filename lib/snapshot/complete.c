/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every member of the book's structs, in order: in a row of the snapshot, or derived from what is. A
 * new member that is not named here does not compile. It is a row of a list (kept.h, fields.h), or
 * whatever loads the struct must work it out; and without either, nothing of it may decide what a
 * later command does.
 */
#include "lib/command/source.h"
#include "lib/snapshot/fields.h"

/* The compiler warns of an initializer with too few members: each stands for one. */
#define EVERY(type, ...)                                                                           \
    _Static_assert(sizeof((struct type){__VA_ARGS__}) == sizeof(struct type), "all of " #type)

#define BRACED(...)                                                                                \
    {                                                                                              \
        __VA_ARGS__                                                                                \
    }
#define SAVED 0                       /* in a row */
#define SAVED_MANY BRACED(0)          /* a struct, or an array */
#define SAVED_TABLE BRACED(BRACED(0)) /* an array of structs */
#define DERIVED 0                     /* from what is saved; or it decides nothing */
#define DERIVED_MANY BRACED(0)
#define DERIVED_TABLE BRACED(BRACED(0))
#define KEPT(kind, member, when) KEPT_##kind,
#define KEPT_U8 0
#define KEPT_U32 0
#define KEPT_U64 0
#define KEPT_I64 0
#define KEPT_BOOL 0
#define KEPT_WIDE 0
#define KEPT_DECIMAL BRACED(0)
#define KEPT_NAME 0
#define KEPT_ACCOUNT 0
#define KEPT_MARKET 0
#define KEPT_POOL 0
#define KEPT_PART(type) BRACED(0)

EVERY(bs_policy, SAVED /* period_ms */, SAVED /* layers_count */, SAVED_TABLE /* layers */,
      SAVED /* floor */, SAVED /* max_per_settlement */);
EVERY(bs_window, SAVED /* open */, SAVED /* name_size */, SAVED_MANY /* name */,
      SAVED /* opened_ms */, SAVED /* loss */);
EVERY(bs_pool, SAVED /* name */, BS_POOL_KEPT(KEPT) BS_POOL_KEPT_TOO(KEPT) SAVED /* reason_size */,
      SAVED_MANY /* reason */, SAVED /* again_ends_period */, SAVED /* again_final */,
      SAVED /* retired */, DERIVED /* backstop */, DERIVED /* bound_spent */,
      DERIVED /* mark_changes */, DERIVED /* deficits_known */, DERIVED /* deficits */,
      DERIVED /* exclusions */, DERIVED /* handovers */, DERIVED /* accounts */,
      DERIVED /* positions */, DERIVED /* markets */, SAVED /* page_head: how many pages */,
      DERIVED /* page_tail */, DERIVED /* account_free */, DERIVED /* market_head */);
EVERY(bs_market, SAVED /* name */, DERIVED /* next */, DERIVED /* unit */, DERIVED /* lot_value */,
      DERIVED /* bound_mark */, SAVED /* uid */, DERIVED_MANY /* holders */,
      DERIVED /* isolated_head */, BS_MARKET_KEPT(KEPT) DERIVED_MANY /* open */);
EVERY(bs_account_hot, SAVED /* collateral, with what is beyond */, DERIVED /* position_at */,
      DERIVED /* position_count */, SAVED /* pool */);
EVERY(bs_account_cold, BS_ACCOUNT_KEPT(KEPT) SAVED /* position_class */, DERIVED /* in_closes */,
      SAVED /* seq */, SAVED /* uid */, SAVED /* name */, DERIVED /* rank */, DERIVED /* owner */,
      DERIVED /* isolated */);
EVERY(bs_limit_use, SAVED /* number */, SAVED_MANY /* base */, SAVED /* lost */,
      SAVED /* closed */);
EVERY(bs_limit_base, SAVED /* equity */, SAVED /* gross */);
EVERY(bs_account_past, SAVED_TABLE /* limits */, SAVED /* hits */, SAVED_MANY /* gains */,
      SAVED /* claim */);
EVERY(bs_account_window, SAVED /* carried */, SAVED /* taken */);
EVERY(bs_position_row, SAVED /* size */, SAVED /* entry */, SAVED /* market */,
      SAVED /* priority */);
EVERY(bs_drawdown_part, SAVED /* known */, SAVED /* number */, SAVED /* equity */);
EVERY(bs_drawdown_history, SAVED /* part_ms */, SAVED /* restricted */, SAVED_TABLE /* parts */);
EVERY(bs_fund_change, SAVED /* time_ms */, SAVED /* settlement */, SAVED /* amount */,
      SAVED /* balance */, SAVED /* equity */, SAVED /* own_funds */, SAVED /* cause */);
EVERY(bs_fund, BRACED(0, false, SAVED_TABLE) /* drawdown */, SAVED /* changes */,
      SAVED_MANY /* digest */, SAVED_TABLE /* history */);
EVERY(bs_provider_use, SAVED /* settlement */, SAVED /* lots */, SAVED /* period */,
      SAVED /* value */);
EVERY(bs_source, SAVED_MANY /* name */, SAVED /* name_size */, DERIVED /* ring */,
      SAVED /* first_seq */, BS_SOURCE_KEPT(KEPT));
EVERY(bs_dedupe, DERIVED /* entries */, DERIVED /* heads */, DERIVED /* entries_mask */,
      DERIVED /* heads_mask */, SAVED /* forgotten */, SAVED /* added */, SAVED /* forgotten_ms */,
      DERIVED /* any_deleted */);
EVERY(bs_close, SAVED /* action */, DERIVED_MANY /* uid */, DERIVED /* market_uid */,
      SAVED_MANY /* account */, SAVED /* market */, SAVED /* pool */, SAVED_MANY /* priority */,
      SAVED /* lots */, SAVED /* reversed */, SAVED_MANY /* entry */, SAVED_MANY /* taken */,
      SAVED /* value */, SAVED /* mark_value */, DERIVED /* before_action */,
      DERIVED_MANY /* before_at */, SAVED /* group */, SAVED /* debtors */, SAVED /* is_long */,
      SAVED /* assigned */, SAVED_MANY /* superseded */, SAVED /* excludes */);
EVERY(bs_accounts, SAVED /* hot */, SAVED /* cold */, DERIVED /* order */,
      DERIVED /* order_waiting */, DERIVED /* order_spare */, DERIVED /* links */, SAVED /* past */,
      DERIVED /* any_past */, SAVED /* window */, DERIVED /* any_window */,
      SAVED /* beyond, with the collateral */, DERIVED /* any_beyond */, DERIVED /* bound */);
EVERY(bs_positions, SAVED /* rows */, SAVED /* taken */, DERIVED /* any_taken */);
EVERY(bs_closes, SAVED /* entries */, DERIVED /* by_action */, DERIVED /* by_place */,
      SAVED /* added */);
EVERY(bs_engine, BRACED(BRACED(0), BRACED(0), 0, 0, 0, 0) /* config: the new engine's */,
      SAVED_MANY /* capacity */, SAVED_MANY /* largest */, SAVED /* has_capacity */,
      SAVED /* feature_level */, SAVED /* seq */, SAVED /* time_ms */, SAVED /* ordinal */,
      SAVED /* uids */, SAVED_MANY /* names: with their rows, and ROOM */, SAVED /* pools */,
      SAVED /* pool_name */, DERIVED /* pool_order */, DERIVED /* pools_count */,
      DERIVED /* pools_used */, DERIVED_MANY /* pool_index */, SAVED /* markets */,
      SAVED /* market_name */, DERIVED /* market_order */, DERIVED /* markets_count */,
      DERIVED /* markets_used */, DERIVED_MANY /* market_index */, SAVED_MANY /* accounts */,
      DERIVED_MANY /* account_index */, DERIVED /* accounts_count */, DERIVED /* pages_max */,
      DERIVED /* pages_used */, DERIVED /* page_next */, DERIVED /* page_bound */,
      DERIVED_MANY /* order */, SAVED_MANY /* positions */, DERIVED /* positions_count */,
      DERIVED /* positions_used */, DERIVED /* positions_rows */,
      SAVED_MANY /* position_free: ROOM */, DERIVED_TABLE /* kept_unrealized */,
      SAVED_MANY /* trades */, SAVED_MANY /* transfers */, SAVED_MANY /* closes */,
      SAVED /* funds */, SAVED /* providers */, DERIVED /* providers_count */, SAVED /* sources */,
      SAVED /* source_rings */, DERIVED /* source_ring_mask */, DERIVED /* sources_count */,
      DERIVED /* scratch_markets */, SAVED /* plan: market_loss */, DERIVED /* progress */);
