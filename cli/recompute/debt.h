/* SPDX-License-Identifier: Apache-2.0 */
/* The debt that is being resolved: an account's deficit, what the fund paid of it, who bore it. */
#ifndef CLI_RECOMPUTE_DEBT_H
#define CLI_RECOMPUTE_DEBT_H

#include <stdbool.h>

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
    json_t *action; /* the first one about it; owned. NULL: none is being resolved */
    bs_i128 deficit, drawn, borne;
    json_t *legs;       /* by market, once some are closed; owned */
    struct share share; /* of the last leg */
    bs_i128 begun;      /* borne before the first leg */
    bs_i128 prefix;     /* weights up to the last leg that was closed */
    bs_i128 weights;    /* of all legs seen */
    enum weight_basis basis;
};

/* Begins the debt that the action gives as its reason, unless it is the one being resolved, which
 * else ends. False: that one does not fit. */
bool debt_begin(struct recompute *recompute, json_t *action);
/* Adds what the action draws from a fund, and what it takes off the debt. False: its reason is not
 * that of the debt. */
bool debt_bear(struct recompute *recompute, const json_t *action, bs_i128 drawn, bs_i128 borne);
/* Ends the debt being resolved, if there is one. */
bool debt_end(struct recompute *recompute);
void debt_fini(struct debt *debt);

#endif
