/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A plan: the steps that resolve a settlement, and the working copies of the accounts they touch.
 *
 * The policies (netting, layers, haircuts) see the engine through a const pointer and only add
 * steps; bs_plan_add carries each step out on working copies, so that the next one sees its
 * result. bs_plan_check then carries the whole plan out once more from the untouched state and
 * verifies it; only bs_plan_apply writes to the engine. A plan that is dropped leaves no trace.
 *
 *   const engine --policies--> plan --check--> ok --apply--> engine + actions
 *                                        \---> breach: pool halted, nothing changed
 */
#ifndef BS_PLAN_H
#define BS_PLAN_H

#include "lib/book/book.h"
#include "lib/book/closes.h"
#include "lib/book/providers.h"
#include "lib/settlement/close_price.h"
#include "lib/settlement/ranking.h"

enum bs_step_type {
    BS_STEP_DRAW,        /* amount from the backstop account to `account`; to the period loss when
                            `account` is the backstop account itself; out of what is kept for
                            `market` when there is one */
    BS_STEP_NETTING,     /* `account` (long) and `counterparty` (short) close `lots` at mark */
    BS_STEP_CLOSE,       /* `account` closes `lots` and receives `amount` from `counterparty` */
    BS_STEP_TAKEOVER,    /* the whole position moves to the backstop account at mark */
    BS_STEP_WRITE_OFF,   /* the account's debt `amount` becomes period loss */
    BS_STEP_HAIRCUT,     /* `account` pays `amount` of the period loss */
    BS_STEP_REFUND,      /* `account` gets `amount` of what the window took from it back, out of the
                            period loss, which others pay */
    BS_STEP_RESTITUTION, /* `amount` of the account's claim is paid by `counterparty`, the fund; of
                            what the window's refunds cost when `account` is the fund itself */
    BS_STEP_UNALLOCATED, /* `amount` of the period loss becomes unallocated deficit */
    BS_STEP_FINAL,       /* `account` closes all its `lots` for their value `amount`; lots 0: the
                            backstop account gets the dust `amount` */
    BS_STEP_REVERSAL,    /* `lots` of the close plan->reversed are taken back, `amount` with them */
    BS_STEP_ASSIGN,      /* `lots` move from `account` to the volunteer `counterparty`, which pays
                            `amount` for them */
    BS_STEP_COUNT
};

/* An account that could not pay: what the reason of its actions says. */
struct bs_case {
    uint32_t account;
    bs_i128 deficit; /* as detected, > 0 */
    bs_i128 fund_paid;
    bs_i128 owed;        /* still to be resolved while the waterfall runs */
    bool solvent;        /* after netting, by the rounding of inverse values: it keeps the rest */
    bs_i128 over_budget; /* of it: what the markets' budgets kept the fund from paying */
    uint32_t legs_first,
        legs_count; /* maintenance per leg held at detection, in market-name order */
};

struct bs_leg_weight {
    uint32_t market;
    uint8_t side; /* of the leg: 0 long, 1 short */
    bs_i128 weight;
};

#define BS_BOTH_SIDES 2

/* One round of a division of loss among payers: the numbers everybody needs to check a share. */
struct bs_round {
    bs_i128 loss, total; /* L and G */
    uint32_t market;     /* 0 = the whole pool */
    uint8_t side;        /* of the payers: 0 long, 1 short, BS_BOTH_SIDES */
    uint8_t basis;       /* enum bs_basis */
    uint8_t age;         /* of the gains: seniority.h */
};

struct bs_step {
    uint8_t type;
    bool has_prefix; /* haircut: false when the payer paid its cap */
    uint32_t account;
    uint32_t counterparty;
    uint32_t market;
    uint32_t reference; /* case + 1 (close, draw, takeover, write-off) or round + 1 (haircut) */
    uint32_t candidate; /* close: row of the ranking + 1; assign: place of the volunteer + 1 */
    int64_t lots;
    bs_i128 amount;
    bs_i128 gain;   /* haircut, refund: the account's; close: what the leg is worth in all, V */
    bs_i128 weight; /* haircut: the payer's weight; refund: what is due to the account */
    bs_i128 prefix; /* haircut, refund, close of a split: the sum of the weights before its own */
    bs_i128 total;  /* close of a split: the sum of the weights; else 0 */
    bs_i128 parted; /* close of a split: lots that go by the weights, or that stay */
};

struct bs_working {
    uint32_t account;
    uint32_t first, count, room; /* own copies of the positions, in market-name order; room 0:
                                    still the engine's */
    bs_i128 collateral;
    bs_i128 baseline;
    bs_i128 window_taken;
    bool has_past;    /* in scratch->pasts */
    uint32_t changes; /* how often it was touched */
};

struct bs_working_position {
    uint32_t market;
    struct bs_leg leg;
};

struct bs_plan {
    const struct bs_engine *engine;
    struct bs_scratch *scratch;
    uint32_t pool;
    const struct bs_policy *policy;
    const struct bs_layer *limits; /* what bounds a counterparty's losses: tally.h; or NULL */
    uint64_t number;               /* that the settlement has or would get */
    int64_t now_ms;
    uint32_t steps_count, cases_count, weights_count, rounds_count;
    uint32_t case_next;    /* the first case whose waterfall has not run yet */
    uint32_t fund_case;    /* the row kept for the fund's own debt */
    uint32_t case_checked; /* the first case that no applied plan has resolved yet */
    uint32_t working_count, working_positions_count;
    bs_i128 period_loss, unallocated, claims, over_budget, window_loss, own_funds;
    bs_i128 cleared_lots, cleared_value; /* by the final steps of this settlement: their sums */
    bs_i128 fund_least;      /* equity that draws leave: the floor, or the drawdown's threshold */
    bool fund_restricted;    /* when the settlement began: it pays nothing */
    bool fund_cut;           /* a draw was cut short by the drawdown: from then on nothing */
    bool has_budgets;        /* some market of the pool has one, or a fund of its own */
    uint32_t draw_reference; /* of the check: the case whose draws it sees, and */
    bs_i128 draw_paid;       /* what it has seen of them */
    bs_i128 fund_checked;    /* paid in the steps that the check has seen */
    bs_i128 fund_paid;   /* by the insurance layer in this settlement, against max_per_settlement */
    uint32_t legs_split; /* numbers the legs that were split, and */
    uint32_t rounds_split;           /* the rounds of the splits */
    uint32_t excluded_count;         /* pairs in scratch->excluded */
    uint32_t volunteers_count;       /* in scratch->volunteers */
    uint32_t positions;              /* of all pools, as planned */
    const struct bs_close *reversed; /* what reversal steps take back */
    uint32_t backstop_positions; /* the backstop account holds after this plan: set by the check */
    bool overflow;               /* an amount left its range: the check refuses the plan */
    bool inverse;                /* the pool has an inverse market */
};

/* A payer of a division, in quanta: gain > 0, the others >= 0. */
struct bs_payer {
    uint32_t account;
    bool last; /* without a weight of its own: pays after the others, by its cap */
    bool done; /* it has its share */
    bool has_prefix;
    uint32_t round; /* + 1: of the share */
    bs_i128 gain, weight, cap;
    bs_i128 share, prefix; /* of the window's loss: see window.c */
};

/* Where a division of the period loss stands: see bs_divide_next. */
struct bs_division {
    uint32_t market; /* under scope market or side: the one in hand, 0 at the begin */
    uint8_t side;
    bool markets_done;
};

enum bs_phase {
    BS_PHASE_FINAL,
    BS_PHASE_DETECT,
    BS_PHASE_CASES,
    BS_PHASE_FUND,
    BS_PHASE_DIVIDE,
    BS_PHASE_RESTITUTE,
    BS_PHASE_DONE
};

/* A leg of an account being deleveraged. */
struct bs_adl_leg {
    uint32_t market;
    uint32_t order; /* by market name */
    int64_t size;
    bs_i128 profit;
    bs_i128 weight;
};

/* A counterparty that an account is not closed against in this settlement. */
struct bs_excluded {
    uint32_t account, counterparty, market;
};

/* Of the check: the account whose legs are being closed, and the leg in hand. */
struct bs_pricing {
    uint32_t reference; /* case + 1; 0 = none */
    uint32_t count, at; /* legs; the one in hand */
    bool at_mark, protect;
    bs_i128 equity;      /* before the first close */
    bs_i128 total, left; /* weights of all legs, and of those after the one in hand */
    struct bs_piecewise price;
    int64_t done; /* lots */
};

/* A provider in a settlement whose waterfall asks it. */
struct bs_volunteer {
    uint32_t row;               /* of engine->providers */
    uint8_t full;               /* bit 0: takes not a lot of any long, 1: of any short */
    uint32_t changes;           /* of its account when that was found out */
    struct bs_provider_use use; /* what it took, as planned */
};

/* A leg that volunteers are asked to take over. */
struct bs_offer {
    uint32_t account, market;
    int64_t size;      /* what is left of it, signed */
    bs_i128 cost_left; /* spreads that may still be paid */
};

/* Of the check: the account whose legs are being assigned, and who is to be asked next. */
struct bs_assigning {
    uint32_t reference; /* case + 1; 0 = none */
    uint32_t legs_count, leg;
    uint32_t place;
    struct bs_offer offer;
};

struct bs_scratch {
    struct bs_step *steps;
    struct bs_case *cases;
    struct bs_leg_weight *weights;
    struct bs_round *rounds;
    struct bs_working *working;    /* rows 1.. */
    struct bs_account_past *pasts; /* by working row */
    struct bs_working_position *working_positions;
    struct bs_rankings rankings;
    struct bs_payer *payers;
    bs_i128 *market_loss; /* by market * 2 + side of the payers: the part of the period loss that is
                             theirs; all 0 between */
    uint8_t *market_sides; /* by market: bit 0 longs, bit 1 shorts; all 0 between */
    int64_t *budget_planned, *budget_checked; /* by market: used, while there are budgets */
    int64_t *own_funds;                       /* by market, likewise; of the working copies */
    bs_i128 *market_sizes;                    /* by market: for the check; all 0 between */
    struct bs_leg_weight *leg_weights;        /* of one account */
    struct bs_adl_leg *adl_legs;              /* of one account */
    struct bs_adl_leg *priced_legs;           /* of one account, for the check */
    struct bs_pricing pricing;
    struct bs_assigning assigning;
    struct bs_volunteer *volunteers; /* in the order in which they are asked */
    struct bs_excluded *excluded;    /* of the settlement in hand */
    uint32_t steps_max, cases_max, weights_max, rounds_max, working_max, working_positions_max;
    struct bs_plan plan; /* of the settlement in hand */
    /* The settlement in hand: settle.h. */
    uint8_t phase;    /* enum bs_phase: what the next chunk begins with */
    bool publishing;  /* between bs_settle and the end of the settlement */
    bool planned;     /* a checked chunk is being published */
    bool numbered;    /* the settlement has its number */
    bool period_ends; /* with this settlement */
    uint32_t applied; /* steps of the chunk already published */
    struct bs_division division;
    uint32_t final_market, final_at;     /* 0 = no final settlement; the next place in the order */
    bs_i128 cleared_lots, cleared_value; /* by the chunks already applied */
    struct bs_settlement summary;
};

void bs_plan_begin(struct bs_plan *plan, const struct bs_engine *engine, uint32_t pool,
                   int64_t now_ms);
/* Adds a step and carries it out on the working copies. */
void bs_plan_add(struct bs_plan *plan, const struct bs_step *step);
/* Carries a step out on the working copies. */
void bs_plan_carry(struct bs_plan *plan, const struct bs_step *step);
/* Forgets the working copies (the engine's touch marks); the steps stay. */
void bs_plan_reset_working(struct bs_plan *plan);
/* Verifies the plan from the untouched state: conservation, no over-close, no sign flip, caps,
 * minimality. False: nothing may be applied. */
BS_MUST_USE bool bs_plan_check(struct bs_plan *plan);

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
/* What is remembered of the account; the second makes a working copy, to be changed. */
const struct bs_account_past *bs_plan_past(const struct bs_plan *plan, uint32_t account);
struct bs_account_past *bs_plan_touch_past(struct bs_plan *plan, uint32_t account);
/* Size 0 when the account holds nothing there. */
struct bs_leg bs_plan_leg(const struct bs_plan *plan, uint32_t account, uint32_t market);
bs_i128 bs_plan_value(const struct bs_plan *plan, uint32_t market, int64_t lots);
/* What a position of `size` loses of its value at mark when `lots` of it are closed. (An inverse
 * value is rounded, so that this is not always the value of `lots`.) */
bs_i128 bs_plan_released(const struct bs_plan *plan, uint32_t market, int64_t size, int64_t lots);
/* Value at mark less entry value of a leg. */
bs_i128 bs_plan_profit(const struct bs_plan *plan, uint32_t market, const struct bs_leg *leg);

#endif
