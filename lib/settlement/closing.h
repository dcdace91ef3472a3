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
    uint32_t account; /* 0: a side closed together, whose price is `price` from the first lot on */
    uint32_t market;
    uint8_t counter_side; /* 0: the counterparties are long */
    bool at_mark;         /* nothing is taken */
    bool protect;         /* no counterparty is closed worse than at its entry */
    bool is_long;         /* of the closing account */
    struct bs_piecewise price;
    int64_t done; /* lots */
};

/* Whether the account may be closed at all: it holds something on the other side, and may be asked. */
bool bs_closing_may_ask(const struct bs_closing *closing, uint32_t account);
/* Of the next `wanted` lots the most that the account, which may be asked, bears; and their value. */
int64_t bs_closing_most(const struct bs_closing *closing, uint32_t account, int64_t wanted,
                        bs_i128 *ret_value);

/* Closes up to `wanted` lots against one candidate; returns how many it was. */
int64_t bs_close_against(struct bs_closing *closing, const struct bs_candidate *candidate,
                         uint32_t rank, int64_t wanted);

#endif
