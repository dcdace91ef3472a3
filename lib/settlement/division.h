/* SPDX-License-Identifier: Apache-2.0 */
/* A loss that is divided among payers, round by round: divide.h divides, payers.h charges. */
#ifndef BS_DIVISION_H
#define BS_DIVISION_H

#include "lib/money/money.h"

#define BS_BOTH_SIDES 2

/* One round of a division: the numbers that prove every share. */
struct bs_round {
    bs_i128 loss, total; /* L and G: what is divided, and the sum of the weights */
    uint32_t market;     /* 0 = the whole pool */
    uint8_t side;        /* of the payers: 0 long, 1 short, BS_BOTH_SIDES */
    uint8_t basis;       /* enum bs_basis */
    uint8_t age;         /* of the gains: seniority.h */
};

/* A payer of a division, in quanta: gain > 0, the others >= 0. */
struct bs_payer {
    uint32_t account;
    bool last; /* without a weight of its own: pays after the others, by its cap */
    bool done; /* it has its share */
    bool has_prefix;
    uint32_t round; /* of the share: row of plan->rounds */
    bs_i128 gain, weight, cap;
    bs_i128 share, prefix; /* under window_gain: of the window's loss */
};

/* Where a division of the period loss stands. */
struct bs_division {
    uint32_t market; /* under scope market or side: the current one; 0 before the first */
    uint8_t side;
    bool markets_done;
};

#endif
