/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A plan: the steps that resolve a settlement, and working copies of the accounts they touch.
 *
 * The layers read the engine through a const pointer and only add steps. bs_plan_add carries each
 * step out on working copies, so that the next one sees its result. bs_plan_check then carries the
 * whole plan out again from the untouched state and verifies it; only bs_plan_apply writes to the
 * engine. A plan that is dropped leaves no trace.
 *
 *   const engine --layers--> plan --check--> ok --apply--> engine + actions
 *                                      \---> breach: pool halted, nothing changed
 *
 * The engine owns one plan with its tables. A reader may begin another one beside it, to read
 * through it: such a plan shares the tables and adds no step.
 */
#ifndef BS_PLAN_H
#define BS_PLAN_H

#include "lib/book/book.h"
#include "lib/book/positions.h"
#include "lib/settlement/checking.h"
#include "lib/settlement/debtor.h"
#include "lib/settlement/division.h"
#include "lib/settlement/step/step.h"

struct bs_working {
    uint32_t account;
    uint32_t first, count, room; /* own copies of the positions, in market-name order; room 0:
                                    still the engine's */
    bs_i128 collateral;
    bs_i128 baseline;
    bs_i128 window_taken;
    bool has_past;    /* in plan->pasts */
    uint32_t changes; /* how often it was touched */
};

struct bs_working_position {
    uint32_t market;
    struct bs_leg leg;
};

/* Two accounts that are not closed against each other in this settlement. */
struct bs_excluded {
    uint32_t account; /* 0: the counterparty is left out of its side of the market */
    uint32_t counterparty, market;
    bool is_long; /* that side */
};

/* A provider that this settlement asks: asked.h. */
struct bs_asked {
    uint32_t row;               /* of engine->providers */
    uint8_t full;               /* bit 0: has no room for any long, bit 1: for any short */
    uint32_t changes;           /* of its account when `full` was set */
    struct bs_provider_use use; /* what it took, as planned */
};

/* A walk over the sides of all markets, by market id, that closes each for debtors together. */
struct bs_side_walk {
    uint32_t first, end; /* rows of plan->debtors */
    bool at_mark;
    bool begun;
    uint32_t market; /* 0 = past the last one */
    uint8_t side;    /* of the debtors: 0 long */
};

/* How far the layers have come, each of which runs over all debtors before the next. */
struct bs_stage {
    uint32_t layer, debtor; /* of layers that run debtor by debtor */
    struct bs_side_walk sides;
};

struct bs_close;
struct bs_queues;

struct bs_plan {
    /* Tables: placed with the engine, the same in every plan of it. */
    struct bs_step *steps;
    struct bs_debtor *debtors;
    struct bs_leg_weight *weights; /* of the debtors' legs at detection */
    struct bs_round *rounds;
    uint32_t *touch;               /* by account: its working row; all 0 between plans */
    struct bs_working *working;    /* rows 1.. */
    struct bs_account_past *pasts; /* by working row */
    struct bs_working_position *working_positions;
    struct bs_queues *queues;
    struct bs_payer *payers;
    bs_i128 *market_loss; /* by market * 2 + side of the payers: the part of the period loss that
                              is theirs; between settlements all 0, except in a halted pool */
    bs_i128 *market_loss_applied; /* likewise, by the chunks already applied */
    uint8_t *market_sides;        /* by market: bit 0 longs, bit 1 shorts; all 0 between uses */
    int64_t *budget_used;         /* by market, while there are budgets */
    int64_t *own_funds;           /* by market, likewise; of the working copies */
    struct bs_leg_weight *leg_weights;   /* of one account */
    struct bs_closing_leg *closing_legs; /* of one account */
    struct bs_asked *asked;              /* in the order in which they are asked */
    struct bs_excluded *excluded;
    struct bs_closing_leg *check_legs; /* of the check, as in struct bs_check */
    int64_t *check_budget_used;
    bs_i128 *check_market_sizes;
    uint32_t steps_max, debtors_max, weights_max, rounds_max, working_max, working_positions_max;
    uint64_t checks_count; /* since the engine began */

    /* From here on: of one settlement, set by bs_plan_begin. */
    const struct bs_engine *engine;
    uint32_t pool;
    const struct bs_policy *policy;
    const struct bs_layer *limits; /* what bounds a counterparty's losses: limits.h; or NULL */
    uint64_t number;               /* that the settlement has or would get */
    int64_t now_ms;
    uint32_t steps_count, debtors_count, weights_count, rounds_count;
    uint32_t debtor_next; /* the first debtor whose waterfall has not run yet */
    uint32_t fund_debtor; /* the row kept for the fund's own debt */
    uint32_t working_count, working_positions_count;
    bs_i128 period_loss, unallocated, claims, over_budget, window_loss;
    bs_i128 own_funds_total;             /* of plan->own_funds_total */
    bs_i128 cleared_lots, cleared_value; /* by the final steps of this settlement: their sums */
    bs_i128 fund_least;                  /* equity that draws leave: floor or drawdown threshold */
    bool fund_restricted;                /* when the settlement began: it pays nothing */
    bool fund_cut;     /* the drawdown cut a draw short: from then on the fund pays nothing */
    bool has_budgets;  /* some market of the pool has one, or an own fund */
    bs_i128 fund_paid; /* by the insurance layer in this settlement, against max_per_settlement */
    uint32_t sides_split, rounds_split; /* number the sides that were split, and the rounds */
    uint32_t excluded_count;
    uint32_t asked_count;
    uint32_t positions;              /* of all pools, as planned */
    const struct bs_close *reversed; /* what reversal steps take back */
    struct bs_stage stage;           /* of the debtors, where sides are pooled */
    uint32_t backstop_positions; /* the backstop account holds after this plan: set by the check */
    bool overflow;               /* an amount left its range: the check refuses the plan */
    bool inverse;                /* the pool has an inverse market */
    struct bs_check check;
};

void bs_plan_begin(struct bs_plan *plan, const struct bs_engine *engine, uint32_t pool,
                   int64_t now_ms);
/* Forgets the working copies; the steps stay. */
void bs_plan_reset_working(struct bs_plan *plan);
/* The plan was refused: undoes what it left outside of itself. Steps that were applied stay
 * applied. */
void bs_plan_drop(struct bs_plan *plan);
/* Keeps the market losses of the last chunk, which was applied; or restores those kept before. */
void bs_plan_keep_market_losses(struct bs_plan *plan);
void bs_plan_restore_market_losses(struct bs_plan *plan);

/* Reading through the plan: the working copy where there is one, else the engine. */
bs_i128 bs_plan_equity(const struct bs_plan *plan, uint32_t account);
bs_i128 bs_plan_collateral(const struct bs_plan *plan, uint32_t account);
bs_i128 bs_plan_gain(const struct bs_plan *plan, uint32_t account);
/* In the window: what it has taken, and the gain before that. */
bs_i128 bs_plan_window_taken(const struct bs_plan *plan, uint32_t account);
bs_i128 bs_plan_window_gain(const struct bs_plan *plan, uint32_t account);
uint32_t bs_plan_positions(const struct bs_plan *plan, uint32_t account);
/* The i-th position in market-name order. */
struct bs_working_position bs_plan_position(const struct bs_plan *plan, uint32_t account,
                                            uint32_t i);
/* Differs when the account may have changed; 0 = the engine's. */
uint32_t bs_plan_changes(const struct bs_plan *plan, uint32_t account);
const struct bs_account_past *bs_plan_past(const struct bs_plan *plan, uint32_t account);
/* Size 0 when the account holds nothing there. */
struct bs_leg bs_plan_leg(const struct bs_plan *plan, uint32_t account, uint32_t market);
bs_i128 bs_plan_value(const struct bs_plan *plan, uint32_t market, int64_t lots);
/* What a position of `size` loses of its value at mark when `lots` of it are closed. (An inverse
 * value is rounded, so that this is not always the value of `lots`.) */
bs_i128 bs_plan_released(const struct bs_plan *plan, uint32_t market, int64_t size, int64_t lots);
/* Whether the value of such a position is 0 or below, as long as prices are above 0. */
bool bs_plan_pays_to_close(const struct bs_plan *plan, uint32_t market, int64_t size);
/* Value at mark less entry value of a leg. */
bs_i128 bs_plan_profit(const struct bs_plan *plan, uint32_t market, const struct bs_leg *leg);
uint32_t bs_plan_backstop(const struct bs_plan *plan);
/* Whether the venue could not apply the last close of the two in the market: it would be chosen
 * again. */
bool bs_plan_excludes(const struct bs_plan *plan, uint32_t account, uint32_t counterparty,
                      uint32_t market);
/* Whether the account's position in the market is on a side that it is left out of. */
bool bs_plan_leaves_out(const struct bs_plan *plan, uint32_t account, uint32_t market);
/* Whether the two accounts of a step hold its lots on opposite sides. */
bool bs_plan_closes_both(const struct bs_plan *plan, const struct bs_step *step);
/* Values of inverse positions are rounded: each leg of an account may be a quantum off its exact
 * value while it is closed in part. */
bs_i128 bs_plan_dust(const struct bs_plan *plan, uint32_t account);

/* Writing the working copies: only the kinds of step do. */
struct bs_working *bs_plan_touch(struct bs_plan *plan, uint32_t account);
/* With the account's own copies of its positions, and room for what it may take over. */
struct bs_working *bs_plan_touch_positions(struct bs_plan *plan, uint32_t account);
struct bs_account_past *bs_plan_touch_past(struct bs_plan *plan, uint32_t account);
/* The account closes `lots` of its position and receives `received` (signed). */
void bs_plan_close_leg(struct bs_plan *plan, uint32_t account, uint32_t market, int64_t lots,
                       bs_i128 received);
/* Adds, changes or (size 0) removes a position. */
void bs_plan_put_leg(struct bs_plan *plan, uint32_t account, uint32_t market,
                     const struct bs_leg *leg);
/* Others pay a debt of the account: its claim, and what it gets back from the window, are lower by
 * as much. */
void bs_plan_set_off(struct bs_plan *plan, uint32_t account, bs_i128 debt);
void bs_plan_lower_claim(struct bs_plan *plan, uint32_t account, bs_i128 amount);

#endif
