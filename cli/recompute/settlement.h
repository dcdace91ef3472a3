/* SPDX-License-Identifier: Apache-2.0 */
/* The sums of a settlement, which its row must show; and the ledger of the pool. */
#ifndef CLI_RECOMPUTE_SETTLEMENT_H
#define CLI_RECOMPUTE_SETTLEMENT_H

#include <stdbool.h>

#include "cli/member.h"
#include "lib/base/base.h"

struct recompute;

/* Amounts in quanta of the pool. */
struct settlement {
    uint64_t number; /* 0: none yet */
    uint64_t first, last;
    uint64_t closes, payers, assignments, debtors;
    bs_i128 deficit, fund_paid, deleveraged, haircuts, unallocated, spreads;
    bs_i128 dust;     /* closes of inverse contracts: each may be rounded by a quantum */
    bool is_whole;    /* it was seen from its first action on */
    bool is_compared; /* with its row */
};

/* What is open: the loss of the period, and the deficit that nobody could bear. */
struct ledger {
    bs_i128 loss, unallocated;
};

/* Begins another settlement when the action is of another one. */
void settlement_follow(struct recompute *recompute, const json_t *action);
bool settlement_is_due(const struct recompute *recompute, const json_t *next_action);
bool settlement_compare(struct recompute *recompute, const json_t *row);
/* Moves the ledger; false when it goes below 0. */
bool ledger_move(struct recompute *recompute, bs_i128 loss, bs_i128 unallocated);

#endif
