/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A market side whose debtors were closed together: their closes, then one adl for each counterparty. With
 * N / D the price, at most W / X, a counterparty gives ceil(N*(P+q)/D) - ceil(N*P/D), or what leaves a
 * protected one a profit of 0. What is not borne of W the debtors go without, by what is above their
 * values at mark, or by lots where none is.
 *
 * Debtors are reached by deficit, then by name; only the last one may be closed in part.
 */
#ifndef CLI_RECOMPUTE_SIDE_H
#define CLI_RECOMPUTE_SIDE_H

#include <stdbool.h>

#include "api/buffer.h"
#include "cli/member.h"
#include "cli/recompute/debt.h"
#include "lib/base/base.h"

struct close;
struct recompute;

struct side {
    json_t *first;         /* the close of its first debtor; owned. NULL: none is closed */
    json_t *last;          /* the close of the debtor reached last; owned */
    json_t *reached;       /* market and side -> likewise, of sides that have ended too; owned */
    struct buffer debtors; /* struct side_debtor */
    bool is_inverse;       /* values at mark are rounded */
    bs_i128 placed, due;   /* X and W */
    bs_i128 value, lots;   /* N and D; lots 0: no counterparty yet */
    bs_i128 given, borne;  /* lots and amounts of the counterparties */
    struct buffer rounds;  /* of the split: struct side_round */
    bool not_by_size;      /* some share is of equity, or was not closed in full */
};

/* A close of a debtor; one with a counterparty of its own is none of a side. `without`: what it got less
 * than it was due. */
bool side_take_debtor(struct recompute *recompute, json_t *action, const struct close *close,
                      bs_i128 without);
/* The share of lots that an adl of the side shows; `is_exact`: it is by size, and so many were closed.
 * False: it overlaps with another one of its round. */
bool side_take_share(struct side *side, uint64_t tier, const struct share *share, bool is_exact);
/* An adl without a counterparty. */
bool side_take_counterparty(struct recompute *recompute, json_t *action);
/* Whether the fund may take over what the action shows: no debtor after it was reached. */
bool side_may_leave(struct recompute *recompute, const json_t *action);
/* Ends the side, if one is being closed. False: it does not add up. */
bool side_end(struct recompute *recompute);
void side_fini(struct side *side);
/* Whether the close is one of a side. */
bool side_has(const json_t *action);

#endif
