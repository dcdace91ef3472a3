/* SPDX-License-Identifier: Apache-2.0 */
/* The check's own state, apart from what the plan counts, so that it sees what the plan did. */
#ifndef BS_CHECKING_H
#define BS_CHECKING_H

#include "lib/rules/exact_price.h"
#include "lib/settlement/offer.h"

struct bs_closing_leg;

/* The account whose legs are being closed, and the current leg: pricing.h. */
struct bs_pricing {
    uint32_t debtor;    /* row + 1; 0 = none */
    uint32_t count, at; /* legs; the current one */
    bool at_mark, protect;
    bs_i128 equity;      /* before the first close */
    bs_i128 total, left; /* weights of all legs, and of those after the current one */
    struct bs_piecewise price;
    int64_t done; /* lots */
};

/* The account whose legs are being assigned, and the provider that is asked next: assigning.h. */
struct bs_assigning {
    uint32_t debtor; /* row + 1; 0 = none */
    uint32_t legs_count, leg;
    uint32_t place;
    struct bs_offer offer;
};

struct bs_check {
    struct bs_pricing pricing;
    struct bs_assigning assigning;
    uint32_t debtors_done;       /* resolved by plans already applied */
    uint32_t draw_debtor;        /* row + 1 of the debtor whose draws it sees, and */
    bs_i128 draw_paid;           /* what it has seen of them */
    bs_i128 fund_paid;           /* by the pool's fund in all steps of the settlement so far */
    struct bs_closing_leg *legs; /* of `pricing` or `assigning` */
    int64_t *budget_used;        /* by market, while there are budgets */
    bs_i128 *market_sizes;       /* by market; all 0 between checks */
};

#endif
