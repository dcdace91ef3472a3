/* SPDX-License-Identifier: Apache-2.0 */
/* One leg being closed against counterparties: what adl.c hands to the ways of placing its lots. */
#ifndef BS_CLOSING_H
#define BS_CLOSING_H

#include "lib/settlement/close_price.h"
#include "lib/settlement/layers.h"

struct bs_closing {
    struct bs_plan *plan;
    uint32_t case_row;
    uint32_t account;
    uint32_t market;
    uint8_t counter_side; /* 0: the counterparties are long */
    bool at_mark;         /* nothing is taken */
    bool protect;         /* and the price is the bankruptcy price */
    bool is_long;         /* of the closing account */
    struct bs_piecewise price;
    int64_t done; /* lots */
    /* Of the candidate in hand of a split, as in its step: what its lots were a part of. */
    bs_i128 parted, total, prefix;
};

/* closing.c: closes up to `wanted` lots against one candidate; returns how many it was. */
int64_t bs_close_against(struct bs_closing *closing, const struct bs_candidate *candidate,
                         uint32_t rank, int64_t wanted);

/* split.c: places the leg's lots without an order: by size (pro_rata) or from the most levered down
 * (leverage_water_fill), tier by tier, but at mark to one level of those in profit and not; what a
 * clamp refuses is split again. */
void bs_place_split(struct bs_closing *closing);

#endif
