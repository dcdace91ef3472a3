/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The parts of a waterfall. Each reads the state through the plan and adds steps to it; none of
 * them writes to the engine. A case's `owed` is what its debt still is after the step.
 */
#ifndef BS_LAYERS_H
#define BS_LAYERS_H

#include "lib/settlement/plan.h"

/* First layer of a type in the plan's policy, or NULL. */
const struct bs_layer *bs_layer_of(const struct bs_plan *plan, uint8_t type);

/* netting.c: insolvent accounts on opposite sides close against each other at mark. */
void bs_net(struct bs_plan *plan);

/* budget.c: budgets and own funds of markets; `used` by market is scratch->budget_planned or
 * budget_checked. */
void bs_budgets_begin(struct bs_plan *plan);       /* of a settlement */
void bs_budgets_check_begin(struct bs_plan *plan); /* of a chunk */
void bs_own_funds_load(struct bs_plan *plan);      /* the engine's into the working copies */
/* What of `owed` by a case the own fund of the market of its leg i pays within its budget, whatever
 * its own_fund_balance; 0 without an own fund. */
bs_i128 bs_own_part(const struct bs_plan *plan, const struct bs_case *c, bs_i128 owed, uint32_t i,
                    const int64_t *used);
/* What of `owed` by a case the markets' budgets let the pool's fund pay. */
bs_i128 bs_budget_allows(const struct bs_plan *plan, const struct bs_case *c, bs_i128 owed,
                         const int64_t *used);
/* Counts a payment towards `owed`. */
void bs_budget_pay(const struct bs_plan *plan, const struct bs_case *c, bs_i128 owed, bs_i128 paid,
                   int64_t *used);
void bs_budgets_write(struct bs_engine *engine, const struct bs_plan *plan); /* a checked chunk's */
void bs_budgets_renew(struct bs_engine *engine, uint32_t pool);              /* with the period */

/* insurance.c */
bs_i128 bs_fund_equity(const struct bs_plan *plan);    /* without what is kept for markets */
bs_i128 bs_fund_available(const struct bs_plan *plan); /* >= 0, without that */
/* What of `wanted` the fund pays; counts it, and notices when the drawdown cut it short. */
bs_i128 bs_fund_pays(struct bs_plan *plan, bs_i128 wanted);
/* Whether a draw is within every limit of the fund, carried out by the check before it asks. */
BS_MUST_USE bool bs_draw_is_allowed(struct bs_plan *plan, const struct bs_step *step, bs_i128 owed);
void bs_layer_insurance(struct bs_plan *plan, uint32_t case_row);
/* All positions the account still has move to the backstop account at mark. */
void bs_takeover(struct bs_plan *plan, uint32_t case_row);

/* The venue could not apply the last close of the two in the market: it would be chosen again. */
bool bs_are_apart(const struct bs_plan *plan, uint32_t account, uint32_t counterparty,
                  uint32_t market);

/* adl.c: closes the case's positions against the ranked counterparties. `at_mark`: nothing is
 * taken; else at the bankruptcy price, which takes what is owed. */
void bs_layer_adl(struct bs_plan *plan, uint32_t case_row, const struct bs_layer *layer,
                  bool at_mark);

/* The account's legs in closing order; the sum of their weights. Returns how many. */
uint32_t bs_adl_legs(struct bs_plan *plan, uint32_t account, struct bs_adl_leg *legs,
                     bs_i128 *ret_total);

/* tight.c: whether a close is for the one amount that is right: see there. Asked before the step is
 * carried out, of every close in its order. */
BS_MUST_USE bool bs_close_is_tight(struct bs_plan *plan, const struct bs_step *step);

/* What of its account's debt a leg carries: the difference of ceil(amount * sum / total), the sum
 * of the weights without and with its own. */
struct bs_leg_share {
    bs_i128 amount, total, prefix, weight;
};
/* tight.c: of the leg that a close is of; asked as above, once scratch->pricing.reference is 0. */
struct bs_leg_share bs_close_share(struct bs_plan *plan, const struct bs_step *step);

/* final.c: closes the market's position of the next account from place *at of the order of ids on,
 * and moves *at; after the last one the dust. False: the market is through. */
bool bs_final_next(struct bs_plan *plan, uint32_t market, uint32_t *at);

/* restitution.c: the fund pays claims back, if it can and nothing is open. */
bool bs_restitution_due(const struct bs_plan *plan);
void bs_restitute(struct bs_plan *plan);

/* window.c: divides all that the open window's payers bear anew, `paid_back` of it by the fund. */
bool bs_window_due(const struct bs_plan *plan); /* at a period's end, without a new loss */
/* What the fund may pay of it: what is not with accounts that are left out. */
bs_i128 bs_window_payable(const struct bs_plan *plan);
void bs_window_divide(struct bs_plan *plan, bs_i128 paid_back);

/* haircut.c */
/* What the layer divides by: without an open window the gain of the period stands for its. */
uint8_t bs_basis_in_force(const struct bs_plan *plan, const struct bs_layer *haircut);
/* The debt of a case becomes period loss; without a haircut layer, unallocated deficit. */
void bs_write_off(struct bs_plan *plan, uint32_t case_row);
/* Weights of an account's legs for sharing a debt: maintenance; when all are zero, value at mark;
 * when all are zero, lots. Rows in market-name order; returns how many. */
uint32_t bs_leg_weights(const struct bs_plan *plan, uint32_t account, struct bs_leg_weight *rows);
/* Divides the open period loss among the payers. One call divides one market's or the pool's part;
 * call until it returns false. */
bool bs_divide_next(struct bs_plan *plan, struct bs_division *division);

#endif
