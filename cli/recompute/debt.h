/* SPDX-License-Identifier: Apache-2.0 */
/* The debts of a settlement: an account's deficit, what the fund paid of it, who bore it. Where sides are
 * closed together, those of several accounts are resolved at a time. */
#ifndef CLI_RECOMPUTE_DEBT_H
#define CLI_RECOMPUTE_DEBT_H

#include <stdbool.h>

#include "api/buffer.h"
#include "cli/member.h"
#include "lib/base/base.h"

struct recompute;

/* A part of an amount, by prefix differences: weight after weight. */
struct share {
    bs_i128 amount, total, prefix, weight;
};

/* How the legs of a debt are weighed. */
enum weight_basis { BY_MAINTENANCE, BY_VALUE, BY_LOTS, BY_OTHER };

struct debt {
    json_t *action; /* the first one about it; owned */
    bs_i128 deficit, drawn, borne;
    bool is_paid_known; /* some action has named it: */
    bs_i128 paid;       /* by the fund; else 0 */
    json_t *legs;       /* by market, once some are closed; owned */
    struct share share; /* of the last leg */
    bs_i128 begun;      /* borne before the first leg */
    bs_i128 prefix;     /* weights up to the last leg that was closed */
    bs_i128 weights;    /* of all legs seen */
    enum weight_basis basis;
};

/* The debts of the settlement; the one that the current action is about. */
struct debts {
    struct buffer rows; /* struct debt * */
    json_t *places;     /* by debtor: its row; owned */
    struct debt *now;   /* NULL: none yet */
    bool is_fund_asked; /* some reason names what the fund paid */
};

/* Moves on to the debt that the action gives as its reason. False: there is no memory for it. */
bool debt_begin(struct recompute *recompute, json_t *action);
/* Adds what the action draws from a fund, and what it takes off the debt. False: its reason is not
 * that of the debt. */
bool debt_bear(struct recompute *recompute, const json_t *action, bs_i128 drawn, bs_i128 borne);
/* Ends all debts. False: one does not fit. */
bool debts_end(struct recompute *recompute);
void debts_fini(struct debts *debts);

#endif
