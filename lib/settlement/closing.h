/* SPDX-License-Identifier: Apache-2.0 */
/* One leg being closed against counterparties: what deleverage.c hands to the ways of placing its
 * lots. */
#ifndef BS_CLOSING_H
#define BS_CLOSING_H

#include "lib/rules/exact_price.h"
#include "lib/settlement/plan.h"
#include "lib/settlement/queue.h"

struct bs_closing {
    struct bs_plan *plan;
    uint32_t debtor_row;
    uint32_t account;
    uint32_t market;
    uint8_t counter_side; /* 0: the counterparties are long */
    bool at_mark;         /* nothing is taken */
    bool protect;         /* no counterparty is closed worse than at its entry */
    bool is_long;         /* of the closing account */
    struct bs_piecewise price;
    int64_t done; /* lots */
    /* Of the current candidate of a split, as in its step: what its lots were a part of. */
    struct bs_split_share split;
};

/* Closes up to `wanted` lots against one candidate; returns how many it was. */
int64_t bs_close_against(struct bs_closing *closing, const struct bs_candidate *candidate,
                         uint32_t rank, int64_t wanted);

#endif
